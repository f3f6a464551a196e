/*
 * Which lane may log in, when, and with which token. One login at a time per
 * user of this machine (login_lock.h). A token is good for any number of
 * logins until a newer challenge voids it (observed): when the first login
 * with it has worked, the lanes that are wanted besides log in with it at
 * once, then or within some seconds. A server that takes a token only once is
 * asked for one each time. Sends nothing and reads no clock.
 */
#ifndef ICRM_LANES_LOGINS_H
#define ICRM_LANES_LOGINS_H

#include "lanes/login_lock.h"
#include "lanes/session.h"

#include <stdbool.h>
#include <stdint.h>

struct icrm_logins {
  int under_way;                   /* lanes in the login conversation */
  int tries;                       /* in a row */
  int64_t done;                    /* that worked, in all */
  int64_t after_ms;                /* none before */
  int64_t spare_after_ms;          /* none beside a session that works before */
  struct icrm_challenge challenge; /* the token, empty when there is none */
  int64_t challenge_ms;            /* when it came */
  bool token_works;                /* a login with it succeeded */
  bool token_lasts;                /* some token was good for a second login */
  bool token_is_single;            /* it was not: ask for one each time */
  struct icrm_login_lock lock;
  int64_t lock_since_ms; /* when we began to wait for it, 0: not waiting */
};

/* Without a lock until icrm_logins_use_lock chooses its file. */
void icrm_logins_init(struct icrm_logins *logins);
void icrm_logins_use_lock(struct icrm_logins *logins, const char *url,
                          const char *username);

/* Wipe the token, give the lock back. */
void icrm_logins_close(struct icrm_logins *logins);

/* Whether one more lane may log in now: none does, or the token can be shared
 * and more lanes are `wanted` than are on their way. */
bool icrm_logins_may_start(const struct icrm_logins *logins, int wanted);

/* Milliseconds until a login may start; `is_spare`: beside a session. */
int64_t icrm_logins_wait_ms(const struct icrm_logins *logins, bool is_spare,
                            int64_t now_ms);

/* Whether the lock is held now, so that a login may begin; forgets the token
 * when it is not known to be good any more. */
bool icrm_logins_take_lock(struct icrm_logins *logins, int64_t now_ms);

/* Give the lock back, unless a lane still logs in. */
void icrm_logins_release_lock(struct icrm_logins *logins);

/* A lane begins. Returns whether it logs in with the token that is there;
 * otherwise it asks for one. */
bool icrm_logins_begin(struct icrm_logins *logins);

/* A challenge came: its token replaces the one before. Fails with kind decode.
 */
int icrm_logins_take_challenge(struct icrm_logins *logins, const char *result,
                               size_t len, int64_t now_ms,
                               struct icrm_error *err);

/* A lane ended: logged in, or not; `shared` is what icrm_logins_begin said. */
void icrm_logins_worked(struct icrm_logins *logins, bool shared);
void icrm_logins_failed(struct icrm_logins *logins);

/* The server refused a token that had worked before: it was voided by somebody
 * else, or this server takes each one once. */
void icrm_logins_token_refused(struct icrm_logins *logins);

#endif
