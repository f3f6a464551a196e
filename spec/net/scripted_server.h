/*
 * A CRM on a free loopback port that does what a test wrote down, to the byte.
 * It answers getchallenge and login by itself; every other request takes the
 * next step of the script, and, when there is none left, a plain success.
 */
#ifndef ICRM_SPEC_SCRIPTED_SERVER_H
#define ICRM_SPEC_SCRIPTED_SERVER_H

#include "core/buf.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define SCRIPTED_MAX_STEPS 512

enum scripted_login {
  SCRIPTED_LOGIN_WORKS,
  SCRIPTED_LOGIN_WRONG_KEY,    /* INVALID_USER_CREDENTIALS */
  SCRIPTED_LOGIN_SUPERSEDED,   /* the same, once */
  SCRIPTED_LOGIN_UNKNOWN_USER, /* getchallenge is refused */
  SCRIPTED_LOGIN_BROKEN,       /* HTML */
  SCRIPTED_LOGIN_TOKEN_ONCE    /* a token is good for one login */
};

struct scripted_step {
  char *bytes; /* sent as they are; empty: nothing */
  size_t len;
  bool is_last;      /* close the connection after it */
  int delay_ms;      /* before it */
  bool is_held;      /* sent when scripted_release is called */
  const char *wants; /* when set: only a request that contains this text */
};

struct scripted_server {
  int listener, port;
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool is_stopping;
  int n_threads;
  int open_fds[64];
  enum scripted_login login;
  int slow_ms;        /* before each piece of a large request is read */
  size_t stall_after; /* bytes of a request, nothing more is read; 0: never */
  bool is_released;
  struct scripted_step steps[SCRIPTED_MAX_STEPS];
  int n_steps, at_step;
  /* what was seen */
  int connections, requests, creates, logins, challenges;
  int in_login, max_in_login; /* logins between challenge and reply */
  struct icrm_buf log;        /* each request, whole */
};

void scripted_start(struct scripted_server *server);
/* ... on a port that was free before. */
void scripted_start_at(struct scripted_server *server, int port);
void scripted_stop(struct scripted_server *server);

/* The next step sends exactly `bytes`. */
struct scripted_step *scripted_raw(struct scripted_server *server,
                                   const char *bytes, size_t len);

/* The next step is a reply with this status line and body, and its length,
 * unless the headers tell one; `headers` are whole lines or "". */
struct scripted_step *scripted_reply(struct scripted_server *server,
                                     const char *status, const char *headers,
                                     const char *body);

/* The next step is a failed envelope with this code. */
struct scripted_step *scripted_refusal(struct scripted_server *server,
                                       const char *code);

/* Send the held step, now or as soon as a request has taken it. */
void scripted_release(struct scripted_server *server);

/* How often `text` was in what came in. */
int scripted_count(struct scripted_server *server, const char *text);

#endif
