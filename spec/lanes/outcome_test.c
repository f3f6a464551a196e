/* Every row of the table that says what a reply to a write proves. */
#include "check.h"
#include "lanes/outcome.h"

#define OK_BODY "{\"success\":true,\"result\":{\"id\":\"3x1\"}}"

static struct icrm_reply reply_of(int status, const char *body) {
  struct icrm_reply reply = {
      .is_complete = true, .status = status, .retry_after_s = -1};
  icrm_buf_add_text(&reply.body, body);
  return reply;
}

static enum icrm_outcome judge(struct icrm_reply reply, bool write,
                               struct icrm_error *err) {
  struct icrm_envelope envelope;
  enum icrm_outcome outcome =
      icrm_outcome_judge(&reply, "create", write, NULL, &envelope, err);
  icrm_buf_free(&reply.body);
  return outcome;
}

static struct icrm_reply failure_of(const char *code) {
  char body[200];
  snprintf(body, sizeof body,
           "{\"success\":false,\"error\":{\"code\":%s,\"message\":\"m\"}}",
           code);
  return reply_of(200, body);
}

static void statuses(void) {
  static const int refused[] = {400, 401, 404, 405, 411, 413, 414, 415, 431};
  struct icrm_error err;
  for (int status = 100; status < 600; status++) {
    bool is_refused = false;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
      is_refused = is_refused || refused[i] == status;
    CHECK(judge(reply_of(status, "<html>"), true, &err) ==
          (is_refused ? ICRM_OUTCOME_REFUSED : ICRM_OUTCOME_UNKNOWN));
    CHECK((err.kind == ICRM_ERROR_UNKNOWN_OUTCOME) == !is_refused);
    CHECK(err.status == status);
    CHECK(judge(reply_of(status, OK_BODY), true, &err) ==
          (status == 200 ? ICRM_OUTCOME_DONE : ICRM_OUTCOME_UNKNOWN));
    CHECK(status == 200 || err.is_answered);
    CHECK(judge(reply_of(status, "<br />Notice{\"success\":true,"), true,
                &err) == ICRM_OUTCOME_UNKNOWN);
    CHECK(!err.is_answered);
    CHECK(judge(reply_of(status, ""), false, &err) == ICRM_OUTCOME_FAILED);
  }
}

static void codes(void) {
  static const struct {
    const char *code;
    enum icrm_outcome outcome;
  } rows[] = {
      {"\"AUTHENTICATION_REQUIRED\"", ICRM_OUTCOME_SESSION_GONE},
      {"\"INVALID_SESSIONID\"", ICRM_OUTCOME_SESSION_GONE},
      {"\"SESSION_EXPIRED\"", ICRM_OUTCOME_SESSION_GONE},
      {"\"SESSION_LEFT_IDLE\"", ICRM_OUTCOME_SESSION_GONE},
      {"\"UNKNOWN_OPERATION\"", ICRM_OUTCOME_REFUSED},
      {"\"ACCESS_DENIED\"", ICRM_OUTCOME_REFUSED},
      {"\"REFERENCE_INVALID\"", ICRM_OUTCOME_REFUSED},
      {"\"MANDATORY_FIELDS_MISSING\"", ICRM_OUTCOME_REFUSED},
      {"\"INVALID_ID_ATTRIBUTE\"", ICRM_OUTCOME_REFUSED},
      {"\"RECORD_NOT_FOUND\"", ICRM_OUTCOME_REFUSED},
      {"\"DATABASE_QUERY_ERROR\"", ICRM_OUTCOME_UNKNOWN},
      {"\"INTERNAL_SERVER_ERROR\"", ICRM_OUTCOME_UNKNOWN},
      {"\"access_denied\"", ICRM_OUTCOME_UNKNOWN},
      {"\"SOMETHING_NEW\"", ICRM_OUTCOME_UNKNOWN},
      {"\"\"", ICRM_OUTCOME_UNKNOWN},
      {"0", ICRM_OUTCOME_UNKNOWN},
      {"null", ICRM_OUTCOME_UNKNOWN},
  };
  struct icrm_error err;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    CHECK(judge(failure_of(rows[i].code), true, &err) == rows[i].outcome);
    struct icrm_reply reply = failure_of(rows[i].code);
    reply.status = 500;
    CHECK(judge(reply, true, &err) == ICRM_OUTCOME_UNKNOWN);
    enum icrm_outcome read = judge(failure_of(rows[i].code), false, &err);
    CHECK(read == (rows[i].outcome == ICRM_OUTCOME_SESSION_GONE
                       ? ICRM_OUTCOME_SESSION_GONE
                       : ICRM_OUTCOME_REFUSED));
  }
  CHECK(judge(failure_of("0"), true, &err) == ICRM_OUTCOME_UNKNOWN);
  CHECK_TEXT(err.code, "0");
  CHECK_TEXT(err.reason, "m");
  CHECK(err.is_answered);
  CHECK_TEXT(err.message, "nothing says whether create was done: the CRM "
                          "refused create: m; look before sending it again");
}

/* What a code proves does not depend on a status that only refuses; a status
 * that only refuses proves nothing when the application answers under it. */
static void codes_under_a_refusing_status(void) {
  static const int statuses[] = {400, 401, 404, 405};
  struct icrm_error err;
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
    struct icrm_reply reply = failure_of("\"ACCESS_DENIED\"");
    reply.status = statuses[i];
    CHECK(judge(reply, true, &err) == ICRM_OUTCOME_REFUSED && err.is_answered);
    reply = failure_of("\"SESSION_EXPIRED\"");
    reply.status = statuses[i];
    CHECK(judge(reply, true, &err) == ICRM_OUTCOME_SESSION_GONE);
    reply = failure_of("\"DATABASE_QUERY_ERROR\"");
    reply.status = statuses[i];
    CHECK(judge(reply, true, &err) == ICRM_OUTCOME_UNKNOWN && err.is_answered);
  }
}

static void an_unknown_operation_is_named_as_such(void) {
  struct icrm_error err;
  CHECK(judge(reply_of(500, ""), false, &err) == ICRM_OUTCOME_FAILED);
  CHECK_TEXT(err.message,
             "the CRM broke off at create (an empty HTTP 500): it probably "
             "does not know this operation; its log says why");
  CHECK(judge(reply_of(500, ""), true, &err) == ICRM_OUTCOME_UNKNOWN);
  CHECK(strstr(err.message, "probably does not know this operation"));
}

static enum icrm_outcome judge_login(int status, const char *body,
                                     struct icrm_envelope *envelope,
                                     struct icrm_error *err) {
  struct icrm_reply reply = reply_of(status, body);
  enum icrm_outcome outcome =
      icrm_outcome_judge_login(&reply, "login", envelope, err);
  if (outcome == ICRM_OUTCOME_DONE)
    CHECK(memcmp(body + envelope->result_at, "{\"sessionName\":", 15) == 0);
  icrm_buf_free(&reply.body);
  return outcome;
}

#define SECRET "5f3ac09b7d21e"
#define LOGIN_BODY                                                             \
  "{\"success\":true,\"result\":{\"sessionName\":\"" SECRET "\"}}"

static void notices_around_a_login_are_passed_over(void) {
  static const char *const bodies[] = {
      LOGIN_BODY, "<br />\n<b>Notice</b>: {closure}() in x.php\n" LOGIN_BODY,
      LOGIN_BODY "\nDeprecated: {\"a\":1} in y.php", "\xEF\xBB\xBF" LOGIN_BODY};
  struct icrm_envelope envelope;
  struct icrm_error err;
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
    CHECK(judge_login(200, bodies[i], &envelope, &err) == ICRM_OUTCOME_DONE);
}

static void bodies_of_a_login_are_never_quoted(void) {
  static const char *const bodies[] = {
      "{\"success\":true,\"result\":{\"sessionName\":\"" SECRET,
      LOGIN_BODY LOGIN_BODY,
      "<html>" SECRET "</html>",
      "{\"x\":" LOGIN_BODY "}",
      SECRET,
      "{\"success\":true,\"sessionName\":\"" SECRET "\"}",
      "{\"success\":false,\"error\":{\"code\":\"" SECRET
      "\",\"message\":\"no " SECRET "\"}}"};
  static const int statuses[] = {200, 404, 500, 503, 302};
  struct icrm_envelope envelope;
  struct icrm_error err;
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
    for (size_t j = 0; j < sizeof statuses / sizeof *statuses; j++) {
      CHECK(judge_login(statuses[j], bodies[i], &envelope, &err) !=
            ICRM_OUTCOME_DONE);
      CHECK(err.message[0] && !strstr(err.message, SECRET));
      CHECK(!strstr(err.reason, SECRET) && !strstr(err.code, SECRET));
    }
  judge_login(200,
              "{\"success\":false,\"error\":{\"code\":\"X\",\"message\":"
              "\"user is inactive\"}}",
              &envelope, &err);
  CHECK_TEXT(err.message, "the CRM refused login: user is inactive");
}

static void cut_connections(void) {
  struct icrm_error err;
  struct icrm_reply reply = {.retry_after_s = -1};
  icrm_error_set(&reply.err, ICRM_ERROR_TIMEOUT, "late");
  CHECK(judge(reply, true, &err) == ICRM_OUTCOME_UNKNOWN);
  CHECK(err.kind == ICRM_ERROR_UNKNOWN_OUTCOME);
  CHECK(judge(reply, false, &err) == ICRM_OUTCOME_FAILED);
  CHECK(err.kind == ICRM_ERROR_TIMEOUT &&
        icrm_outcome_tries(&reply, &err) == 2);
  reply.is_nothing_sent = true;
  CHECK(judge(reply, true, &err) == ICRM_OUTCOME_NOT_SENT);
  CHECK(err.kind == ICRM_ERROR_TIMEOUT && icrm_outcome_is_overload(&err));
}

static void tries(void) {
  struct icrm_error err;
  struct icrm_reply reply = {.is_complete = true};
  static const struct {
    int status, tries;
  } rows[] = {{302, 1}, {404, 1}, {408, 4}, {429, 4}, {500, 2},
              {502, 4}, {503, 4}, {504, 4}, {200, 2}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    judge(reply_of(rows[i].status, "x"), false, &err);
    CHECK(icrm_outcome_tries(&reply, &err) == rows[i].tries);
  }
}

int main(void) {
  statuses();
  codes();
  codes_under_a_refusing_status();
  an_unknown_operation_is_named_as_such();
  notices_around_a_login_are_passed_over();
  bodies_of_a_login_are_never_quoted();
  cut_connections();
  tries();
  return 0;
}
