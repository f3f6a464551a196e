#include "lanes/budget.h"

#include "core/clock.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#define MAX_WAIT_MS (15 * 60 * 1000)

/* The quota's clock. */
static int64_t quota_ms(const struct icrm_budget *budget, int64_t now_ms) {
  return now_ms + budget->epoch_ms;
}

int icrm_budget_init(struct icrm_budget *budget, const char *rate,
                     const char *file, int64_t max_wait_ms, int64_t now_ms,
                     struct icrm_error *err) {
  memset(budget, 0, sizeof *budget);
  icrm_quota_init(&budget->quota);
  icrm_quota_file_init(&budget->file, file);
  budget->epoch_ms = icrm_clock_wall_ms() - now_ms;
  budget->max_wait_ms = max_wait_ms > 0 ? max_wait_ms : MAX_WAIT_MS;
  if (rate && icrm_quota_parse(&budget->quota, rate, err) != 0)
    return -1;
  icrm_quota_file_load(&budget->file, &budget->quota, quota_ms(budget, now_ms));
  return 0;
}

void icrm_budget_close(struct icrm_budget *budget) {
  icrm_quota_file_close(&budget->file);
}

void icrm_budget_note_sleep(struct icrm_budget *budget, int64_t now_ms) {
  const int64_t epoch_ms = icrm_clock_wall_ms() - now_ms;
  if (epoch_ms > budget->epoch_ms)
    budget->epoch_ms = epoch_ms;
}

int64_t icrm_budget_wait_ms(const struct icrm_budget *budget, int64_t now_ms) {
  return icrm_quota_wait_ms(&budget->quota, quota_ms(budget, now_ms));
}

void icrm_budget_spend(struct icrm_budget *budget, int64_t now_ms) {
  icrm_quota_file_spend(&budget->file, &budget->quota, 1,
                        quota_ms(budget, now_ms));
}

void icrm_budget_pause(struct icrm_budget *budget, int64_t seconds,
                       int64_t now_ms) {
  icrm_quota_pause(&budget->quota, seconds, quota_ms(budget, now_ms));
}

static void read_header(struct icrm_budget *budget, const char *name,
                        int in_flight, int64_t now_ms) {
  icrm_quota_header(&budget->quota, name, name + strlen(name) + 1, in_flight,
                    quota_ms(budget, now_ms), icrm_clock_wall_s());
}

/* Resets last, in whatever order the server wrote them. */
void icrm_budget_read_headers(struct icrm_budget *budget, char *lines,
                              int in_flight, int64_t now_ms) {
  enum { MOST_RESETS = 4 };
  const char *resets[MOST_RESETS];
  char *rest = NULL;
  int n = 0;
  for (char *line = strtok_r(lines, "\n", &rest); line;
       line = strtok_r(NULL, "\n", &rest)) {
    char *colon = strchr(line, ':');
    if (!colon)
      continue;
    *colon = '\0';
    if (strcasestr(line, "reset") && n < MOST_RESETS)
      resets[n++] = line;
    else
      read_header(budget, line, in_flight, now_ms);
  }
  for (int i = 0; i < n; i++)
    read_header(budget, resets[i], in_flight, now_ms);
}

bool icrm_budget_refuses(struct icrm_budget *budget, int64_t now_ms,
                         struct icrm_error *err) {
  char cause[80], moment[32];
  struct tm tm;
  int64_t wait_ms = icrm_budget_wait_ms(budget, now_ms);
  if (wait_ms <= budget->max_wait_ms)
    return false;
  time_t at = (time_t)(icrm_clock_wall_s() + wait_ms / 1000 + 60);
  strftime(moment, sizeof moment, "%Y-%m-%d %H:%M", localtime_r(&at, &tm));
  icrm_quota_file_spend(&budget->file, &budget->quota, 0,
                        quota_ms(budget, now_ms));
  icrm_budget_cause(budget, now_ms, cause, sizeof cause);
  icrm_error_set(err, ICRM_ERROR_RATE_LIMITED, "%s until %s", cause, moment);
  err->retry_after_s = (int)(wait_ms / 1000 + 1);
  return true;
}

void icrm_budget_forecast(const struct icrm_budget *budget, int64_t calls,
                          double calls_per_s, int64_t now_ms,
                          struct icrm_quota_forecast *out) {
  icrm_quota_forecast(&budget->quota, calls, calls_per_s, budget->max_wait_ms,
                      quota_ms(budget, now_ms), out);
}

void icrm_budget_cause(const struct icrm_budget *budget, int64_t now_ms,
                       char *out, size_t size) {
  icrm_quota_cause(&budget->quota, quota_ms(budget, now_ms), out, size);
}
