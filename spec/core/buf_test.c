#include "check.h"
#include "core/buf.h"
#include "core/error.h"

static void appends_and_grows(void) {
  struct icrm_buf buf = {0};
  for (int i = 0; i < 1000; i++)
    icrm_buf_addf(&buf, "%d,", i % 10);
  CHECK(buf.len == 2000 && !buf.failed);
  CHECK(memcmp(buf.data, "0,1,2,3,4,", 10) == 0);
  icrm_buf_clear(&buf);
  icrm_buf_add_text(&buf, "again");
  CHECK_TEXT(buf.data, "again");
  icrm_buf_free(&buf);
}

static void limit_marks_failed_and_keeps_what_it_has(void) {
  struct icrm_buf buf = {.limit = 4};
  icrm_buf_add_text(&buf, "abc");
  icrm_buf_add_text(&buf, "de");
  CHECK(buf.failed);
  icrm_buf_add_text(&buf, "d");
  CHECK_TEXT(buf.data, "abc");
  icrm_buf_free(&buf);
}

static void escapes_what_a_terminal_would_obey(void) {
  struct icrm_buf buf = {0};
  static const char text[] = "\x1b[2J\xC3\xA9\xC2\x9B\xFF\\\n";
  icrm_buf_add_escaped(&buf, text, sizeof text - 1, 200);
  CHECK_TEXT(buf.data, "\\x1B[2J\xC3\xA9\\xC2\\x9B\\xFF\\x5C\\x0A");
  icrm_buf_free(&buf);
}

static void utf8_sequences(void) {
  CHECK(icrm_utf8_sequence("a", 1) == 1);
  CHECK(icrm_utf8_sequence("\xE2\x82\xAC", 3) == 3);
  CHECK(icrm_utf8_sequence("\xF0\x9F\x98\x80", 4) == 4);
  CHECK(icrm_utf8_sequence("\xC0\x80", 2) == 0);
  CHECK(icrm_utf8_sequence("\xED\xA0\x80", 3) == 0);
  CHECK(icrm_utf8_sequence("\xF4\x90\x80\x80", 4) == 0);
  CHECK(icrm_utf8_sequence("\xE2\x82", 2) == 0);
}

static void error_messages_end_at_a_character(void) {
  struct icrm_error err;
  char text[1100];
  memset(text, 'x', sizeof text);
  memcpy(text + sizeof err.message - 2, "\xE2\x82\xAC", 3);
  text[sizeof text - 1] = '\0';
  CHECK(icrm_error_set(&err, ICRM_ERROR_INPUT, "%s", text) == -1);
  CHECK(strlen(err.message) == sizeof err.message - 2);
  CHECK(icrm_error_set(NULL, ICRM_ERROR_INPUT, "ignored") == -1);
}

int main(void) {
  appends_and_grows();
  limit_marks_failed_and_keeps_what_it_has();
  escapes_what_a_terminal_would_obey();
  utf8_sequences();
  error_messages_end_at_a_character();
  return 0;
}
