#include "lanes/backoff.h"

enum { FULL = 100, COST = 10, FIRST_MS = 500, LONGEST_MS = 60000 };

void icrm_backoff_init(struct icrm_backoff *backoff, uint64_t seed) {
  backoff->budget = FULL;
  backoff->random = seed ? seed : 1;
}

/* xorshift64: only spreads the repeats. */
static uint64_t next_random(struct icrm_backoff *backoff) {
  backoff->random ^= backoff->random << 13;
  backoff->random ^= backoff->random >> 7;
  backoff->random ^= backoff->random << 17;
  return backoff->random;
}

int64_t icrm_backoff_wait_ms(struct icrm_backoff *backoff, int tries) {
  if (backoff->budget < COST)
    return -1;
  backoff->budget -= COST;
  int64_t longest = FIRST_MS;
  for (int i = 1; i < tries && longest < LONGEST_MS; i++)
    longest *= 2;
  if (longest > LONGEST_MS)
    longest = LONGEST_MS;
  return (int64_t)(next_random(backoff) % (uint64_t)(longest + 1));
}

void icrm_backoff_earn(struct icrm_backoff *backoff) {
  if (backoff->budget < FULL)
    backoff->budget++;
}
