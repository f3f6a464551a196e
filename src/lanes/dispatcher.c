#include "lanes/dispatcher.h"

#include "core/clock.h"
#include "lanes/dispatcher_impl.h"
#include "lanes/feed.h"
#include "lanes/login.h"
#include "lanes/replies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_PATIENCE_MS 60000

_Static_assert(ICRM_DISPATCHER_MAX_LANES == ICRM_LANE_SET_MAX,
               "all lanes that may be asked for have room");

/* ---- what lanes tell ---- */

static struct icrm_dispatcher *owner_of(struct icrm_lane_owner *self) {
  return (struct icrm_dispatcher *)((char *)self -
                                    offsetof(struct icrm_dispatcher, owner));
}

static void on_start(struct icrm_lane_owner *self, struct icrm_lane *lane) {
  struct icrm_dispatcher *d = owner_of(self);
  if (!lane->is_counted)
    icrm_budget_spend(&d->budget, icrm_clock_ms());
  lane->is_counted = false;
  lane->in_flight = ++d->lanes.in_flight;
}

static void on_reply(struct icrm_lane_owner *self, struct icrm_lane *lane) {
  struct icrm_dispatcher *d = owner_of(self);
  const struct icrm_reply *reply = icrm_lane_reply(lane);
  const int64_t now_ms = icrm_clock_ms();
  d->lanes.in_flight--;
  d->counts.bytes_sent += reply->bytes_sent;
  d->counts.bytes_received += reply->bytes_received;
  if (icrm_patience_note(&d->patience, reply, d->logins.done > 0, now_ms))
    d->logins.after_ms = now_ms + d->patience.rest_ms;
  if (reply->limits.len > 0)
    icrm_budget_read_headers(&d->budget, reply->limits.data,
                             d->lanes.in_flight + d->lanes.n_held, now_ms);
  if (lane->state == ICRM_LANE_BUSY)
    icrm_replies_take(d, lane, now_ms);
  else
    icrm_login_on_reply(d, lane, now_ms);
}

/* ---- life ---- */

static int init(struct icrm_dispatcher *d,
                const struct icrm_dispatcher_options *options,
                struct icrm_error *err) {
  struct icrm_site_options site = options->site;
  if (icrm_budget_init(&d->budget, options->rate, options->quota_file,
                       options->max_wait_ms, icrm_clock_ms(), err) != 0 ||
      icrm_form_endpoint_parse(options->url, &d->endpoint, err) != 0)
    return -1;
  site.endpoint = &d->endpoint;
  d->site = icrm_site_new(&site, err);
  if (!d->site)
    return -1;
  d->username = strdup(options->username);
  if (!d->username)
    return icrm_error_set(err, ICRM_ERROR_CONFIG, "out of memory");
  if (options->lanes > 0)
    icrm_limiter_init(&d->limiter, options->lanes, options->lanes);
  else
    icrm_limiter_init(&d->limiter, 1, ICRM_DISPATCHER_MAX_AUTO_LANES);
  icrm_logins_use_lock(&d->logins, d->endpoint.url, d->username);
  return 0;
}

struct icrm_dispatcher *
icrm_dispatcher_new(struct icrm_transport *transport,
                    const struct icrm_dispatcher_options *options,
                    struct icrm_error *err) {
  if (options->lanes < 0 || options->lanes > ICRM_DISPATCHER_MAX_LANES) {
    icrm_error_set(err, ICRM_ERROR_CONFIG, "lanes must be between 1 and %d",
                   ICRM_DISPATCHER_MAX_LANES);
    return NULL;
  }
  if (icrm_transport_check_process(transport, err) != 0)
    return NULL;
  struct icrm_dispatcher *d = calloc(1, sizeof *d);
  if (!d) {
    icrm_error_set(err, ICRM_ERROR_CONFIG, "out of memory");
    return NULL;
  }
  d->transport = d->calls.transport = icrm_transport_retain(transport);
  d->credentials = icrm_credentials_retain(options->credentials);
  d->member.turn = icrm_feed_turn;
  d->owner = (struct icrm_lane_owner){on_start, on_reply};
  d->timeout_ms = options->timeout_ms;
  icrm_logins_init(&d->logins);
  icrm_patience_init(&d->patience, options->patience_ms > 0
                                       ? options->patience_ms
                                       : DEFAULT_PATIENCE_MS);
  icrm_backoff_init(&d->backoff,
                    (uint64_t)icrm_clock_us() * 0x9E3779B97F4A7C15u ^
                        (uint64_t)getpid() ^ 1);
  icrm_transport_join(transport, &d->member);
  if (init(d, options, err) == 0)
    return d;
  icrm_dispatcher_free(d);
  return NULL;
}

void icrm_dispatcher_free(struct icrm_dispatcher *d) {
  if (!d)
    return;
  icrm_transport_leave(d->transport, &d->member);
  icrm_logins_close(&d->logins);
  icrm_lane_set_clear(&d->lanes);
  icrm_calls_clear(&d->calls);
  icrm_session_clear_all(&d->sessions);
  icrm_budget_close(&d->budget);
  icrm_site_free(d->site);
  icrm_credentials_release(d->credentials);
  icrm_transport_release(d->transport);
  free(d->username);
  free(d);
}

/* ---- calls ---- */

uint64_t icrm_dispatcher_submit(struct icrm_dispatcher *d,
                                const struct icrm_call_options *options,
                                struct icrm_error *err) {
  struct icrm_call_options own = *options;
  if (icrm_call_check(options, d->endpoint.path_len, err) != 0)
    return 0;
  if (options->session && !icrm_session_find(&d->sessions, options->session)) {
    icrm_error_set(err, ICRM_ERROR_INPUT, "this client has no such session");
    return 0;
  }
  if (own.timeout_ms <= 0)
    own.timeout_ms = d->timeout_ms;
  struct icrm_call *call = NULL;
  if (icrm_transport_check_process(d->transport, err) == 0)
    call = icrm_call_of_options(d->last_id + 1, &own, err);
  if (!call)
    return 0;
  d->last_id++;
  d->counts.calls++;
  icrm_calls_push(call->session ? &d->calls.pinned : &d->calls.queue, call);
  icrm_transport_await_step(d->transport);
  return call->result.id;
}

uint64_t icrm_dispatcher_login(struct icrm_dispatcher *d,
                               struct icrm_error *err) {
  if (icrm_transport_check_process(d->transport, err) != 0)
    return 0;
  struct icrm_call *call = icrm_call_new(++d->last_id, "login", err);
  if (!call)
    return 0;
  call->is_login = true;
  call->result.json = "true";
  call->result.json_len = 4;
  icrm_calls_push(&d->calls.queue, call);
  return call->result.id;
}

void icrm_dispatcher_expect(struct icrm_dispatcher *d, int calls) {
  d->expected = calls;
}

int icrm_dispatcher_kick(struct icrm_dispatcher *d, struct icrm_error *err) {
  return icrm_transport_kick(d->transport, err);
}

int icrm_dispatcher_step(struct icrm_dispatcher *d, int timeout_ms,
                         struct icrm_error *err) {
  if (d->calls.ready.head || d->lanes.n_held_new > 0)
    timeout_ms = 0;
  if (icrm_transport_step(d->transport, timeout_ms, err) != 0)
    return -1;
  return (int)d->calls.ready.count + d->lanes.n_held_new;
}

const struct icrm_result *icrm_dispatcher_next(struct icrm_dispatcher *d) {
  return icrm_calls_next(&d->calls);
}

void icrm_dispatcher_take_reply(struct icrm_dispatcher *d,
                                struct icrm_buf *body, struct icrm_page *page) {
  struct icrm_call *taken = d->calls.taken;
  *body = taken->body;
  *page = taken->page;
  taken->body = (struct icrm_buf){0};
  taken->page = (struct icrm_page){0};
}

bool icrm_dispatcher_held(struct icrm_dispatcher *d, uint64_t *id,
                          uint64_t *session) {
  const struct icrm_lane *lane = icrm_lane_set_next_held(&d->lanes);
  if (!lane)
    return false;
  *id = lane->call->result.id;
  *session = lane->call->result.session;
  return true;
}

bool icrm_dispatcher_release(struct icrm_dispatcher *d, uint64_t id) {
  struct icrm_lane *lane = icrm_lane_set_holder(&d->lanes, id);
  if (!lane)
    return false;
  struct icrm_session *session =
      icrm_session_find(&d->sessions, lane->call->result.session);
  session->is_noted = true;
  icrm_lane_set_unhold(&d->lanes, lane);
  icrm_feed_send(d, lane, session);
  return true;
}

bool icrm_dispatcher_cancel(struct icrm_dispatcher *d, uint64_t id) {
  struct icrm_error err;
  struct icrm_lane *lane = icrm_lane_set_holder(&d->lanes, id);
  if (lane)
    icrm_lane_set_unhold(&d->lanes, lane);
  struct icrm_call *call =
      lane ? icrm_lane_take_call(lane) : icrm_calls_take(&d->calls, id);
  if (!call)
    return false;
  icrm_error_set(&err, ICRM_ERROR_CANCELED,
                 "%s was given up before it was sent", call->operation);
  snprintf(err.operation, sizeof err.operation, "%.31s", call->operation);
  icrm_calls_finish(&d->calls, call, &err);
  return true;
}

/* ---- quota ---- */

void icrm_dispatcher_forecast(const struct icrm_dispatcher *d, int64_t calls,
                              double calls_per_s,
                              struct icrm_quota_forecast *out) {
  icrm_budget_forecast(&d->budget, calls, calls_per_s, icrm_clock_ms(), out);
}

void icrm_dispatcher_cause(const struct icrm_dispatcher *d, char *out,
                           size_t size) {
  icrm_budget_cause(&d->budget, icrm_clock_ms(), out, size);
}

/* ---- sessions ---- */

const struct icrm_session *
icrm_dispatcher_session(const struct icrm_dispatcher *d) {
  return d->sessions.last;
}

const struct icrm_buf *
icrm_dispatcher_session_name(const struct icrm_dispatcher *d,
                             uint64_t session) {
  const struct icrm_session *found = icrm_session_find(&d->sessions, session);
  return found ? &found->name : NULL;
}

uint64_t icrm_dispatcher_import_session(struct icrm_dispatcher *d,
                                        const char *name, size_t len) {
  struct icrm_session *session = icrm_session_add(&d->sessions);
  if (!session)
    return 0;
  icrm_buf_add(&session->name, name, len);
  return session->name.failed ? 0 : session->id;
}

/* Sessions end by themselves, too: none is ended that would have to wait. */
static void start_logout(struct icrm_dispatcher *d, struct icrm_lane *lane,
                         int timeout_ms) {
  const int64_t now_ms = icrm_clock_ms();
  if (lane->state != ICRM_LANE_IDLE || !lane->session ||
      icrm_budget_wait_ms(&d->budget, now_ms) > 0 ||
      icrm_transport_check_process(d->transport, NULL) != 0)
    return;
  struct icrm_call *call = icrm_call_new(++d->last_id, "logout", NULL);
  if (!call)
    return;
  call->post = call->is_silent = true;
  call->session = lane->session->id;
  call->timeout_ms = timeout_ms;
  icrm_feed_assign(d, lane, call, lane->session, now_ms);
}

void icrm_dispatcher_logout(struct icrm_dispatcher *d, int timeout_ms) {
  const int64_t deadline = icrm_clock_ms() + timeout_ms;
  for (int i = 0; i < d->lanes.n; i++)
    start_logout(d, d->lanes.lanes[i], timeout_ms);
  while (icrm_lane_set_count_silent(&d->lanes) > 0) {
    int64_t left = deadline - icrm_clock_ms();
    if (left <= 0 || icrm_transport_step(d->transport, (int)left, NULL) != 0)
      return;
  }
}

void icrm_dispatcher_get_stats(const struct icrm_dispatcher *d,
                               struct icrm_dispatcher_stats *out) {
  const struct icrm_dispatcher_counts *counts = &d->counts;
  const int64_t now_ms = icrm_clock_ms();
  *out = (struct icrm_dispatcher_stats){
      .lanes = icrm_lane_set_count_sessions(&d->lanes),
      .limit = d->limiter.limit,
      .in_flight = d->lanes.in_flight,
      .held = d->lanes.n_held,
      .queued = icrm_calls_waiting(&d->calls),
      .calls = counts->calls,
      .retries = counts->retries,
      .renewals = counts->renewals,
      .logins = d->logins.done,
      .unknown = counts->unknown,
      .bytes_sent = counts->bytes_sent,
      .bytes_received = counts->bytes_received,
      .wait_ms = icrm_budget_wait_ms(&d->budget, now_ms),
      .mean_us =
          counts->answered > 0 ? counts->answered_us / counts->answered : 0,
      .away_ms = icrm_patience_is_away(&d->patience)
                     ? now_ms - d->patience.away_since_ms + 1
                     : 0,
      .session_in = icrm_session_place_name(d->session_place)};
}
