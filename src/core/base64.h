/*
 * Base64 (RFC 4648 section 4), as attachments travel.
 */
#ifndef ICRM_CORE_BASE64_H
#define ICRM_CORE_BASE64_H

#include "core/buf.h"
#include "core/error.h"

#include <stdint.h>
#include <sys/types.h>

/* Characters of the padded encoding of `len` bytes. */
#define ICRM_BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* Write the padded encoding of `len` bytes to `to`, which has room for
 * ICRM_BASE64_LEN(len); no NUL, no line breaks. Returns its end. */
char *icrm_base64_put(char *to, const void *bytes, size_t len);

/* Append the padded encoding of `len` bytes, without line breaks. */
void icrm_base64_encode(struct icrm_buf *out, const void *bytes, size_t len);

/* Append the decoded bytes. White space between characters is skipped; padding
 * may be missing at the end. Returns 0, or -1 (kind decode) with the place of
 * the first character that is wrong. */
int icrm_base64_decode(struct icrm_buf *out, const char *text, size_t len,
                       struct icrm_error *err);

/* Decodes a text that comes in pieces; all zero at its beginning. */
struct icrm_base64_decoder {
  uint32_t group; /* of the characters that wait for a fourth, */
  int count;      /* ... and their number */
  bool is_padded; /* padding was seen: nothing may follow */
  uint64_t at;    /* characters read */
};

/* Decode the next `len` characters to `out`, which has room for len + 3 bytes
 * (three quarters of it are used). Returns the number of bytes, or -1 as
 * icrm_base64_decode does. */
ssize_t icrm_base64_piece(struct icrm_base64_decoder *decoder, const char *text,
                          size_t len, unsigned char *out,
                          struct icrm_error *err);

/* After the last piece: the rest of the bytes, two at most. */
ssize_t icrm_base64_end(struct icrm_base64_decoder *decoder, unsigned char *out,
                        struct icrm_error *err);

#endif
