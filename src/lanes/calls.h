/*
 * The calls of a dispatcher that are on no lane: four lists, each first in,
 * first out. A call is in one of them, or on a lane, or handed out.
 */
#ifndef ICRM_LANES_CALLS_H
#define ICRM_LANES_CALLS_H

#include "lanes/call.h"
#include "net/transport.h"

struct icrm_call_list {
  struct icrm_call *head, **tail;
  size_t count;
};

struct icrm_calls {
  struct icrm_transport *transport; /* told of news; not owned */
  struct icrm_call_list queue;      /* wait for any lane */
  struct icrm_call_list pinned;     /* wait for the lane of their session */
  struct icrm_call_list delayed;    /* wait for their time */
  struct icrm_call_list ready;      /* have a result */
  struct icrm_call *taken;          /* handed out last */
};

void icrm_calls_push(struct icrm_call_list *list, struct icrm_call *call);
void icrm_calls_unshift(struct icrm_call_list *list, struct icrm_call *call);

/* Take out the call that `*link` points to, or the first one. */
struct icrm_call *icrm_calls_remove(struct icrm_call_list *list,
                                    struct icrm_call **link);
struct icrm_call *icrm_calls_shift(struct icrm_call_list *list);

/* Calls that wait for a lane or for their time. */
size_t icrm_calls_waiting(const struct icrm_calls *calls);

/* Take the call with this id out of the lists of those that wait; NULL when
 * none of them has it. */
struct icrm_call *icrm_calls_take(struct icrm_calls *calls, uint64_t id);

/* The call, in no list now, has its result; `err` is NULL when it went well. */
void icrm_calls_finish(struct icrm_calls *calls, struct icrm_call *call,
                       const struct icrm_error *err);

/* ... and all calls of a list, each with its operation in `err` unless that has
 * one. */
void icrm_calls_fail(struct icrm_calls *calls, struct icrm_call_list *list,
                     const struct icrm_error *err);

/* Put the delayed calls whose time has come at the head of the queue. Returns
 * milliseconds to the next one, -1 for none. */
int icrm_calls_wake(struct icrm_calls *calls, int64_t now_ms);

/* The next result, valid until this is called again; NULL for none. */
const struct icrm_result *icrm_calls_next(struct icrm_calls *calls);

/* Free all calls. */
void icrm_calls_clear(struct icrm_calls *calls);

#endif
