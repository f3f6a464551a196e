#include "lanes/limiter.h"

#include <string.h>

enum {
  START = 2,         /* lanes */
  ROUND_CALLS = 8,   /* fewest calls of a round */
  TRUSTED_CALLS = 4, /* calls of a kind whose mean is worth remembering */
  CALM_ROUNDS = 8,   /* before the ceiling is tried one higher */
  FUTILE_CUTS = 3,   /* before the latency is taken for the best there is */
};

/* Below this, calls wait for nobody: the rest is noise. */
static const double QUEUE_SEEN = 1.25;

static int clamp(const struct icrm_limiter *limiter, int lanes) {
  int max = limiter->ceiling < limiter->max ? limiter->ceiling : limiter->max;
  lanes = lanes < max ? lanes : max;
  return lanes > limiter->min ? lanes : limiter->min;
}

static void begin_round(struct icrm_limiter *limiter, int64_t now_us) {
  limiter->round_from_us = now_us;
  limiter->calls = limiter->most_in_flight = 0;
  for (int i = 0; i < ICRM_LIMITER_KINDS; i++) {
    limiter->kinds[i].sum_us = 0;
    limiter->kinds[i].calls = 0;
  }
}

void icrm_limiter_init(struct icrm_limiter *limiter, int min, int max) {
  memset(limiter, 0, sizeof *limiter);
  limiter->min = min;
  limiter->max = limiter->ceiling = max;
  limiter->limit = clamp(limiter, START);
  limiter->ramping = true;
  limiter->slowdown = 1;
}

/* Move the best towards the means of this round: by half where they are lower,
 * slowly where they are higher by no more than noise, and all the way when
 * `rebase` is set. One lucky round must not become the measure for ever; a
 * queue must not become it at all, and at rest the queue is above QUEUE_SEEN.
 */
static void learn_best(struct icrm_limiter *limiter, bool rebase) {
  for (int i = 0; i < ICRM_LIMITER_KINDS; i++) {
    struct icrm_limiter_kind *kind = &limiter->kinds[i];
    if (kind->calls == 0)
      continue;
    double mean_us = kind->sum_us / kind->calls;
    double more_us = mean_us - kind->best_us;
    if (rebase || kind->best_us <= 0)
      kind->best_us = mean_us > 1 ? mean_us : 1;
    else if (kind->calls >= TRUSTED_CALLS && more_us < 0)
      kind->best_us += more_us / 2;
    else if (kind->calls >= TRUSTED_CALLS &&
             mean_us < kind->best_us * QUEUE_SEEN)
      kind->best_us += more_us / 8;
  }
}

/* How much longer this round's calls took than the best known of their kinds.
 * Below 1 when the round is itself the best. */
static double slowdown_of_round(const struct icrm_limiter *limiter) {
  double took_us = 0, best_us = 0;
  for (int i = 0; i < ICRM_LIMITER_KINDS; i++) {
    took_us += limiter->kinds[i].sum_us;
    best_us += limiter->kinds[i].best_us * limiter->kinds[i].calls;
  }
  return best_us > 0 ? took_us / best_us : 1;
}

/* Count the cuts that did not help: a queue would have become shorter in
 * proportion to the lanes, so at least half of that is asked for. */
static bool cut_was_futile(struct icrm_limiter *limiter, double slowdown,
                           double in_use) {
  if (!limiter->cut || slowdown < QUEUE_SEEN) {
    limiter->futile = 0;
    return false;
  }
  double hoped = limiter->slowdown * (1 + in_use / limiter->in_use) / 2;
  limiter->futile = slowdown > hoped ? limiter->futile + 1 : 0;
  return limiter->futile >= FUTILE_CUTS;
}

static void raise_ceiling(struct icrm_limiter *limiter) {
  if (limiter->limit < limiter->ceiling || limiter->ceiling == limiter->max)
    return;
  if (++limiter->calm < CALM_ROUNDS)
    return;
  limiter->ceiling++;
  limiter->calm = 0;
}

/* More lanes only when all were in use, fewer only when calls wait. */
static int next_limit(const struct icrm_limiter *limiter, double slowdown,
                      double in_use) {
  bool full = in_use >= limiter->limit * 0.9;
  if (limiter->ramping)
    return full ? limiter->limit * 2 : limiter->limit;
  double spare = limiter->limit / 4.0;
  int target = (int)(in_use / slowdown + (spare > 1 ? spare : 1) + 0.5);
  bool allowed = target > limiter->limit ? full : slowdown >= QUEUE_SEEN;
  return allowed ? target : limiter->limit;
}

static void end_round(struct icrm_limiter *limiter, int64_t now_us) {
  double in_use = limiter->most_in_flight;
  learn_best(limiter, false);
  double slowdown = slowdown_of_round(limiter);
  if (cut_was_futile(limiter, slowdown, in_use)) {
    learn_best(limiter, true);
    slowdown = 1;
    limiter->futile = 0;
  }
  if (slowdown >= QUEUE_SEEN)
    limiter->ramping = false;
  raise_ceiling(limiter);
  int limit = clamp(limiter, next_limit(limiter, slowdown, in_use));
  limiter->cut = limit < limiter->limit;
  limiter->limit = limit;
  limiter->slowdown = slowdown;
  limiter->in_use = in_use;
  begin_round(limiter, now_us);
}

void icrm_limiter_answered(struct icrm_limiter *limiter, int kind,
                           int64_t start_us, int64_t now_us, int in_flight) {
  if (start_us < limiter->round_from_us)
    return;
  limiter->kinds[kind].sum_us += (double)(now_us - start_us);
  limiter->kinds[kind].calls++;
  if (in_flight > limiter->most_in_flight)
    limiter->most_in_flight = in_flight;
  limiter->calls++;
  if (limiter->calls >= ROUND_CALLS && limiter->calls >= limiter->limit * 2)
    end_round(limiter, now_us);
}

void icrm_limiter_overload(struct icrm_limiter *limiter, int64_t start_us,
                           int64_t now_us) {
  if (start_us < limiter->round_from_us)
    return;
  limiter->ramping = limiter->cut = false;
  limiter->calm = limiter->futile = 0;
  limiter->ceiling =
      limiter->limit > limiter->min ? limiter->limit - 1 : limiter->min;
  limiter->limit = clamp(limiter, limiter->limit / 2);
  begin_round(limiter, now_us);
}
