#include "sandbox/limits.h"

#include "lanes/quota.h"
#include "sandbox/call.h"

#include <stdlib.h>
#include <time.h>

enum { HOUR_S = 3600 };

struct window {
  int64_t calls, length_s;
  int64_t number; /* of the present window since 1970 */
  int64_t spent;
};

struct sb_limits {
  pthread_mutex_t mutex; /* guards the windows */
  int n;
  struct window windows[ICRM_QUOTA_WINDOWS];
};

struct sb_limits *sb_limits_new(const char *text, struct icrm_error *err) {
  struct icrm_quota quota;
  icrm_quota_init(&quota);
  if (icrm_quota_parse(&quota, text, err) != 0)
    return NULL;
  struct sb_limits *limits = calloc(1, sizeof *limits);
  if (!limits) {
    icrm_error_set(err, ICRM_ERROR_CONFIG, "out of memory");
    return NULL;
  }
  pthread_mutex_init(&limits->mutex, NULL);
  limits->n = quota.n_windows;
  for (int i = 0; i < limits->n; i++) {
    limits->windows[i].calls = quota.windows[i].calls;
    limits->windows[i].length_s = quota.windows[i].length_ms / 1000;
  }
  return limits;
}

void sb_limits_free(struct sb_limits *limits) {
  if (!limits)
    return;
  pthread_mutex_destroy(&limits->mutex);
  free(limits);
}

static void enter(struct window *window, int64_t now_s) {
  if (window->number == now_s / window->length_s)
    return;
  window->number = now_s / window->length_s;
  window->spent = 0;
}

static int64_t ends_in_s(const struct window *window, int64_t now_s) {
  return (window->number + 1) * window->length_s - now_s;
}

/* Clients take X-FloodControl for a minute and X-RateLimit for a day, unless
 * the name of the limit says otherwise. */
static const char *unit_of(const struct window *window) {
  return window->length_s == 1        ? "Second"
         : window->length_s == HOUR_S ? "Hour"
                                      : "";
}

static void tell(struct sb_call *call, const struct window *window) {
  const char *family =
      window->length_s < HOUR_S ? "X-FloodControl" : "X-RateLimit";
  icrm_buf_addf(&call->reply->headers,
                "%s-%sLimit: %lld\n%s-Remaining: %lld\n%s-Reset: %lld\n",
                family, unit_of(window), (long long)window->calls, family,
                (long long)(window->calls - window->spent), family,
                (long long)ends_in_s(window, call->now_s));
}

/* The last window that is full decides: people write the longest last. */
static void refuse(struct sb_call *call, const struct window *window) {
  int64_t wait_s = ends_in_s(window, call->now_s);
  if (wait_s < HOUR_S) {
    icrm_buf_addf(&call->reply->headers, "Retry-After: %lld\n",
                  (long long)wait_s);
    return;
  }
  char date[40];
  struct tm tm;
  time_t at = (time_t)(call->now_s + wait_s);
  strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &tm));
  icrm_buf_addf(&call->reply->headers, "Retry-After: %s\n", date);
}

bool sb_limits_pass(struct sb_call *call) {
  struct sb_limits *limits = call->sandbox->limits;
  const struct window *full = NULL;
  if (!limits)
    return true;
  pthread_mutex_lock(&limits->mutex);
  for (int i = 0; i < limits->n; i++) {
    struct window *window = &limits->windows[i];
    enter(window, call->now_s);
    if (window->spent >= window->calls)
      full = window;
  }
  for (int i = 0; i < limits->n; i++) {
    limits->windows[i].spent += full == NULL;
    tell(call, &limits->windows[i]);
  }
  if (full)
    refuse(call, full);
  pthread_mutex_unlock(&limits->mutex);
  return full == NULL;
}
