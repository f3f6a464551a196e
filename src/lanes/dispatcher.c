#include "lanes/dispatcher.h"

#include "core/clock.h"
#include "lanes/dispatcher_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_PATIENCE_MS 60000
#define DEFAULT_MAX_WAIT_MS (15 * 60 * 1000)
#define RETRY_BUDGET 100
#define RETRY_COST 10
#define BACKOFF_FIRST_MS 500
#define BACKOFF_LONGEST_MS 60000

void icrm_calls_push(struct icrm_call_list *list, struct icrm_call *call) {
  if (!list->tail)
    list->tail = &list->head;
  call->next = NULL;
  *list->tail = call;
  list->tail = &call->next;
  list->count++;
}

void icrm_calls_unshift(struct icrm_call_list *list, struct icrm_call *call) {
  if (!list->head)
    list->tail = &call->next;
  call->next = list->head;
  list->head = call;
  list->count++;
}

struct icrm_call *icrm_calls_remove(struct icrm_call_list *list,
                                    struct icrm_call **link) {
  struct icrm_call *call = *link;
  *link = call->next;
  if (!call->next)
    list->tail = link;
  call->next = NULL;
  list->count--;
  return call;
}

/* What only sending it needs. */
static void drop_request(struct icrm_call *call) {
  icrm_buf_free(&call->form);
  icrm_body_free_files(call->files);
  icrm_download_release(call->download);
  call->files = NULL;
  call->download = NULL;
}

void icrm_call_free(struct icrm_call *call) {
  if (!call)
    return;
  drop_request(call);
  icrm_buf_free(&call->body);
  icrm_records_free(&call->page);
  free(call);
}

static void free_calls(struct icrm_call_list *list) {
  while (list->head)
    icrm_call_free(icrm_calls_remove(list, &list->head));
}

void icrm_call_finish(struct icrm_dispatcher *d, struct icrm_call *call,
                      const struct icrm_error *err) {
  drop_request(call);
  if (call->is_silent) {
    icrm_call_free(call);
    icrm_transport_notify(d->transport);
    return;
  }
  call->result.ok = !err;
  if (err)
    call->result.err = *err;
  icrm_calls_push(&d->ready, call);
  icrm_transport_notify(d->transport);
}

struct icrm_session *
icrm_dispatcher_find_session(const struct icrm_dispatcher *d, uint64_t id) {
  struct icrm_session *session = d->sessions;
  while (session && session->id != id)
    session = session->next;
  return session;
}

struct icrm_session *icrm_dispatcher_add_session(struct icrm_dispatcher *d) {
  struct icrm_session *session = calloc(1, sizeof *session);
  if (!session)
    return NULL;
  session->id = d->sessions ? d->sessions->id + 1 : 1;
  session->next = d->sessions;
  d->sessions = session;
  return session;
}

/* xorshift64: only spreads retries. */
static uint64_t next_random(struct icrm_dispatcher *d) {
  d->random ^= d->random << 13;
  d->random ^= d->random >> 7;
  d->random ^= d->random << 17;
  return d->random;
}

int64_t icrm_dispatcher_backoff_ms(struct icrm_dispatcher *d, int tries) {
  if (d->retry_budget < RETRY_COST)
    return -1;
  d->retry_budget -= RETRY_COST;
  int64_t longest = BACKOFF_FIRST_MS;
  for (int i = 1; i < tries && longest < BACKOFF_LONGEST_MS; i++)
    longest *= 2;
  if (longest > BACKOFF_LONGEST_MS)
    longest = BACKOFF_LONGEST_MS;
  return (int64_t)(next_random(d) % (uint64_t)(longest + 1));
}

/* ---- life ---- */

static int init(struct icrm_dispatcher *d,
                const struct icrm_dispatcher_options *options,
                struct icrm_error *err) {
  struct icrm_site_options site = options->site;
  if (icrm_form_endpoint_parse(options->url, &d->endpoint, err) != 0)
    return -1;
  if (options->rate && icrm_quota_parse(&d->quota, options->rate, err) != 0)
    return -1;
  icrm_quota_file_init(&d->quota_file, options->quota_file);
  icrm_quota_file_load(&d->quota_file, &d->quota,
                       icrm_dispatcher_quota_ms(d, icrm_clock_ms()));
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
  icrm_login_lock_init(&d->lock, d->endpoint.url, d->username);
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
  d->transport = icrm_transport_retain(transport);
  d->credentials = icrm_credentials_retain(options->credentials);
  d->member.turn = icrm_dispatcher_turn;
  d->lock.fd = d->quota_file.fd = -1;
  icrm_quota_init(&d->quota);
  d->quota_epoch_ms = icrm_clock_wall_ms() - icrm_clock_ms();
  d->max_wait_ms =
      options->max_wait_ms > 0 ? options->max_wait_ms : DEFAULT_MAX_WAIT_MS;
  d->timeout_ms = options->timeout_ms;
  d->patience_ms =
      options->patience_ms > 0 ? options->patience_ms : DEFAULT_PATIENCE_MS;
  d->retry_budget = RETRY_BUDGET;
  d->random =
      (uint64_t)icrm_clock_us() * 0x9E3779B97F4A7C15u ^ (uint64_t)getpid() ^ 1;
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
  icrm_challenge_clear(&d->challenge);
  icrm_login_lock_release(&d->lock);
  for (int i = 0; i < d->n_lanes; i++)
    icrm_lane_free(d->lanes[i]);
  free_calls(&d->queue);
  free_calls(&d->pinned);
  free_calls(&d->delayed);
  free_calls(&d->ready);
  icrm_call_free(d->taken);
  while (d->sessions) {
    struct icrm_session *session = d->sessions;
    d->sessions = session->next;
    icrm_session_clear(session);
    free(session);
  }
  icrm_quota_file_close(&d->quota_file);
  icrm_site_free(d->site);
  icrm_credentials_release(d->credentials);
  icrm_transport_release(d->transport);
  free(d->username);
  free(d);
}

/* ---- calls ---- */

static int check_target(const struct icrm_dispatcher *d,
                        const struct icrm_call_options *call,
                        struct icrm_error *err) {
  const size_t form_len = call->form ? call->form->len : 0;
  size_t target = d->endpoint.path_len + strlen(call->operation) + form_len +
                  sizeof "?operation=&sessionName=&" + 40;
  if (call->post || target <= ICRM_FORM_MAX_TARGET)
    return 0;
  return icrm_error_set(err, ICRM_ERROR_INPUT,
                        "the %s makes a URL of %zu bytes, and servers refuse "
                        "more than %d; ask in smaller portions, for example "
                        "with fewer values in IN (...)",
                        call->operation, target, ICRM_FORM_MAX_TARGET);
}

static int check_call(const struct icrm_dispatcher *d,
                      const struct icrm_call_options *call,
                      struct icrm_error *err) {
  const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_.-";
  size_t len = strlen(call->operation);
  if (len == 0 || len >= sizeof((struct icrm_call *)0)->operation ||
      call->operation[strspn(call->operation, allowed)] != '\0')
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "an operation is a word like retrieve or "
                          "mobile.describe");
  if (call->session && !icrm_dispatcher_find_session(d, call->session))
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "this client has no such "
                          "session");
  if (call->form && call->form->failed)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "the parameters of %s do not fit into memory",
                          call->operation);
  return check_target(d, call, err);
}

static struct icrm_call *new_call(struct icrm_dispatcher *d,
                                  struct icrm_error *err) {
  struct icrm_call *call = NULL;
  if (icrm_transport_check_process(d->transport, err) == 0) {
    call = calloc(1, sizeof *call);
    if (!call)
      icrm_error_set(err, ICRM_ERROR_INPUT, "out of memory");
  }
  if (call)
    call->result.id = ++d->last_id;
  return call;
}

uint64_t icrm_dispatcher_submit(struct icrm_dispatcher *d,
                                const struct icrm_call_options *options,
                                struct icrm_error *err) {
  if (check_call(d, options, err) != 0)
    return 0;
  struct icrm_call *call = new_call(d, err);
  if (!call)
    return 0;
  snprintf(call->operation, sizeof call->operation, "%s", options->operation);
  if (options->boundary)
    snprintf(call->boundary, sizeof call->boundary, "%s", options->boundary);
  if (options->form) {
    call->form = *options->form;
    *options->form = (struct icrm_buf){0};
  }
  if (options->files) {
    call->files = *options->files;
    *options->files = NULL;
  }
  call->download = icrm_download_retain(options->download);
  call->post = options->post;
  call->write = options->write;
  call->hold = options->hold;
  call->session = options->session;
  call->timeout_ms =
      options->timeout_ms > 0 ? options->timeout_ms : d->timeout_ms;
  icrm_calls_push(call->session ? &d->pinned : &d->queue, call);
  icrm_transport_await_step(d->transport);
  d->calls++;
  return call->result.id;
}

uint64_t icrm_dispatcher_login(struct icrm_dispatcher *d,
                               struct icrm_error *err) {
  struct icrm_call *call = new_call(d, err);
  if (!call)
    return 0;
  call->is_login = true;
  call->result.json = "true";
  call->result.json_len = 4;
  snprintf(call->operation, sizeof call->operation, "login");
  icrm_calls_push(&d->queue, call);
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
  if (d->ready.head || d->n_held_new > 0)
    timeout_ms = 0;
  if (icrm_transport_step(d->transport, timeout_ms, err) != 0)
    return -1;
  return (int)d->ready.count + d->n_held_new;
}

const struct icrm_result *icrm_dispatcher_next(struct icrm_dispatcher *d) {
  icrm_call_free(d->taken);
  d->taken = NULL;
  if (!d->ready.head)
    return NULL;
  d->taken = icrm_calls_remove(&d->ready, &d->ready.head);
  return &d->taken->result;
}

void icrm_dispatcher_take_reply(struct icrm_dispatcher *d,
                                struct icrm_buf *body,
                                struct icrm_records *page) {
  *body = d->taken->body;
  *page = d->taken->page;
  d->taken->body = (struct icrm_buf){0};
  d->taken->page = (struct icrm_records){0};
}

static struct icrm_lane *held_lane(const struct icrm_dispatcher *d,
                                   uint64_t id) {
  for (int i = 0; i < d->n_lanes; i++) {
    struct icrm_lane *lane = d->lanes[i];
    if (lane->state == ICRM_LANE_HELD && lane->call->result.id == id)
      return lane;
  }
  return NULL;
}

bool icrm_dispatcher_held(struct icrm_dispatcher *d, uint64_t *id,
                          uint64_t *session) {
  for (int i = 0; d->n_held_new > 0 && i < d->n_lanes; i++) {
    struct icrm_lane *lane = d->lanes[i];
    if (lane->state != ICRM_LANE_HELD || lane->is_reported)
      continue;
    lane->is_reported = true;
    d->n_held_new--;
    *id = lane->call->result.id;
    *session = lane->call->result.session;
    return true;
  }
  return false;
}

static void unhold(struct icrm_dispatcher *d, struct icrm_lane *lane) {
  d->n_held--;
  if (!lane->is_reported)
    d->n_held_new--;
}

bool icrm_dispatcher_release(struct icrm_dispatcher *d, uint64_t id) {
  struct icrm_lane *lane = held_lane(d, id);
  if (!lane)
    return false;
  struct icrm_session *session =
      icrm_dispatcher_find_session(d, lane->call->result.session);
  session->is_noted = true;
  unhold(d, lane);
  icrm_lane_send(lane, session, icrm_clock_ms());
  return true;
}

static struct icrm_call *take_waiting(struct icrm_call_list *list,
                                      uint64_t id) {
  for (struct icrm_call **link = &list->head; *link; link = &(*link)->next)
    if ((*link)->result.id == id)
      return icrm_calls_remove(list, link);
  return NULL;
}

bool icrm_dispatcher_cancel(struct icrm_dispatcher *d, uint64_t id) {
  struct icrm_error err;
  struct icrm_lane *lane = held_lane(d, id);
  struct icrm_call *call = NULL;
  if (lane) {
    unhold(d, lane);
    call = lane->call;
    lane->call = NULL;
    lane->state = ICRM_LANE_IDLE;
  }
  if (!call)
    call = take_waiting(&d->queue, id);
  if (!call)
    call = take_waiting(&d->pinned, id);
  if (!call)
    call = take_waiting(&d->delayed, id);
  if (!call)
    return false;
  icrm_error_set(&err, ICRM_ERROR_CANCELED,
                 "%s was given up before it was "
                 "sent",
                 call->operation);
  snprintf(err.operation, sizeof err.operation, "%.31s", call->operation);
  icrm_call_finish(d, call, &err);
  return true;
}

/* ---- quota ---- */

int64_t icrm_dispatcher_quota_ms(const struct icrm_dispatcher *d,
                                 int64_t now_ms) {
  return now_ms + d->quota_epoch_ms;
}

int64_t icrm_dispatcher_wait_ms(const struct icrm_dispatcher *d,
                                int64_t now_ms) {
  return icrm_quota_wait_ms(&d->quota, icrm_dispatcher_quota_ms(d, now_ms));
}

void icrm_dispatcher_spend(struct icrm_dispatcher *d, int64_t now_ms) {
  icrm_quota_file_spend(&d->quota_file, &d->quota, 1,
                        icrm_dispatcher_quota_ms(d, now_ms));
}

void icrm_dispatcher_foresee(const struct icrm_dispatcher *d, int64_t calls,
                             double calls_per_s,
                             struct icrm_quota_forecast *out) {
  icrm_quota_foresee(&d->quota, calls, calls_per_s, d->max_wait_ms,
                     icrm_dispatcher_quota_ms(d, icrm_clock_ms()), out);
}

void icrm_dispatcher_cause(const struct icrm_dispatcher *d, char *out,
                           size_t size) {
  icrm_quota_cause(&d->quota, icrm_dispatcher_quota_ms(d, icrm_clock_ms()), out,
                   size);
}

/* ---- sessions ---- */

const struct icrm_session *
icrm_dispatcher_session(const struct icrm_dispatcher *d) {
  return d->last_session;
}

const struct icrm_buf *
icrm_dispatcher_session_name(const struct icrm_dispatcher *d,
                             uint64_t session) {
  const struct icrm_session *found = icrm_dispatcher_find_session(d, session);
  return found ? &found->name : NULL;
}

uint64_t icrm_dispatcher_import_session(struct icrm_dispatcher *d,
                                        const char *name, size_t len) {
  struct icrm_session *session = icrm_dispatcher_add_session(d);
  if (!session)
    return 0;
  icrm_buf_add(&session->name, name, len);
  return session->name.failed ? 0 : session->id;
}

void icrm_dispatcher_logout(struct icrm_dispatcher *d, int timeout_ms) {
  const int64_t deadline = icrm_clock_ms() + timeout_ms;
  int pending = 0;
  for (int i = 0; i < d->n_lanes; i++) {
    struct icrm_lane *lane = d->lanes[i];
    struct icrm_call *call;
    if (lane->state != ICRM_LANE_IDLE || !lane->session ||
        icrm_dispatcher_wait_ms(d, icrm_clock_ms()) > 0)
      continue; /* sessions end by themselves, too */
    call = new_call(d, NULL);
    if (!call)
      return;
    snprintf(call->operation, sizeof call->operation, "logout");
    call->post = call->is_silent = true;
    call->session = lane->session->id;
    call->timeout_ms = timeout_ms;
    icrm_lane_assign(lane, call, lane->session, icrm_clock_ms());
    pending++;
  }
  while (pending > 0) {
    int64_t left = deadline - icrm_clock_ms();
    if (left <= 0 || icrm_transport_step(d->transport, (int)left, NULL) != 0)
      return;
    pending = 0;
    for (int i = 0; i < d->n_lanes; i++)
      pending += d->lanes[i]->call && d->lanes[i]->call->is_silent;
  }
}

void icrm_dispatcher_get_stats(const struct icrm_dispatcher *d,
                               struct icrm_dispatcher_stats *out) {
  static const char *const places[] = {"unknown", "body", "url"};
  *out = (struct icrm_dispatcher_stats){
      .limit = d->limiter.limit,
      .in_flight = d->in_flight,
      .held = d->n_held,
      .queued = d->queue.count + d->pinned.count + d->delayed.count,
      .calls = d->calls,
      .retries = d->retries,
      .renewals = d->renewals,
      .logins = d->logins,
      .unknown = d->unknown,
      .bytes_sent = d->bytes_sent,
      .bytes_received = d->bytes_received,
      .wait_ms = icrm_dispatcher_wait_ms(d, icrm_clock_ms()),
      .mean_us = d->answered > 0 ? d->answered_us / d->answered : 0,
      .away_ms =
          d->away_since_ms > 0 ? icrm_clock_ms() - d->away_since_ms + 1 : 0,
      .session_in = places[d->session_place]};
  for (int i = 0; i < d->n_lanes; i++)
    out->lanes += d->lanes[i]->session != NULL;
}
