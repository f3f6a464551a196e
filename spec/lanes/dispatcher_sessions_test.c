/* Logins, lanes and sessions of the dispatcher. */
#include "check.h"
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

/* So many results, in whatever order. */
static void wait_for_all(struct crm *crm, int n) {
  struct icrm_error err;
  while (n > 0) {
    const struct icrm_result *result = icrm_dispatcher_next(crm->d);
    CHECK(!result || result->ok);
    if (result)
      n--;
    else
      CHECK(icrm_dispatcher_step(crm->d, 1000, &err) >= 0);
  }
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

static void a_wrong_key_is_tried_twice_and_explained(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 4);
  crm.server.login = SCRIPTED_LOGIN_WRONG_KEY;
  const struct icrm_result *result =
      wait_for(&crm, icrm_dispatcher_login(crm.d, &err));
  CHECK(!result->ok && result->err.kind == ICRM_ERROR_AUTH);
  CHECK_TEXT(result->err.code, "INVALID_USER_CREDENTIALS");
  CHECK(strstr(result->err.message, "Mes préférences"));
  CHECK(crm.server.logins == 2 && crm.server.challenges == 2);
  crm.server.login = SCRIPTED_LOGIN_SUPERSEDED;
  CHECK(create(&crm)->ok);
  CHECK(crm.server.logins == 4);
  close_crm(&crm);
}

static void other_failed_logins(void) {
  struct crm crm;
  open_crm(&crm, 1);
  crm.server.login = SCRIPTED_LOGIN_UNKNOWN_USER;
  const struct icrm_result *result = create(&crm);
  CHECK(result->err.kind == ICRM_ERROR_AUTH);
  CHECK(strstr(result->err.message, "username does not exists"));
  crm.server.login = SCRIPTED_LOGIN_BROKEN;
  result = create(&crm);
  CHECK(result->err.kind == ICRM_ERROR_DECODE);
  CHECK(!strstr(result->err.message, "Fatal error"));
  CHECK(strstr(result->err.message, "is a web page, not JSON"));
  CHECK(crm.server.creates == 0);
  close_crm(&crm);
}

static void logins_are_one_at_a_time(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 8);
  struct icrm_dispatcher *other =
      connect_to(crm.transport, crm.server.port, 4, 1 << 20);
  for (int i = 0; i < 32; i++)
    scripted_reply(&crm.server, "200 OK", "", OK_BODY)->delay_ms = 20;
  struct icrm_call_options call = CREATE;
  for (int i = 0; i < 24; i++) {
    submit(&crm, CREATE);
    CHECK(icrm_dispatcher_submit(other, &call, &err) > 0);
  }
  int left = 48;
  while (left > 0) {
    CHECK(icrm_dispatcher_step(crm.d, 1000, &err) >= 0);
    while (icrm_dispatcher_next(crm.d))
      left--;
    while (icrm_dispatcher_next(other))
      left--;
  }
  CHECK(crm.server.max_in_login == 1);
  CHECK(crm.server.creates == 48 && crm.server.logins > 4);
  icrm_dispatcher_free(other);
  close_crm(&crm);
}

/* Keep eight lanes wanted until all are there. */
static void open_eight_lanes(struct crm *crm) {
  for (int i = 0; i < 40; i++)
    scripted_reply(&crm->server, "200 OK", "", OK_BODY)->delay_ms = 20;
  for (int i = 0; i < 40; i++)
    submit(crm, CREATE);
  for (int left = 40; left > 0;) {
    struct icrm_error err;
    const struct icrm_result *result;
    CHECK(icrm_dispatcher_step(crm->d, 1000, &err) >= 0);
    while ((result = icrm_dispatcher_next(crm->d))) {
      CHECK(result->ok);
      left--;
    }
  }
  CHECK(stats_of(crm).lanes == 8 && crm->server.creates == 40);
}

static void lanes_log_in_with_one_token(void) {
  struct crm crm;
  open_crm(&crm, 8);
  open_eight_lanes(&crm);
  CHECK(crm.server.logins == 8 && crm.server.challenges == 1);
  close_crm(&crm);
}

/* The token of the first login serves the lanes that are wanted later, unless
 * another client of the same user has asked for a newer one. */
static void a_token_is_kept_while_nobody_asks_anew(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 8);
  CHECK(wait_for(&crm, icrm_dispatcher_login(crm.d, &err))->ok);
  open_eight_lanes(&crm);
  CHECK(crm.server.logins == 8 && crm.server.challenges == 1);
  close_crm(&crm);
  open_crm(&crm, 8);
  CHECK(wait_for(&crm, icrm_dispatcher_login(crm.d, &err))->ok);
  struct icrm_dispatcher *other =
      connect_to(crm.transport, crm.server.port, 4, 1 << 20);
  icrm_dispatcher_login(other, &err);
  while (!icrm_dispatcher_next(other))
    CHECK(icrm_dispatcher_step(other, 1000, &err) >= 0);
  open_eight_lanes(&crm);
  CHECK(crm.server.logins == 9 && crm.server.challenges == 3);
  icrm_dispatcher_free(other);
  close_crm(&crm);
}

static void lanes_are_ready_for_calls_that_are_expected(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 8);
  CHECK(wait_for(&crm, icrm_dispatcher_login(crm.d, &err))->ok);
  scripted_reply(&crm.server, "200 OK", "", OK_BODY)->delay_ms = 200;
  uint64_t id = submit(&crm, CREATE);
  icrm_dispatcher_expect(crm.d, 5);
  CHECK(stats_of(&crm).lanes == 1);
  CHECK(wait_for(&crm, id)->ok);
  CHECK(stats_of(&crm).lanes == 6 && crm.server.challenges == 1);
  icrm_dispatcher_expect(crm.d, 6); /* an idle lane is as good as a new one */
  CHECK(icrm_dispatcher_step(crm.d, 0, &err) >= 0);
  CHECK(stats_of(&crm).in_flight == 0 && crm.server.logins == 6);
  close_crm(&crm);
}

/* A kick lets waiting calls out as replies come, but not what was submitted
 * since the last step. */
static void a_kick_sends_nothing_new(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 8);
  open_eight_lanes(&crm);
  const int before = crm.server.creates;
  submit(&crm, CREATE);
  for (int i = 0; i < 20; i++)
    CHECK(icrm_dispatcher_kick(crm.d, &err) == 0);
  CHECK(crm.server.creates == before);
  scripted_reply(&crm.server, "200 OK", "", OK_BODY);
  while (!icrm_dispatcher_next(crm.d))
    CHECK(icrm_dispatcher_step(crm.d, 1000, &err) >= 0);
  for (int i = 0; i < 16; i++)
    scripted_reply(&crm.server, "200 OK", "", OK_BODY)->delay_ms = 20;
  for (int i = 0; i < 16; i++)
    submit(&crm, CREATE);
  CHECK(icrm_dispatcher_step(crm.d, 0, &err) >= 0);
  while (crm.server.creates < before + 17)
    CHECK(icrm_dispatcher_kick(crm.d, &err) == 0);
  close_crm(&crm);
}

static void a_token_that_is_good_once_is_asked_for_each_time(void) {
  struct crm crm;
  open_crm(&crm, 8);
  crm.server.login = SCRIPTED_LOGIN_TOKEN_ONCE;
  open_eight_lanes(&crm);
  CHECK(crm.server.challenges == 8);
  CHECK(crm.server.logins == 8 + 7); /* seven were refused, once */
  close_crm(&crm);
}

static void the_session_stays_out_of_the_url(void) {
  struct crm crm;
  open_crm(&crm, 1);
  CHECK(retrieve(&crm)->ok);
  CHECK(scripted_count(&crm.server, "POST /wstiger.php?operation=retrieve&"
                                    "elementType=Accounts HTTP/1.1") == 1);
  CHECK_TEXT(stats_of(&crm).session_in, "body");
  /* Once it worked it is never given up, whatever the next one says. */
  scripted_reply(&crm.server, "404 Not Found", "", "");
  CHECK(!retrieve(&crm)->ok);
  CHECK(scripted_count(&crm.server, "GET /wstiger.php?operation=retrieve") ==
        0);
  close_crm(&crm);
}

static void a_server_that_reads_the_url_only_gets_it_there(void) {
  struct crm crm;
  open_crm(&crm, 1);
  scripted_refusal(&crm.server, "AUTHENTICATION_REQUIRED");
  const struct icrm_result *result = retrieve(&crm);
  CHECK(result->ok && result->attempts == 2);
  CHECK_TEXT(stats_of(&crm).session_in, "url");
  CHECK(retrieve(&crm)->ok);
  CHECK(scripted_count(&crm.server, "GET /wstiger.php?operation=retrieve&"
                                    "sessionName=secret-1&") == 2);
  CHECK(crm.server.logins == 1);
  close_crm(&crm);
}

static void the_fence(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 1);
  uint64_t session = create(&crm)->session;
  struct icrm_call_options logout = {
      .operation = "logout", .post = true, .session = session};
  struct icrm_call_options check = {.operation = "listtypes",
                                    .session = session};
  CHECK(wait_for(&crm, submit(&crm, logout))->ok);
  scripted_refusal(&crm.server, "INVALID_SESSIONID");
  const struct icrm_result *result = wait_for(&crm, submit(&crm, check));
  CHECK(!result->ok && result->attempts == 1);
  CHECK_TEXT(result->err.code, "INVALID_SESSIONID");
  CHECK(result->session == session);
  CHECK(scripted_count(&crm.server, "sessionName=secret-1") == 3);
  CHECK(crm.server.logins == 1);
  /* The same from a journal, in another process as it were. */
  const struct icrm_buf *name = icrm_dispatcher_session_name(crm.d, session);
  CHECK(name && strcmp(name->data, "secret-1") == 0);
  check.session = icrm_dispatcher_import_session(crm.d, "secret-old", 10);
  CHECK(wait_for(&crm, submit(&crm, check))->ok);
  CHECK(scripted_count(&crm.server, "sessionName=secret-old") == 1);
  CHECK(create(&crm)->session != session); /* a lane of its own again */
  check.session = 999;
  CHECK(icrm_dispatcher_submit(crm.d, &check, &err) == 0);
  CHECK(err.kind == ICRM_ERROR_INPUT);
  close_crm(&crm);
}

static void a_held_call_leaves_when_it_is_released(void) {
  struct crm crm;
  struct icrm_error err;
  uint64_t held, session;
  open_crm(&crm, 2);
  struct icrm_call_options call = CREATE;
  call.hold = true;
  uint64_t id = submit(&crm, call);
  CHECK(!icrm_dispatcher_held(crm.d, &held, &session));
  while (icrm_dispatcher_step(crm.d, 1000, &err) == 0)
    ;
  CHECK(icrm_dispatcher_held(crm.d, &held, &session));
  CHECK(held == id && session == 1);
  CHECK(!icrm_dispatcher_held(crm.d, &held, &session));
  CHECK(icrm_dispatcher_step(crm.d, 30, &err) == 0);
  CHECK(crm.server.creates == 0);
  scripted_refusal(&crm.server, "INVALID_SESSIONID");
  CHECK(icrm_dispatcher_release(crm.d, id));
  CHECK(!icrm_dispatcher_release(crm.d, id));
  CHECK(crm.server.creates == 0); /* not before the next step */
  while (icrm_dispatcher_step(crm.d, 1000, &err) == 0)
    ;
  /* Its session was gone: held again, on another. */
  CHECK(icrm_dispatcher_held(crm.d, &held, &session));
  CHECK(held == id && session == 2 && crm.server.creates == 1);
  CHECK(icrm_dispatcher_cancel(crm.d, id));
  const struct icrm_result *result = wait_for(&crm, id);
  CHECK(result->err.kind == ICRM_ERROR_CANCELED);
  CHECK(!icrm_dispatcher_cancel(crm.d, id));
  CHECK(crm.server.creates == 1 && stats_of(&crm).held == 0);
  close_crm(&crm);
}

int main(void) {
  begin_crms();
  a_lost_session_is_renewed();
  sessions_lost_in_a_row_are_renewed();
  a_session_that_is_never_taken_ends_the_call();
  a_wrong_key_is_tried_twice_and_explained();
  other_failed_logins();
  logins_are_one_at_a_time();
  lanes_log_in_with_one_token();
  a_token_is_kept_while_nobody_asks_anew();
  lanes_are_ready_for_calls_that_are_expected();
  a_kick_sends_nothing_new();
  a_token_that_is_good_once_is_asked_for_each_time();
  the_session_stays_out_of_the_url();
  a_server_that_reads_the_url_only_gets_it_there();
  the_fence();
  a_held_call_leaves_when_it_is_released();
  end_crms();
  return 0;
}
