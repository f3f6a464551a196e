#include "lanes/replies.h"

#include "core/clock.h"
#include "lanes/outcome.h"

#include <string.h>
#include <strings.h>

/* So many new sessions may refuse one call, the first ones without a rest. */
#define NEW_SESSIONS_PER_CALL 6
#define NEW_SESSIONS_AT_ONCE 3

/* Operations that take about equally long share a number; a file takes as long
 * as it is large. */
static int kind_of(const struct icrm_call *call) {
  static const char *const kinds[ICRM_LIMITER_KINDS - 1] = {
      "query",  "retrieve", "create",          "update",
      "revise", "describe", "retrieve_related"};
  int i = 0;
  while (i < ICRM_LIMITER_KINDS - 1 && strcmp(call->operation, kinds[i]) != 0)
    i++;
  return call->files || call->download ? ICRM_LIMITER_KINDS - 1 : i;
}

/* Tell the limiter, the budgets and the counters. */
static void count(struct icrm_dispatcher *d, const struct icrm_lane *lane,
                  enum icrm_outcome outcome, const struct icrm_error *err,
                  int64_t now_ms) {
  const struct icrm_reply *reply = icrm_lane_reply(lane);
  const int64_t now_us = icrm_clock_us();
  if (outcome == ICRM_OUTCOME_DONE || outcome == ICRM_OUTCOME_REFUSED)
    icrm_limiter_answered(&d->limiter, kind_of(lane->call), lane->started_us,
                          now_us, lane->in_flight);
  else if (icrm_outcome_is_overload(err))
    icrm_limiter_overload(&d->limiter, lane->started_us, now_us);
  if (outcome == ICRM_OUTCOME_DONE)
    icrm_backoff_earn(&d->backoff);
  else if (reply->retry_after_s >= 0)
    icrm_budget_pause(&d->budget, reply->retry_after_s, now_ms);
  if (outcome == ICRM_OUTCOME_UNKNOWN)
    d->counts.unknown++;
  if (reply->is_complete) {
    d->counts.answered++;
    d->counts.answered_us += reply->time_us;
  }
}

/* Whether the call may be sent again after a wait, which is then set. */
static bool retry_later(struct icrm_dispatcher *d, struct icrm_call *call,
                        enum icrm_outcome outcome,
                        const struct icrm_reply *reply,
                        const struct icrm_error *err, int64_t now_ms) {
  if (outcome != ICRM_OUTCOME_NOT_SENT && outcome != ICRM_OUTCOME_FAILED)
    return false;
  if (!call->session && err->kind != ICRM_ERROR_TLS &&
      icrm_patience_lasts(&d->patience, now_ms)) {
    call->not_before_ms = now_ms;
    return true; /* goes on when the server is back */
  }
  if (call->session || call->result.attempts >= icrm_outcome_tries(reply, err))
    return false;
  int64_t wait_ms = icrm_backoff_wait_ms(&d->backoff, call->result.attempts);
  if (wait_ms < 0)
    return false;
  call->not_before_ms = now_ms + wait_ms;
  d->counts.retries++;
  return true;
}

/* The session that carried the call is gone, and the call was not begun: it
 * goes on with another one. A session that has worked may go at any time, all
 * of them at once. One that is refused before it did anything may have met
 * whatever took the others; when it happens to one call again and again, that
 * is how the server answers it. Returns false then. */
static bool renew(struct icrm_dispatcher *d, struct icrm_call *call,
                  const struct icrm_session *session, int64_t now_ms) {
  if (call->session)
    return false;
  if (!session->has_worked && ++call->refused_new >= NEW_SESSIONS_PER_CALL)
    return false;
  d->counts.renewals++;
  call->not_before_ms = now_ms;
  if (call->refused_new > NEW_SESSIONS_AT_ONCE) {
    int64_t wait_ms = icrm_backoff_wait_ms(&d->backoff, call->refused_new);
    if (wait_ms < 0)
      return false;
    call->not_before_ms += wait_ms;
    icrm_calls_push(&d->calls.delayed, call);
  } else {
    icrm_calls_unshift(&d->calls.queue, call);
  }
  return true;
}

/* A server that did not answer in full may still be at work on this session
 * and would make the next call wait behind it: leave the session, after a write
 * to the fence of whoever settles the outcome. */
static bool may_be_still_at_work(enum icrm_outcome outcome,
                                 const struct icrm_reply *reply) {
  if (outcome != ICRM_OUTCOME_UNKNOWN && outcome != ICRM_OUTCOME_FAILED)
    return false;
  return (!reply->is_complete && reply->err.kind != ICRM_ERROR_DECODE) ||
         reply->status == 408 || (reply->status >= 502 && reply->status <= 504);
}

/* The server may have printed the session's name. */
static void redact(const struct icrm_session *session, struct icrm_error *err) {
  const struct icrm_buf *name = &session->name;
  icrm_session_redact(name->data, name->len, err->message);
  icrm_session_redact(name->data, name->len, err->reason);
  icrm_session_redact(name->data, name->len, err->code);
}

static void finish(struct icrm_dispatcher *d, struct icrm_lane *lane,
                   struct icrm_call *call, const struct icrm_envelope *envelope,
                   const struct icrm_error *err) {
  struct icrm_reply *reply = icrm_lane_reply(lane);
  struct icrm_result *result = &call->result;
  result->status = reply->status;
  result->time_us = reply->time_us;
  if (!err) {
    call->body = reply->body;
    reply->body = (struct icrm_buf){0};
    result->json = call->body.data + envelope->result_at;
    result->json_len = envelope->result_len;
    result->page = envelope->is_page ? &call->page : NULL;
  }
  icrm_calls_finish(&d->calls, call, err);
}

/* What the reply says about the session that carried the call: whether the lane
 * goes on with it. */
static void note_session(struct icrm_lane *lane, const struct icrm_call *call,
                         struct icrm_session *session,
                         enum icrm_outcome outcome) {
  if (outcome == ICRM_OUTCOME_DONE || outcome == ICRM_OUTCOME_REFUSED)
    session->has_worked = true;
  if (lane->session == session &&
      (strcasecmp(call->operation, "logout") == 0 ||
       outcome == ICRM_OUTCOME_SESSION_GONE ||
       may_be_still_at_work(outcome, icrm_lane_reply(lane))))
    lane->session = NULL;
}

static enum icrm_outcome judge(struct icrm_lane *lane,
                               const struct icrm_session *session,
                               struct icrm_envelope *envelope,
                               struct icrm_error *err) {
  struct icrm_call *call = lane->call;
  enum icrm_outcome outcome =
      icrm_outcome_judge(icrm_lane_reply(lane), call->operation, call->write,
                         &call->page, envelope, err);
  if (outcome == ICRM_OUTCOME_DONE && call->download &&
      icrm_download_end(call->download, err) != 0)
    outcome = ICRM_OUTCOME_FAILED;
  if (outcome != ICRM_OUTCOME_DONE) {
    const struct icrm_body body = {.text = &call->form, .files = call->files};
    icrm_outcome_blame_size(err, icrm_body_len(&body));
    redact(session, err);
  }
  return outcome;
}

void icrm_replies_take(struct icrm_dispatcher *d, struct icrm_lane *lane,
                       int64_t now_ms) {
  struct icrm_session *session =
      icrm_session_find(&d->sessions, lane->call->result.session);
  struct icrm_envelope envelope;
  struct icrm_error err;
  enum icrm_outcome outcome = judge(lane, session, &envelope, &err);
  count(d, lane, outcome, &err, now_ms);
  icrm_lane_wipe(lane);
  struct icrm_call *call = icrm_lane_take_call(lane);
  if (icrm_session_place_learn(&d->session_place, call, outcome, &err)) {
    icrm_calls_unshift(&d->calls.queue, call);
    return;
  }
  note_session(lane, call, session, outcome);
  if (outcome == ICRM_OUTCOME_SESSION_GONE && renew(d, call, session, now_ms))
    return;
  if (retry_later(d, call, outcome, icrm_lane_reply(lane), &err, now_ms)) {
    icrm_calls_push(&d->calls.delayed, call);
    return;
  }
  finish(d, lane, call, &envelope, outcome == ICRM_OUTCOME_DONE ? NULL : &err);
}
