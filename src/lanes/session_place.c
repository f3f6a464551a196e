#include "lanes/session_place.h"

#include <string.h>

const char *icrm_session_place_name(enum icrm_session_place place) {
  static const char *const names[] = {"unknown", "body", "url"};
  return names[place];
}

void icrm_session_place_apply(enum icrm_session_place place,
                              struct icrm_call *call) {
  if (place != ICRM_SESSION_PLACE_UNKNOWN)
    call->in_url = place == ICRM_SESSION_IN_URL;
}

bool icrm_session_place_learn(enum icrm_session_place *place,
                              struct icrm_call *call, enum icrm_outcome outcome,
                              const struct icrm_error *err) {
  if (call->post || call->session || outcome == ICRM_OUTCOME_NOT_SENT ||
      *place != ICRM_SESSION_PLACE_UNKNOWN)
    return false;
  if (outcome == ICRM_OUTCOME_DONE) {
    *place = call->in_url ? ICRM_SESSION_IN_URL : ICRM_SESSION_IN_BODY;
    return false;
  }
  bool may_be_the_place =
      outcome == ICRM_OUTCOME_SESSION_GONE ||
      strcmp(err->code, "ACCESS_DENIED") == 0 ||
      ((err->kind == ICRM_ERROR_HTTP || err->kind == ICRM_ERROR_DECODE) &&
       !icrm_outcome_is_overload(err));
  if (call->in_url) {
    call->in_url = false; /* both failed: the next call probes again */
    return false;
  }
  if (!may_be_the_place || call->was_in_body)
    return false;
  call->was_in_body = call->in_url = true;
  return true;
}
