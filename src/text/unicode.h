/*
 * Unicode's own notions of texts that are the same to a reader: composed and
 * decomposed letters, case, blanks and signs without a form.
 */
#ifndef ICRM_TEXT_UNICODE_H
#define ICRM_TEXT_UNICODE_H

#include "core/buf.h"

/* Append `text` in its composed form (NFC). Returns false, and appends nothing,
 * when it is not UTF-8 or memory ran out. */
bool icrm_unicode_compose(const char *text, size_t len, struct icrm_buf *out);

/* Append `text` as it is compared: without case, accents, and signs without a
 * form; wide, narrow and joined letters as plain ones. Returns false as above.
 */
bool icrm_unicode_fold(const char *text, size_t len, struct icrm_buf *out);

/* The part of a text between its outer blanks: all that Unicode calls a space,
 * a line end or a control, and signs without a form, such as a zero-width
 * space. Bytes that are not UTF-8 are no blanks. `*len` becomes its length. */
const char *icrm_unicode_trim(const char *text, size_t *len);

#endif
