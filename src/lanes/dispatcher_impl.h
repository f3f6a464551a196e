/*
 * A dispatcher is made of parts, each with a header of its own that says what
 * it keeps. What dispatcher.c (the interface), feed.c (which call goes next),
 * login.c (how a lane gets its session) and replies.c (what becomes of a call)
 * do, they do to these. Private to the four.
 */
#ifndef ICRM_LANES_DISPATCHER_IMPL_H
#define ICRM_LANES_DISPATCHER_IMPL_H

#include "lanes/backoff.h"
#include "lanes/budget.h"
#include "lanes/calls.h"
#include "lanes/lane_set.h"
#include "lanes/limiter.h"
#include "lanes/logins.h"
#include "lanes/patience.h"
#include "lanes/session_place.h"

struct icrm_dispatcher_counts {
  int64_t calls, retries, renewals, unknown;
  int64_t answered, answered_us; /* exchanges, and their times added up */
  int64_t bytes_sent, bytes_received;
};

struct icrm_dispatcher {
  struct icrm_transport_member member; /* see icrm_feed_turn */
  struct icrm_lane_owner owner;        /* of the lanes */
  struct icrm_transport *transport;
  struct icrm_form_endpoint endpoint;
  struct icrm_site *site;
  struct icrm_credentials *credentials;
  char *username;
  int timeout_ms; /* of every call; 0: the usual ones */
  int expected;   /* see icrm_dispatcher_expect */
  uint64_t last_id;
  struct icrm_calls calls;
  struct icrm_lane_set lanes;
  struct icrm_session_list sessions;
  enum icrm_session_place session_place;
  struct icrm_logins logins;
  struct icrm_patience patience;
  struct icrm_limiter limiter;
  struct icrm_budget budget;
  struct icrm_backoff backoff;
  struct icrm_dispatcher_counts counts;
};

#endif
