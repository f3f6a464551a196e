#include "check.h"
#include "workbook/cell_text.h"

static char out[ICRM_CELL_TEXT_MAX];

static void numbers_are_short_and_have_no_exponent(void) {
  static const struct {
    const char *in, *want;
  } cases[] = {{"84212345600017", "84212345600017"},
               {"8.42123456E13", "84212345600000"},
               {"1e20", "100000000000000000000"},
               {"0.1", "0.1"},
               {"1E-5", "0.00001"},
               {"-1234.50", "-1234.5"},
               {"-0", "0"},
               {"9007199254740993", "9007199254740992"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    double number;
    CHECK(icrm_cell_text_number(cases[i].in, &number));
    icrm_cell_text_decimal(number, out);
    CHECK_TEXT(out, cases[i].want);
  }
  icrm_cell_text_decimal(1.7976931348623157e308, out);
  CHECK(strlen(out) == 309);
  icrm_cell_text_decimal(5e-324, out);
  CHECK(strlen(out) < sizeof out && strncmp(out, "0.000", 5) == 0);
  double number;
  CHECK(!icrm_cell_text_number("12x", &number));
  CHECK(!icrm_cell_text_number("", &number));
  CHECK(!icrm_cell_text_number("inf", &number));
}

static void moments_have_the_form_of_the_api(void) {
  CHECK(icrm_cell_text_moment(46112, ICRM_FORMAT_DATE, false, out));
  CHECK_TEXT(out, "2026-03-31");
  CHECK(icrm_cell_text_moment(46112.5, ICRM_FORMAT_DATE, false, out));
  CHECK_TEXT(out, "2026-03-31 12:00:00");
  CHECK(icrm_cell_text_moment(46112.9999999999, ICRM_FORMAT_DATE, false, out));
  CHECK_TEXT(out, "2026-04-01"); /* rounded to the millisecond, carried */
  CHECK(icrm_cell_text_moment(0.25, ICRM_FORMAT_TIME, false, out));
  CHECK_TEXT(out, "06:00:00");
  CHECK(icrm_cell_text_moment(1.5, ICRM_FORMAT_DURATION, false, out));
  CHECK_TEXT(out, "36:00:00");
  CHECK(icrm_cell_text_moment(1, ICRM_FORMAT_DATE, false, out));
  CHECK_TEXT(out, "1900-01-01");
  CHECK(icrm_cell_text_moment(59, ICRM_FORMAT_DATE, false, out));
  CHECK_TEXT(out, "1900-02-28");
  CHECK(icrm_cell_text_moment(61, ICRM_FORMAT_DATE, false, out));
  CHECK_TEXT(out, "1900-03-01");
  CHECK(icrm_cell_text_moment(0, ICRM_FORMAT_DATE, true, out));
  CHECK_TEXT(out, "1904-01-01");
  CHECK(icrm_cell_text_moment(44650, ICRM_FORMAT_DATE, true, out));
  CHECK_TEXT(out, "2026-03-31");
}

static void there_is_no_such_day(void) {
  CHECK(!icrm_cell_text_moment(60, ICRM_FORMAT_DATE, false, out));
  CHECK_TEXT(out, "1900-02-29");
  CHECK(!icrm_cell_text_moment(-1, ICRM_FORMAT_DATE, false, out));
  CHECK(!icrm_cell_text_moment(2958466, ICRM_FORMAT_DATE, false, out));
  CHECK(!icrm_cell_text_moment(1e300, ICRM_FORMAT_DURATION, false, out));
}

static void iso_texts_are_read(void) {
  CHECK(icrm_cell_text_iso("2026-03-31T00:00:00", out));
  CHECK_TEXT(out, "2026-03-31");
  CHECK(icrm_cell_text_iso("1995-08-21T10:05:00.000Z", out));
  CHECK_TEXT(out, "1995-08-21 10:05:00");
  CHECK(!icrm_cell_text_iso("31/03/2026", out));
  CHECK(icrm_cell_text_iso_duration("PT36H05M00S", out));
  CHECK_TEXT(out, "36:05:00");
  CHECK(icrm_cell_text_iso_duration("-P1DT1S", out));
  CHECK_TEXT(out, "-24:00:01");
  CHECK(!icrm_cell_text_iso_duration("PT", out));
  CHECK(!icrm_cell_text_iso_duration("P1Y", out));
}

int main(void) {
  numbers_are_short_and_have_no_exponent();
  moments_have_the_form_of_the_api();
  there_is_no_such_day();
  iso_texts_are_read();
  return 0;
}
