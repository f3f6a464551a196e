/*
 * Numbers of JSON that a double does not hold as they are written.
 */
#ifndef ICRM_TEXT_JSON_NUMBERS_H
#define ICRM_TEXT_JSON_NUMBERS_H

#include "core/buf.h"

/* Copy a JSON text to `out`, each such number as a string: those of more than
 * 15 digits, and with zeros at the end of their fraction. Returns false, and
 * writes nothing, when there is none. */
bool icrm_json_quote_numbers(const char *text, size_t len,
                             struct icrm_buf *out);

#endif
