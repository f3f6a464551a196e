/* Which call goes out on which lane, and when one more lane logs in. */
#include "core/clock.h"
#include "lanes/dispatcher_impl.h"

#include <stdio.h>
#include <time.h>

#define LOCK_POLL_MS 25
#define NO_LANE_REST_MS 500

static struct icrm_lane *lane_of_session(const struct icrm_dispatcher *d,
                                         const struct icrm_session *session) {
  for (int i = 0; i < d->n_lanes; i++)
    if (d->lanes[i]->session == session)
      return d->lanes[i];
  return NULL;
}

/* An idle lane among the first `limit`; with a session if so wanted. */
static struct icrm_lane *idle_lane(const struct icrm_dispatcher *d, int limit,
                                   bool with_session) {
  for (int i = 0; i < d->n_lanes && i < limit; i++) {
    struct icrm_lane *lane = d->lanes[i];
    if (lane->state == ICRM_LANE_IDLE && (!with_session || lane->session))
      return lane;
  }
  return NULL;
}

/* A pinned call goes out on the lane that has its session; when none has, any
 * idle lane can carry it. */
static struct icrm_lane *carrier(struct icrm_dispatcher *d,
                                 const struct icrm_session *session) {
  struct icrm_lane *lane = lane_of_session(d, session);
  if (lane)
    return lane->state == ICRM_LANE_IDLE ? lane : NULL;
  lane = idle_lane(d, d->n_lanes, false);
  if (!lane && d->n_lanes < ICRM_DISPATCHER_MAX_LANES)
    lane = icrm_lane_new(d, NULL);
  return lane;
}

/* Take due calls out of the delayed ones. Returns the time to the next. */
static int wake_delayed(struct icrm_dispatcher *d, int64_t now_ms) {
  int64_t nearest = -1;
  struct icrm_call **link = &d->delayed.head;
  while (*link) {
    int64_t left = (*link)->not_before_ms - now_ms;
    if (left <= 0) {
      icrm_calls_unshift(&d->queue, icrm_calls_remove(&d->delayed, link));
      continue;
    }
    if (nearest < 0 || left < nearest)
      nearest = left;
    link = &(*link)->next;
  }
  return (int)nearest;
}

bool icrm_dispatcher_has_session(const struct icrm_dispatcher *d) {
  for (int i = 0; i < d->n_lanes; i++)
    if (d->lanes[i]->session)
      return true;
  return false;
}

/* Start the pinned calls whose lane is free. Returns the quota's wait. */
static int64_t feed_pinned(struct icrm_dispatcher *d, int64_t now_ms) {
  struct icrm_call **link = &d->pinned.head;
  while (*link) {
    struct icrm_session *session =
        icrm_dispatcher_find_session(d, (*link)->session);
    struct icrm_lane *lane = carrier(d, session);
    if (!lane) {
      link = &(*link)->next;
      continue;
    }
    int64_t wait_ms = icrm_dispatcher_wait_ms(d, now_ms);
    if (wait_ms > 0)
      return wait_ms;
    icrm_lane_assign(lane, icrm_calls_remove(&d->pinned, link), session,
                     now_ms);
  }
  return 0;
}

int icrm_dispatcher_wanted_lanes(const struct icrm_dispatcher *d) {
  int wanted = (int)d->queue.count + d->expected;
  for (int i = 0; i < d->n_lanes && i < d->limiter.limit; i++)
    wanted -= d->lanes[i]->session && d->lanes[i]->state == ICRM_LANE_IDLE;
  return wanted;
}

/* Start waiting calls on idle lanes. Returns the quota's wait. */
static int64_t feed(struct icrm_dispatcher *d, int64_t now_ms) {
  while (d->queue.head) {
    struct icrm_call *call = d->queue.head;
    struct icrm_lane *lane = NULL;
    if (call->is_login && icrm_dispatcher_has_session(d)) {
      icrm_call_finish(d, icrm_calls_remove(&d->queue, &d->queue.head), NULL);
      continue;
    }
    if (!call->is_login)
      lane = idle_lane(d, d->limiter.limit, true);
    if (!lane)
      return 0;
    int64_t wait_ms = icrm_dispatcher_wait_ms(d, now_ms);
    if (wait_ms > 0)
      return wait_ms;
    icrm_lane_assign(lane, icrm_calls_remove(&d->queue, &d->queue.head),
                     lane->session, now_ms);
  }
  return 0;
}

/* Log one more lane in. Returns ms until this should be looked at again. */
static int open_lane(struct icrm_dispatcher *d, int64_t now_ms) {
  struct icrm_error err;
  if (!icrm_login_may_start(d))
    return -1;
  struct icrm_lane *lane = idle_lane(d, d->limiter.limit, false);
  if (!lane && d->n_lanes >= d->limiter.limit)
    return -1;
  int64_t wait_ms = icrm_dispatcher_wait_ms(d, now_ms);
  int64_t after_ms = d->login_after_ms;
  if (d->spare_after_ms > after_ms && icrm_dispatcher_has_session(d))
    after_ms = d->spare_after_ms;
  if (after_ms - now_ms > wait_ms)
    wait_ms = after_ms - now_ms;
  if (wait_ms > 0)
    return (int)wait_ms;
  if (!icrm_login_take_lock(d, now_ms))
    return LOCK_POLL_MS;
  if (!lane)
    lane = icrm_lane_new(d, &err);
  if (lane)
    icrm_lane_login(lane, now_ms);
  return lane ? -1 : NO_LANE_REST_MS;
}

/* As many as may log in together. */
static int open_lanes(struct icrm_dispatcher *d, int64_t now_ms) {
  int wish, before;
  do {
    before = d->logging_in;
    wish = open_lane(d, now_ms);
  } while (d->logging_in > before);
  return wish;
}

static void fail_all(struct icrm_dispatcher *d, struct icrm_call_list *list,
                     const struct icrm_error *err) {
  while (list->head) {
    struct icrm_call *call = icrm_calls_remove(list, &list->head);
    struct icrm_error own = *err;
    snprintf(own.operation, sizeof own.operation, "%.31s", call->operation);
    icrm_call_finish(d, call, &own);
  }
}

/* Nobody waits longer than `max_wait_ms`: the calls that would are given back
 * unsent, and the next process is told. Not before the last reply under way,
 * for it may say that more is left. */
static void refuse_long_wait(struct icrm_dispatcher *d, int64_t now_ms) {
  char cause[80], moment[32];
  struct icrm_error err;
  int64_t wait_ms = icrm_dispatcher_wait_ms(d, now_ms);
  if (wait_ms <= d->max_wait_ms || d->in_flight > 0)
    return;
  time_t at = (time_t)(icrm_clock_wall_s() + wait_ms / 1000 + 60);
  struct tm tm;
  strftime(moment, sizeof moment, "%Y-%m-%d %H:%M", localtime_r(&at, &tm));
  icrm_quota_file_spend(&d->quota_file, &d->quota, 0,
                        icrm_dispatcher_quota_ms(d, now_ms));
  icrm_dispatcher_cause(d, cause, sizeof cause);
  icrm_error_set(&err, ICRM_ERROR_RATE_LIMITED, "%s until %s", cause, moment);
  err.retry_after_s = (int)(wait_ms / 1000 + 1);
  fail_all(d, &d->queue, &err);
  fail_all(d, &d->pinned, &err);
  fail_all(d, &d->delayed, &err);
}

/* The nearer of two wishes, -1 for none. */
static int nearer(int a, int64_t b) {
  return b >= 0 && (a < 0 || b < a) ? (int)b : a;
}

static int feed_and_open(struct icrm_dispatcher *d, int64_t now_ms) {
  if (d->queue.head || d->pinned.head || d->delayed.head)
    refuse_long_wait(d, now_ms);
  int wish = d->delayed.head ? wake_delayed(d, now_ms) : -1;
  if (d->away_since_ms > 0)
    return d->queue.head || d->pinned.head ? nearer(wish, open_lanes(d, now_ms))
                                           : wish;
  int64_t wait_ms = d->pinned.head ? feed_pinned(d, now_ms) : 0;
  if (wait_ms == 0)
    wait_ms = feed(d, now_ms);
  if (wait_ms > 0)
    wish = nearer(wish, wait_ms);
  return icrm_dispatcher_wanted_lanes(d) > 0
             ? nearer(wish, open_lanes(d, now_ms))
             : wish;
}

/* The monotonic clock stands still while the computer sleeps, the server's
 * windows do not. */
static void note_sleep(struct icrm_dispatcher *d, int64_t now_ms) {
  const int64_t epoch_ms = icrm_clock_wall_ms() - now_ms;
  if (epoch_ms > d->quota_epoch_ms)
    d->quota_epoch_ms = epoch_ms;
}

int icrm_dispatcher_turn(struct icrm_transport_member *self, int64_t now_ms) {
  struct icrm_dispatcher *d = (struct icrm_dispatcher *)self;
  note_sleep(d, now_ms);
  int wish = feed_and_open(d, now_ms);
  icrm_login_settle(d);
  return wish;
}
