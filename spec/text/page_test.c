#include "check.h"
#include "text/page.h"

/* Write what the reader sees: records in braces, key=value, ... */
static const char *seen(const char *text) {
  static struct icrm_buf out;
  static struct icrm_page page;
  /* Exact sizes, so that a sanitizer notices a byte too much. */
  size_t len = strlen(text);
  char *copy = malloc(len + !len);
  CHECK(copy);
  memcpy(copy, text, len);
  icrm_buf_clear(&out);
  icrm_buf_add_text(&out, "");
  const char *end = icrm_page_read(&page, copy, len);
  bool is_whole =
      end && strspn(text + (end - copy), " \n") == len - (size_t)(end - copy);
  const struct icrm_field *field = page.fields;
  for (int i = 0; is_whole && i < page.n_records; i++) {
    icrm_buf_add_byte(&out, '{');
    for (uint32_t left = field++->len; left > 0; left--, field++) {
      char *value = malloc(field->len + !field->len);
      CHECK(value);
      size_t n = field->len;
      if (field->is_escaped)
        n = icrm_page_unescape(&page, field, value);
      else
        memcpy(value, copy + field->at, n);
      icrm_buf_addf(&out, "%d ", field->key);
      icrm_buf_add(&out, page.keys[field->key].bytes,
                   page.keys[field->key].len);
      icrm_buf_add_byte(&out, '=');
      icrm_buf_add(&out, value, n);
      icrm_buf_add_byte(&out, ',');
      free(value);
    }
    icrm_buf_add_byte(&out, '}');
  }
  free(copy);
  if (!is_whole)
    return "not plain";
  return out.data ? out.data : "";
}

static void reads_plain_pages(void) {
  CHECK_TEXT(seen("[]"), "");
  CHECK_TEXT(seen(" [ { } ] "), "{}");
  CHECK_TEXT(seen("{\"a\":\"1\"}\n"), "{0 a=1,}");
  CHECK_TEXT(seen("[{\"a\":\"1\",\"b\":\"\"},{\"a\":\"2\",\"b\":\"x\"}]"),
             "{0 a=1,1 b=,}{0 a=2,1 b=x,}");
  CHECK_TEXT(seen("[\n{ \"a\" : \"1\" }\t,\r\n{\"a\":\"2\"} ]"),
             "{0 a=1,}{0 a=2,}");
}

static void keys_may_differ_from_record_to_record(void) {
  CHECK_TEXT(seen("[{\"a\":\"1\",\"bc\":\"2\"},{\"bc\":\"3\",\"d\":\"4\"},"
                  "{\"b\":\"5\",\"a\":\"6\"},{},{\"a\":\"7\"}]"),
             "{0 a=1,1 bc=2,}{1 bc=3,2 d=4,}{3 b=5,0 a=6,}{}{0 a=7,}");
}

static void unescapes(void) {
  CHECK_TEXT(seen("{\"a\":\"L\\u0027Or\\u00e9al \\/ \\\"x\\\" \\\\ \\n\\t\"}"),
             "{0 a=L'Or\xC3\xA9"
             "al / \"x\" \\ \n\t,}");
  CHECK_TEXT(seen("{\"a\":\"\\u20ac \\uD83D\\ude00\",\"b\":\"\xC3\xA9\"}"),
             "{0 a=\xE2\x82\xAC \xF0\x9F\x98\x80,1 b=\xC3\xA9,}");
  CHECK_TEXT(seen("{\"a\":\"12345678\\u00e912345678\\b\\f\\r\"}"),
             "{0 a=12345678\xC3\xA9"
             "12345678\b\f\r,}");
}

static void leaves_the_rest_to_others(void) {
  static const char *const texts[] = {"",
                                      " ",
                                      "[",
                                      "]",
                                      "[{",
                                      "[{}",
                                      "[{}]x",
                                      "[{}],",
                                      "[,]",
                                      "[{},]",
                                      "[,{}]",
                                      "[{}{}]",
                                      "[[]]",
                                      "[1]",
                                      "[null]",
                                      "[\"a\"]",
                                      "null",
                                      "\"a\"",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1}",
                                      "{\"a\":null}",
                                      "{\"a\":\"b\",}",
                                      "{,}",
                                      "{,\"a\":\"b\"}",
                                      "{\"a\":\"b\"\"c\":\"d\"}",
                                      "{\"a\" \"b\"}",
                                      "{}{}",
                                      "{\"a\":[\"b\"]}",
                                      "{\"a\":{}}",
                                      "{\"a\":\"b",
                                      "{\"a",
                                      "{\"a\":\"\\",
                                      "{\"a\":\"\\u",
                                      "{\"a\":\"\\u00",
                                      "{\"a\":\"\\u00e",
                                      "{\"a\":\"\\uD83D\"}",
                                      "{\"a\":\"\\uD83D\\u0041\"}",
                                      "{\"a\":\"\\uDE00\"}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"\\u0000\"}",
                                      "{\"a\":\"\n\"}",
                                      "{\"a\":\"\xFF\"}",
                                      "{\"a\":\"\xC3\"}",
                                      "{\"\\u0061\":\"b\"}",
                                      "{\"\xC3\xA9\":\"b\"}",
                                      "{'a':'b'}",
                                      "[{\"a\":\"b\"}",
                                      "\xEF\xBB\xBF[]"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (strcmp(seen(texts[i]), "not plain") != 0) {
      fprintf(stderr, "read: %s\n", texts[i]);
      exit(EXIT_FAILURE);
    }
}

static void every_cut_of_a_page_is_not_plain(void) {
  static const char page[] = "[{\"name\":\"L\\u00e9on "
                             "\\uD83D\\uDE00\",\"id\":\"17x1\"},{\"id\":\"\"}]";
  char cut[sizeof page];
  for (size_t len = 0; len < sizeof page - 1; len++) {
    memcpy(cut, page, len);
    cut[len] = '\0';
    CHECK_TEXT(seen(cut), "not plain");
  }
  CHECK(strcmp(seen(page), "not plain") != 0);
}

static void too_many_keys_are_left_to_others(void) {
  struct icrm_buf page = {0};
  for (int n = ICRM_PAGE_KEYS; n <= ICRM_PAGE_KEYS + 1; n++) {
    icrm_buf_clear(&page);
    for (int i = 0; i < n; i++)
      icrm_buf_addf(&page, "%c\"k%d\":\"v\"", i ? ',' : '{', i);
    icrm_buf_add_byte(&page, '}');
    bool plain = strcmp(seen(page.data), "not plain") != 0;
    CHECK(plain == (n <= ICRM_PAGE_KEYS));
  }
  icrm_buf_free(&page);
}

int main(void) {
  reads_plain_pages();
  keys_may_differ_from_record_to_record();
  unescapes();
  leaves_the_rest_to_others();
  every_cut_of_a_page_is_not_plain();
  too_many_keys_are_left_to_others();
  return 0;
}
