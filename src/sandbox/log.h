/* The log of what really happened, a table of the store. */
#ifndef ICRM_SANDBOX_LOG_H
#define ICRM_SANDBOX_LOG_H

#include "sandbox/call.h"
#include "sandbox/event.h"

/* The moments of a request that the log hangs on. */
enum sb_point {
  SB_POINT_START,         /* the request is complete, nothing was done */
  SB_POINT_BEFORE_COMMIT, /* its changes are in an open transaction */
  SB_POINT_AFTER_COMMIT,  /* they are durable, the reply is not sent */
  SB_POINT_ANSWERED,      /* the reply is complete, no byte of it left */
};

/* Pass a point. The store is held. */
void sb_log_point(struct sb_call *call, enum sb_point point);

/* Note that the reply to request `log_n` left. */
void sb_log_replied(struct icrm_sandbox *sandbox, int64_t log_n);

/* Call `event` for each logged request after number `after`, in order; its
 * texts live during the call. Returns 0 or -1. */
int sb_log_read(struct icrm_sandbox *sandbox, int64_t after,
                void (*event)(void *context,
                              const struct icrm_sandbox_event *event),
                void *context);

#endif
