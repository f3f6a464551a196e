/* What dispatcher.c (the interface), feed.c (who goes next), lane.c (sending
 * and replies) and login.c (sessions) share. Private. */
#ifndef ICRM_LANES_DISPATCHER_IMPL_H
#define ICRM_LANES_DISPATCHER_IMPL_H

#include "lanes/dispatcher.h"
#include "lanes/limiter.h"
#include "lanes/login_lock.h"
#include "lanes/quota_file.h"
#include "net/form.h"

struct icrm_call {
  struct icrm_result result; /* id, and at the end the rest */
  struct icrm_call *next;
  char operation[48];
  char boundary[40];            /* "" unless multipart */
  struct icrm_buf form;         /* parameters */
  struct icrm_body_file *files; /* in them */
  struct icrm_download *download;
  struct icrm_buf body;     /* the reply that result.json points into */
  struct icrm_records page; /* what result.page points to */
  bool is_login;            /* no request: wants a session to exist */
  bool is_silent;           /* nobody wants the result */
  bool post, write, hold;
  int refused_new;  /* sessions that refused it before they did any work */
  bool in_url;      /* probing: this time with the session in the URL */
  bool was_in_body; /* probing: the reply to the other form is known */
  int timeout_ms;
  uint64_t session; /* pinned to, 0 for none */
  int64_t not_before_ms;
};

struct icrm_call_list {
  struct icrm_call *head, **tail;
  size_t count;
};

enum icrm_lane_state {
  ICRM_LANE_IDLE,      /* with or without a session */
  ICRM_LANE_CHALLENGE, /* getchallenge under way */
  ICRM_LANE_LOGIN,     /* login under way */
  ICRM_LANE_HELD,      /* has a call that waits for its release */
  ICRM_LANE_BUSY       /* has a call under way */
};

struct icrm_lane {
  struct icrm_dispatcher *dispatcher;
  int number; /* from 1 */
  enum icrm_lane_state state;
  struct icrm_exchange *exchange;
  struct icrm_session *session; /* in the dispatcher's list; NULL: none */
  struct icrm_call *call;
  struct icrm_buf url, head;    /* of the request; head holds secrets */
  bool shares_token;            /* logs in with a token that was used before */
  int64_t server_time_offset_s; /* from the challenge it logs in with */
  int64_t started_us;
  int in_flight;    /* requests under way when this one had started */
  bool is_reported; /* held, and told so */
  bool is_counted;  /* the quota has counted the next request already */
};

/* Where the session name of a call whose parameters are in the URL goes. */
enum icrm_session_place {
  ICRM_SESSION_PLACE_UNKNOWN, /* not probed yet: try the body first */
  ICRM_SESSION_IN_BODY,       /* stays out of access logs */
  ICRM_SESSION_IN_URL         /* this server does not look into the body */
};

struct icrm_dispatcher {
  struct icrm_transport_member member; /* first: see turn */
  struct icrm_transport *transport;
  struct icrm_form_endpoint endpoint;
  struct icrm_site *site;
  struct icrm_credentials *credentials;
  char *username;
  int timeout_ms;
  struct icrm_limiter limiter;
  struct icrm_quota quota; /* its times are those of icrm_dispatcher_quota_ms */
  struct icrm_quota_file quota_file;
  int64_t quota_epoch_ms; /* wall clock less monotonic; grows by sleep */
  int64_t max_wait_ms;
  struct icrm_lane *lanes[ICRM_DISPATCHER_MAX_LANES];
  int n_lanes;
  int in_flight; /* lanes with a request under way */
  int n_held, n_held_new;
  struct icrm_call_list queue, pinned, delayed, ready;
  struct icrm_call *taken; /* handed out by icrm_dispatcher_next */
  struct icrm_session *sessions, *last_session;
  enum icrm_session_place session_place;
  int logging_in;                  /* lanes in the login conversation */
  int expected;                    /* see icrm_dispatcher_expect */
  struct icrm_challenge challenge; /* the token, empty when there is none */
  int64_t challenge_ms;            /* when it came */
  bool token_works;                /* a login with it succeeded */
  bool token_lasts;                /* some token was good for a second login */
  bool token_is_single;            /* it was not: ask for one each time */
  struct icrm_login_lock lock;
  int64_t lock_since_ms;  /* when we began to wait for it, 0: not waiting */
  int64_t login_after_ms; /* no login before */
  int64_t spare_after_ms; /* none beside a session that works before */
  int login_tries;        /* in a row */
  int failures;           /* exchanges in a row without a reply */
  int64_t away_since_ms;  /* the server stopped answering; 0: it answers */
  int64_t away_rest_ms;   /* between two tries while it is away */
  int64_t patience_ms;    /* how long calls wait for it to come back */
  int retry_budget;
  uint64_t last_id, random;
  int64_t calls, retries, renewals, logins, unknown;
  int64_t answered, answered_us; /* exchanges, and their times added up */
  int64_t bytes_sent, bytes_received;
};

/* Call lists: first in, first out. */
void icrm_calls_push(struct icrm_call_list *list, struct icrm_call *call);
void icrm_calls_unshift(struct icrm_call_list *list, struct icrm_call *call);
/* Take out the call that `*link` points to. */
struct icrm_call *icrm_calls_remove(struct icrm_call_list *list,
                                    struct icrm_call **link);

/* The quota's clock: milliseconds since 1970 that never go back. */
int64_t icrm_dispatcher_quota_ms(const struct icrm_dispatcher *d,
                                 int64_t now_ms);

/* Milliseconds until the quota lets a call start. */
int64_t icrm_dispatcher_wait_ms(const struct icrm_dispatcher *d,
                                int64_t now_ms);

/* Count one request that is about to be sent. */
void icrm_dispatcher_spend(struct icrm_dispatcher *d, int64_t now_ms);

/* The call's result is final; `err` is NULL when it went well. */
void icrm_call_finish(struct icrm_dispatcher *d, struct icrm_call *call,
                      const struct icrm_error *err);
void icrm_call_free(struct icrm_call *call);

/* A new idle lane, NULL when there can be none. */
struct icrm_lane *icrm_lane_new(struct icrm_dispatcher *d,
                                struct icrm_error *err);
void icrm_lane_free(struct icrm_lane *lane);

/* Give an idle lane a call; `session` carries it. */
void icrm_lane_assign(struct icrm_lane *lane, struct icrm_call *call,
                      struct icrm_session *session, int64_t now_ms);

/* Send the call that the lane holds. */
void icrm_lane_send(struct icrm_lane *lane, struct icrm_session *session,
                    int64_t now_ms);

/* Write the CRM's URL to lane->url, with `operation` unless it is NULL. */
void icrm_lane_begin_url(struct icrm_lane *lane, const char *operation);

/* Begin one exchange; `request` points into lane->url and lane->head. */
int icrm_lane_start(struct icrm_lane *lane, const struct icrm_request *request,
                    int64_t now_ms, struct icrm_error *err);

/* Calls that wait, or are about to come, and have no lane that is free. */
int icrm_dispatcher_wanted_lanes(const struct icrm_dispatcher *d);

/* Whether a lane may log in now: none does, or the token can be shared and more
 * lanes are wanted than are on their way. */
bool icrm_login_may_start(const struct icrm_dispatcher *d);

/* Whether the lock is held now, so that a login may begin; forgets the token
 * when it is not known to be good any more. */
bool icrm_login_take_lock(struct icrm_dispatcher *d, int64_t now_ms);

/* When no lane logs in any more, give the lock back. */
void icrm_login_settle(struct icrm_dispatcher *d);

/* Begin the login conversation. */
void icrm_lane_login(struct icrm_lane *lane, int64_t now_ms);

/* Go on with it. */
void icrm_lane_on_login_reply(struct icrm_lane *lane, int64_t now_ms);

/* Look at an exchange for signs that the server is away or back. */
void icrm_dispatcher_note(struct icrm_dispatcher *d,
                          const struct icrm_reply *reply, int64_t now_ms);

/* Whether it is away and calls still wait for it. */
bool icrm_dispatcher_is_patient(const struct icrm_dispatcher *d,
                                int64_t now_ms);

/* Whether a lane is logged in. */
bool icrm_dispatcher_has_session(const struct icrm_dispatcher *d);

/* Start what can start: the transport member's turn. */
int icrm_dispatcher_turn(struct icrm_transport_member *self, int64_t now_ms);

struct icrm_session *
icrm_dispatcher_find_session(const struct icrm_dispatcher *d, uint64_t id);
struct icrm_session *icrm_dispatcher_add_session(struct icrm_dispatcher *d);

/* Wait before try number `tries` + 1: full jitter under 0.5 s * 2^(tries-1),
 * at most 60 s. Costs retry budget; -1 when none is left. */
int64_t icrm_dispatcher_backoff_ms(struct icrm_dispatcher *d, int tries);

#endif
