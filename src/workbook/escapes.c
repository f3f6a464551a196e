#include "workbook/escapes.h"

#include <stdbool.h>
#include <string.h>

enum { ESCAPE = 7 }; /* the length of _xHHHH_ */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The unit that is escaped at `text`, -1 when none is. */
static long unit_at(const char *text, size_t len) {
  long unit = 0;
  if (len < ESCAPE || text[0] != '_' || text[1] != 'x' || text[6] != '_')
    return -1;
  for (int i = 2; i < 6; i++) {
    int digit = hex_digit(text[i]);
    if (digit < 0)
      return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

static void add_utf8(struct icrm_buf *out, unsigned long c) {
  if (c < 0x80) {
    icrm_buf_add_byte(out, (char)c);
    return;
  }
  int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  static const unsigned char lead[] = {0, 0xC0, 0xE0, 0xF0};
  icrm_buf_add_byte(out, (char)(lead[more] | (c >> (6 * more))));
  while (more-- > 0)
    icrm_buf_add_byte(out, (char)(0x80 | ((c >> (6 * more)) & 0x3F)));
}

/* Decode what begins at `text`; returns its length, 0 when it is no escape. */
static size_t decode_one(const char *text, size_t len, struct icrm_buf *out) {
  long unit = unit_at(text, len);
  if (unit <= 0)
    return 0;
  if (unit >= 0xD800 && unit <= 0xDFFF) {
    long low = unit <= 0xDBFF ? unit_at(text + ESCAPE, len - ESCAPE) : -1;
    if (low < 0xDC00 || low > 0xDFFF)
      return 0;
    add_utf8(out, 0x10000 + (((unsigned long)unit - 0xD800) << 10) +
                      ((unsigned long)low - 0xDC00));
    return 2 * ESCAPE;
  }
  add_utf8(out, (unsigned long)unit);
  return ESCAPE;
}

void icrm_escapes_decode(const char *text, size_t len, struct icrm_buf *out) {
  size_t from = 0;
  for (size_t at = 0; at < len;) {
    const char *next = memchr(text + at, '_', len - at);
    if (!next)
      break;
    at = (size_t)(next - text);
    icrm_buf_add(out, text + from, at - from);
    from = at;
    size_t used = decode_one(next, len - at, out);
    from += used;
    at += used ? used : 1;
  }
  icrm_buf_add(out, text + from, len - from);
}

/* Whether XML has no such character: U+FFFE and U+FFFF, a control. */
static bool is_outside_xml(const char *text, size_t len) {
  unsigned char c = (unsigned char)text[0];
  return (c < 0x20 && c != '\t') ||
         (len >= 3 && c == 0xEF && (unsigned char)text[1] == 0xBF &&
          (unsigned char)text[2] >= 0xBE);
}

/* Append what stands for the character at `text`; returns its length. */
static size_t encode_one(const char *text, size_t len, struct icrm_buf *out) {
  unsigned char c = (unsigned char)text[0];
  if (c == '\r' || c == '\n') {
    icrm_buf_add_byte(out, '\n');
    return len > 1 && c == '\r' && text[1] == '\n' ? 2 : 1;
  }
  if (c == '_') {
    icrm_buf_add_text(out, "_x005F_");
    return 1;
  }
  icrm_buf_addf(out, "_x%04X_",
                c < 0x20 ? c : 0xFF00u | (unsigned char)(text[2] | 0x40));
  return c < 0x20 ? 1 : 3;
}

void icrm_escapes_encode(const char *text, size_t len, struct icrm_buf *out) {
  size_t from = 0, at = 0;
  while (at < len) {
    bool is_escape = text[at] == '_' && unit_at(text + at, len - at) >= 0;
    if (!is_escape && !is_outside_xml(text + at, len - at)) {
      at++;
      continue;
    }
    icrm_buf_add(out, text + from, at - from);
    at += encode_one(text + at, len - at, out);
    from = at;
  }
  icrm_buf_add(out, text + from, len - from);
}
