#include "lanes/logins.h"

#include <string.h>

enum { TOKEN_KEPT_MS = 10000, LOCK_LONGEST_WAIT_MS = 60000 };

void icrm_logins_init(struct icrm_logins *logins) {
  memset(logins, 0, sizeof *logins);
  logins->lock.fd = -1;
}

void icrm_logins_use_lock(struct icrm_logins *logins, const char *url,
                          const char *username) {
  icrm_login_lock_init(&logins->lock, url, username);
}

void icrm_logins_close(struct icrm_logins *logins) {
  icrm_challenge_clear(&logins->challenge);
  icrm_login_lock_release(&logins->lock);
}

static bool has_token(const struct icrm_logins *logins) {
  return logins->challenge.token.len > 0 && !logins->token_is_single;
}

bool icrm_logins_may_start(const struct icrm_logins *logins, int wanted) {
  return logins->under_way == 0 || (logins->token_works && has_token(logins) &&
                                    logins->under_way < wanted);
}

int64_t icrm_logins_wait_ms(const struct icrm_logins *logins, bool is_spare,
                            int64_t now_ms) {
  int64_t after_ms = logins->after_ms;
  if (is_spare && logins->spare_after_ms > after_ms)
    after_ms = logins->spare_after_ms;
  return after_ms > now_ms ? after_ms - now_ms : 0;
}

bool icrm_logins_take_lock(struct icrm_logins *logins, int64_t now_ms) {
  if (logins->under_way > 0)
    return true;
  if (!icrm_login_lock_try(&logins->lock)) {
    if (logins->lock_since_ms == 0)
      logins->lock_since_ms = now_ms;
    /* Whoever holds it so long hangs; a clash would only cost a second try. */
    if (now_ms - logins->lock_since_ms < LOCK_LONGEST_WAIT_MS)
      return false;
  }
  logins->lock_since_ms = 0;
  if (!logins->token_works || now_ms - logins->challenge_ms > TOKEN_KEPT_MS ||
      !icrm_login_lock_is_ours(&logins->lock))
    icrm_challenge_clear(&logins->challenge);
  return true;
}

void icrm_logins_release_lock(struct icrm_logins *logins) {
  if (logins->under_way == 0)
    icrm_login_lock_release(&logins->lock);
}

bool icrm_logins_begin(struct icrm_logins *logins) {
  logins->under_way++;
  logins->tries++;
  if (has_token(logins))
    return true;
  icrm_login_lock_mark(&logins->lock);
  return false;
}

int icrm_logins_take_challenge(struct icrm_logins *logins, const char *result,
                               size_t len, int64_t now_ms,
                               struct icrm_error *err) {
  icrm_challenge_clear(&logins->challenge);
  logins->token_works = false;
  logins->challenge_ms = now_ms;
  return icrm_session_read_challenge(result, len, &logins->challenge, err);
}

void icrm_logins_worked(struct icrm_logins *logins, bool shared) {
  logins->under_way--;
  logins->tries = 0;
  logins->done++;
  logins->token_works = true;
  logins->token_lasts = logins->token_lasts || shared;
}

void icrm_logins_failed(struct icrm_logins *logins) {
  logins->under_way--;
  icrm_challenge_clear(&logins->challenge);
}

void icrm_logins_token_refused(struct icrm_logins *logins) {
  logins->token_is_single = !logins->token_lasts;
  logins->tries = 0;
}
