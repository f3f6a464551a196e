/*
 * The dispatcher feeds calls to lanes. A lane is one session with one request
 * in flight, because the server runs one request at a time per session; the
 * number of lanes adapts to what the server bears. Lanes log in when a call
 * waits for them, the first alone and the others together, and are renewed when
 * the server says that their session is gone. Reads are retried; a write is
 * sent again only when it is proven that nothing of it was done: no byte left,
 * or the session was refused. While a server that has answered before is away
 * (restarting, say), calls wait for it within `patience_ms`, and only a login
 * asks whether it is back. (Laws 2, 17 and 19.)
 *
 * Its promise: submit sends nothing. No byte of a call leaves before the next
 * icrm_dispatcher_step of any dispatcher on the same transport; a call with
 * `hold` that is the first on its session does not leave before it was
 * released, either. So what must be written down first can be.
 */
#ifndef ICRM_LANES_DISPATCHER_H
#define ICRM_LANES_DISPATCHER_H

#include "core/buf.h"
#include "core/credentials.h"
#include "core/error.h"
#include "lanes/call.h"
#include "lanes/quota.h"
#include "lanes/session.h"
#include "net/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICRM_DISPATCHER_MAX_LANES 64
#define ICRM_DISPATCHER_MAX_AUTO_LANES 16

struct icrm_dispatcher;

/* Texts are copied. NULL or 0 takes the default. */
struct icrm_dispatcher_options {
  const char *url;                      /* see icrm_form_endpoint_parse */
  const char *username;                 /* seed: prefix/user */
  struct icrm_credentials *credentials; /* retained */
  int lanes;              /* fixed number; 0 adapts between 1 and 16 */
  const char *rate;       /* see icrm_quota_parse; NULL for none */
  const char *quota_file; /* see quota_file.h; NULL for none */
  int max_wait_ms; /* a call that a quota or a Retry-After keeps waiting longer
                      fails at once, kind rate_limited, unsent; 0: 15 min */
  int timeout_ms;  /* of every call; 0: 60 s reads, 120 s writes */
  int patience_ms; /* how long calls wait for a server that went away in
                      the middle of things; 0: 60 s */
  struct icrm_site_options site; /* its endpoint is filled in here */
};

struct icrm_dispatcher_stats {
  int lanes;     /* logged in */
  int limit;     /* lanes allowed at the moment */
  int in_flight; /* requests under way, logins included */
  int held;      /* calls that wait for their release */
  size_t queued; /* calls that wait for a lane or for a retry */
  int64_t calls, retries, renewals, logins, unknown;
  int64_t bytes_sent, bytes_received;
  int64_t wait_ms; /* until the rate or a Retry-After lets a call go */
  int64_t mean_us; /* of an answered exchange, logins left out; 0: none yet */
  int64_t away_ms; /* since the server stopped answering; 0: it answers */
  const char *session_in; /* "body", "url" or not asked yet: "unknown" */
};

/* A dispatcher on a shared transport. Nothing is sent. NULL on failure (kind
 * config). */
struct icrm_dispatcher *
icrm_dispatcher_new(struct icrm_transport *transport,
                    const struct icrm_dispatcher_options *options,
                    struct icrm_error *err);

/* Abandon everything, wipe the sessions' names. Replies under way are lost;
 * sessions end at the server by themselves. NULL is allowed. */
void icrm_dispatcher_free(struct icrm_dispatcher *dispatcher);

/* Queue a call. Returns its id, 0 on failure: kind input for a request that
 * cannot be sent (a URL longer than ICRM_FORM_MAX_TARGET, an unknown session).
 */
uint64_t icrm_dispatcher_submit(struct icrm_dispatcher *dispatcher,
                                const struct icrm_call_options *call,
                                struct icrm_error *err);

/* Ask for a session: done as soon as a lane is logged in. Returns an id. */
uint64_t icrm_dispatcher_login(struct icrm_dispatcher *dispatcher,
                               struct icrm_error *err);

/* Say that so many calls will be submitted when a reply under way has come: as
 * many lanes log in meanwhile as for calls that wait. Stands until said anew;
 * nothing is sent before the next step. */
void icrm_dispatcher_expect(struct icrm_dispatcher *dispatcher, int calls);

/* Drive all dispatchers of the transport; see icrm_transport_step. Returns the
 * number of results and newly held calls of this one, -1 on failure. With some
 * there already it does not wait. */
int icrm_dispatcher_step(struct icrm_dispatcher *dispatcher, int timeout_ms,
                         struct icrm_error *err);

/* See icrm_transport_kick: what was submitted since the last step stays. */
int icrm_dispatcher_kick(struct icrm_dispatcher *dispatcher,
                         struct icrm_error *err);

/* The next result, in the order of completion, NULL for none. Valid until this
 * function is called again. */
const struct icrm_result *
icrm_dispatcher_next(struct icrm_dispatcher *dispatcher);

/* Move the reply of the result that was handed out last, which its json and
 * page point into, to the caller, who frees both. */
void icrm_dispatcher_take_reply(struct icrm_dispatcher *dispatcher,
                                struct icrm_buf *body, struct icrm_page *page);

/* The next call that newly waits for its release: its id and the session that
 * would carry it. False when there is none. A call that must be sent anew
 * (session renewed, nothing sent) is held again, maybe on another session. */
bool icrm_dispatcher_held(struct icrm_dispatcher *dispatcher, uint64_t *id,
                          uint64_t *session);

/* Let a held call leave at the next step; no later call on its session is
 * held. False when it is not held. */
bool icrm_dispatcher_release(struct icrm_dispatcher *dispatcher, uint64_t id);

/* Give up a call that was not sent: its result is an error of kind canceled.
 * False when it is under way or unknown. */
bool icrm_dispatcher_cancel(struct icrm_dispatcher *dispatcher, uint64_t id);

/* What the last login told, its name left out of use; NULL before. */
const struct icrm_session *
icrm_dispatcher_session(const struct icrm_dispatcher *dispatcher);

/* The name of a session for the journal of a change set, NULL when unknown.
 * It is a secret: it is to be stored 0600 and erased after use. */
const struct icrm_buf *
icrm_dispatcher_session_name(const struct icrm_dispatcher *dispatcher,
                             uint64_t session);

/* Make a session of an earlier process known by its name, to be used with
 * icrm_call_options.session. Returns its id, 0 when out of memory. */
uint64_t icrm_dispatcher_import_session(struct icrm_dispatcher *dispatcher,
                                        const char *name, size_t len);

/* End the sessions of idle lanes where the server offers `logout`, within
 * `timeout_ms`. Results meanwhile stay to be taken. */
void icrm_dispatcher_logout(struct icrm_dispatcher *dispatcher, int timeout_ms);

void icrm_dispatcher_get_stats(const struct icrm_dispatcher *dispatcher,
                               struct icrm_dispatcher_stats *out);

/* See icrm_quota_forecast and icrm_quota_cause. */
void icrm_dispatcher_forecast(const struct icrm_dispatcher *dispatcher,
                              int64_t calls, double calls_per_s,
                              struct icrm_quota_forecast *out);
void icrm_dispatcher_cause(const struct icrm_dispatcher *dispatcher, char *out,
                           size_t size);

#endif
