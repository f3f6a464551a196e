/* How a lane gets its session: tokens, refusals, other processes. */
#include "check.h"
#include "lanes/scripted_crm.h"

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

/* The first lane works while no other can log in: its calls are not failed, and
 * nobody asks again and again. */
static void lanes_that_cannot_log_in_leave_the_others_at_work(void) {
  struct crm crm;
  open_crm(&crm, 4);
  CHECK(create(&crm)->ok);
  crm.server.login = SCRIPTED_LOGIN_WRONG_KEY;
  for (int i = 0; i < 12; i++)
    scripted_reply(&crm.server, "200 OK", "", OK_BODY)->delay_ms = 10;
  for (int i = 0; i < 12; i++)
    submit(&crm, CREATE);
  wait_for_all(&crm, 12);
  CHECK(crm.server.creates == 13 && stats_of(&crm).lanes == 1);
  const int logins = crm.server.logins;
  for (int i = 0; i < 4; i++)
    submit(&crm, CREATE);
  wait_for_all(&crm, 4);
  CHECK(logins > 1 && crm.server.logins == logins);
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

static void lanes_log_in_with_one_token(void) {
  struct crm crm;
  open_crm(&crm, 8);
  open_lanes(&crm, 8);
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
  open_lanes(&crm, 8);
  CHECK(crm.server.logins == 8 && crm.server.challenges == 1);
  close_crm(&crm);
  open_crm(&crm, 8);
  CHECK(wait_for(&crm, icrm_dispatcher_login(crm.d, &err))->ok);
  struct icrm_dispatcher *other =
      connect_to(crm.transport, crm.server.port, 4, 1 << 20);
  icrm_dispatcher_login(other, &err);
  while (!icrm_dispatcher_next(other))
    CHECK(icrm_dispatcher_step(other, 1000, &err) >= 0);
  open_lanes(&crm, 8);
  CHECK(crm.server.logins == 9 && crm.server.challenges == 3);
  icrm_dispatcher_free(other);
  close_crm(&crm);
}

static void a_token_that_is_good_once_is_asked_for_each_time(void) {
  struct crm crm;
  open_crm(&crm, 8);
  crm.server.login = SCRIPTED_LOGIN_TOKEN_ONCE;
  open_lanes(&crm, 8);
  CHECK(crm.server.challenges == 8);
  CHECK(crm.server.logins == 8 + 7); /* seven were refused, once */
  close_crm(&crm);
}

int main(void) {
  begin_crms();
  a_wrong_key_is_tried_twice_and_explained();
  other_failed_logins();
  lanes_that_cannot_log_in_leave_the_others_at_work();
  logins_are_one_at_a_time();
  lanes_log_in_with_one_token();
  a_token_is_kept_while_nobody_asks_anew();
  a_token_that_is_good_once_is_asked_for_each_time();
  end_crms();
  return 0;
}
