/*
 * Base64 (RFC 4648 section 4), as attachments travel.
 */
#ifndef ICRM_CORE_BASE64_H
#define ICRM_CORE_BASE64_H

#include "core/buf.h"
#include "core/error.h"

/* Append the padded encoding of `len` bytes, without line breaks. */
void icrm_base64_encode(struct icrm_buf *out, const void *bytes, size_t len);

/* Append the decoded bytes. White space between characters is skipped; padding
 * may be missing at the end. Returns 0, or -1 (kind decode) with the place of
 * the first character that is wrong. */
int icrm_base64_decode(struct icrm_buf *out, const char *text, size_t len,
                       struct icrm_error *err);

#endif
