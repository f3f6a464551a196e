/*
 * One login at a time per user of a CRM, across the processes of this
 * machine: a newer getchallenge voids the token of an older one (law 18), and
 * the error looks like a wrong key. A lock file in $XDG_RUNTIME_DIR/icrm,
 * ~/.cache/icrm or /tmp/icrm-UID, 0700, held from getchallenge to the login's
 * reply. Never waits: the caller asks again. In the file stands who asked for a
 * challenge last, so that a token is used later, too, as long as nobody has
 * voided it.
 */
#ifndef ICRM_LANES_LOGIN_LOCK_H
#define ICRM_LANES_LOGIN_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct icrm_login_lock {
  char path[512];  /* "" when no safe folder was found: then no lock is held */
  int fd;          /* -1 while not held */
  int64_t mark[2]; /* what we wrote into it: process and microseconds */
};

/* Choose the file for this user at this CRM. Creates the folder. */
void icrm_login_lock_init(struct icrm_login_lock *lock, const char *url,
                          const char *username);

/* Take the lock, or say false: another login is under way. True as well when
 * there is no place for a lock; the server's refusal is then the witness. */
bool icrm_login_lock_try(struct icrm_login_lock *lock);

/* While it is held: we ask for a challenge now. */
void icrm_login_lock_mark(struct icrm_login_lock *lock);

/* While it is held: whether nobody on this machine has asked since we did. */
bool icrm_login_lock_is_ours(const struct icrm_login_lock *lock);

/* Give it back; harmless when not held. The file stays. */
void icrm_login_lock_release(struct icrm_login_lock *lock);

#endif
