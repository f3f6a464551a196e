/*
 * A lane: one session with one request in flight. It builds the request and
 * sends it; whoever owns it decides which, and is told of the reply.
 */
#ifndef ICRM_LANES_LANE_H
#define ICRM_LANES_LANE_H

#include "core/credentials.h"
#include "lanes/call.h"
#include "lanes/session.h"
#include "net/form.h"
#include "net/transport.h"

#include <stdbool.h>
#include <stdint.h>

enum icrm_lane_state {
  ICRM_LANE_IDLE,      /* with or without a session */
  ICRM_LANE_CHALLENGE, /* getchallenge under way */
  ICRM_LANE_LOGIN,     /* login under way */
  ICRM_LANE_HELD,      /* has a call that waits for its release */
  ICRM_LANE_BUSY       /* has a call under way */
};

struct icrm_lane;

/* What the owner of lanes wants to know; called from inside functions below
 * and from icrm_transport_step, never from inside libcurl. */
struct icrm_lane_owner {
  void (*on_start)(struct icrm_lane_owner *self, struct icrm_lane *lane);
  void (*on_reply)(struct icrm_lane_owner *self, struct icrm_lane *lane);
};

struct icrm_lane {
  struct icrm_lane_owner *owner;
  const struct icrm_form_endpoint *endpoint;
  int number; /* from 1 */
  enum icrm_lane_state state;
  struct icrm_exchange *exchange;
  struct icrm_session *session; /* one of its owner's; NULL: none */
  struct icrm_call *call;       /* owned; NULL: none */
  struct icrm_buf url, head;    /* of the request; head holds secrets */
  bool shares_token;            /* logs in with a token that was used before */
  int64_t server_time_offset_s; /* from the challenge it logs in with */
  int64_t started_us;
  int in_flight;    /* requests under way when this one had started */
  bool is_reported; /* held, and told so */
  bool is_counted;  /* the owner has counted the next request already */
};

/* An idle lane; the endpoint and the owner outlive it. NULL on failure. */
struct icrm_lane *icrm_lane_new(struct icrm_transport *transport,
                                struct icrm_site *site,
                                const struct icrm_form_endpoint *endpoint,
                                struct icrm_lane_owner *owner, int number,
                                struct icrm_error *err);
void icrm_lane_free(struct icrm_lane *lane);

/* The reply, valid from owner->on_reply until the next start. */
struct icrm_reply *icrm_lane_reply(const struct icrm_lane *lane);

/* Send the call that the lane has, on `session`. On failure nothing was sent,
 * and the lane still has the call. */
int icrm_lane_send(struct icrm_lane *lane, const struct icrm_session *session,
                   struct icrm_error *err);

/* Take its call from the lane, which is idle then. */
struct icrm_call *icrm_lane_take_call(struct icrm_lane *lane);

/* Send getchallenge, or login with the token of a challenge. */
int icrm_lane_ask_challenge(struct icrm_lane *lane, const char *username,
                            struct icrm_error *err);
int icrm_lane_answer_challenge(struct icrm_lane *lane, const char *username,
                               const struct icrm_challenge *challenge,
                               const struct icrm_credentials *credentials,
                               struct icrm_error *err);

/* Wipe what the request held that is secret: its reply has been read. */
void icrm_lane_wipe(struct icrm_lane *lane);

#endif
