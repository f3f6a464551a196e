#include "sandbox/faults.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COUNTERS = 32 };

struct counter {
  char operation[24];
  uint64_t n;
  struct icrm_buf kept; /* its last reply, where the plan swaps any */
};

struct sb_faults {
  pthread_mutex_t mutex; /* guards `counters` */
  struct sb_fault_plan plan;
  bool swaps; /* a clause of the plan says so */
  struct counter counters[MAX_COUNTERS];
  size_t n_counters;
};

struct sb_faults *sb_faults_new(const char *text,
                                bool (*knows)(const char *operation),
                                struct icrm_error *err) {
  struct sb_faults *faults = calloc(1, sizeof *faults);
  if (!faults) {
    icrm_error_set(err, ICRM_ERROR_CONFIG, "out of memory");
    return NULL;
  }
  if (sb_fault_plan_read(&faults->plan, text, knows, err)) {
    free(faults);
    return NULL;
  }
  for (size_t i = 0; i < faults->plan.n_faults; i++)
    faults->swaps |= faults->plan.faults[i].kind == SB_FAULT_SWAPPED;
  pthread_mutex_init(&faults->mutex, NULL);
  return faults;
}

void sb_faults_free(struct sb_faults *faults) {
  if (!faults)
    return;
  for (size_t i = 0; i < faults->n_counters; i++)
    icrm_buf_free(&faults->counters[i].kept);
  pthread_mutex_destroy(&faults->mutex);
  free(faults);
}

/* What is known of an operation, NULL when there are too many. */
static struct counter *find_counter(struct sb_faults *faults,
                                    const char *operation) {
  size_t i = 0;
  while (i < faults->n_counters &&
         strcmp(faults->counters[i].operation, operation) != 0)
    i++;
  if (i == MAX_COUNTERS)
    return NULL;
  struct counter *counter = &faults->counters[i];
  if (i == faults->n_counters) {
    snprintf(counter->operation, sizeof counter->operation, "%s", operation);
    faults->n_counters++;
  }
  return counter;
}

static uint64_t count(struct sb_faults *faults, const char *operation) {
  pthread_mutex_lock(&faults->mutex);
  struct counter *counter = find_counter(faults, operation);
  uint64_t n = counter ? ++counter->n : 0;
  pthread_mutex_unlock(&faults->mutex);
  return n;
}

void sb_faults_keep(struct sb_faults *faults, const char *operation,
                    struct icrm_buf *body, bool swap) {
  if (!faults || !faults->swaps || !body->len)
    return;
  struct icrm_buf copy = {0};
  icrm_buf_add(&copy, body->data, body->len);
  pthread_mutex_lock(&faults->mutex);
  struct counter *counter = find_counter(faults, operation);
  if (counter && swap && counter->kept.len) {
    icrm_buf_clear(body);
    icrm_buf_add(body, counter->kept.data, counter->kept.len);
  }
  if (counter) {
    icrm_buf_free(&counter->kept);
    counter->kept = copy;
    copy = (struct icrm_buf){0};
  }
  pthread_mutex_unlock(&faults->mutex);
  icrm_buf_free(&copy);
}

/* The finalizer of splitmix64: every bit of the result hangs on every bit of
 * the number. */
static uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/* A number from 0 to 1 for one clause and one request. */
static double draw(const struct sb_faults *faults, size_t clause,
                   const char *operation, uint64_t n) {
  uint64_t hash = mix(faults->plan.seed ^ mix(clause));
  for (; *operation; operation++)
    hash = mix(hash ^ (unsigned char)*operation);
  return (double)(mix(hash ^ n) >> 11) * 0x1p-53;
}

const struct sb_fault *sb_faults_next(struct sb_faults *faults,
                                      const char *operation) {
  if (!faults)
    return NULL;
  uint64_t n = count(faults, operation);
  bool is_connection = strcmp(operation, "connect") == 0;
  for (size_t i = 0; i < faults->plan.n_faults; i++) {
    const struct sb_fault *fault = &faults->plan.faults[i];
    if (is_connection != (fault->moment == SB_BEFORE_ACCEPT) ||
        (fault->operation[0] && strcmp(fault->operation, operation) != 0))
      continue;
    if (fault->first ? n >= fault->first && n <= fault->last
                     : draw(faults, i, operation, n) < fault->chance)
      return fault;
  }
  return NULL;
}

enum sb_logout sb_faults_logout(const struct sb_faults *faults) {
  return faults ? faults->plan.logout : SB_LOGOUT_WORKS;
}

bool sb_faults_has_race(const struct sb_faults *faults) {
  return faults && faults->plan.has_race;
}

int64_t sb_faults_lag_ms(const struct sb_faults *faults) {
  return faults ? faults->plan.lag_ms : 0;
}
