#include "check.h"
#include "workbook/escapes.h"

static void check_decoded(const char *text, const char *want) {
  struct icrm_buf out = {0};
  icrm_escapes_decode(text, strlen(text), &out);
  CHECK_TEXT(out.data ? out.data : "", want);
  icrm_buf_free(&out);
}

static void check_encoded(const char *text, const char *want) {
  struct icrm_buf out = {0};
  icrm_escapes_encode(text, strlen(text), &out);
  CHECK_TEXT(out.data ? out.data : "", want);
  icrm_buf_free(&out);
}

int main(void) {
  check_encoded("a\r\nb\rc\nd\te", "a\nb\nc\nd\te");
  check_encoded("\x01\xEF\xBF\xBF", "_x0001__xFFFF_");
  check_encoded("_x000D_ _x00_ __x0041_", "_x005F_x000D_ _x00_ __x005F_x0041_");
  check_encoded("\xC3\xA9_", "\xC3\xA9_");
  check_decoded("", "");
  check_decoded("a_x000D_b", "a\rb");
  check_decoded("_x005F_x000D_", "_x000D_");
  check_decoded("_x00e9_", "\xC3\xA9");
  check_decoded("_xD83D__xDE00_", "\xF0\x9F\x98\x80");
  check_decoded("_xD83D_ alone", "_xD83D_ alone");
  check_decoded("_x0000_", "_x0000_");
  check_decoded("_xZZZZ_ _x41_ __x0041_", "_xZZZZ_ _x41_ _A");
  return 0;
}
