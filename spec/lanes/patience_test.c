#include "check.h"
#include "lanes/patience.h"

static struct icrm_patience patience;

static bool note(int status, int64_t now_ms) {
  struct icrm_reply reply = {.status = status, .is_complete = status > 0};
  return icrm_patience_note(&patience, &reply, true, now_ms);
}

static void three_exchanges_without_a_reply(void) {
  icrm_patience_init(&patience, 1000);
  CHECK(!note(0, 1) && !note(502, 2) && !icrm_patience_is_away(&patience));
  CHECK(!note(500, 3)); /* it answers */
  CHECK(!note(0, 4) && !note(504, 5) && note(0, 6));
  CHECK(icrm_patience_is_away(&patience) && !note(0, 7));
  CHECK(icrm_patience_lasts(&patience, 1005));
  CHECK(!icrm_patience_lasts(&patience, 1006));
  CHECK(!note(200, 2000) && !icrm_patience_is_away(&patience));
  CHECK(!icrm_patience_lasts(&patience, 2000));
}

static void a_wrong_address_is_not_away(void) {
  struct icrm_reply reply = {.status = 0};
  icrm_patience_init(&patience, 1000);
  for (int i = 0; i < 5; i++)
    CHECK(!icrm_patience_note(&patience, &reply, false, 1 + i));
  CHECK(!icrm_patience_is_away(&patience));
}

static void what_this_side_gives_up_tells_nothing(void) {
  struct icrm_reply reply = {.status = 0, .is_given_up = true};
  icrm_patience_init(&patience, 1000);
  for (int i = 0; i < 5; i++)
    CHECK(!icrm_patience_note(&patience, &reply, true, 1 + i));
}

static void rests_double(void) {
  icrm_patience_init(&patience, 1000);
  CHECK(!note(0, 1) && !note(0, 2) && note(0, 3) && patience.rest_ms == 500);
  CHECK(icrm_patience_grow(&patience) == 1000);
  CHECK(icrm_patience_grow(&patience) == 2000);
  for (int i = 0; i < 10; i++)
    icrm_patience_grow(&patience);
  CHECK(icrm_patience_grow(&patience) == 16000);
}

int main(void) {
  three_exchanges_without_a_reply();
  a_wrong_address_is_not_away();
  what_this_side_gives_up_tells_nothing();
  rests_double();
  return 0;
}
