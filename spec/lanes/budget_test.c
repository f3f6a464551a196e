#include "check.h"
#include "lanes/budget.h"

#include <unistd.h>

static struct icrm_budget budget;
static struct icrm_error err;

static void open_budget(const char *rate, const char *file) {
  CHECK(icrm_budget_init(&budget, rate, file, 0, 1000, &err) == 0);
}

static void calls_are_spent_in_windows(void) {
  open_budget("2/min", NULL);
  CHECK(icrm_budget_wait_ms(&budget, 1000) == 0);
  icrm_budget_spend(&budget, 1000);
  icrm_budget_spend(&budget, 1000);
  int64_t wait_ms = icrm_budget_wait_ms(&budget, 1000);
  CHECK(wait_ms >= 60000 && wait_ms < 61000);
  CHECK(!icrm_budget_refuses(&budget, 1000, &err)); /* shorter than 15 min */
  icrm_budget_close(&budget);
}

static void a_rate_that_is_none_is_refused(void) {
  CHECK(icrm_budget_init(&budget, "60/fortnight", NULL, 0, 1000, &err) == -1);
  CHECK(err.kind == ICRM_ERROR_INPUT);
  icrm_budget_close(&budget);
}

static void nobody_waits_too_long(void) {
  open_budget(NULL, NULL);
  icrm_budget_pause(&budget, 900, 1000);
  CHECK(!icrm_budget_refuses(&budget, 1000, &err));
  icrm_budget_pause(&budget, 901, 1000);
  CHECK(icrm_budget_refuses(&budget, 1000, &err));
  CHECK(err.kind == ICRM_ERROR_RATE_LIMITED && err.retry_after_s == 902);
  CHECK(strncmp(err.message, "the CRM asked to wait until 20", 30) == 0);
  icrm_budget_close(&budget);
}

static void headers_in_any_order(void) {
  static const char *const orders[] = {
      "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 60\n",
      "X-RateLimit-Reset: 60\nX-RateLimit-Remaining: 0\nno header\n"};
  for (int i = 0; i < 2; i++) {
    char lines[100];
    snprintf(lines, sizeof lines, "%s", orders[i]);
    open_budget(NULL, NULL);
    icrm_budget_read_headers(&budget, lines, 0, 1000);
    CHECK(icrm_budget_wait_ms(&budget, 1000) == 60000);
    CHECK(icrm_budget_wait_ms(&budget, 61000) == 0);
    icrm_budget_close(&budget);
  }
}

static void time_asleep_counts(void) {
  open_budget(NULL, NULL);
  icrm_budget_pause(&budget, 60, 1000);
  budget.epoch_ms -= 30000; /* as if the wall clock had gone on by itself */
  CHECK(icrm_budget_wait_ms(&budget, 1000) == 90000);
  icrm_budget_note_sleep(&budget, 1000);
  int64_t wait_ms = icrm_budget_wait_ms(&budget, 1000);
  CHECK(wait_ms <= 60000 && wait_ms > 0);
  icrm_budget_close(&budget);
}

static void processes_share_a_file(void) {
  char path[] = "/tmp/icrm-test-XXXXXX";
  CHECK(close(mkstemp(path)) == 0);
  open_budget("1/day", path);
  icrm_budget_spend(&budget, 1000);
  icrm_budget_close(&budget);
  open_budget("1/day", path);
  CHECK(icrm_budget_wait_ms(&budget, 1000) > 0);
  icrm_budget_close(&budget);
  unlink(path);
}

int main(void) {
  calls_are_spent_in_windows();
  a_rate_that_is_none_is_refused();
  nobody_waits_too_long();
  headers_in_any_order();
  time_asleep_counts();
  processes_share_a_file();
  return 0;
}
