#include "check.h"
#include "lanes/lane_set.h"

static struct icrm_lane_set set;
static struct icrm_transport *transport;
static struct icrm_site *site;
static struct icrm_form_endpoint endpoint;

static struct icrm_lane *add_lane(void) {
  struct icrm_error err;
  struct icrm_lane *lane =
      icrm_lane_new(transport, site, &endpoint, NULL, set.n + 1, &err);
  CHECK(lane && lane->number == set.n + 1);
  icrm_lane_set_add(&set, lane);
  return lane;
}

static void idle_lanes(void) {
  struct icrm_session session = {.id = 1};
  struct icrm_lane *first = add_lane(), *second = add_lane();
  CHECK(icrm_lane_set_idle(&set, 2, false) == first);
  CHECK(!icrm_lane_set_idle(&set, 2, true) && !icrm_lane_set_has_session(&set));
  second->session = &session;
  CHECK(icrm_lane_set_idle(&set, 2, true) == second);
  CHECK(icrm_lane_set_without_session(&set, 2) == first);
  first->session = &session;
  CHECK(!icrm_lane_set_without_session(&set, 2));
  first->session = NULL;
  CHECK(!icrm_lane_set_idle(&set, 1, true)); /* beyond the limit */
  CHECK(icrm_lane_set_without_session(&set, 2) == first);
  first->session = &session;
  CHECK(!icrm_lane_set_without_session(&set,
                                       2)); /* a session that is there stays */
  first->session = NULL;
  CHECK(icrm_lane_set_of_session(&set, &session) == second);
  CHECK(icrm_lane_set_count_sessions(&set) == 1);
  CHECK(icrm_lane_set_count_ready(&set, 2) == 1);
  second->state = ICRM_LANE_BUSY;
  CHECK(!icrm_lane_set_idle(&set, 2, true));
  CHECK(icrm_lane_set_count_ready(&set, 2) == 0);
  CHECK(icrm_lane_set_has_session(&set));
  second->state = ICRM_LANE_IDLE;
  second->session = NULL;
}

static void held_calls_are_told_once(void) {
  struct icrm_lane *lane = set.lanes[0];
  lane->call = icrm_call_new(7, "create", NULL);
  icrm_lane_set_hold(&set, lane);
  CHECK(set.n_held == 1 && set.n_held_new == 1);
  CHECK(icrm_lane_set_holder(&set, 7) == lane);
  CHECK(!icrm_lane_set_holder(&set, 8));
  CHECK(icrm_lane_set_next_held(&set) == lane && set.n_held_new == 0);
  CHECK(!icrm_lane_set_next_held(&set));
  icrm_lane_set_unhold(&set, lane);
  CHECK(set.n_held == 0 && set.n_held_new == 0);
  icrm_lane_set_hold(&set, lane);
  icrm_lane_set_unhold(&set, lane); /* before anybody was told */
  CHECK(set.n_held == 0 && set.n_held_new == 0);
  lane->call->is_silent = true;
  CHECK(icrm_lane_set_count_silent(&set) == 1);
  icrm_call_free(icrm_lane_take_call(lane));
  CHECK(lane->state == ICRM_LANE_IDLE);
}

int main(void) {
  struct icrm_error err;
  transport = icrm_transport_new(&err);
  CHECK(transport);
  CHECK(icrm_form_endpoint_parse("http://127.0.0.1:1/x.php", &endpoint, &err) ==
        0);
  struct icrm_site_options options = {.endpoint = &endpoint};
  site = icrm_site_new(&options, &err);
  CHECK(site);
  idle_lanes();
  held_calls_are_told_once();
  icrm_lane_set_clear(&set);
  CHECK(set.n == 0);
  icrm_site_free(site);
  icrm_transport_release(transport);
  return 0;
}
