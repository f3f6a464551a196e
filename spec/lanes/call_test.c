#include "check.h"
#include "lanes/call.h"

static struct icrm_error err;

static int check_of(const char *operation, bool post, size_t form_len) {
  struct icrm_buf form = {0};
  for (size_t i = 0; i < form_len; i++)
    icrm_buf_add_byte(&form, 'x');
  struct icrm_call_options options = {
      .operation = operation, .post = post, .form = &form};
  int rc = icrm_call_check(&options, 12, &err);
  icrm_buf_free(&form);
  return rc;
}

static void operations_are_words(void) {
  static const char *const bad[] = {
      "",     "a b", "a&b",
      "a\nb", "é",   "an-operation-that-is-longer-than-any-of-a-real-crm"};
  CHECK(check_of("retrieve", false, 0) == 0);
  CHECK(check_of("mobile.describe_2", false, 0) == 0);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    CHECK(check_of(bad[i], false, 0) == -1);
    CHECK(err.kind == ICRM_ERROR_INPUT);
  }
}

static void long_parameters_fit_into_a_body_only(void) {
  CHECK(check_of("query", false, ICRM_FORM_MAX_TARGET) == -1);
  CHECK(strstr(err.message, "ask in smaller portions"));
  CHECK(check_of("query", true, ICRM_FORM_MAX_TARGET) == 0);
}

static void options_move_into_the_call(void) {
  struct icrm_buf form = {0};
  icrm_buf_add_text(&form, "id=3x1");
  struct icrm_call_options options = {.operation = "retrieve",
                                      .form = &form,
                                      .write = true,
                                      .hold = true,
                                      .session = 7,
                                      .timeout_ms = 9,
                                      .boundary = "b"};
  struct icrm_call *call = icrm_call_of_options(5, &options, &err);
  CHECK(call && call->result.id == 5 && !form.data);
  CHECK_TEXT(call->operation, "retrieve");
  CHECK_TEXT(call->form.data, "id=3x1");
  CHECK_TEXT(call->boundary, "b");
  CHECK(call->write && call->hold && !call->post && call->session == 7);
  CHECK(call->timeout_ms == 9);
  icrm_call_drop_request(call);
  CHECK(call->form.len == 0);
  icrm_call_free(call);
  icrm_call_free(NULL);
}

int main(void) {
  operations_are_words();
  long_parameters_fit_into_a_body_only();
  options_move_into_the_call();
  return 0;
}
