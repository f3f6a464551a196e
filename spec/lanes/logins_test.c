#include "check.h"
#include "lanes/logins.h"

#define CHALLENGE "{\"token\":\"594212b2703c2\",\"serverTime\":1497502386}"

static struct icrm_logins logins;
static struct icrm_error err;

static void open_logins(void) {
  icrm_logins_init(&logins);
  icrm_logins_use_lock(&logins, "https://x/wstiger.php", "u");
}

/* One login that asks for a token, at a time. */
static void log_in_with_a_new_token(int64_t now_ms) {
  CHECK(icrm_logins_may_start(&logins, 1));
  CHECK(icrm_logins_take_lock(&logins, now_ms));
  CHECK(!icrm_logins_begin(&logins));
  CHECK(!icrm_logins_may_start(&logins, 8)); /* not before it has worked */
  CHECK(icrm_logins_take_challenge(&logins, CHALLENGE, sizeof CHALLENGE - 1,
                                   now_ms, &err) == 0);
  icrm_logins_worked(&logins, false);
}

static void a_token_is_shared_when_it_has_worked(void) {
  open_logins();
  log_in_with_a_new_token(1000);
  CHECK(icrm_logins_take_lock(&logins, 2000) && icrm_logins_begin(&logins));
  CHECK(icrm_logins_may_start(&logins, 2) &&
        !icrm_logins_may_start(&logins, 1));
  CHECK(icrm_logins_begin(&logins));
  icrm_logins_worked(&logins, true);
  icrm_logins_worked(&logins, true);
  CHECK(logins.done == 3 && logins.tries == 0);
  CHECK(icrm_logins_take_lock(&logins, 20000) && !icrm_logins_begin(&logins));
  icrm_logins_failed(&logins); /* it had become too old */
  icrm_logins_close(&logins);
}

static void a_token_of_a_single_use(void) {
  open_logins();
  log_in_with_a_new_token(1000);
  CHECK(icrm_logins_begin(&logins));
  icrm_logins_failed(&logins);
  icrm_logins_token_refused(&logins);
  log_in_with_a_new_token(2000);
  CHECK(!icrm_logins_begin(&logins)); /* asks anew each time */
  icrm_logins_failed(&logins);
  icrm_logins_close(&logins);
}

static void a_token_that_somebody_voided_was_not_single(void) {
  open_logins();
  log_in_with_a_new_token(1000);
  CHECK(icrm_logins_begin(&logins));
  icrm_logins_worked(&logins, true); /* it lasts */
  CHECK(icrm_logins_begin(&logins));
  icrm_logins_failed(&logins);
  icrm_logins_token_refused(&logins);
  log_in_with_a_new_token(2000);
  CHECK(icrm_logins_begin(&logins));
  icrm_logins_worked(&logins, true);
  icrm_logins_close(&logins);
}

static void one_process_at_a_time(void) {
  struct icrm_logins other;
  open_logins();
  icrm_logins_init(&other);
  icrm_logins_use_lock(&other, "https://x/wstiger.php", "u");
  CHECK(icrm_logins_take_lock(&logins, 1000));
  CHECK(!icrm_logins_begin(&logins));
  CHECK(!icrm_logins_take_lock(&other, 1000));
  CHECK(!icrm_logins_take_lock(&other, 60999));
  icrm_logins_release_lock(&logins); /* a login is under way: the lock stays */
  CHECK(!icrm_logins_take_lock(&other, 60999));
  CHECK(icrm_logins_take_lock(&other, 61000)); /* whoever holds it hangs */
  icrm_logins_failed(&logins);
  icrm_logins_release_lock(&logins);
  CHECK(icrm_logins_take_lock(&other, 61001) && other.lock.fd >= 0);
  icrm_logins_close(&other);
  icrm_logins_close(&logins);
}

static void rests_before_the_next_login(void) {
  open_logins();
  logins.after_ms = 500;
  logins.spare_after_ms = 900;
  CHECK(icrm_logins_wait_ms(&logins, false, 100) == 400);
  CHECK(icrm_logins_wait_ms(&logins, true, 100) == 800);
  CHECK(icrm_logins_wait_ms(&logins, false, 600) == 0);
  icrm_logins_close(&logins);
}

int main(void) {
  char folder[] = "/tmp/icrm-test-XXXXXX";
  CHECK(mkdtemp(folder));
  setenv("XDG_RUNTIME_DIR", folder, 1);
  a_token_is_shared_when_it_has_worked();
  a_token_of_a_single_use();
  a_token_that_somebody_voided_was_not_single();
  one_process_at_a_time();
  rests_before_the_next_login();
  CHECK(system("rm -rf \"$XDG_RUNTIME_DIR\"") == 0);
  return 0;
}
