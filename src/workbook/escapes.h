/* How OOXML writes characters that XML cannot hold: _x000D_ is one. */
#ifndef ICRM_WORKBOOK_ESCAPES_H
#define ICRM_WORKBOOK_ESCAPES_H

#include "core/buf.h"

/* Append `text` with its escapes decoded, from left to right and each once
 * (so that _x005F_x000D_ is the text _x000D_); pairs of surrogates become one
 * character. What would be no text (NUL, half a pair) stays as it is. */
void icrm_escapes_decode(const char *text, size_t len, struct icrm_buf *out);

/* Append `text`, which is UTF-8, so that it can stand in XML and decodes to
 * itself; but for line ends, which all become LF, as table programs have
 * them. */
void icrm_escapes_encode(const char *text, size_t len, struct icrm_buf *out);

#endif
