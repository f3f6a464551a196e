#include "lanes/lane_set.h"

void icrm_lane_set_add(struct icrm_lane_set *set, struct icrm_lane *lane) {
  set->lanes[set->n++] = lane;
}

void icrm_lane_set_clear(struct icrm_lane_set *set) {
  for (int i = 0; i < set->n; i++)
    icrm_lane_free(set->lanes[i]);
  set->n = 0;
}

struct icrm_lane *icrm_lane_set_idle(const struct icrm_lane_set *set, int limit,
                                     bool with_session) {
  for (int i = 0; i < set->n && i < limit; i++) {
    struct icrm_lane *lane = set->lanes[i];
    if (lane->state == ICRM_LANE_IDLE && (!with_session || lane->session))
      return lane;
  }
  return NULL;
}

struct icrm_lane *icrm_lane_set_without_session(const struct icrm_lane_set *set,
                                                int limit) {
  for (int i = 0; i < set->n && i < limit; i++)
    if (set->lanes[i]->state == ICRM_LANE_IDLE && !set->lanes[i]->session)
      return set->lanes[i];
  return NULL;
}

int icrm_lane_set_count_ready(const struct icrm_lane_set *set, int limit) {
  int n = 0;
  for (int i = 0; i < set->n && i < limit; i++)
    n += set->lanes[i]->session && set->lanes[i]->state == ICRM_LANE_IDLE;
  return n;
}

struct icrm_lane *icrm_lane_set_of_session(const struct icrm_lane_set *set,
                                           const struct icrm_session *session) {
  for (int i = 0; i < set->n; i++)
    if (set->lanes[i]->session == session)
      return set->lanes[i];
  return NULL;
}

int icrm_lane_set_count_sessions(const struct icrm_lane_set *set) {
  int n = 0;
  for (int i = 0; i < set->n; i++)
    n += set->lanes[i]->session != NULL;
  return n;
}

int icrm_lane_set_count_silent(const struct icrm_lane_set *set) {
  int n = 0;
  for (int i = 0; i < set->n; i++)
    n += set->lanes[i]->call && set->lanes[i]->call->is_silent;
  return n;
}

bool icrm_lane_set_has_session(const struct icrm_lane_set *set) {
  for (int i = 0; i < set->n; i++)
    if (set->lanes[i]->session)
      return true;
  return false;
}

void icrm_lane_set_hold(struct icrm_lane_set *set, struct icrm_lane *lane) {
  lane->state = ICRM_LANE_HELD;
  lane->is_reported = false;
  set->n_held++;
  set->n_held_new++;
}

void icrm_lane_set_unhold(struct icrm_lane_set *set, struct icrm_lane *lane) {
  set->n_held--;
  if (!lane->is_reported)
    set->n_held_new--;
}

struct icrm_lane *icrm_lane_set_holder(const struct icrm_lane_set *set,
                                       uint64_t id) {
  for (int i = 0; i < set->n; i++) {
    struct icrm_lane *lane = set->lanes[i];
    if (lane->state == ICRM_LANE_HELD && lane->call->result.id == id)
      return lane;
  }
  return NULL;
}

struct icrm_lane *icrm_lane_set_next_held(struct icrm_lane_set *set) {
  for (int i = 0; set->n_held_new > 0 && i < set->n; i++) {
    struct icrm_lane *lane = set->lanes[i];
    if (lane->state != ICRM_LANE_HELD || lane->is_reported)
      continue;
    lane->is_reported = true;
    set->n_held_new--;
    return lane;
  }
  return NULL;
}
