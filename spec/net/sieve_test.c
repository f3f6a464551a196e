/* One value out of a JSON text, however the text is cut into pieces. */
#include "check.h"
#include "net/sieve.h"

struct taken {
  struct icrm_buf rest, value;
  struct icrm_sieve sieve;
};

static void take(struct taken *out, const char *text, size_t piece) {
  const size_t len = strlen(text);
  *out = (struct taken){
      .sieve = {.name = "filecontents", .number_name = "filesize"}};
  for (size_t at = 0; at < len && !out->sieve.why;) {
    const size_t most = len - at < piece ? len - at : piece;
    const char *value = NULL;
    size_t value_len;
    const size_t n = icrm_sieve_next(&out->sieve, text + at, most, &out->rest,
                                     &value, &value_len);
    CHECK(n > 0 && n <= most);
    icrm_buf_add(&out->value, value, value_len);
    at += n;
  }
}

static void drop(struct taken *taken) {
  icrm_buf_free(&taken->rest);
  icrm_buf_free(&taken->value);
}

struct row {
  const char *text, *rest, *value; /* rest NULL: the same as text */
  bool was_found;
};

static const struct row rows[] = {
    {"{\"success\":true,\"result\":[{\"filecontents\":\"QUJD\",\"a\":1}]}",
     "{\"success\":true,\"result\":[{\"filecontents\":\"\",\"a\":1}]}", "QUJD",
     true},
    {" { \"filecontents\" :\n \"QU\\/D\" } ", " { \"filecontents\" :\n \"\" } ",
     "QU/D", true},
    {"{\"filecontents\":\"Q\\u003d\\u003D\\n\\\\\\\"\\t\\u00e9\"}",
     "{\"filecontents\":\"\"}", "Q==\n\\\"\t\x80", true},
    {"{\"filecontents\":\"\"}", NULL, "", true},
    {"{\"filecontents\":null}", NULL, "", false},
    {"{\"filecontents\":[\"QUJD\"]}", NULL, "", false},
    {"{\"a\":\"filecontents\",\"b\":\"x\"}", NULL, "", false},
    {"{\"a\":\"\\\"filecontents\\\":\\\"QUJD\\\"\"}", NULL, "", false},
    {"{\"a\":\"\\\\\",\"filecontents\":\"QUJD\"}",
     "{\"a\":\"\\\\\",\"filecontents\":\"\"}", "QUJD", true},
    {"{\"xfilecontents\":\"QUJD\",\"filecontents2\":\"QUJD\","
     "\"filecontent\":\"QUJD\"}",
     NULL, "", false},
    {"[{\"filecontents\":\"QQ\"},{\"filecontents\":\"Qg\"}]",
     "[{\"filecontents\":\"\"},{\"filecontents\":\"Qg\"}]", "QQ", true},
    {"<html>filecontents\": \"x</html>", NULL, "", false},
    {"{\"success\":false,\"error\":{\"code\":\"ACCESS_DENIED\"}}", NULL, "",
     false},
};

static void every_cut_gives_the_same(void) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t piece = 1; piece <= strlen(rows[i].text); piece++) {
      struct taken taken;
      take(&taken, rows[i].text, piece);
      CHECK(!taken.sieve.why);
      CHECK_TEXT(taken.rest.data, rows[i].rest ? rows[i].rest : rows[i].text);
      CHECK_TEXT(taken.value.data ? taken.value.data : "", rows[i].value);
      CHECK(taken.sieve.was_found == rows[i].was_found);
      drop(&taken);
    }
}

static void a_text_cut_off_stays_cut_off(void) {
  struct taken taken;
  take(&taken, "{\"filecontents\":\"QUJD", 5);
  CHECK_TEXT(taken.rest.data, "{\"filecontents\":\"");
  CHECK_TEXT(taken.value.data, "QUJD");
  drop(&taken);
}

static void broken_strings_stop_it(void) {
  static const char *const broken[][2] = {
      {"{\"filecontents\":\"QU\nJD\"}", "control character"},
      {"{\"filecontents\":\"QU\\xJD\"}", "unknown escape"},
      {"{\"filecontents\":\"QU\\u00g0\"}", "broken \\u escape"}};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    struct taken taken;
    take(&taken, broken[i][0], 3);
    CHECK(taken.sieve.why && strstr(taken.sieve.why, broken[i][1]));
    drop(&taken);
  }
}

static void the_size_is_noted(void) {
  static const struct {
    const char *text;
    int64_t number; /* -1: none */
  } sizes[] = {
      {"{\"filesize\":123,\"filecontents\":\"\"}", 123},
      {"{\"filesize\" : \"4567\" , \"filecontents\":\"\"}", 4567},
      {"{\"filecontents\":\"\",\"filesize\":8}", 8},
      {"{\"filesize\":0}", 0},
      {"{\"filesize\":null,\"x\":9}", -1},
      {"{\"filesize\":\"\",\"x\":9}", -1},
      {"{\"filesize\":\"12 kB\",\"x\":9}", -1},
      {"{\"filesize\":1.5}", -1},
      {"{\"filesize\":-1}", -1},
      {"{\"filesize\":1234567890123456}", -1},
      {"{\"x\":\"filesize\",\"y\":7}", -1},
  };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (size_t piece = 1; piece < 30; piece += 7) {
      struct taken taken;
      take(&taken, sizes[i].text, piece);
      CHECK(taken.sieve.has_number == (sizes[i].number >= 0));
      CHECK(sizes[i].number < 0 || taken.sieve.number == sizes[i].number);
      drop(&taken);
    }
}

int main(void) {
  every_cut_gives_the_same();
  a_text_cut_off_stays_cut_off();
  broken_strings_stop_it();
  the_size_is_noted();
  return 0;
}
