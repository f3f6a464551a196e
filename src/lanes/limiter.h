/*
 * How many lanes to use at once. The limiter is told how long each call took
 * and which calls the server pushed back; it answers with a limit. It reads no
 * clock and keeps no memory of its own, so that a test can replay it.
 *
 * Calls are looked at in rounds of about two per lane. `slowdown` is how much
 * longer the calls of a round took than the best round of their kind. A server
 * that works on K calls at once makes n > K lanes wait n/K times as long, so
 * n/slowdown is its K, whatever the mix of calls. Each round sets
 *
 *     limit = lanes in use / slowdown + a quarter of the limit (at least 1)
 *
 * which grows while more lanes bring more throughput, and rests a little above
 * K, where no lane of the server is ever idle and latency stays below twice
 * the best. Until the first sign of a queue the limit doubles instead. A
 * server that pushes back (429, 503, timeout, a lost lane) halves the limit,
 * once per burst, and the limit that was too much is approached again by one
 * lane in eight rounds.
 *
 * Calls that became slower for another reason (longer pages, a busy database)
 * do not become faster on fewer lanes: when three cuts in a row brought
 * nothing, the present latency is the new best.
 */
#ifndef ICRM_LANES_LIMITER_H
#define ICRM_LANES_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#define ICRM_LIMITER_KINDS 8

/* The calls of one kind: they are expected to take about equally long. */
struct icrm_limiter_kind {
  double best_us; /* mean latency of the best round, 0 when none is known */
  double sum_us;  /* latency of this round's calls */
  int calls;      /* how many they are */
};

struct icrm_limiter {
  int limit;             /* lanes to use now, read by the dispatcher */
  int min;               /* never fewer */
  int max;               /* never more */
  int ceiling;           /* most lanes that the server has not pushed back */
  int calm;              /* rounds spent at the ceiling without trouble */
  int futile;            /* cuts in a row that did not make calls faster */
  bool ramping;          /* no queue seen yet: double instead */
  bool cut;              /* the last round lowered the limit */
  double slowdown;       /* of the last round */
  double in_use;         /* lanes in use in the last round */
  int64_t round_from_us; /* calls started before belong to another limit */
  int calls;             /* of this round */
  int most_in_flight;    /* of them: replies may come, and calls start, in
                            bursts, so that a mean says nothing */
  struct icrm_limiter_kind kinds[ICRM_LIMITER_KINDS];
};

/* Between `min` and `max` lanes (1 <= min <= max), starting with 2. */
void icrm_limiter_init(struct icrm_limiter *limiter, int min, int max);

/* A call of `kind` (0 to ICRM_LIMITER_KINDS - 1, the caller's numbering, one
 * per operation or so) was answered, be it by a refusal. Times are those of one
 * monotonic clock, login not included. `in_flight` is the number of calls that
 * were in flight when this one had just started, itself included. */
void icrm_limiter_answered(struct icrm_limiter *limiter, int kind,
                           int64_t start_us, int64_t now_us, int in_flight);

/* The server pushed back a call that started at `start_us`: 429, 503, a
 * timeout, a connection or session lost under load. */
void icrm_limiter_overload(struct icrm_limiter *limiter, int64_t start_us,
                           int64_t now_us);

#endif
