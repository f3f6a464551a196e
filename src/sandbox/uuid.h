/* The cbuuid that coreBOS gives each record beside its id: 40 hexadecimal
 * digits, here made from the record's number and read back. */
#ifndef ICRM_SANDBOX_UUID_H
#define ICRM_SANDBOX_UUID_H

#include <stdint.h>

enum { SB_UUID_SIZE = 41 };

void sb_uuid_make(int64_t number, char uuid[SB_UUID_SIZE]);

/* The number that a text was made from, 0 when it is no cbuuid. */
int64_t sb_uuid_number(const char *text);

#endif
