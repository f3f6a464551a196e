#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *icrm_error_kind_name(enum icrm_error_kind kind) {
  static const char *const names[] = {
#define ICRM_ERROR_NAME(id, name) name,
      ICRM_ERROR_KINDS(ICRM_ERROR_NAME)
#undef ICRM_ERROR_NAME
  };
  return names[kind];
}

/* Drop a UTF-8 sequence that the end of the buffer cut in two. */
static void trim_partial_utf8(char *text, size_t len) {
  size_t start = len;
  while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
    start--;
  if (start == 0)
    return;
  unsigned char lead = (unsigned char)text[start - 1];
  size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (len - (start - 1) < want)
    text[start - 1] = '\0';
}

int icrm_error_set(struct icrm_error *err, enum icrm_error_kind kind,
                   const char *format, ...) {
  if (!err)
    return -1;
  memset(err, 0, sizeof *err);
  err->kind = kind;
  err->retry_after_s = -1;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  if (n >= (int)sizeof err->message)
    trim_partial_utf8(err->message, sizeof err->message - 1);
  return -1;
}
