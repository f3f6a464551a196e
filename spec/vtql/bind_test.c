/* Literals and placeholders, one by one. */
#include "check.h"
#include "vtql/vtql.h"

static void check_text(const char *text, const char *want) {
  struct icrm_buf out = {0};
  struct icrm_error err = {0};
  CHECK(icrm_vtql_add_text(&out, text, strlen(text), &err) == 0);
  CHECK_TEXT(out.data, want);
  icrm_buf_free(&out);
}

static void check_refused(const char *text, size_t len, const char *part) {
  struct icrm_buf out = {0};
  struct icrm_error err = {0};
  CHECK(icrm_vtql_add_text(&out, text, len, &err) == -1);
  CHECK(out.len == 0 && err.kind == ICRM_ERROR_QUERY);
  CHECK(strstr(err.message, part));
}

static void texts(void) {
  check_text("L'Oréal", "'L''Oréal'");
  check_text("Back\\slash", "'Back\\\\slash'");
  check_text("a\r\n\tb", "'a\r\n\tb'");
  check_text("\\' OR 1=1 -- ", "'\\\\'' OR 1=1 -- '");
  check_refused("", 0, "' '");
  check_refused("a\0b", 3, "NUL");
  check_refused("Soci\xE9t\xE9", 7, "byte 5 is 0xE9");
}

static void check_number(double value, const char *want) {
  struct icrm_buf out = {0};
  CHECK(icrm_vtql_add_number(&out, value, NULL) == 0);
  CHECK_TEXT(out.data, want);
  icrm_buf_free(&out);
}

static void numbers(void) {
  check_number(1000.5, "'1000.5'");
  check_number(0.1, "'0.1'");
  check_number(1e6, "'1000000'");
  check_number(1.5e-7, "'0.00000015'");
  check_number(-2.0, "'-2'");
  check_number(1e300, "'1e+300'");
  struct icrm_buf out = {0};
  struct icrm_error err = {0};
  CHECK(icrm_vtql_add_number(&out, 0.0 / 0.0, &err) == -1);
  CHECK_TEXT(err.message, "NaN cannot be written in a query");
  icrm_vtql_add_integer(&out, INT64_MIN);
  icrm_vtql_add_boolean(&out, true);
  icrm_vtql_add_boolean(&out, false);
  CHECK_TEXT(out.data, "'-9223372036854775808''1''0'");
  icrm_buf_free(&out);
}

static void ids_and_names(void) {
  CHECK(icrm_vtql_is_id("9x6617554", 9));
  CHECK(!icrm_vtql_is_id("9x", 2) && !icrm_vtql_is_id("x1", 2));
  CHECK(!icrm_vtql_is_id("12x32 OR 1=1", 12) && !icrm_vtql_is_id("12", 2));
  CHECK(!icrm_vtql_is_id("1x2x3", 5) && !icrm_vtql_is_id("", 0));
  CHECK(icrm_vtql_is_name("cf_123", 6));
  CHECK(!icrm_vtql_is_name("", 0) && !icrm_vtql_is_name("a b", 3));
  CHECK(!icrm_vtql_is_name("é", 2));
}

static void check_hole(const char *text, size_t from, int want, size_t at,
                       const char *name) {
  struct icrm_vtql_hole hole;
  struct icrm_error err = {0};
  CHECK(icrm_vtql_next_hole(text, strlen(text), from, &hole, &err) == want);
  if (want != 1)
    return;
  CHECK(hole.at == at && hole.name.len == strlen(name));
  CHECK(hole.name.len == 0 || memcmp(hole.name.data, name, hole.name.len) == 0);
}

static void placeholders(void) {
  const char *text = "a = 'it''s ? :x' AND b = ? AND c = :name_2 OR d";
  check_hole(text, 0, 1, 25, "");
  check_hole(text, 26, 1, 35, "name_2");
  check_hole(text, 42, 0, 0, "");
  check_hole("a = 'open ?", 0, -1, 0, "");
  check_hole("a = : b", 0, -1, 0, "");
}

static void check_unquoted(const char *token, const char *want) {
  struct icrm_buf out = {0};
  struct icrm_vtql_slice slice = {token, strlen(token)};
  CHECK(icrm_vtql_unquote(slice, &out) == (want ? 0 : -1));
  if (want)
    CHECK_TEXT(out.data, want);
  icrm_buf_free(&out);
}

static void reads_as_mysql(void) {
  check_unquoted("'L''Or'", "L'Or");
  check_unquoted("'a\\nb\\%\\_\\\\c\\d'", "a\nb\\%\\_\\cd");
  check_unquoted("12x40", "12x40");
  check_unquoted("'abc\\'", NULL);
  check_unquoted("'a\\''b'", NULL);
  check_unquoted("", NULL);
}

static void escapes_for_like(void) {
  struct icrm_buf out = {0};
  icrm_vtql_escape_like(&out, "100% a_b\\", 9);
  CHECK_TEXT(out.data, "100\\% a\\_b\\\\");
  icrm_buf_free(&out);
}

int main(void) {
  texts();
  numbers();
  ids_and_names();
  placeholders();
  reads_as_mysql();
  escapes_for_like();
  return 0;
}
