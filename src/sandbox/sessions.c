#include "sandbox/sessions.h"

#include "core/digest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct challenge {
  int64_t user;
  int64_t expires_s;
  char token[14];
  struct challenge *next;
};

struct sb_sessions {
  pthread_mutex_t mutex;
  pthread_cond_t changed; /* a session was left, or stop */
  struct sb_session_rules rules;
  bool stopped;
  _Atomic uint32_t opened; /* makes names unlike each other */
  const char *prefix;
  struct challenge *challenges;
  struct sb_session *sessions;
};

struct sb_sessions *sb_sessions_new(struct sb_session_rules rules,
                                    const char *prefix) {
  struct sb_sessions *sessions = calloc(1, sizeof *sessions);
  if (!sessions)
    return NULL;
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&sessions->changed, &attr);
  pthread_condattr_destroy(&attr);
  pthread_mutex_init(&sessions->mutex, NULL);
  sessions->rules = rules;
  sessions->prefix = prefix;
  return sessions;
}

void sb_sessions_free(struct sb_sessions *sessions) {
  if (!sessions)
    return;
  while (sessions->challenges) {
    struct challenge *challenge = sessions->challenges;
    sessions->challenges = challenge->next;
    free(challenge);
  }
  while (sessions->sessions) {
    struct sb_session *session = sessions->sessions;
    sessions->sessions = session->next;
    free(session);
  }
  pthread_cond_destroy(&sessions->changed);
  pthread_mutex_destroy(&sessions->mutex);
  free(sessions);
}

void sb_sessions_stop(struct sb_sessions *sessions) {
  pthread_mutex_lock(&sessions->mutex);
  sessions->stopped = true;
  pthread_cond_broadcast(&sessions->changed);
  pthread_mutex_unlock(&sessions->mutex);
}

static struct timespec moment_in(int64_t ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += (time_t)(ms / 1000);
  until.tv_nsec += (ms % 1000) * 1000000L;
  until.tv_sec += until.tv_nsec / 1000000000L;
  until.tv_nsec %= 1000000000L;
  return until;
}

bool sb_sessions_wait(struct sb_sessions *sessions, int ms) {
  const struct timespec until = moment_in(ms);
  pthread_mutex_lock(&sessions->mutex);
  while (!sessions->stopped &&
         pthread_cond_timedwait(&sessions->changed, &sessions->mutex, &until) ==
             0)
    continue;
  bool stopped = sessions->stopped;
  pthread_mutex_unlock(&sessions->mutex);
  return stopped;
}

static struct challenge *find_challenge(struct sb_sessions *sessions,
                                        int64_t user) {
  struct challenge *at = sessions->challenges;
  while (at && at->user != user)
    at = at->next;
  return at;
}

int64_t sb_sessions_challenge(struct sb_sessions *sessions, int64_t user,
                              int64_t now_s, bool keep, char token[14]) {
  char random[17];
  icrm_digest_random_hex(random, 8);
  memcpy(token, random, 13);
  token[13] = '\0';
  pthread_mutex_lock(&sessions->mutex);
  struct challenge *at = find_challenge(sessions, user);
  if (!at && (at = calloc(1, sizeof *at))) {
    at->user = user;
    at->next = sessions->challenges;
    sessions->challenges = at;
  }
  int64_t expires = now_s + SB_TOKEN_LIFE_S;
  if (at && keep && now_s <= at->expires_s) {
    memcpy(token, at->token, sizeof at->token);
    expires = at->expires_s;
  } else if (at) {
    at->expires_s = expires;
    memcpy(at->token, token, sizeof at->token);
  }
  pthread_mutex_unlock(&sessions->mutex);
  return expires;
}

void sb_sessions_steal(struct sb_sessions *sessions) {
  pthread_mutex_lock(&sessions->mutex);
  for (struct challenge *at = sessions->challenges; at; at = at->next)
    memcpy(at->token, "stolen", 7);
  pthread_mutex_unlock(&sessions->mutex);
}

void sb_sessions_expire(struct sb_sessions *sessions) {
  pthread_mutex_lock(&sessions->mutex);
  for (struct sb_session *at = sessions->sessions; at; at = at->next)
    at->closed = true;
  pthread_mutex_unlock(&sessions->mutex);
}

bool sb_sessions_token(struct sb_sessions *sessions, int64_t user,
                       int64_t now_s, char token[14]) {
  pthread_mutex_lock(&sessions->mutex);
  struct challenge *at = find_challenge(sessions, user);
  bool found = at && now_s <= at->expires_s;
  if (found)
    memcpy(token, at->token, sizeof at->token);
  pthread_mutex_unlock(&sessions->mutex);
  return found;
}

/* The start of a hash of the name: tells sessions apart, opens none. */
static void make_tag(const char *name, char tag[9]) {
  char hash[65] = "";
  icrm_digest_sha256(name, strlen(name), hash, NULL);
  memcpy(tag, hash, 8);
  tag[8] = '\0';
}

struct sb_session *sb_sessions_open(struct sb_sessions *sessions, int64_t user,
                                    int64_t now_s, const char *name) {
  struct sb_session *session = calloc(1, sizeof *session);
  if (!session)
    return NULL;
  char random[9];
  icrm_digest_random_hex(random, 4);
  session->user = user;
  session->used_s = now_s;
  session->busy = 1;
  session->guests = 1;
  uint32_t number = atomic_fetch_add(&sessions->opened, 1) & 0xFFFFF;
  if (name)
    snprintf(session->name, sizeof session->name, "%s", name);
  else
    snprintf(session->name, sizeof session->name, "%s%s%08x%05x",
             sessions->prefix, random, (unsigned)now_s, number);
  make_tag(session->name, session->tag);
  pthread_mutex_lock(&sessions->mutex);
  session->next = sessions->sessions;
  sessions->sessions = session;
  pthread_mutex_unlock(&sessions->mutex);
  return session;
}

/* Take out and free sessions that nobody is in and that nobody can enter. */
static void sweep(struct sb_sessions *sessions, int64_t now_s) {
  struct sb_session **at = &sessions->sessions;
  while (*at) {
    struct sb_session *session = *at;
    bool idle = now_s - session->used_s > SB_SESSION_IDLE_S;
    if (session->guests == 0 && (session->closed || idle)) {
      *at = session->next;
      free(session);
    } else {
      at = &session->next;
    }
  }
}

static struct sb_session *find_session(struct sb_sessions *sessions,
                                       const char *name, size_t len) {
  struct sb_session *at = sessions->sessions;
  while (at && (at->closed || strlen(at->name) != len ||
                memcmp(at->name, name, len) != 0))
    at = at->next;
  return at;
}

/* Wait until nobody is in the session, or the patience for that is over. */
static void wait_for(struct sb_sessions *sessions,
                     const struct sb_session *session) {
  const int64_t ms = sessions->rules.wait_ms;
  const struct timespec until = moment_in(ms);
  int rc = 0;
  while (sessions->rules.lock && session->busy && !sessions->stopped && rc == 0)
    rc = ms ? pthread_cond_timedwait(&sessions->changed, &sessions->mutex,
                                     &until)
            : pthread_cond_wait(&sessions->changed, &sessions->mutex);
}

struct sb_session *sb_sessions_enter(struct sb_sessions *sessions,
                                     const char *name, size_t len,
                                     int64_t now_s) {
  pthread_mutex_lock(&sessions->mutex);
  sweep(sessions, now_s);
  struct sb_session *session = find_session(sessions, name, len);
  if (session) {
    session->guests++;
    wait_for(sessions, session);
    if ((session->closed && !sessions->rules.race) || sessions->stopped) {
      session->guests--;
      session = NULL;
    } else {
      session->busy++;
      session->used_s = now_s;
    }
  }
  pthread_mutex_unlock(&sessions->mutex);
  return session;
}

void sb_sessions_leave(struct sb_sessions *sessions, struct sb_session *session,
                       int64_t now_s, bool close) {
  if (!session)
    return;
  pthread_mutex_lock(&sessions->mutex);
  session->guests--;
  session->busy--;
  session->closed |= close;
  if (session->used_s < now_s)
    session->used_s = now_s;
  pthread_cond_broadcast(&sessions->changed);
  pthread_mutex_unlock(&sessions->mutex);
}
