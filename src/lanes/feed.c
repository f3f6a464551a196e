#include "lanes/feed.h"

#include "lanes/login.h"

enum { LOCK_POLL_MS = 25, NO_LANE_REST_MS = 500 };

void icrm_feed_send(struct icrm_dispatcher *d, struct icrm_lane *lane,
                    const struct icrm_session *session) {
  struct icrm_error err;
  icrm_session_place_apply(d->session_place, lane->call);
  if (icrm_lane_send(lane, session, &err) != 0)
    icrm_calls_finish(&d->calls, icrm_lane_take_call(lane), &err);
}

void icrm_feed_assign(struct icrm_dispatcher *d, struct icrm_lane *lane,
                      struct icrm_call *call, struct icrm_session *session,
                      int64_t now_ms) {
  lane->call = call;
  call->result.lane = lane->number;
  call->result.session = session->id;
  if (!call->hold || session->is_noted) {
    icrm_feed_send(d, lane, session);
    return;
  }
  icrm_lane_set_hold(&d->lanes, lane);
  if (!lane->is_counted) /* now, for others look at what is left meanwhile */
    icrm_budget_spend(&d->budget, now_ms);
  lane->is_counted = true;
  icrm_transport_notify(d->transport);
}

/* One more lane, NULL when there can be none. */
static struct icrm_lane *new_lane(struct icrm_dispatcher *d) {
  if (d->lanes.n >= ICRM_LANE_SET_MAX)
    return NULL;
  struct icrm_lane *lane = icrm_lane_new(d->transport, d->site, &d->endpoint,
                                         &d->owner, d->lanes.n + 1, NULL);
  if (lane)
    icrm_lane_set_add(&d->lanes, lane);
  return lane;
}

/* A pinned call goes out on the lane that has its session; when none has, any
 * idle lane can carry it. */
static struct icrm_lane *carrier(struct icrm_dispatcher *d,
                                 const struct icrm_session *session) {
  struct icrm_lane *lane = icrm_lane_set_of_session(&d->lanes, session);
  if (lane)
    return lane->state == ICRM_LANE_IDLE ? lane : NULL;
  lane = icrm_lane_set_idle(&d->lanes, d->lanes.n, false);
  return lane ? lane : new_lane(d);
}

/* Start the pinned calls whose lane is free. Returns the quota's wait. */
static int64_t feed_pinned(struct icrm_dispatcher *d, int64_t now_ms) {
  struct icrm_call_list *pinned = &d->calls.pinned;
  struct icrm_call **link = &pinned->head;
  while (*link) {
    struct icrm_session *session =
        icrm_session_find(&d->sessions, (*link)->session);
    struct icrm_lane *lane = carrier(d, session);
    if (!lane) {
      link = &(*link)->next;
      continue;
    }
    int64_t wait_ms = icrm_budget_wait_ms(&d->budget, now_ms);
    if (wait_ms > 0)
      return wait_ms;
    icrm_feed_assign(d, lane, icrm_calls_remove(pinned, link), session, now_ms);
  }
  return 0;
}

/* Start waiting calls on idle lanes. Returns the quota's wait. */
static int64_t feed_queue(struct icrm_dispatcher *d, int64_t now_ms) {
  struct icrm_call_list *queue = &d->calls.queue;
  while (queue->head) {
    struct icrm_lane *lane = NULL;
    if (queue->head->is_login && icrm_lane_set_has_session(&d->lanes)) {
      icrm_calls_finish(&d->calls, icrm_calls_shift(queue), NULL);
      continue;
    }
    if (!queue->head->is_login)
      lane = icrm_lane_set_idle(&d->lanes, d->limiter.limit, true);
    if (!lane)
      return 0;
    int64_t wait_ms = icrm_budget_wait_ms(&d->budget, now_ms);
    if (wait_ms > 0)
      return wait_ms;
    icrm_feed_assign(d, lane, icrm_calls_shift(queue), lane->session, now_ms);
  }
  return 0;
}

/* Calls that wait, or are about to come, and have no lane that is free. */
static int wanted_lanes(const struct icrm_dispatcher *d) {
  return (int)d->calls.queue.count + d->expected -
         icrm_lane_set_count_ready(&d->lanes, d->limiter.limit);
}

/* An idle lane to log in: one without a session; but where the server is away,
 * any, for a login is what shows that it is back. */
static struct icrm_lane *lane_to_log_in(const struct icrm_dispatcher *d) {
  if (icrm_patience_is_away(&d->patience))
    return icrm_lane_set_idle(&d->lanes, d->limiter.limit, false);
  return icrm_lane_set_without_session(&d->lanes, d->limiter.limit);
}

/* Log one more lane in. Returns ms until this should be looked at again. */
static int open_lane(struct icrm_dispatcher *d, int64_t now_ms) {
  if (!icrm_logins_may_start(&d->logins, wanted_lanes(d)))
    return -1;
  struct icrm_lane *lane = lane_to_log_in(d);
  if (!lane && d->lanes.n >= d->limiter.limit)
    return -1;
  int64_t wait_ms = icrm_budget_wait_ms(&d->budget, now_ms);
  int64_t rest_ms = icrm_logins_wait_ms(
      &d->logins, icrm_lane_set_has_session(&d->lanes), now_ms);
  if (rest_ms > wait_ms)
    wait_ms = rest_ms;
  if (wait_ms > 0)
    return (int)wait_ms;
  if (!icrm_logins_take_lock(&d->logins, now_ms))
    return LOCK_POLL_MS;
  if (!lane)
    lane = new_lane(d);
  if (lane)
    icrm_login_begin(d, lane);
  return lane ? -1 : NO_LANE_REST_MS;
}

/* As many as may log in together. */
static int open_lanes(struct icrm_dispatcher *d, int64_t now_ms) {
  int wish, before;
  do {
    before = d->logins.under_way;
    wish = open_lane(d, now_ms);
  } while (d->logins.under_way > before);
  return wish;
}

/* Nobody waits longer than the budget lets one: the calls that would are given
 * back unsent. Not before the last reply under way, for it may say that more is
 * left. */
static void refuse_long_wait(struct icrm_dispatcher *d, int64_t now_ms) {
  struct icrm_error err;
  if (d->lanes.in_flight > 0 || !icrm_budget_refuses(&d->budget, now_ms, &err))
    return;
  icrm_calls_fail(&d->calls, &d->calls.queue, &err);
  icrm_calls_fail(&d->calls, &d->calls.pinned, &err);
  icrm_calls_fail(&d->calls, &d->calls.delayed, &err);
}

/* The nearer of two wishes, -1 for none. */
static int nearer(int a, int64_t b) {
  return b >= 0 && (a < 0 || b < a) ? (int)b : a;
}

static int feed_and_open(struct icrm_dispatcher *d, int64_t now_ms) {
  struct icrm_calls *calls = &d->calls;
  if (calls->queue.head || calls->pinned.head || calls->delayed.head)
    refuse_long_wait(d, now_ms);
  int wish = calls->delayed.head ? icrm_calls_wake(calls, now_ms) : -1;
  if (icrm_patience_is_away(&d->patience))
    return calls->queue.head || calls->pinned.head
               ? nearer(wish, open_lanes(d, now_ms))
               : wish;
  int64_t wait_ms = calls->pinned.head ? feed_pinned(d, now_ms) : 0;
  if (wait_ms == 0)
    wait_ms = feed_queue(d, now_ms);
  if (wait_ms > 0)
    wish = nearer(wish, wait_ms);
  return wanted_lanes(d) > 0 ? nearer(wish, open_lanes(d, now_ms)) : wish;
}

int icrm_feed_turn(struct icrm_transport_member *self, int64_t now_ms) {
  struct icrm_dispatcher *d =
      (struct icrm_dispatcher *)((char *)self -
                                 offsetof(struct icrm_dispatcher, member));
  icrm_budget_note_sleep(&d->budget, now_ms);
  int wish = feed_and_open(d, now_ms);
  icrm_logins_release_lock(&d->logins);
  return wish;
}
