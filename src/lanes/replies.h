/*
 * What becomes of a call when its reply is there: it has its result, or is sent
 * again, at once on another session or after a rest. (Laws of writing and of
 * sessions; what the reply proves is outcome.h's.) Private to the dispatcher.
 */
#ifndef ICRM_LANES_REPLIES_H
#define ICRM_LANES_REPLIES_H

#include "lanes/dispatcher_impl.h"

/* The lane's call has its reply; the lane is idle afterwards. */
void icrm_replies_take(struct icrm_dispatcher *d, struct icrm_lane *lane,
                       int64_t now_ms);

#endif
