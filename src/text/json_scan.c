#include "text/json_scan.h"

const char *icrm_json_skip_string(const char *at, const char *end) {
  at++;
  while ((at = icrm_json_skip_plain(at, end)) < end) {
    if (*at == '"')
      return at + 1;
    at += *at == '\\' && at + 1 < end ? 2 : 1;
  }
  return end;
}

int icrm_json_hex4(const char *at, const char *end) {
  int value = 0;
  if (end - at < 4)
    return -1;
  for (int i = 0; i < 4; i++) {
    char c = at[i];
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0)
      return -1;
    value = value * 16 + digit;
  }
  return value;
}

static const char *stop(const char **why, const char *reason) {
  *why = reason;
  return NULL;
}

const char *icrm_json_skip_escape(const char *at, const char *end,
                                  const char **why) {
  if (at >= end)
    return stop(why, "ends inside a string");
  if (*at != 'u') {
    if (*at == '\0' || !strchr("\"\\/bfnrt", *at))
      return stop(why, "has an unknown escape in a string");
    return at + 1;
  }
  int unit = icrm_json_hex4(at + 1, end);
  if (unit < 0)
    return stop(why, "has a broken \\u escape");
  at += 5;
  if (unit < 0xD800 || unit > 0xDFFF)
    return at;
  if (unit <= 0xDBFF && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
    int low = icrm_json_hex4(at + 2, end);
    if (low >= 0xDC00 && low <= 0xDFFF)
      return at + 6;
  }
  return stop(why, "has half a surrogate pair");
}
