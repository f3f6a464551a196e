/*
 * The calls that a dispatcher may spend: its quota, the file through which the
 * processes of one user share it, and the clock that both use.
 */
#ifndef ICRM_LANES_BUDGET_H
#define ICRM_LANES_BUDGET_H

#include "core/error.h"
#include "lanes/quota.h"
#include "lanes/quota_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `now_ms` below is the monotonic clock's (core/clock.h). */
struct icrm_budget {
  struct icrm_quota quota; /* in milliseconds since 1970 that never go back */
  struct icrm_quota_file file;
  int64_t epoch_ms;    /* wall clock less monotonic; grows by sleep */
  int64_t max_wait_ms; /* nobody waits longer; 15 minutes unless told */
};

/* `rate`: see icrm_quota_parse; `file`: see quota_file.h; NULL for none. 0 or
 * less as `max_wait_ms` takes the usual. Fails with kind input. */
int icrm_budget_init(struct icrm_budget *budget, const char *rate,
                     const char *file, int64_t max_wait_ms, int64_t now_ms,
                     struct icrm_error *err);
void icrm_budget_close(struct icrm_budget *budget);

/* The monotonic clock stands still while the computer sleeps, the server's
 * windows do not: to be called now and then. */
void icrm_budget_note_sleep(struct icrm_budget *budget, int64_t now_ms);

/* Milliseconds until a call may start, 0 when it may now. */
int64_t icrm_budget_wait_ms(const struct icrm_budget *budget, int64_t now_ms);

/* Count one request that is about to be sent. */
void icrm_budget_spend(struct icrm_budget *budget, int64_t now_ms);

/* The server asked for a rest of so many seconds. */
void icrm_budget_pause(struct icrm_budget *budget, int64_t seconds,
                       int64_t now_ms);

/* Read the limits in a reply's headers, lines of `name: value` that are taken
 * apart in place. `in_flight`: see icrm_quota_header. */
void icrm_budget_read_headers(struct icrm_budget *budget, char *lines,
                              int in_flight, int64_t now_ms);

/* Whether a call would wait longer than anybody shall. Then the file is told,
 * and `err` says why and until when, kind rate_limited. */
bool icrm_budget_refuses(struct icrm_budget *budget, int64_t now_ms,
                         struct icrm_error *err);

/* See icrm_quota_forecast and icrm_quota_cause. */
void icrm_budget_forecast(const struct icrm_budget *budget, int64_t calls,
                          double calls_per_s, int64_t now_ms,
                          struct icrm_quota_forecast *out);
void icrm_budget_cause(const struct icrm_budget *budget, int64_t now_ms,
                       char *out, size_t size);

#endif
