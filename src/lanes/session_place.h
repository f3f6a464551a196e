/*
 * Where the session name of a call whose parameters are in the URL goes: into
 * the body, which stays out of access logs, unless the server does not look
 * there. The first answers of a server tell; see the laws of sessions.
 */
#ifndef ICRM_LANES_SESSION_PLACE_H
#define ICRM_LANES_SESSION_PLACE_H

#include "lanes/call.h"
#include "lanes/outcome.h"

#include <stdbool.h>

enum icrm_session_place {
  ICRM_SESSION_PLACE_UNKNOWN, /* not probed yet: try the body first */
  ICRM_SESSION_IN_BODY,
  ICRM_SESSION_IN_URL
};

/* "unknown", "body" or "url". */
const char *icrm_session_place_name(enum icrm_session_place place);

/* Set call->in_url for a call that is about to be sent. */
void icrm_session_place_apply(enum icrm_session_place place,
                              struct icrm_call *call);

/* Learn from an answer. One that shows that the session was understood decides
 * it; one that may mean that it was not is asked again with the session in the
 * URL. Returns true when the call is to be sent again. */
bool icrm_session_place_learn(enum icrm_session_place *place,
                              struct icrm_call *call, enum icrm_outcome outcome,
                              const struct icrm_error *err);

#endif
