/*
 * How a lane gets its session: getchallenge, then login (logins.h says when and
 * with which token), and what a login that goes wrong means for the calls that
 * wait. While the server is away nothing is sent but a login, again and again
 * with growing rests, until it works or patience ends. Private to the
 * dispatcher.
 */
#ifndef ICRM_LANES_LOGIN_H
#define ICRM_LANES_LOGIN_H

#include "lanes/dispatcher_impl.h"

/* Begin the conversation on an idle lane. */
void icrm_login_begin(struct icrm_dispatcher *d, struct icrm_lane *lane);

/* Go on with it: a reply to one of the two is there. */
void icrm_login_on_reply(struct icrm_dispatcher *d, struct icrm_lane *lane,
                         int64_t now_ms);

#endif
