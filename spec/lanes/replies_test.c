/* What becomes of a call when its reply is there. */
#include "check.h"
#include "core/clock.h"
#include "lanes/scripted_crm.h"

static void a_lost_session_is_renewed(void) {
  static const char *const codes[] = {"AUTHENTICATION_REQUIRED",
                                      "INVALID_SESSIONID", "SESSION_EXPIRED",
                                      "SESSION_LEFT_IDLE"};
  struct crm crm;
  open_crm(&crm, 1);
  for (int i = 0; i < 4; i++) {
    scripted_refusal(&crm.server, codes[i]);
    const struct icrm_result *result = create(&crm);
    CHECK(result->ok && result->attempts == 2);
  }
  CHECK(crm.server.logins == 5 && stats_of(&crm).renewals == 4);
  close_crm(&crm);
}

/* All sessions go at once, and the next ones too: one call may meet more than
 * one of them. */
static void sessions_lost_in_a_row_are_renewed(void) {
  for (int lanes = 1; lanes <= 4; lanes++) {
    struct crm crm;
    open_crm(&crm, lanes);
    for (int i = 0; i < lanes; i++)
      submit(&crm, CREATE);
    wait_for_all(&crm, lanes);
    for (int i = 0; i < lanes + 2; i++)
      scripted_refusal(&crm.server, "INVALID_SESSIONID");
    const struct icrm_result *result = create(&crm);
    CHECK(result->ok && result->attempts == lanes + 3);
    close_crm(&crm);
  }
}

static void a_session_that_is_never_taken_ends_the_call(void) {
  struct crm crm;
  open_crm(&crm, 1);
  CHECK(create(&crm)->ok);
  for (int i = 0; i < 7; i++)
    scripted_refusal(&crm.server, "INVALID_SESSIONID");
  const struct icrm_result *result = create(&crm);
  CHECK(!result->ok && result->err.kind == ICRM_ERROR_AUTH);
  CHECK_TEXT(result->err.code, "INVALID_SESSIONID");
  CHECK(result->attempts == 7); /* the old one, and six new ones */
  CHECK(create(&crm)->ok);
  close_crm(&crm);
}

/* A server that gave no whole answer, or a gateway that did not wait for one,
 * may be at work on the session still: the next call takes another. */
static void a_session_that_may_be_at_work_is_left(void) {
  static const char *const gateways[] = {
      "408 Request Timeout", "502 Bad Gateway", "504 Gateway Timeout"};
  for (int i = 0; i < 3; i++) {
    struct crm crm;
    open_crm(&crm, 1);
    uint64_t session = create(&crm)->session;
    scripted_reply(&crm.server, gateways[i], "", "");
    const struct icrm_result *result = create(&crm);
    CHECK(result->err.kind == ICRM_ERROR_UNKNOWN_OUTCOME);
    CHECK(result->attempts == 1 && result->session == session);
    CHECK(create(&crm)->session != session && crm.server.logins == 2);
    close_crm(&crm);
  }
}

/* A whole answer, whatever it says, proves that nobody is at work any more. */
static void a_session_that_has_answered_is_kept(void) {
  struct crm crm;
  open_crm(&crm, 1);
  uint64_t session = create(&crm)->session;
  scripted_reply(&crm.server, "500 Internal Server Error", "", "");
  CHECK(create(&crm)->err.kind == ICRM_ERROR_UNKNOWN_OUTCOME);
  scripted_refusal(&crm.server, "ACCESS_DENIED");
  CHECK(create(&crm)->err.kind == ICRM_ERROR_REFUSED);
  CHECK(create(&crm)->session == session && crm.server.logins == 1);
  CHECK(stats_of(&crm).unknown == 1);
  close_crm(&crm);
}

static void reads_are_tried_again(void) {
  struct crm crm;
  open_crm(&crm, 1);
  CHECK(retrieve(&crm)->ok);
  scripted_raw(&crm.server, "", 0)->is_last = true;
  scripted_reply(&crm.server, "503 Service Unavailable", "", "");
  const struct icrm_result *result = retrieve(&crm);
  CHECK(result->ok);
  CHECK(stats_of(&crm).retries >= 1);
  scripted_refusal(&crm.server, "ACCESS_DENIED");
  result = retrieve(&crm);
  CHECK(result->attempts == 1 && result->err.kind == ICRM_ERROR_REFUSED);
  CHECK_TEXT(result->err.code, "ACCESS_DENIED");
  close_crm(&crm);
}

static void the_retry_budget_ends(void) {
  struct crm crm;
  open_crm(&crm, 1);
  CHECK(retrieve(&crm)->ok);
  for (int i = 0; i < 40; i++)
    scripted_reply(&crm.server, "500 Internal Server Error", "", "");
  int requests = crm.server.requests;
  for (int i = 0; i < 14; i++)
    CHECK(!retrieve(&crm)->ok);
  CHECK(crm.server.requests - requests == 14 + 10); /* 100 / 10 a retry */
  close_crm(&crm);
}

static void retry_after_holds_everything_back(void) {
  struct crm crm;
  open_crm(&crm, 1);
  CHECK(retrieve(&crm)->ok);
  scripted_reply(&crm.server, "429 Too Many Requests", "Retry-After: 1\r\n",
                 "");
  int64_t start = icrm_clock_ms();
  CHECK(retrieve(&crm)->ok);
  CHECK(icrm_clock_ms() - start >= 1000);
  scripted_reply(&crm.server, "429 Too Many Requests",
                 "Retry-After: 1000000000\r\n", "");
  const struct icrm_result *result = create(&crm);
  CHECK(result->err.kind == ICRM_ERROR_UNKNOWN_OUTCOME);
  CHECK(result->err.status == 429 && result->err.retry_after_s == 86400);
  int64_t wait_ms = stats_of(&crm).wait_ms;
  CHECK(wait_ms > 86390000 && wait_ms <= 86400000);
  int requests = crm.server.requests;
  result = create(&crm); /* nobody waits for so long */
  CHECK(result->err.kind == ICRM_ERROR_RATE_LIMITED && result->attempts == 0);
  CHECK(result->err.retry_after_s > 86300);
  CHECK(strncmp(result->err.message, "the CRM asked to wait until 20", 30) ==
        0);
  CHECK_TEXT(result->err.operation, "create");
  icrm_dispatcher_logout(crm.d, 100);
  CHECK(crm.server.requests == requests);
  close_crm(&crm);
}

/* What is left is of the window that the same reply tells of, in whatever order
 * its headers come. */
static void a_new_window_is_seen_in_any_order(void) {
  static const char *const orders[][2] = {
      {"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1\r\n",
       "X-RateLimit-Remaining: 59\r\nX-RateLimit-Reset: 3600\r\n"},
      {"X-RateLimit-Reset: 1\r\nX-RateLimit-Remaining: 0\r\n",
       "X-RateLimit-Reset: 3600\r\nX-RateLimit-Remaining: 59\r\n"}};
  for (int i = 0; i < 2; i++) {
    struct crm crm;
    open_crm(&crm, 1);
    for (int reply = 0; reply < 2; reply++)
      scripted_reply(&crm.server, "200 OK", orders[i][reply], OK_BODY);
    CHECK(retrieve(&crm)->ok && stats_of(&crm).wait_ms > 0);
    CHECK(retrieve(&crm)->ok && stats_of(&crm).wait_ms == 0);
    close_crm(&crm);
  }
}

static void secrets_that_the_server_repeats_are_starred(void) {
  struct crm crm;
  open_crm(&crm, 1);
  scripted_reply(&crm.server, "404 Not Found", "",
                 "no page for sessionName=secret-1");
  const struct icrm_result *result = create(&crm);
  CHECK(strstr(result->err.message, "sessionName=********"));
  CHECK(!strstr(result->err.message, "secret-1"));
  close_crm(&crm);
}

int main(void) {
  begin_crms();
  a_lost_session_is_renewed();
  sessions_lost_in_a_row_are_renewed();
  a_session_that_is_never_taken_ends_the_call();
  a_session_that_may_be_at_work_is_left();
  a_session_that_has_answered_is_kept();
  reads_are_tried_again();
  the_retry_budget_ends();
  retry_after_holds_everything_back();
  a_new_window_is_seen_in_any_order();
  secrets_that_the_server_repeats_are_starred();
  end_crms();
  return 0;
}
