/*
 * A session with the CRM: the texts of the login conversation
 * (getchallenge, then login with md5(token + key), seed II) and what it
 * yields. The session name is as good as a password: it lives in memory that
 * is wiped, and in no message. The one place that may write it down is the
 * journal of a change set, which needs it to end the session after a crash.
 */
#ifndef ICRM_LANES_SESSION_H
#define ICRM_LANES_SESSION_H

#include "core/buf.h"
#include "core/credentials.h"
#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct icrm_session {
  uint64_t id;             /* our own number for it; not secret */
  bool has_worked;         /* a call on it was answered, not refused as gone */
  bool is_noted;           /* its owner has written it down: see dispatcher.h */
  struct icrm_buf name;    /* sessionName, empty when there is no session */
  char user_id[32];        /* like 19x1 */
  char version[32];        /* of the web service, like 0.22 */
  char vtiger_version[32]; /* VtigerVersion (seed) or vtigerVersion (8.0) */
  int64_t server_time_offset_s; /* server's clock minus ours */
  struct icrm_session *next;    /* for the owner's list */
};

/* The answer to getchallenge. */
struct icrm_challenge {
  struct icrm_buf token; /* wiped by icrm_challenge_clear */
  int64_t server_time_offset_s;
};

/* Read the `result` of getchallenge. Fails with kind decode. */
int icrm_session_read_challenge(const char *result, size_t len,
                                struct icrm_challenge *out,
                                struct icrm_error *err);

/* Append the form body of `login` to `out`; it holds a secret, wipe it. */
int icrm_session_add_login(struct icrm_buf *out, const char *username,
                           const struct icrm_challenge *challenge,
                           const struct icrm_credentials *credentials,
                           struct icrm_error *err);

/* Read the `result` of login into `out`, whose id and clock offset the caller
 * sets. Fails with kind decode when there is no sessionName. */
int icrm_session_read_login(const char *result, size_t len,
                            struct icrm_session *out, struct icrm_error *err);

void icrm_challenge_clear(struct icrm_challenge *challenge);

/* Wipe the session's memory. */
void icrm_session_clear(struct icrm_session *session);

/* The sessions of a dispatcher; they keep their place in memory. */
struct icrm_session_list {
  struct icrm_session *head;
  const struct icrm_session *last; /* logged in last, NULL before */
};

/* A new session with a number of its own; NULL when out of memory. */
struct icrm_session *icrm_session_add(struct icrm_session_list *list);

/* NULL when there is none of this number. */
struct icrm_session *icrm_session_find(const struct icrm_session_list *list,
                                       uint64_t id);

/* Wipe and free all. */
void icrm_session_clear_all(struct icrm_session_list *list);

/* Does this code of a failed envelope say that the session is gone? The four
 * codes are thrown before an operation runs: the call did nothing. */
bool icrm_session_is_gone_code(const char *code);

/* Overwrite each word in `text` that looks like a token, a hash, a key or a
 * session: 10 or more letters and digits, both of them, with `*`. */
void icrm_session_mask(char *text);

/* Overwrite each occurrence of a secret of some length in `text` with `*`. */
void icrm_session_redact(const char *secret, size_t len, char *text);

#endif
