#include "check.h"
#include "workbook/number_format.h"

static void tells_dates_from_numbers(void) {
  static const struct {
    const char *code;
    enum icrm_format_kind kind;
  } cases[] = {{"dd/mm/yyyy", ICRM_FORMAT_DATE},
               {"mmm-yy", ICRM_FORMAT_DATE},
               {"hh:mm", ICRM_FORMAT_TIME},
               {"mm:ss.0", ICRM_FORMAT_TIME},
               {"[h]:mm", ICRM_FORMAT_DURATION},
               {"[Red]0", ICRM_FORMAT_NUMBER},
               {"[$-40C]d\\ mmmm\\ yyyy;@", ICRM_FORMAT_DATE},
               {"0\" jours\"", ICRM_FORMAT_NUMBER},
               {"\"le \"0", ICRM_FORMAT_NUMBER},
               {"_d0_h", ICRM_FORMAT_NUMBER},
               {"General", ICRM_FORMAT_NUMBER},
               {"0.00E+00", ICRM_FORMAT_NUMBER},
               {"00000", ICRM_FORMAT_PATTERN},
               {"#,##0", ICRM_FORMAT_NUMBER},
               {"00.00", ICRM_FORMAT_NUMBER},
               {"", ICRM_FORMAT_NUMBER},
               {"[", ICRM_FORMAT_NUMBER},
               {"\"", ICRM_FORMAT_NUMBER},
               {"\\", ICRM_FORMAT_NUMBER}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    CHECK(icrm_number_format_kind(cases[i].code) == cases[i].kind);
  CHECK(icrm_number_format_builtin(14) == ICRM_FORMAT_DATE);
  CHECK(icrm_number_format_builtin(20) == ICRM_FORMAT_TIME);
  CHECK(icrm_number_format_builtin(46) == ICRM_FORMAT_DURATION);
  CHECK(icrm_number_format_builtin(4) == ICRM_FORMAT_NUMBER);
}

static void check_shown(const char *code, const char *digits,
                        const char *want) {
  char out[64];
  CHECK(icrm_number_format_show(code, digits, out, sizeof out));
  CHECK_TEXT(out, want);
}

static void shows_patterns(void) {
  check_shown("00000", "1000", "01000");
  check_shown("00000", "123456", "123456");
  check_shown("0#\" \"##\" \"##\" \"##\" \"##", "612345678", "06 12 34 56 78");
  check_shown("###\" \"###\" \"###\" \"#####", "84212345600017",
              "842 123 456 00017");
  check_shown("\"TT\"00000", "42", "TT00042");
  check_shown("00\\-00", "0", "00-00");
  char out[4];
  CHECK(!icrm_number_format_show("00000", "1", out, sizeof out));
  CHECK(!icrm_number_format_show("0.00", "1", out, sizeof out));
}

int main(void) {
  tells_dates_from_numbers();
  shows_patterns();
  return 0;
}
