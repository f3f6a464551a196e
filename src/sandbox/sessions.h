/*
 * Challenges and sessions, as PHP keeps them: one token per user, any number
 * of sessions, one request at a time per session. Safe for threads.
 */
#ifndef ICRM_SANDBOX_SESSIONS_H
#define ICRM_SANDBOX_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SB_TOKEN_LIFE_S = 300, SB_SESSION_IDLE_S = 1440, SB_NAME_SIZE = 64 };

struct sb_sessions;

struct sb_session {
  char name[SB_NAME_SIZE];
  char tag[9];  /* names it in the log without telling the name */
  int64_t user; /* 0: started without a login, good for nothing */
  int64_t used_s;
  int guests;  /* threads in or waiting: it may not be freed */
  int busy;    /* requests that run in it */
  bool closed; /* logged out */
  struct sb_session *next;
};

/* How requests of one session meet. */
struct sb_session_rules {
  bool lock;       /* one runs at a time */
  int64_t wait_ms; /* so long one waits for another, 0: as long as it takes */
  bool race;       /* one that waits goes on when the session ends meanwhile */
};

/* NULL when memory ran out. Names begin with `prefix`. */
struct sb_sessions *sb_sessions_new(struct sb_session_rules rules,
                                    const char *prefix);
void sb_sessions_free(struct sb_sessions *sessions);

/* Let every waiting thread go, with NULL; sb_sessions_free needs that. */
void sb_sessions_stop(struct sb_sessions *sessions);

/* Sleep, unless stopped before, which is true then. */
bool sb_sessions_wait(struct sb_sessions *sessions, int ms);

/* A new token for the user, and the one before is void; or, with `keep`, the
 * one that is still valid. Returns when it expires. */
int64_t sb_sessions_challenge(struct sb_sessions *sessions, int64_t user,
                              int64_t now_s, bool keep, char token[14]);

/* All tokens are void, as if each user had been given a newer one. */
void sb_sessions_steal(struct sb_sessions *sessions);

/* All sessions end; calls that run in one go on to their end. */
void sb_sessions_expire(struct sb_sessions *sessions);

/* Copy the user's token; false when there is none or it has expired. */
bool sb_sessions_token(struct sb_sessions *sessions, int64_t user,
                       int64_t now_s, char token[14]);

/* Start a session and enter it. NULL when memory ran out. With `name` NULL it
 * gets a name of its own. */
struct sb_session *sb_sessions_open(struct sb_sessions *sessions, int64_t user,
                                    int64_t now_s, const char *name);

/* Enter the session of that name once it is free, and mark it used. NULL when
 * there is none, it was idle for too long, or the server stops. */
struct sb_session *sb_sessions_enter(struct sb_sessions *sessions,
                                     const char *name, size_t len,
                                     int64_t now_s);

/* Leave; with `close` the session ends. NULL is allowed. */
void sb_sessions_leave(struct sb_sessions *sessions, struct sb_session *session,
                       int64_t now_s, bool close);

#endif
