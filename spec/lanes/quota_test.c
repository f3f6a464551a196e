#include "check.h"
#include "lanes/quota.h"

static struct icrm_quota parsed(const char *text) {
  struct icrm_quota quota;
  struct icrm_error err;
  icrm_quota_init(&quota);
  if (icrm_quota_parse(&quota, text, &err) != 0) {
    fprintf(stderr, "%s\n", err.message);
    exit(EXIT_FAILURE);
  }
  return quota;
}

static void reads_what_people_write(void) {
  struct icrm_quota quota = parsed("60/min, 1000/h,7200 / day , 5/10s");
  CHECK(quota.n_windows == 4);
  CHECK(quota.windows[0].calls == 60 && quota.windows[0].length_ms == 60000);
  CHECK(quota.windows[1].length_ms == 3600000);
  CHECK(quota.windows[2].calls == 7200);
  CHECK(quota.windows[2].length_ms == 86400000);
  CHECK(quota.windows[3].calls == 5 && quota.windows[3].length_ms == 10000);
  quota = parsed("30/Minutes, 2/seconds, 9/hours");
  CHECK(quota.windows[0].length_ms == 60000);
  CHECK(quota.windows[1].length_ms == 1000);
  CHECK(parsed("").n_windows == 0);
}

static void says_what_is_wrong(void) {
  static const char *const wrong[] = {
      "60",      "60/",           "/min",  "0/min",
      "-3/min",  "60/fortnight",  "60/ss", "60/min 3/h",
      "60/0min", "99999999999/h", ",",     "1/min,x",
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct icrm_quota quota;
    struct icrm_error err;
    icrm_quota_init(&quota);
    CHECK(icrm_quota_parse(&quota, wrong[i], &err) == -1);
    CHECK(err.kind == ICRM_ERROR_INPUT);
  }
  struct icrm_quota quota;
  struct icrm_error err;
  icrm_quota_init(&quota);
  icrm_quota_parse(&quota, "60/min, 9/week", &err);
  CHECK_TEXT(err.message,
             "rate: `9/week` is not a number of calls and a time; write for "
             "example \"60/min, 1000/h, 7200/day\"");
}

/* As fast as allowed for ten windows: no interval holds more than stated, and
 * hardly less is done than stated. */
static void never_more_than_stated_in_any_interval(void) {
  enum { MOST = 2000 };
  static int64_t times_ms[MOST];
  for (int64_t gap_ms = 0; gap_ms <= 900; gap_ms += 300) {
    struct icrm_quota quota = parsed("60/min");
    int n = 0;
    int64_t now_ms = 123456;
    while (now_ms < 123456 + 10 * 60000 && n < MOST) {
      now_ms += icrm_quota_wait_ms(&quota, now_ms);
      CHECK(icrm_quota_wait_ms(&quota, now_ms) == 0);
      icrm_quota_spend(&quota, 1, now_ms);
      times_ms[n++] = now_ms;
      now_ms += gap_ms;
    }
    for (int i = 60; i < n; i++)
      CHECK(times_ms[i] - times_ms[i - 60] > 60000);
    CHECK(n >= 580 && n < MOST);
  }
}

enum { QUARTER_MS = 15 * 60000 };

static struct icrm_quota_forecast forecast(const struct icrm_quota *quota,
                                           int64_t calls, double calls_per_s,
                                           int64_t now_ms) {
  struct icrm_quota_forecast f;
  icrm_quota_forecast(quota, calls, calls_per_s, QUARTER_MS, now_ms, &f);
  return f;
}

static void forecasts_the_end(void) {
  struct icrm_quota quota = parsed("60/min");
  struct icrm_quota_forecast f = forecast(&quota, 60, 0, 5000);
  CHECK(f.ms == 0 && f.longest_ms == 0 && f.stops == 0 && f.first_calls == 60);
  f = forecast(&quota, 600, 0, 5000);
  CHECK(f.ms >= 9 * 60000 && f.ms < 9 * 63000);
  CHECK(f.longest_ms > 55000 && f.longest_ms < 63000);
  CHECK(f.stops == 0 && f.first_calls == 600 && f.first_ms == f.ms);
  f = forecast(&quota, 600, 0.5, 5000);
  CHECK(llabs(f.ms - 1200000) < 3000);
  quota = parsed("");
  CHECK(forecast(&quota, 1000, 10, 0).ms == 100000);
  CHECK(forecast(&quota, 3, 1e-300, 0).ms == 3000000000);
}

static void forecasts_the_stops(void) {
  const int64_t hour_ms = 3600000, now_ms = 1795510177000;
  struct icrm_quota quota = parsed("60/min, 7200/day");
  struct icrm_quota_forecast f = forecast(&quota, 12400, 20, now_ms);
  CHECK(f.ms > 24 * hour_ms && f.ms < 28 * hour_ms);
  CHECK(f.longest_ms > 20 * hour_ms);
  CHECK(f.stops == 1 && f.first_calls == 7200);
  CHECK(f.first_ms > 119 * 60000 && f.first_ms < 124 * 60000);
  CHECK(f.first_wait_ms == f.longest_ms);
  icrm_quota_spend(&quota, 7200, now_ms);
  f = forecast(&quota, 1, 20, now_ms);
  CHECK(f.stops == 1 && f.first_calls == 0 && f.first_ms == 0);
  CHECK(f.first_wait_ms > 23 * hour_ms && f.first_wait_ms < 25 * hour_ms);
}

static void forecasts_by_headers(void) {
  struct icrm_quota quota = parsed("");
  icrm_quota_header(&quota, "X-FloodControl-Limit", "60", 0, 1000, 1790000000);
  icrm_quota_header(&quota, "X-FloodControl-Remaining", "20", 0, 1000,
                    1790000000);
  icrm_quota_header(&quota, "X-FloodControl-Reset", "30", 0, 1000, 1790000000);
  CHECK(forecast(&quota, 20, 0, 1000).ms == 0);
  CHECK(forecast(&quota, 80, 0, 1000).ms == 30000);
  CHECK(forecast(&quota, 81, 0, 1000).ms == 90000);
}

static void a_forecast_agrees_with_what_happens(void) {
  struct icrm_quota quota = parsed("20/10s, 100/2min");
  for (int i = 0; i < 50; i++)
    icrm_quota_spend(&quota, 1, 1000 + i * 400);
  int64_t begin_ms = 21000, now_ms = begin_ms;
  int64_t said_ms = forecast(&quota, 5000, 5, begin_ms).ms;
  for (int i = 0; i < 5000; i++) {
    now_ms += icrm_quota_wait_ms(&quota, now_ms);
    icrm_quota_spend(&quota, 1, now_ms);
    now_ms += 200;
  }
  double ratio = (double)said_ms / (double)(now_ms - begin_ms);
  CHECK(ratio > 0.98 && ratio < 1.02);
}

static void says_why_a_call_waits(void) {
  struct icrm_quota quota = parsed("2/10s, 3/day");
  char cause[80];
  icrm_quota_spend(&quota, 1, 5000);
  icrm_quota_cause(&quota, 5000, cause, sizeof cause);
  CHECK_TEXT(cause, "");
  icrm_quota_spend(&quota, 1, 5000);
  icrm_quota_cause(&quota, 5000, cause, sizeof cause);
  CHECK_TEXT(cause, "the quota of 2/10s is used up");
  icrm_quota_spend(&quota, 1, 25000);
  icrm_quota_cause(&quota, 25000, cause, sizeof cause);
  CHECK_TEXT(cause, "the quota of 3/day is used up");
  quota = parsed("");
  icrm_quota_pause(&quota, 60, 1000);
  icrm_quota_cause(&quota, 1000, cause, sizeof cause);
  CHECK_TEXT(cause, "the CRM asked to wait");
  icrm_quota_header(&quota, "X-RateLimit-Remaining", "0", 0, 1000, 1790000000);
  icrm_quota_cause(&quota, 1000, cause, sizeof cause);
  CHECK_TEXT(cause, "the CRM's quota is used up");
}

static void obeys_the_servers_headers(void) {
  struct icrm_quota quota = parsed("");
  const int64_t wall_s = 1790000000;
  icrm_quota_header(&quota, "x-floodcontrol-minutelimit", "60", 0, 1000,
                    wall_s);
  icrm_quota_header(&quota, "X-FloodControl-Remaining", " 2", 0, 1000, wall_s);
  icrm_quota_header(&quota, "X-FloodControl-Reset", "1790000030", 0, 1000,
                    wall_s);
  icrm_quota_header(&quota, "Content-Length", "0", 0, 1000, wall_s);
  CHECK(icrm_quota_wait_ms(&quota, 1000) == 0);
  icrm_quota_spend(&quota, 1, 1000);
  icrm_quota_spend(&quota, 1, 1000);
  CHECK(icrm_quota_wait_ms(&quota, 1000) == 30000);
  CHECK(icrm_quota_wait_ms(&quota, 31000) == 0);
  icrm_quota_header(&quota, "X-RateLimit-DailyLimit", "1200", 0, 40000, wall_s);
  icrm_quota_header(&quota, "X-RateLimit-Remaining", "0", 0, 40000, wall_s);
  CHECK(icrm_quota_wait_ms(&quota, 40000) == 86400000);
  icrm_quota_header(&quota, "X-RateLimit-Reset", "90", 0, 40000, wall_s);
  CHECK(icrm_quota_wait_ms(&quota, 40000) == 90000);
  icrm_quota_header(&quota, "X-RateLimit-Remaining", "junk", 0, 40000, wall_s);
  CHECK(icrm_quota_wait_ms(&quota, 40000) == 90000);
}

static void requests_under_way_count(void) {
  struct icrm_quota quota = parsed("");
  icrm_quota_header(&quota, "X-FloodControl-Remaining", "5", 3, 1000, 0);
  icrm_quota_spend(&quota, 2, 1000);
  CHECK(icrm_quota_wait_ms(&quota, 1000) == 60000);
  icrm_quota_header(&quota, "X-FloodControl-Remaining", "1", 0, 1000, 0);
  CHECK(icrm_quota_wait_ms(&quota, 1000) == 0);
  icrm_quota_spend(&quota, 1, 1000);
  icrm_quota_header(&quota, "X-FloodControl-Remaining", "4", 1, 1000, 0);
  CHECK(icrm_quota_wait_ms(&quota, 1000) == 60000); /* an overtaken reply */
  icrm_quota_header(&quota, "X-FloodControl-Remaining", "3", 0, 1000, 0);
  CHECK(icrm_quota_wait_ms(&quota, 1000) == 0);
  icrm_quota_spend(&quota, 1, 1000);
  CHECK(icrm_quota_wait_ms(&quota, 1000) == 60000);
  icrm_quota_header(&quota, "X-FloodControl-Remaining", "5", 3, 2000, 0);
  icrm_quota_header(&quota, "X-FloodControl-Reset", "60", 3, 9000, 0);
  icrm_quota_spend(&quota, 1, 9000);
  CHECK(icrm_quota_wait_ms(&quota, 9000) == 0); /* the next window: 2 */
  icrm_quota_spend(&quota, 1, 9000);
  CHECK(icrm_quota_wait_ms(&quota, 9000) == 60000);
}

static void an_absurd_reset_is_no_longer_than_the_window(void) {
  struct icrm_quota quota = parsed("");
  icrm_quota_header(&quota, "X-FloodControl-Remaining", "0", 0, 0, 1790000000);
  icrm_quota_header(&quota, "X-FloodControl-Reset", "15349121212", 0, 0,
                    1790000000);
  CHECK(icrm_quota_wait_ms(&quota, 0) == 60000);
}

static void a_pause_is_kept_to(void) {
  struct icrm_quota quota = parsed("");
  icrm_quota_pause(&quota, 30, 1000);
  icrm_quota_pause(&quota, 10, 2000);
  CHECK(icrm_quota_wait_ms(&quota, 2000) == 29000);
  CHECK(icrm_quota_wait_ms(&quota, 31000) == 0);
}

int main(void) {
  reads_what_people_write();
  says_what_is_wrong();
  never_more_than_stated_in_any_interval();
  forecasts_the_end();
  forecasts_the_stops();
  forecasts_by_headers();
  says_why_a_call_waits();
  a_forecast_agrees_with_what_happens();
  obeys_the_servers_headers();
  requests_under_way_count();
  an_absurd_reset_is_no_longer_than_the_window();
  a_pause_is_kept_to();
  return 0;
}
