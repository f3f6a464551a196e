#include "text/unicode.h"

#include <stdlib.h>
#include <utf8proc.h>

static bool map(const char *text, size_t len, utf8proc_option_t options,
                struct icrm_buf *out) {
  utf8proc_uint8_t *mapped = NULL;
  utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)text,
                                    (utf8proc_ssize_t)len, &mapped, options);
  if (n >= 0)
    icrm_buf_add(out, mapped, (size_t)n);
  free(mapped);
  return n >= 0 && !out->failed;
}

bool icrm_unicode_compose(const char *text, size_t len, struct icrm_buf *out) {
  return map(text, len, UTF8PROC_STABLE | UTF8PROC_COMPOSE, out);
}

bool icrm_unicode_fold(const char *text, size_t len, struct icrm_buf *out) {
  return map(text, len,
             UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
                 UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK | UTF8PROC_IGNORE,
             out);
}

static bool is_blank(const char *text, size_t n) {
  utf8proc_int32_t code;
  if (utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n,
                       &code) <= 0)
    return false;
  switch (utf8proc_category(code)) {
  case UTF8PROC_CATEGORY_ZS:
  case UTF8PROC_CATEGORY_ZL:
  case UTF8PROC_CATEGORY_ZP:
  case UTF8PROC_CATEGORY_CC:
  case UTF8PROC_CATEGORY_CF:
    return true;
  default:
    return false;
  }
}

/* The length of the character that ends at `len`, 0 when it is none. */
static size_t last_character(const char *text, size_t len) {
  size_t n = 1;
  while (n < len && n < 4 && ((unsigned char)text[len - n] & 0xC0) == 0x80)
    n++;
  return icrm_utf8_sequence(text + len - n, n) == n ? n : 0;
}

const char *icrm_unicode_trim(const char *text, size_t *len) {
  size_t n;
  while (*len > 0 && (n = icrm_utf8_sequence(text, *len)) > 0 &&
         is_blank(text, n)) {
    text += n;
    *len -= n;
  }
  while (*len > 0 && (n = last_character(text, *len)) > 0 &&
         is_blank(text + *len - n, n))
    *len -= n;
  return text;
}
