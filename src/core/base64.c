#include "core/base64.h"

#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *icrm_base64_put(char *to, const void *bytes, size_t len) {
  const unsigned char *in = bytes;
  for (; len >= 3; len -= 3, in += 3) {
    *to++ = alphabet[in[0] >> 2];
    *to++ = alphabet[(in[0] & 3) << 4 | in[1] >> 4];
    *to++ = alphabet[(in[1] & 15) << 2 | in[2] >> 6];
    *to++ = alphabet[in[2] & 63];
  }
  if (len == 0)
    return to;
  const unsigned second = len > 1 ? in[1] : 0;
  *to++ = alphabet[in[0] >> 2];
  *to++ = alphabet[(in[0] & 3u) << 4 | second >> 4];
  *to++ = len > 1 ? alphabet[(second & 15) << 2] : '=';
  *to++ = '=';
  return to;
}

void icrm_base64_encode(struct icrm_buf *out, const void *bytes, size_t len) {
  char *begin = icrm_buf_room(out, ICRM_BASE64_LEN(len));
  if (begin)
    icrm_buf_wrote(out, (size_t)(icrm_base64_put(begin, bytes, len) - begin));
}

enum { SPACE = 64, PAD = 65, WRONG = 66 };

/* The six bits of an ASCII character, or what else it is. */
static const unsigned char values[128] = {
    66, 66, 66, 66, 66, 66, 66, 66, 66, 64, 64, 66, 66, 64, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 64, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 62, 66, 66, 66, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60,
    61, 66, 66, 66, 65, 66, 66, 66, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
    11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 66, 66, 66, 66,
    66, 66, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42,
    43, 44, 45, 46, 47, 48, 49, 50, 51, 66, 66, 66, 66, 66,
};

static unsigned value_of(unsigned char c) {
  return c < 128 ? values[c] : WRONG;
}

static int refuse(const struct icrm_base64_decoder *decoder,
                  struct icrm_error *err) {
  return icrm_error_set(err, ICRM_ERROR_DECODE,
                        decoder->is_padded
                            ? "byte %llu follows the end of the base64 text"
                            : "byte %llu is not base64 text",
                        (unsigned long long)decoder->at);
}

ssize_t icrm_base64_piece(struct icrm_base64_decoder *decoder, const char *text,
                          size_t len, unsigned char *out,
                          struct icrm_error *err) {
  unsigned char *to = out;
  for (size_t i = 0; i < len; i++) {
    const unsigned value = value_of((unsigned char)text[i]);
    decoder->at++;
    if (value == SPACE)
      continue;
    if (value == WRONG || (value < 64 && decoder->is_padded))
      return refuse(decoder, err);
    if (value == PAD) {
      decoder->is_padded = true;
      continue;
    }
    decoder->group = decoder->group << 6 | value;
    if (++decoder->count == 4) {
      *to++ = (unsigned char)(decoder->group >> 16 & 255);
      *to++ = (unsigned char)(decoder->group >> 8 & 255);
      *to++ = (unsigned char)(decoder->group & 255);
      decoder->count = 0;
    }
  }
  return to - out;
}

ssize_t icrm_base64_end(struct icrm_base64_decoder *decoder, unsigned char *out,
                        struct icrm_error *err) {
  const int count = decoder->count;
  if (count == 1)
    return icrm_error_set(err, ICRM_ERROR_DECODE, "the base64 text is cut off");
  const uint32_t group = decoder->group << 6 * (4 - count);
  for (int i = 0; i < count - 1; i++)
    out[i] = (unsigned char)(group >> (16 - 8 * i) & 255);
  return count > 0 ? count - 1 : 0;
}

int icrm_base64_decode(struct icrm_buf *out, const char *text, size_t len,
                       struct icrm_error *err) {
  struct icrm_base64_decoder decoder = {0};
  enum { CHUNK = 16384 };
  for (size_t at = 0; at < len; at += CHUNK) {
    const size_t n = len - at < CHUNK ? len - at : CHUNK;
    char *room = icrm_buf_room(out, n + 3);
    if (!room)
      return 0; /* `out` says so */
    const ssize_t made =
        icrm_base64_piece(&decoder, text + at, n, (unsigned char *)room, err);
    if (made < 0)
      return -1;
    icrm_buf_wrote(out, (size_t)made);
  }
  unsigned char rest[3];
  const ssize_t made = icrm_base64_end(&decoder, rest, err);
  if (made < 0)
    return -1;
  icrm_buf_add(out, rest, (size_t)made);
  return 0;
}
