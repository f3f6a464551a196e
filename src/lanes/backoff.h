/*
 * How long to rest before a call is sent again, and how often at all: repeats
 * are paid from a budget that answered calls fill, so that a server in trouble
 * is not met with more and more of them. Reads no clock.
 */
#ifndef ICRM_LANES_BACKOFF_H
#define ICRM_LANES_BACKOFF_H

#include <stdint.h>

struct icrm_backoff {
  int budget;
  uint64_t random;
};

/* With a full budget; `seed` makes the rests differ between clients. */
void icrm_backoff_init(struct icrm_backoff *backoff, uint64_t seed);

/* Wait before try number `tries` + 1: full jitter under 0.5 s * 2^(tries-1),
 * at most 60 s. Pays for it; -1 when the budget is used up. */
int64_t icrm_backoff_wait_ms(struct icrm_backoff *backoff, int tries);

/* A call went well. */
void icrm_backoff_earn(struct icrm_backoff *backoff);

#endif
