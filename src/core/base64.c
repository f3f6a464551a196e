#include "core/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void icrm_base64_encode(struct icrm_buf *out, const void *bytes, size_t len) {
  const unsigned char *in = bytes;
  for (size_t i = 0; i < len; i += 3) {
    const size_t n = len - i < 3 ? len - i : 3;
    const uint32_t group = (uint32_t)in[i] << 16 |
                           (n > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                           (n > 2 ? (uint32_t)in[i + 2] : 0);
    const char four[4] = {
        alphabet[group >> 18],
        alphabet[group >> 12 & 63],
        n > 1 ? alphabet[group >> 6 & 63] : '=',
        n > 2 ? alphabet[group & 63] : '=',
    };
    icrm_buf_add(out, four, sizeof four);
  }
}

/* The six bits of a character, -1 when it is none of the alphabet. */
static int value_of(char c) {
  const char *at = c ? strchr(alphabet, c) : NULL;
  return at ? (int)(at - alphabet) : -1;
}

/* Append the whole bytes of `count` characters collected in `group`. */
static void flush(struct icrm_buf *out, uint32_t group, int count) {
  group <<= 6 * (4 - count);
  for (int i = 0; i < count - 1; i++)
    icrm_buf_add_byte(out, (char)(group >> (16 - 8 * i) & 255));
}

int icrm_base64_decode(struct icrm_buf *out, const char *text, size_t len,
                       struct icrm_error *err) {
  uint32_t group = 0;
  int count = 0;
  size_t i = 0;
  for (; i < len && text[i] != '='; i++) {
    if (strchr(" \t\r\n", text[i]) && text[i])
      continue;
    const int six = value_of(text[i]);
    if (six < 0)
      return icrm_error_set(err, ICRM_ERROR_DECODE,
                            "byte %zu is not base64 text", i + 1);
    group = group << 6 | (uint32_t)six;
    if (++count == 4) {
      flush(out, group, count);
      group = 0;
      count = 0;
    }
  }
  for (; i < len; i++)
    if (!strchr("= \t\r\n", text[i]) || !text[i])
      return icrm_error_set(err, ICRM_ERROR_DECODE,
                            "byte %zu follows the end of the base64 text",
                            i + 1);
  if (count == 1)
    return icrm_error_set(err, ICRM_ERROR_DECODE, "the base64 text is cut off");
  if (count > 0)
    flush(out, group, count);
  return 0;
}
