/*
 * The lanes of a dispatcher: which is idle, which has a session, which hold a
 * call that waits for its release.
 */
#ifndef ICRM_LANES_LANE_SET_H
#define ICRM_LANES_LANE_SET_H

#include "lanes/lane.h"

#include <stdbool.h>
#include <stdint.h>

#define ICRM_LANE_SET_MAX 64

struct icrm_lane_set {
  struct icrm_lane *lanes[ICRM_LANE_SET_MAX]; /* owned */
  int n;
  int in_flight;  /* lanes with a request under way; their owner counts */
  int n_held;     /* calls that wait for their release, */
  int n_held_new; /* ... and of which nobody was told */
};

/* Take a new lane, for which there must be room. */
void icrm_lane_set_add(struct icrm_lane_set *set, struct icrm_lane *lane);
void icrm_lane_set_clear(struct icrm_lane_set *set);

/* An idle lane among the first `limit`, with a session if so wanted; NULL for
 * none. */
struct icrm_lane *icrm_lane_set_idle(const struct icrm_lane_set *set, int limit,
                                     bool with_session);

/* An idle lane among the first `limit` that is to be logged in; NULL for none.
 */
struct icrm_lane *icrm_lane_set_without_session(const struct icrm_lane_set *set,
                                                int limit);

/* How many of the first `limit` are idle and have a session. */
int icrm_lane_set_count_ready(const struct icrm_lane_set *set, int limit);

/* The lane that has this session, NULL for none. */
struct icrm_lane *icrm_lane_set_of_session(const struct icrm_lane_set *set,
                                           const struct icrm_session *session);

/* How many lanes are logged in, and how many carry a call that is_silent. */
int icrm_lane_set_count_sessions(const struct icrm_lane_set *set);
int icrm_lane_set_count_silent(const struct icrm_lane_set *set);
bool icrm_lane_set_has_session(const struct icrm_lane_set *set);

/* The lane's call waits for its release, or no longer. */
void icrm_lane_set_hold(struct icrm_lane_set *set, struct icrm_lane *lane);
void icrm_lane_set_unhold(struct icrm_lane_set *set, struct icrm_lane *lane);

/* The lane that holds the call with this id, NULL for none. */
struct icrm_lane *icrm_lane_set_holder(const struct icrm_lane_set *set,
                                       uint64_t id);

/* A lane with a held call that was not told before; NULL for none. */
struct icrm_lane *icrm_lane_set_next_held(struct icrm_lane_set *set);

#endif
