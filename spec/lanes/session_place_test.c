#include "check.h"
#include "lanes/session_place.h"

static struct icrm_call call;
static struct icrm_error err;
static enum icrm_session_place place;

static void begin(void) {
  call = (struct icrm_call){.result.id = 1};
  place = ICRM_SESSION_PLACE_UNKNOWN;
  icrm_error_set(&err, ICRM_ERROR_REFUSED, "no");
}

static bool learn(enum icrm_outcome outcome) {
  return icrm_session_place_learn(&place, &call, outcome, &err);
}

static void an_answer_decides_it(void) {
  begin();
  CHECK(!learn(ICRM_OUTCOME_DONE) && place == ICRM_SESSION_IN_BODY);
  CHECK_TEXT(icrm_session_place_name(place), "body");
  call.in_url = true;
  icrm_session_place_apply(place, &call);
  CHECK(!call.in_url);
}

static void the_url_is_tried_once(void) {
  begin();
  CHECK(learn(ICRM_OUTCOME_SESSION_GONE) && call.in_url);
  icrm_session_place_apply(place, &call); /* still unknown: stays */
  CHECK(call.in_url);
  CHECK(!learn(ICRM_OUTCOME_DONE) && place == ICRM_SESSION_IN_URL);
  begin();
  CHECK(learn(ICRM_OUTCOME_SESSION_GONE));
  CHECK(!learn(ICRM_OUTCOME_SESSION_GONE) && !call.in_url);
  CHECK(!learn(ICRM_OUTCOME_SESSION_GONE)); /* both are known to fail */
  CHECK(place == ICRM_SESSION_PLACE_UNKNOWN);
}

static void other_failures_tell_nothing(void) {
  begin();
  CHECK(!learn(ICRM_OUTCOME_REFUSED) && !learn(ICRM_OUTCOME_NOT_SENT));
  icrm_error_set(&err, ICRM_ERROR_TIMEOUT, "late");
  CHECK(!learn(ICRM_OUTCOME_FAILED));
  icrm_error_set(&err, ICRM_ERROR_HTTP, "busy");
  err.status = 503;
  CHECK(!learn(ICRM_OUTCOME_FAILED));
  err.status = 500;
  CHECK(learn(ICRM_OUTCOME_FAILED));
}

static void calls_whose_session_is_in_the_body_anyway(void) {
  begin();
  call.post = true;
  CHECK(!learn(ICRM_OUTCOME_SESSION_GONE) && !learn(ICRM_OUTCOME_DONE));
  CHECK(place == ICRM_SESSION_PLACE_UNKNOWN);
}

int main(void) {
  an_answer_decides_it();
  the_url_is_tried_once();
  other_failures_tell_nothing();
  calls_whose_session_is_in_the_body_anyway();
  return 0;
}
