/* Which call goes out on which lane, and when one more logs in. */
#include "check.h"
#include "lanes/scripted_crm.h"

static void a_login_that_is_there_already_needs_no_request(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 1);
  CHECK(create(&crm)->ok);
  const int requests = crm.server.requests;
  CHECK(wait_for(&crm, icrm_dispatcher_login(crm.d, &err))->ok);
  CHECK(crm.server.requests == requests && crm.server.logins == 1);
  close_crm(&crm);
}

/* It does not go out on another lane, though that one is idle; and it holds
 * nobody else up. */
static void a_pinned_call_waits_for_the_lane_of_its_session(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 2);
  open_lanes(&crm, 2);
  scripted_reply(&crm.server, "200 OK", "", OK_BODY)->is_held = true;
  uint64_t held = submit(&crm, CREATE);
  const int requests = crm.server.requests;
  while (crm.server.requests == requests)
    CHECK(icrm_dispatcher_step(crm.d, 10, &err) >= 0);
  uint64_t other = submit(&crm, CREATE);
  const struct icrm_result *result = wait_for(&crm, other);
  struct icrm_call_options pinned = RETRIEVE;
  pinned.session = 3 - result->session; /* of the two, the busy one */
  uint64_t waiting = submit(&crm, pinned);
  CHECK(create(&crm)->ok); /* on the other lane meanwhile */
  CHECK(stats_of(&crm).queued == 1);
  scripted_release(&crm.server);
  CHECK(wait_for(&crm, held)->session == pinned.session);
  CHECK(wait_for(&crm, waiting)->session == pinned.session);
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
  scripted_reply(&crm.server, "200 OK", "", OK_BODY)->delay_ms = 200;
  id = submit(&crm, CREATE);
  icrm_dispatcher_expect(crm.d, 20); /* more than lanes: each logs in once */
  CHECK(wait_for(&crm, id)->ok);
  CHECK(stats_of(&crm).lanes == 8 && crm.server.logins == 8);
  close_crm(&crm);
}

/* Lanes that are idle keep their sessions while others log in beside them. */
static void sessions_stay_when_more_lanes_are_expected(void) {
  struct crm crm;
  open_crm(&crm, 8);
  open_lanes(&crm, 2);
  open_lanes(&crm, 8);
  CHECK(crm.server.logins == 8 && crm.server.challenges == 1);
  close_crm(&crm);
}

/* A kick lets waiting calls out as replies come, but not what was submitted
 * since the last step. */
static void a_kick_sends_nothing_new(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 8);
  open_lanes(&crm, 8);
  for (int i = 0; i < 16; i++) /* a server that takes its time */
    scripted_reply(&crm.server, "200 OK", "", OK_BODY)->delay_ms = 20;
  for (int i = 0; i < 16; i++)
    submit(&crm, CREATE);
  wait_for_all(&crm, 16);
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
  a_login_that_is_there_already_needs_no_request();
  a_pinned_call_waits_for_the_lane_of_its_session();
  lanes_are_ready_for_calls_that_are_expected();
  sessions_stay_when_more_lanes_are_expected();
  a_kick_sends_nothing_new();
  the_fence();
  a_held_call_leaves_when_it_is_released();
  end_crms();
  return 0;
}
