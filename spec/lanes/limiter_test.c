/* The limiter against a simulated server: `capacity` workers, one queue. */
#include "check.h"
#include "lanes/limiter.h"

enum { MOST = 64 };

struct server {
  int capacity;
  int refuses_above; /* calls in flight, 0 for never */
  double service_us;
  double spread; /* service times are within +- this part of service_us */
  int64_t now_us;
  uint64_t seed;
  int64_t worker_free_us[MOST];
};

struct flight {
  int64_t start_us, end_us;
  int in_flight;
  bool refused;
};

struct run {
  struct server server;
  struct icrm_limiter limiter;
  struct flight flights[MOST];
  int n_flights;
};

static double random_unit(struct server *server) {
  server->seed = server->seed * 6364136223846793005u + 1442695040888963407u;
  return (double)(server->seed >> 11) / 9007199254740992.0;
}

static int64_t serve(struct server *server) {
  double unit = 2 * random_unit(server) - 1;
  int64_t takes_us =
      (int64_t)(server->service_us * (1 + server->spread * unit));
  int best = 0;
  for (int i = 1; i < server->capacity; i++)
    if (server->worker_free_us[i] < server->worker_free_us[best])
      best = i;
  int64_t *worker_free_us = &server->worker_free_us[best];
  int64_t begin_us =
      *worker_free_us > server->now_us ? *worker_free_us : server->now_us;
  return *worker_free_us = begin_us + takes_us;
}

static void start_call(struct run *run) {
  struct server *server = &run->server;
  int in_flight = run->n_flights + 1;
  bool refused = server->refuses_above && in_flight > server->refuses_above;
  int64_t end_us = refused ? server->now_us + 1000 : serve(server);
  run->flights[run->n_flights++] =
      (struct flight){server->now_us, end_us, in_flight, refused};
}

static int next_to_end(const struct run *run) {
  int first = 0;
  for (int i = 1; i < run->n_flights; i++)
    if (run->flights[i].end_us < run->flights[first].end_us)
      first = i;
  return first;
}

static int64_t next_end_us(const struct run *run) {
  return run->n_flights > 0 ? run->flights[next_to_end(run)].end_us : -1;
}

/* Returns when it ended. */
static int64_t finish_call(struct run *run) {
  int first = next_to_end(run);
  struct flight done = run->flights[first];
  run->flights[first] = run->flights[--run->n_flights];
  run->server.now_us = done.end_us;
  if (done.refused)
    icrm_limiter_overload(&run->limiter, done.start_us, done.end_us);
  else
    icrm_limiter_answered(&run->limiter, 0, done.start_us, done.end_us,
                          done.in_flight);
  return done.end_us;
}

/* Do `calls` calls, `fixed` at a time or as the limiter says when it is 0, at
 * most `asked` at once. Returns calls per second. */
static double go(struct run *run, int calls, int fixed, int asked) {
  int64_t from_us = run->server.now_us;
  for (int done = 0; done < calls;) {
    int limit = fixed ? fixed : run->limiter.limit;
    while (run->n_flights < limit && run->n_flights < asked)
      start_call(run);
    int64_t first_us = finish_call(run);
    for (done++; next_end_us(run) == first_us; done++)
      finish_call(run); /* replies that come together are read together */
  }
  return calls * 1e6 / (double)(run->server.now_us - from_us);
}

static struct run new_run(int capacity, double spread, uint64_t seed) {
  struct run run = {.server = {.capacity = capacity,
                               .service_us = 60000,
                               .spread = spread,
                               .seed = seed}};
  icrm_limiter_init(&run.limiter, 1, 16);
  return run;
}

static double best_fixed(int capacity, double spread, uint64_t seed) {
  double best = 0;
  for (int lanes = 1; lanes <= 16; lanes++) {
    struct run run = new_run(capacity, spread, seed);
    go(&run, 200, lanes, MOST);
    double rate = go(&run, 400, lanes, MOST);
    best = rate > best ? rate : best;
  }
  return best;
}

static void check_rate(const char *what, int capacity, double spread,
                       double rate, double best) {
  if (rate >= 0.9 * best)
    return;
  fprintf(stderr, "%s: capacity %d, spread %.1f: %.1f/s of %.1f/s\n", what,
          capacity, spread, rate, best);
  exit(EXIT_FAILURE);
}

static const int capacities[] = {1, 2, 4, 8, 16};
static const double spreads[] = {0, 0.3, 0.6};
enum { CAPACITIES = 5, SPREADS = 3, SEEDS = 20 };

static void reaches_the_best_within_200_calls(void) {
  for (int c = 0; c < CAPACITIES; c++)
    for (int s = 0; s < SPREADS; s++)
      for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct run run = new_run(capacities[c], spreads[s], seed);
        go(&run, 200, 0, MOST);
        double rate = go(&run, 400, 0, MOST);
        check_rate("reach", capacities[c], spreads[s], rate,
                   best_fixed(capacities[c], spreads[s], seed));
        if (capacities[c] > 2)
          CHECK(run.limiter.limit <= 2 * capacities[c]);
        CHECK(run.limiter.limit <= 4 || capacities[c] > 2);
      }
}

static void follows_when_capacity_changes(void) {
  for (int from = 0; from < CAPACITIES; from++)
    for (int to = 0; to < CAPACITIES; to++) {
      struct run run = new_run(capacities[from], 0.3, 7);
      go(&run, 600, 0, MOST);
      run.server.capacity = capacities[to];
      go(&run, 250, 0, MOST);
      double rate = go(&run, 400, 0, MOST);
      check_rate("follow", capacities[to], 0.3, rate,
                 best_fixed(capacities[to], 0.3, 7));
      /* What was learnt in a queue (from < to) may leave a longer queue. */
      if (from >= to)
        CHECK(run.limiter.limit <= 4 ||
              run.limiter.limit <= 2 * capacities[to]);
    }
}

static void slower_calls_are_not_taken_for_a_queue(void) {
  struct run run = new_run(16, 0.3, 3);
  go(&run, 300, 0, MOST);
  run.server.service_us *= 4;
  go(&run, 300, 0, MOST);
  CHECK(run.limiter.limit >= 14);
}

static void grows_only_when_all_lanes_are_used(void) {
  struct run run = new_run(16, 0.3, 3);
  go(&run, 500, 0, 3);
  CHECK(run.limiter.limit <= 4);
  go(&run, 200, 0, MOST);
  CHECK(run.limiter.limit >= 14);
}

static void a_burst_of_refusals_halves_once(void) {
  struct icrm_limiter limiter;
  icrm_limiter_init(&limiter, 1, 16);
  limiter.limit = 16;
  for (int i = 0; i < 10; i++)
    icrm_limiter_overload(&limiter, 1000, 2000 + i);
  CHECK(limiter.limit == 8);
  icrm_limiter_overload(&limiter, 3000, 4000);
  CHECK(limiter.limit == 4);
  for (int i = 0; i < 10; i++)
    icrm_limiter_overload(&limiter, 5000 + i * 1000, 5500 + i * 1000);
  CHECK(limiter.limit == 1);
}

/* A server that answers 503 above six: nearly all calls must get through. */
static void stays_under_a_hard_cap(void) {
  struct run run = new_run(16, 0.3, 5);
  run.server.refuses_above = 6;
  go(&run, 300, 0, MOST);
  int over = 0;
  for (int i = 0; i < 1000; i++) {
    go(&run, 1, 0, MOST);
    over += run.limiter.limit > 6;
  }
  CHECK(over < 50);
  CHECK(run.limiter.limit >= 3);
}

static void fixed_lanes_stay_fixed(void) {
  struct run run = new_run(2, 0.3, 1);
  icrm_limiter_init(&run.limiter, 8, 8);
  go(&run, 300, 0, MOST);
  icrm_limiter_overload(&run.limiter, run.server.now_us + 1,
                        run.server.now_us + 2);
  CHECK(run.limiter.limit == 8);
}

/* Calls of different kinds: 20 ms reads, then 90 ms writes, then both. */
static void kinds_are_compared_with_themselves(void) {
  struct icrm_limiter limiter;
  icrm_limiter_init(&limiter, 1, 16);
  int64_t now_us = 0;
  for (int i = 0; i < 600; i++) {
    int kind = i < 200 ? 0 : i < 400 ? 1 : i % 2;
    now_us += 100000;
    icrm_limiter_answered(&limiter, kind, now_us - (kind ? 90000 : 20000),
                          now_us, limiter.limit);
  }
  CHECK(limiter.limit == 16);
}

int main(void) {
  reaches_the_best_within_200_calls();
  follows_when_capacity_changes();
  slower_calls_are_not_taken_for_a_queue();
  grows_only_when_all_lanes_are_used();
  a_burst_of_refusals_halves_once();
  stays_under_a_hard_cap();
  fixed_lanes_stay_fixed();
  kinds_are_compared_with_themselves();
  return 0;
}
