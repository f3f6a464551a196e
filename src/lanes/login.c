/* How a lane gets its session: getchallenge, then login, with the login lock
 * held. A token is good for any number of logins until a newer challenge voids
 * it (law 18): when the first login with it has worked, the lanes
 * that are wanted besides log in with it at once, then or within some seconds.
 * A server that takes a token only once is asked for one each time.
 * And what happens while the server is away: nothing is sent but a login, again
 * and again with growing rests, until it works or patience ends. */
#include "core/clock.h"
#include "lanes/dispatcher_impl.h"
#include "lanes/outcome.h"

#include <stdlib.h>
#include <string.h>

#define LOGIN_TIMEOUT_MS 30000
#define TOKEN_KEPT_MS 10000
#define LOCK_LONGEST_WAIT_MS 60000
#define LOGIN_TRIES_WITH_A_REFUSED_KEY 2
/* Other lanes work while one cannot log in: ask again after this. */
#define LOGIN_REST_MS 30000
/* So many exchanges in a row without a reply: the server is away. */
#define AWAY_AFTER 3
#define AWAY_FIRST_REST_MS 500
#define AWAY_LONGEST_REST_MS 10000

void icrm_dispatcher_note(struct icrm_dispatcher *d,
                          const struct icrm_reply *reply, int64_t now_ms) {
  if (reply->is_given_up)
    return; /* that tells of this side */
  const bool is_gateway = reply->status >= 502 && reply->status <= 504;
  if (reply->status > 0 && !is_gateway) {
    d->failures = 0;
    d->away_since_ms = 0;
    return;
  }
  /* A server that never answered is a wrong address, not one that is away. */
  if (++d->failures < AWAY_AFTER || d->logins == 0 || d->away_since_ms > 0)
    return;
  d->away_since_ms = now_ms;
  d->away_rest_ms = AWAY_FIRST_REST_MS;
  d->login_after_ms = now_ms + d->away_rest_ms;
}

bool icrm_dispatcher_is_patient(const struct icrm_dispatcher *d,
                                int64_t now_ms) {
  return d->away_since_ms > 0 && now_ms - d->away_since_ms < d->patience_ms;
}

static void login_over(struct icrm_lane *lane) {
  struct icrm_dispatcher *d = lane->dispatcher;
  lane->state = ICRM_LANE_IDLE;
  d->logging_in--;
}

bool icrm_login_may_start(const struct icrm_dispatcher *d) {
  if (d->logging_in == 0)
    return true;
  return d->token_works && d->challenge.token.len > 0 && !d->token_is_single &&
         d->logging_in < icrm_dispatcher_wanted_lanes(d);
}

bool icrm_login_take_lock(struct icrm_dispatcher *d, int64_t now_ms) {
  if (d->logging_in > 0)
    return true;
  if (!icrm_login_lock_try(&d->lock)) {
    if (d->lock_since_ms == 0)
      d->lock_since_ms = now_ms;
    /* Whoever holds it so long hangs; a clash would only cost a second try. */
    if (now_ms - d->lock_since_ms < LOCK_LONGEST_WAIT_MS)
      return false;
  }
  d->lock_since_ms = 0;
  if (!d->token_works || now_ms - d->challenge_ms > TOKEN_KEPT_MS ||
      !icrm_login_lock_is_ours(&d->lock))
    icrm_challenge_clear(&d->challenge);
  return true;
}

void icrm_login_settle(struct icrm_dispatcher *d) {
  if (d->logging_in == 0)
    icrm_login_lock_release(&d->lock);
}

/* No lane can be had: say so to every call that waits for one. While the
 * server is away that is true of pinned calls as well. */
static void fail_queue(struct icrm_dispatcher *d,
                       const struct icrm_error *err) {
  while (d->queue.head)
    icrm_call_finish(d, icrm_calls_remove(&d->queue, &d->queue.head), err);
  while (d->away_since_ms > 0 && d->pinned.head)
    icrm_call_finish(d, icrm_calls_remove(&d->pinned, &d->pinned.head), err);
}

static void explain_refusal(const struct icrm_dispatcher *d,
                            struct icrm_error *err) {
  struct icrm_error cause = *err;
  const bool is_key = strcmp(cause.code, "INVALID_USER_CREDENTIALS") == 0 ||
                      strcmp(cause.code, "INVALID_AUTH_TOKEN") == 0;
  if (is_key)
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
  err->status = cause.status;
}

static bool login_may_be_tried_again(struct icrm_dispatcher *d,
                                     enum icrm_outcome outcome,
                                     const struct icrm_reply *reply,
                                     const struct icrm_error *err,
                                     int64_t *wait_ms) {
  *wait_ms = 0;
  if (outcome == ICRM_OUTCOME_REFUSED)
    return (strcmp(err->code, "INVALID_USER_CREDENTIALS") == 0 ||
            strcmp(err->code, "INVALID_AUTH_TOKEN") == 0) &&
           d->login_tries < LOGIN_TRIES_WITH_A_REFUSED_KEY;
  if (d->login_tries >= icrm_outcome_tries(reply, err))
    return false;
  *wait_ms = icrm_dispatcher_backoff_ms(d, d->login_tries);
  return *wait_ms >= 0;
}

static void login_failed(struct icrm_lane *lane, enum icrm_outcome outcome,
                         struct icrm_error *err, int64_t now_ms) {
  struct icrm_dispatcher *d = lane->dispatcher;
  const struct icrm_reply *reply = icrm_exchange_reply(lane->exchange);
  int64_t wait_ms;
  login_over(lane);
  icrm_challenge_clear(&d->challenge);
  if (lane->shares_token && outcome == ICRM_OUTCOME_REFUSED) {
    d->token_is_single = !d->token_lasts; /* else voided by somebody else */
    d->login_tries = 0;
    return;
  }
  if (reply->retry_after_s >= 0)
    icrm_quota_pause(&d->quota, reply->retry_after_s,
                     icrm_dispatcher_quota_ms(d, now_ms));
  if (d->away_since_ms > 0) {
    if (d->away_rest_ms < AWAY_LONGEST_REST_MS)
      d->away_rest_ms *= 2;
    d->login_after_ms = now_ms + d->away_rest_ms;
    if (!icrm_dispatcher_is_patient(d, now_ms))
      fail_queue(d, err);
    return;
  }
  if (login_may_be_tried_again(d, outcome, reply, err, &wait_ms)) {
    d->login_after_ms = now_ms + wait_ms;
    return;
  }
  d->login_tries = 0;
  if (icrm_dispatcher_has_session(d)) {
    d->spare_after_ms = now_ms + LOGIN_REST_MS;
    return;
  }
  if (outcome == ICRM_OUTCOME_REFUSED || outcome == ICRM_OUTCOME_SESSION_GONE)
    explain_refusal(d, err);
  fail_queue(d, err);
}

static int ask_challenge(struct icrm_lane *lane, int64_t now_ms,
                         struct icrm_error *err) {
  struct icrm_dispatcher *d = lane->dispatcher;
  lane->state = ICRM_LANE_CHALLENGE;
  icrm_login_lock_mark(&d->lock);
  icrm_lane_begin_url(lane, "getchallenge");
  icrm_form_add(&lane->url, "username", 8, d->username, strlen(d->username));
  struct icrm_request request = {.url = lane->url.data,
                                 .timeout_ms = LOGIN_TIMEOUT_MS};
  return icrm_lane_start(lane, &request, now_ms, err);
}

static int answer_challenge(struct icrm_lane *lane, int64_t now_ms,
                            struct icrm_error *err) {
  struct icrm_dispatcher *d = lane->dispatcher;
  icrm_buf_clear(&lane->head);
  icrm_lane_begin_url(lane, NULL);
  if (icrm_session_add_login(&lane->head, d->username, &d->challenge,
                             d->credentials, err) != 0)
    return -1;
  struct icrm_request request = {.url = lane->url.data,
                                 .body.head = &lane->head,
                                 .timeout_ms = LOGIN_TIMEOUT_MS};
  lane->state = ICRM_LANE_LOGIN;
  lane->server_time_offset_s = d->challenge.server_time_offset_s;
  return icrm_lane_start(lane, &request, now_ms, err);
}

void icrm_lane_login(struct icrm_lane *lane, int64_t now_ms) {
  struct icrm_dispatcher *d = lane->dispatcher;
  struct icrm_error err;
  d->logging_in++;
  d->login_tries++;
  lane->shares_token = d->challenge.token.len > 0 && !d->token_is_single;
  int rc = lane->shares_token ? answer_challenge(lane, now_ms, &err)
                              : ask_challenge(lane, now_ms, &err);
  if (rc != 0) {
    login_over(lane);
    fail_queue(d, &err);
  }
}

static int read_challenge(struct icrm_lane *lane, const char *result,
                          size_t len, int64_t now_ms, struct icrm_error *err) {
  struct icrm_dispatcher *d = lane->dispatcher;
  icrm_challenge_clear(&d->challenge);
  d->token_works = false;
  d->challenge_ms = now_ms;
  if (icrm_session_read_challenge(result, len, &d->challenge, err) != 0)
    return -1;
  return answer_challenge(lane, now_ms, err);
}

static int open_session(struct icrm_lane *lane, const char *result, size_t len,
                        struct icrm_error *err) {
  struct icrm_dispatcher *d = lane->dispatcher;
  struct icrm_session *session = icrm_dispatcher_add_session(d);
  if (!session)
    return icrm_error_set(err, ICRM_ERROR_TRANSPORT, "out of memory");
  if (icrm_session_read_login(result, len, session, err) != 0)
    return -1;
  session->server_time_offset_s = lane->server_time_offset_s;
  lane->session = session;
  d->last_session = session;
  d->login_tries = 0;
  d->logins++;
  d->token_works = true;
  d->token_lasts = d->token_lasts || lane->shares_token;
  login_over(lane);
  return 0;
}

void icrm_lane_on_login_reply(struct icrm_lane *lane, int64_t now_ms) {
  const bool is_login = lane->state == ICRM_LANE_LOGIN;
  struct icrm_reply *reply = icrm_exchange_reply(lane->exchange);
  struct icrm_envelope envelope;
  struct icrm_error err;
  enum icrm_outcome outcome = icrm_outcome_judge_login(
      reply, is_login ? "login" : "getchallenge", &envelope, &err);
  int rc = -1;
  if (outcome == ICRM_OUTCOME_DONE) {
    const char *result = reply->body.data + envelope.result_at;
    rc = is_login
             ? open_session(lane, result, envelope.result_len, &err)
             : read_challenge(lane, result, envelope.result_len, now_ms, &err);
  }
  if (is_login)
    explicit_bzero(lane->head.data, lane->head.len);
  if (rc == 0)
    return;
  if (outcome == ICRM_OUTCOME_DONE)
    outcome = ICRM_OUTCOME_FAILED;
  login_failed(lane, outcome, &err, now_ms);
}
