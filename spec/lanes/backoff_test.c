#include "check.h"
#include "lanes/backoff.h"

static void rests_grow_to_a_minute(void) {
  static const int64_t longest[] = {500, 1000, 2000, 4000, 60000, 60000};
  static const int tries[] = {1, 2, 3, 4, 8, 40};
  for (int i = 0; i < 6; i++) {
    int64_t most = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
      struct icrm_backoff backoff;
      icrm_backoff_init(&backoff, seed * 0x9E3779B97F4A7C15u);
      int64_t wait_ms = icrm_backoff_wait_ms(&backoff, tries[i]);
      CHECK(wait_ms >= 0 && wait_ms <= longest[i]);
      most = wait_ms > most ? wait_ms : most;
    }
    CHECK(most > longest[i] / 2); /* full jitter */
  }
}

static void repeats_are_paid_by_calls_that_went_well(void) {
  struct icrm_backoff backoff;
  icrm_backoff_init(&backoff, 0);
  icrm_backoff_earn(&backoff); /* never more than the full budget */
  for (int i = 0; i < 10; i++)
    CHECK(icrm_backoff_wait_ms(&backoff, 1) >= 0);
  CHECK(icrm_backoff_wait_ms(&backoff, 1) == -1);
  for (int i = 0; i < 9; i++)
    icrm_backoff_earn(&backoff);
  CHECK(icrm_backoff_wait_ms(&backoff, 1) == -1);
  icrm_backoff_earn(&backoff);
  CHECK(icrm_backoff_wait_ms(&backoff, 1) >= 0);
}

int main(void) {
  rests_grow_to_a_minute();
  repeats_are_paid_by_calls_that_went_well();
  return 0;
}
