/* Which call goes out on which lane, and when one more lane logs in. Private to
 * the dispatcher. */
#ifndef ICRM_LANES_FEED_H
#define ICRM_LANES_FEED_H

#include "lanes/dispatcher_impl.h"

/* Start what can start: the transport member's turn. */
int icrm_feed_turn(struct icrm_transport_member *self, int64_t now_ms);

/* Give an idle lane a call; `session` carries it, after its release if the call
 * wants one. */
void icrm_feed_assign(struct icrm_dispatcher *d, struct icrm_lane *lane,
                      struct icrm_call *call, struct icrm_session *session,
                      int64_t now_ms);

/* Send the call that the lane has; one that cannot be sent has its result. */
void icrm_feed_send(struct icrm_dispatcher *d, struct icrm_lane *lane,
                    const struct icrm_session *session);

#endif
