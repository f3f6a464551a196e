#include "lanes/login.h"

#include "lanes/outcome.h"

#include <string.h>

#define TRIES_WITH_A_REFUSED_KEY 2
/* Other lanes work while one cannot log in: ask again after this. */
#define SPARE_REST_MS 30000

/* No lane can be had: say so to every call that waits for one. While the
 * server is away that is true of pinned calls as well. */
static void fail_calls(struct icrm_dispatcher *d,
                       const struct icrm_error *err) {
  icrm_calls_fail(&d->calls, &d->calls.queue, err);
  if (icrm_patience_is_away(&d->patience))
    icrm_calls_fail(&d->calls, &d->calls.pinned, err);
}

static bool is_key_refused(const struct icrm_error *err) {
  return strcmp(err->code, "INVALID_USER_CREDENTIALS") == 0 ||
         strcmp(err->code, "INVALID_AUTH_TOKEN") == 0;
}

static void explain_refusal(const struct icrm_dispatcher *d,
                            struct icrm_error *err) {
  struct icrm_error cause = *err;
  if (is_key_refused(&cause))
    icrm_error_set(err, ICRM_ERROR_AUTH,
                   "the CRM does not accept the access key of %s (%s); copy "
                   "\"Clé d'accès\" from « Mes préférences », which is not "
                   "the password; another program of this user that is "
                   "logging in at the same moment gives the same answer",
                   d->username, cause.code);
  else
    icrm_error_set(err, ICRM_ERROR_AUTH,
                   "the CRM refused the login of %s: %s; check the user name, "
                   "with its prefix (prefix/user)",
                   d->username, cause.message);
  memcpy(err->code, cause.code, sizeof err->code);
  memcpy(err->operation, cause.operation, sizeof err->operation);
  memcpy(err->reason, cause.reason, sizeof err->reason);
  err->status = cause.status;
}

/* Whether to log in again, after a wait. */
static bool may_try_again(struct icrm_dispatcher *d, enum icrm_outcome outcome,
                          const struct icrm_reply *reply,
                          const struct icrm_error *err, int64_t *wait_ms) {
  *wait_ms = 0;
  if (outcome == ICRM_OUTCOME_REFUSED)
    return is_key_refused(err) && d->logins.tries < TRIES_WITH_A_REFUSED_KEY;
  if (d->logins.tries >= icrm_outcome_tries(reply, err))
    return false;
  *wait_ms = icrm_backoff_wait_ms(&d->backoff, d->logins.tries);
  return *wait_ms >= 0;
}

static void give_up(struct icrm_dispatcher *d, enum icrm_outcome outcome,
                    struct icrm_error *err, int64_t now_ms) {
  d->logins.tries = 0;
  if (icrm_lane_set_has_session(&d->lanes)) {
    d->logins.spare_after_ms = now_ms + SPARE_REST_MS;
    return;
  }
  if (outcome == ICRM_OUTCOME_REFUSED || outcome == ICRM_OUTCOME_SESSION_GONE)
    explain_refusal(d, err);
  fail_calls(d, err);
}

static void on_failure(struct icrm_dispatcher *d, struct icrm_lane *lane,
                       enum icrm_outcome outcome, struct icrm_error *err,
                       int64_t now_ms) {
  const struct icrm_reply *reply = icrm_lane_reply(lane);
  int64_t wait_ms;
  lane->state = ICRM_LANE_IDLE;
  icrm_logins_failed(&d->logins);
  if (lane->shares_token && outcome == ICRM_OUTCOME_REFUSED) {
    icrm_logins_token_refused(&d->logins);
    return;
  }
  if (reply->retry_after_s >= 0)
    icrm_budget_pause(&d->budget, reply->retry_after_s, now_ms);
  if (icrm_patience_is_away(&d->patience)) {
    d->logins.after_ms = now_ms + icrm_patience_grow(&d->patience);
    if (!icrm_patience_lasts(&d->patience, now_ms))
      fail_calls(d, err);
    return;
  }
  if (may_try_again(d, outcome, reply, err, &wait_ms))
    d->logins.after_ms = now_ms + wait_ms;
  else
    give_up(d, outcome, err, now_ms);
}

static int answer(struct icrm_dispatcher *d, struct icrm_lane *lane,
                  struct icrm_error *err) {
  return icrm_lane_answer_challenge(lane, d->username, &d->logins.challenge,
                                    d->credentials, err);
}

void icrm_login_begin(struct icrm_dispatcher *d, struct icrm_lane *lane) {
  struct icrm_error err;
  lane->shares_token = icrm_logins_begin(&d->logins);
  int rc = lane->shares_token
               ? answer(d, lane, &err)
               : icrm_lane_ask_challenge(lane, d->username, &err);
  if (rc == 0)
    return;
  lane->state = ICRM_LANE_IDLE;
  d->logins.under_way--;
  fail_calls(d, &err);
}

static int open_session(struct icrm_dispatcher *d, struct icrm_lane *lane,
                        const char *result, size_t len,
                        struct icrm_error *err) {
  struct icrm_session *session = icrm_session_add(&d->sessions);
  if (!session)
    return icrm_error_set(err, ICRM_ERROR_TRANSPORT, "out of memory");
  if (icrm_session_read_login(result, len, session, err) != 0)
    return -1;
  session->server_time_offset_s = lane->server_time_offset_s;
  d->sessions.last = session;
  lane->session = session;
  lane->state = ICRM_LANE_IDLE;
  icrm_logins_worked(&d->logins, lane->shares_token);
  return 0;
}

static int go_on(struct icrm_dispatcher *d, struct icrm_lane *lane,
                 const char *result, size_t len, int64_t now_ms,
                 struct icrm_error *err) {
  if (lane->state == ICRM_LANE_LOGIN)
    return open_session(d, lane, result, len, err);
  if (icrm_logins_take_challenge(&d->logins, result, len, now_ms, err) != 0)
    return -1;
  return answer(d, lane, err);
}

void icrm_login_on_reply(struct icrm_dispatcher *d, struct icrm_lane *lane,
                         int64_t now_ms) {
  const bool is_login = lane->state == ICRM_LANE_LOGIN;
  const struct icrm_reply *reply = icrm_lane_reply(lane);
  struct icrm_envelope envelope;
  struct icrm_error err;
  enum icrm_outcome outcome = icrm_outcome_judge_login(
      reply, is_login ? "login" : "getchallenge", &envelope, &err);
  int rc = -1;
  if (outcome == ICRM_OUTCOME_DONE)
    rc = go_on(d, lane, reply->body.data + envelope.result_at,
               envelope.result_len, now_ms, &err);
  if (is_login)
    icrm_lane_wipe(lane);
  if (rc == 0)
    return;
  if (outcome == ICRM_OUTCOME_DONE)
    outcome = ICRM_OUTCOME_FAILED;
  on_failure(d, lane, outcome, &err, now_ms);
}
