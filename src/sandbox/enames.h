/* What coreBOS adds to a record: its cbuuid, and beside each reference that is
 * filled a table of what is referred to, `account_idename`. */
#ifndef ICRM_SANDBOX_ENAMES_H
#define ICRM_SANDBOX_ENAMES_H

#include "sandbox/call.h"

/* Append the cbuuid of a record. */
void sb_enames_add_uuid(struct sb_call *call, const struct sb_module *module,
                        int64_t number);

/* Append the tables of the current row, whose columns are the module's fields.
 */
void sb_enames_add(struct sb_call *call, const struct sb_module *module,
                   struct sb_rows *rows);

#endif
