#include "text/json_text.h"

#include <stdbool.h>
#include <string.h>

static bool is_special(char c) {
  unsigned char byte = (unsigned char)c;
  return byte < 0x20 || byte == '"' || byte == '\\' || byte == '/' ||
         byte == 0x7F;
}

/* Copy up to the first byte that needs an escape; returns where that is. */
static const char *copy_plain(char **out, const char *at, const char *end) {
  char *to = *out;
  while (end - at >= 8) {
    bool found = false;
    for (int i = 0; i < 8; i++)
      found |= is_special(at[i]);
    if (found)
      break;
    memcpy(to, at, 8);
    to += 8;
    at += 8;
  }
  while (at < end && !is_special(*at))
    *to++ = *at++;
  *out = to;
  return at;
}

static char *put_escaped(char *out, unsigned char byte) {
  static const char names[] = "\"\\/\b\f\n\r\t", letters[] = "\"\\/bfnrt";
  static const char digits[] = "0123456789abcdef";
  const char *name = byte ? strchr(names, byte) : NULL;
  *out++ = '\\';
  if (name) {
    *out++ = letters[name - names];
    return out;
  }
  memcpy(out, "u00", 3);
  out[3] = digits[byte >> 4];
  out[4] = digits[byte & 15];
  return out + 5;
}

char *icrm_json_put_string(char *out, const char *bytes, size_t len) {
  const char *at = bytes, *end = bytes + len;
  *out++ = '"';
  while ((at = copy_plain(&out, at, end)) < end)
    out = put_escaped(out, (unsigned char)*at++);
  *out++ = '"';
  return out;
}
