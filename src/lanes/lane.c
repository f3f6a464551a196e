#include "core/clock.h"
#include "lanes/dispatcher_impl.h"
#include "lanes/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define READ_TIMEOUT_MS 60000
#define WRITE_TIMEOUT_MS 120000
#define RETRY_BUDGET 100
/* So many new sessions may refuse one call, the first ones without a rest. */
#define NEW_SESSIONS_PER_CALL 6
#define NEW_SESSIONS_AT_ONCE 3

static void on_done(void *owner, struct icrm_exchange *exchange);

struct icrm_lane *icrm_lane_new(struct icrm_dispatcher *d,
                                struct icrm_error *err) {
  struct icrm_lane *lane = calloc(1, sizeof *lane);
  if (!lane) {
    icrm_error_set(err, ICRM_ERROR_TRANSPORT, "out of memory");
    return NULL;
  }
  lane->exchange = icrm_exchange_new(d->transport, d->site, on_done, lane, err);
  if (!lane->exchange) {
    free(lane);
    return NULL;
  }
  lane->dispatcher = d;
  d->lanes[d->n_lanes++] = lane;
  lane->number = d->n_lanes;
  return lane;
}

void icrm_lane_free(struct icrm_lane *lane) {
  icrm_exchange_free(lane->exchange);
  icrm_buf_wipe(&lane->url);
  icrm_buf_wipe(&lane->head);
  icrm_call_free(lane->call);
  free(lane);
}

int icrm_lane_start(struct icrm_lane *lane, const struct icrm_request *request,
                    int64_t now_ms, struct icrm_error *err) {
  struct icrm_dispatcher *d = lane->dispatcher;
  if (lane->url.failed || lane->head.failed)
    return icrm_error_set(err, ICRM_ERROR_TRANSPORT, "out of memory");
  if (icrm_exchange_start(lane->exchange, request, err) != 0)
    return -1;
  if (!lane->is_counted)
    icrm_dispatcher_spend(d, now_ms);
  lane->is_counted = false;
  lane->started_us = icrm_clock_us();
  lane->in_flight = ++d->in_flight;
  return 0;
}

void icrm_lane_begin_url(struct icrm_lane *lane, const char *operation) {
  const struct icrm_form_endpoint *endpoint = &lane->dispatcher->endpoint;
  icrm_buf_clear(&lane->url);
  icrm_buf_add_text(&lane->url, endpoint->url);
  if (operation) {
    icrm_buf_add_text(&lane->url, "?operation=");
    icrm_buf_add_text(&lane->url, operation);
  }
}

static void add_field(struct icrm_buf *out, const char *name,
                      const char *value) {
  icrm_form_add(out, name, strlen(name), value, strlen(value));
}

/* Parameters in the body: operation and session before the caller's. */
static void build_post(struct icrm_lane *lane, const struct icrm_call *call,
                       const struct icrm_buf *session) {
  icrm_lane_begin_url(lane, NULL);
  if (call->boundary[0]) {
    struct icrm_form_part operation = {.name = "operation",
                                       .data = call->operation,
                                       .data_len = strlen(call->operation)};
    struct icrm_form_part name = {
        .name = "sessionName", .data = session->data, .data_len = session->len};
    icrm_form_add_part(&lane->head, call->boundary, &operation, NULL);
    icrm_form_add_part(&lane->head, call->boundary, &name, NULL);
    return;
  }
  add_field(&lane->head, "operation", call->operation);
  icrm_form_add(&lane->head, "sessionName", 11, session->data, session->len);
  if (call->form.len > 0)
    icrm_buf_add_byte(&lane->head, '&');
}

/* Parameters in the URL; the session in the body unless the server is known
 * not to look there. */
static void build_get(struct icrm_lane *lane, const struct icrm_call *call,
                      const struct icrm_buf *session) {
  icrm_lane_begin_url(lane, call->operation);
  if (call->in_url)
    icrm_form_add(&lane->url, "sessionName", 11, session->data, session->len);
  else
    icrm_form_add(&lane->head, "sessionName", 11, session->data, session->len);
  if (call->form.len > 0) {
    icrm_buf_add_byte(&lane->url, '&');
    icrm_buf_add(&lane->url, call->form.data, call->form.len);
  }
}

static int send_call(struct icrm_lane *lane, const struct icrm_session *session,
                     int64_t now_ms, struct icrm_error *err) {
  struct icrm_call *call = lane->call;
  char type[80];
  icrm_buf_clear(&lane->head);
  if (call->post)
    build_post(lane, call, &session->name);
  else
    build_get(lane, call, &session->name);
  snprintf(type, sizeof type, "multipart/form-data; boundary=%s",
           call->boundary);
  int timeout_ms = call->timeout_ms ? call->timeout_ms
                   : call->write    ? WRITE_TIMEOUT_MS
                                    : READ_TIMEOUT_MS;
  struct icrm_request request = {
      .url = lane->url.data,
      .content_type = call->boundary[0] ? type : NULL,
      .body = {.head = lane->head.len > 0 ? &lane->head : NULL,
               .text = call->post ? &call->form : NULL,
               .files = call->files},
      .download = call->download,
      .timeout_ms = timeout_ms,
      .write = call->write};
  return icrm_lane_start(lane, &request, now_ms, err);
}

static struct icrm_call *take_call(struct icrm_lane *lane) {
  struct icrm_call *call = lane->call;
  lane->call = NULL;
  lane->state = ICRM_LANE_IDLE;
  return call;
}

void icrm_lane_send(struct icrm_lane *lane, struct icrm_session *session,
                    int64_t now_ms) {
  struct icrm_error err;
  struct icrm_dispatcher *d = lane->dispatcher;
  struct icrm_call *call = lane->call;
  lane->state = ICRM_LANE_BUSY;
  if (d->session_place != ICRM_SESSION_PLACE_UNKNOWN)
    call->in_url = d->session_place == ICRM_SESSION_IN_URL;
  if (send_call(lane, session, now_ms, &err) != 0) {
    icrm_call_finish(d, take_call(lane), &err);
    return;
  }
  call->result.attempts++;
}

void icrm_lane_assign(struct icrm_lane *lane, struct icrm_call *call,
                      struct icrm_session *session, int64_t now_ms) {
  struct icrm_dispatcher *d = lane->dispatcher;
  lane->call = call;
  call->result.lane = lane->number;
  call->result.session = session->id;
  if (!call->hold || session->is_noted) {
    icrm_lane_send(lane, session, now_ms);
    return;
  }
  lane->state = ICRM_LANE_HELD;
  lane->is_reported = false;
  if (!lane->is_counted) /* now, for others look at what is left meanwhile */
    icrm_dispatcher_spend(d, now_ms);
  lane->is_counted = true;
  d->n_held++;
  d->n_held_new++;
  icrm_transport_notify(d->transport);
}

/* ---- replies ---- */

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

/* Tell the limiter, the quota and the counters. */
static void account(struct icrm_lane *lane, const struct icrm_reply *reply,
                    enum icrm_outcome outcome, const struct icrm_error *err,
                    int64_t now_ms) {
  struct icrm_dispatcher *d = lane->dispatcher;
  const int64_t now_us = icrm_clock_us();
  if (outcome == ICRM_OUTCOME_DONE || outcome == ICRM_OUTCOME_REFUSED)
    icrm_limiter_answered(&d->limiter, kind_of(lane->call), lane->started_us,
                          now_us, lane->in_flight);
  else if (icrm_outcome_is_overload(err))
    icrm_limiter_overload(&d->limiter, lane->started_us, now_us);
  if (outcome == ICRM_OUTCOME_DONE && d->retry_budget < RETRY_BUDGET)
    d->retry_budget++;
  if (outcome != ICRM_OUTCOME_DONE && reply->retry_after_s >= 0)
    icrm_quota_pause(&d->quota, reply->retry_after_s,
                     icrm_dispatcher_quota_ms(d, now_ms));
  if (reply->is_complete) {
    d->answered++;
    d->answered_us += reply->time_us;
  }
}

/* Whether the server reads the session in the body (law 20). An answer that
 * shows that the session was understood settles it; one that may mean that it
 * was not is asked again with the session in the URL. Returns true when the
 * call is to be sent again. */
static bool probe_session_place(struct icrm_dispatcher *d,
                                struct icrm_call *call,
                                enum icrm_outcome outcome,
                                const struct icrm_error *err) {
  if (call->post || call->session || outcome == ICRM_OUTCOME_NOT_SENT ||
      d->session_place != ICRM_SESSION_PLACE_UNKNOWN)
    return false;
  if (outcome == ICRM_OUTCOME_DONE) {
    d->session_place =
        call->in_url ? ICRM_SESSION_IN_URL : ICRM_SESSION_IN_BODY;
    return false;
  }
  bool may_be_the_place =
      outcome == ICRM_OUTCOME_SESSION_GONE ||
      strcmp(err->code, "ACCESS_DENIED") == 0 ||
      ((err->kind == ICRM_ERROR_HTTP || err->kind == ICRM_ERROR_DECODE) &&
       icrm_outcome_is_overload(err) == false);
  if (call->in_url) {
    call->in_url = false; /* both failed: the next call probes again */
    return false;
  }
  if (!may_be_the_place || call->was_in_body)
    return false;
  call->was_in_body = call->in_url = true;
  return true;
}

/* Whether the call may be sent again after a wait, which is then set. */
static bool retry_later(struct icrm_dispatcher *d, struct icrm_call *call,
                        enum icrm_outcome outcome,
                        const struct icrm_reply *reply,
                        const struct icrm_error *err, int64_t now_ms) {
  if (outcome != ICRM_OUTCOME_NOT_SENT && outcome != ICRM_OUTCOME_FAILED)
    return false;
  if (!call->session && err->kind != ICRM_ERROR_TLS &&
      icrm_dispatcher_is_patient(d, now_ms)) {
    call->not_before_ms = now_ms;
    return true; /* goes on when the server is back */
  }
  if (call->session || call->result.attempts >= icrm_outcome_tries(reply, err))
    return false;
  int64_t wait_ms = icrm_dispatcher_backoff_ms(d, call->result.attempts);
  if (wait_ms < 0)
    return false;
  call->not_before_ms = now_ms + wait_ms;
  d->retries++;
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
  d->renewals++;
  call->not_before_ms = now_ms;
  if (call->refused_new > NEW_SESSIONS_AT_ONCE) {
    int64_t wait_ms = icrm_dispatcher_backoff_ms(d, call->refused_new);
    if (wait_ms < 0)
      return false;
    call->not_before_ms += wait_ms;
    icrm_calls_push(&d->delayed, call);
  } else {
    icrm_calls_unshift(&d->queue, call);
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

static void finish_call(struct icrm_lane *lane, struct icrm_call *call,
                        const struct icrm_envelope *envelope,
                        const struct icrm_error *err) {
  struct icrm_reply *reply = icrm_exchange_reply(lane->exchange);
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
  icrm_call_finish(lane->dispatcher, call, err);
}

/* The server may have printed the session's name. */
static void redact(const struct icrm_session *session, struct icrm_error *err) {
  const struct icrm_buf *name = &session->name;
  icrm_session_redact(name->data, name->len, err->message);
  icrm_session_redact(name->data, name->len, err->reason);
  icrm_session_redact(name->data, name->len, err->code);
}

static void on_call_reply(struct icrm_lane *lane, int64_t now_ms) {
  struct icrm_dispatcher *d = lane->dispatcher;
  struct icrm_call *call = lane->call;
  struct icrm_reply *reply = icrm_exchange_reply(lane->exchange);
  struct icrm_session *session =
      icrm_dispatcher_find_session(d, call->result.session);
  struct icrm_envelope envelope;
  struct icrm_error err;
  enum icrm_outcome outcome = icrm_outcome_judge(
      reply, call->operation, call->write, &call->page, &envelope, &err);
  if (outcome == ICRM_OUTCOME_DONE && call->download &&
      icrm_download_end(call->download, &err) != 0)
    outcome = ICRM_OUTCOME_FAILED;
  account(lane, reply, outcome, &err, now_ms);
  explicit_bzero(lane->head.data, lane->head.len);
  if (outcome != ICRM_OUTCOME_DONE)
    redact(session, &err);
  session->has_worked = session->has_worked || outcome == ICRM_OUTCOME_DONE ||
                        outcome == ICRM_OUTCOME_REFUSED;
  take_call(lane);
  bool is_own = lane->session == session;
  if (is_own && strcasecmp(call->operation, "logout") == 0)
    lane->session = NULL;
  if (probe_session_place(d, call, outcome, &err)) {
    icrm_calls_unshift(&d->queue, call);
    return;
  }
  if (is_own && (outcome == ICRM_OUTCOME_SESSION_GONE ||
                 may_be_still_at_work(outcome, reply)))
    lane->session = NULL;
  if (outcome == ICRM_OUTCOME_SESSION_GONE && renew(d, call, session, now_ms))
    return;
  if (retry_later(d, call, outcome, reply, &err, now_ms)) {
    icrm_calls_push(&d->delayed, call);
    return;
  }
  if (outcome == ICRM_OUTCOME_UNKNOWN)
    d->unknown++;
  finish_call(lane, call, &envelope,
              outcome == ICRM_OUTCOME_DONE ? NULL : &err);
}

static void read_limit(struct icrm_dispatcher *d, const char *name,
                       int64_t now_ms) {
  icrm_quota_header(&d->quota, name, name + strlen(name) + 1,
                    d->in_flight + d->n_held,
                    icrm_dispatcher_quota_ms(d, now_ms), icrm_clock_wall_s());
}

/* Lines of `name: value`, taken apart in place; resets last, in whatever order
 * the server wrote them. */
static void read_limits(struct icrm_dispatcher *d, char *lines,
                        int64_t now_ms) {
  enum { MOST_RESETS = 4 };
  const char *resets[MOST_RESETS];
  char *rest = NULL;
  int n = 0;
  for (char *line = strtok_r(lines, "\n", &rest); line;
       line = strtok_r(NULL, "\n", &rest)) {
    char *colon = strchr(line, ':');
    if (!colon)
      continue;
    *colon = '\0';
    if (strcasestr(line, "reset") && n < MOST_RESETS)
      resets[n++] = line;
    else
      read_limit(d, line, now_ms);
  }
  for (int i = 0; i < n; i++)
    read_limit(d, resets[i], now_ms);
}

static void on_done(void *owner, struct icrm_exchange *exchange) {
  struct icrm_lane *lane = owner;
  struct icrm_dispatcher *d = lane->dispatcher;
  const struct icrm_reply *reply = icrm_exchange_reply(exchange);
  const int64_t now_ms = icrm_clock_ms();
  d->in_flight--;
  d->bytes_sent += reply->bytes_sent;
  d->bytes_received += reply->bytes_received;
  icrm_dispatcher_note(d, reply, now_ms);
  if (reply->limits.len > 0)
    read_limits(d, reply->limits.data, now_ms);
  if (lane->state == ICRM_LANE_BUSY)
    on_call_reply(lane, now_ms);
  else
    icrm_lane_on_login_reply(lane, now_ms);
}
