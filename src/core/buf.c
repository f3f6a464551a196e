#include "core/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct icrm_buf *buf, size_t extra) {
  if (buf->failed)
    return false;
  if (extra >= (size_t)-1 - buf->len ||
      (buf->limit && buf->len + extra > buf->limit)) {
    buf->failed = true;
    return false;
  }
  size_t need = buf->len + extra + 1;
  if (need <= buf->cap)
    return true;
  size_t cap = buf->cap ? buf->cap : 64;
  while (cap < need)
    cap = cap > (size_t)-1 / 2 ? need : cap * 2;
  char *data = realloc(buf->data, cap);
  if (!data) {
    buf->failed = true;
    return false;
  }
  buf->data = data;
  buf->cap = cap;
  return true;
}

void icrm_buf_add(struct icrm_buf *buf, const void *bytes, size_t len) {
  if (len == 0 || !reserve(buf, len))
    return;
  memcpy(buf->data + buf->len, bytes, len);
  buf->len += len;
  buf->data[buf->len] = '\0';
}

char *icrm_buf_room(struct icrm_buf *buf, size_t len) {
  return reserve(buf, len) ? buf->data + buf->len : NULL;
}

void icrm_buf_wrote(struct icrm_buf *buf, size_t len) {
  buf->len += len;
  buf->data[buf->len] = '\0';
}

void icrm_buf_add_text(struct icrm_buf *buf, const char *text) {
  icrm_buf_add(buf, text, strlen(text));
}

void icrm_buf_add_byte(struct icrm_buf *buf, char byte) {
  icrm_buf_add(buf, &byte, 1);
}

void icrm_buf_addf(struct icrm_buf *buf, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (n >= 0 && reserve(buf, (size_t)n)) {
    vsnprintf(buf->data + buf->len, (size_t)n + 1, format, again);
    buf->len += (size_t)n;
  }
  va_end(again);
}

size_t icrm_utf8_sequence(const char *text, size_t len) {
  const unsigned char *s = (const unsigned char *)text;
  if (len == 0)
    return 0;
  if (s[0] < 0x80)
    return 1;
  size_t want = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
  if (s[0] < 0xC2 || s[0] > 0xF4 || len < want)
    return 0;
  for (size_t i = 1; i < want; i++)
    if ((s[i] & 0xC0) != 0x80)
      return 0;
  if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
      (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
    return 0;
  return want;
}

void icrm_buf_add_escaped(struct icrm_buf *buf, const char *bytes, size_t len,
                          size_t max) {
  size_t end = len < max ? len : max;
  for (size_t i = 0; i < end;) {
    unsigned char c = (unsigned char)bytes[i];
    size_t n = icrm_utf8_sequence(bytes + i, len - i);
    bool c1_control = n == 2 && c == 0xC2 && (unsigned char)bytes[i + 1] < 0xA0;
    if (n == 0 || c < 0x20 || c == 0x7F || c == '\\' || c1_control) {
      icrm_buf_addf(buf, "\\x%02X", c);
      if (c1_control)
        icrm_buf_addf(buf, "\\x%02X", (unsigned char)bytes[i + 1]);
      i += n ? n : 1;
      continue;
    }
    icrm_buf_add(buf, bytes + i, n);
    i += n;
  }
}

void icrm_buf_clear(struct icrm_buf *buf) {
  buf->len = 0;
  buf->failed = false;
  if (buf->data)
    buf->data[0] = '\0';
}

void icrm_buf_free(struct icrm_buf *buf) {
  free(buf->data);
  buf->data = NULL;
  buf->len = buf->cap = 0;
  buf->failed = false;
}

void icrm_buf_wipe(struct icrm_buf *buf) {
  if (buf->data)
    explicit_bzero(buf->data, buf->cap);
  icrm_buf_free(buf);
}
