/*
 * How many calls a server allows in a minute, an hour, a day. What the user
 * states (`rate = "60/min, 1000/h, 7200/day"`) and what the server's headers
 * say are kept side by side; a call may start when both agree. Nothing here
 * reads a clock or sleeps: time is passed in.
 *
 * Stated windows are sliding: no interval of that length ever holds more calls
 * than stated, wherever the server lets its own window begin. They are counted
 * in slices, so a window may stay closed 1/96 longer than it must; a day's
 * slice is a quarter of an hour, which is as long as a call waits. What other
 * processes spend is known through a file: see quota_file.h.
 */
#ifndef ICRM_LANES_QUOTA_H
#define ICRM_LANES_QUOTA_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

enum { ICRM_QUOTA_WINDOWS = 4, ICRM_QUOTA_SLICES = 97 };

struct icrm_quota_window {
  int64_t calls;     /* allowed in one window */
  int64_t length_ms; /* of the window */
  int64_t slice;     /* number of the newest slice, counted from time 0 */
  int64_t spent[ICRM_QUOTA_SLICES]; /* calls by slice number, a ring */
};

/* What one family of headers said last. */
struct icrm_quota_header {
  int64_t length_ms; /* of its window: as named, or the family's usual one */
  int64_t limit;     /* calls in a window, 0 when not told */
  int64_t left;      /* calls left, -1 when not told */
  int64_t reset_ms;  /* time when `left` is void */
  int64_t told;      /* calls left by the newest reply */
  int64_t least;     /* by any reply of this window: replies overtake others */
};

struct icrm_quota {
  int n_windows;
  struct icrm_quota_window windows[ICRM_QUOTA_WINDOWS];
  struct icrm_quota_header flood; /* X-FloodControl-*, usually a minute */
  struct icrm_quota_header rate;  /* X-RateLimit-*, usually a day */
  int64_t pause_until_ms;         /* a Retry-After, 0 for none, */
  int64_t pause_told_ms;          /* ... and when it came */
};

/* A quota without limits. */
void icrm_quota_init(struct icrm_quota *quota);

/* Add the windows of `text`: "60/min, 1000/h, 7200/day"; units are s, min, h,
 * day (also sec, second, minute, hour, d, and with a plural s), a number before
 * the unit counts ("5/10s"). Error: input, naming the part that is wrong. */
int icrm_quota_parse(struct icrm_quota *quota, const char *text,
                     struct icrm_error *err);

/* Take over what `other` counted in a window of the same length: of each slice
 * the larger number, for both had the same beginning. One from the future was
 * written under a clock that was wrong, and is left alone. */
void icrm_quota_merge(struct icrm_quota_window *own,
                      const struct icrm_quota_window *other, int64_t now_ms);

/* Milliseconds until a call may start, 0 when it may now. */
int64_t icrm_quota_wait_ms(const struct icrm_quota *quota, int64_t now_ms);

/* Say what a call waits for, such as "the quota of 7200/day is used up"; ""
 * when it need not wait. */
void icrm_quota_cause(const struct icrm_quota *quota, int64_t now_ms, char *out,
                      size_t size);

/* Count calls that are sent now. */
void icrm_quota_spend(struct icrm_quota *quota, int64_t calls, int64_t now_ms);

/* Read one reply header; others than the two families are ignored. `in_flight`
 * are the requests under way, which the server may not have counted when it
 * wrote the reply: until there is none, calls left never become more. A name
 * ends in Limit (MinuteLimit, DailyLimit, ...), Remaining or Reset; a reset is
 * seconds from now, seconds or milliseconds since 1970, or a date, and is never
 * believed further off than its window is long. Of one reply it is read last:
 * it tells of which window the calls left are. */
void icrm_quota_header(struct icrm_quota *quota, const char *name,
                       const char *value, int in_flight, int64_t now_ms,
                       int64_t wall_s);

/* No call before `seconds` are over, because the server said so (429, 503). */
void icrm_quota_pause(struct icrm_quota *quota, int64_t seconds,
                      int64_t now_ms);

/* How a number of calls would go. A job does not wait longer than some limit:
 * it stops, and a later one goes on. */
struct icrm_quota_forecast {
  int64_t ms;            /* until the last call has started, waits included */
  int64_t longest_ms;    /* of the waits on the way */
  int64_t first_calls;   /* that start before the first stop; all without one */
  int64_t first_ms;      /* until the last of these has started */
  int64_t first_wait_ms; /* how long the first stop lasts, 0 for no stop */
  int stops;             /* waits longer than the limit */
};

/* Forecast `calls` further calls, when at most `calls_per_s` can be done (0 for
 * no such limit) and a wait longer than `max_wait_ms` is a stop. Of a quota
 * known from headers alone, later windows count as the present one. */
void icrm_quota_forecast(const struct icrm_quota *quota, int64_t calls,
                         double calls_per_s, int64_t max_wait_ms,
                         int64_t now_ms, struct icrm_quota_forecast *out);

#endif
