/*
 * A plan of faults: what the server does wrong, to which request, at which
 * moment. Its text form is described in docs/sandbox.md. The same plan does the
 * same to the same sequence of requests: chance is a hash of the seed, the
 * operation and its number, and of no clock.
 */
#ifndef ICRM_SANDBOX_FAULTS_H
#define ICRM_SANDBOX_FAULTS_H

#include "core/buf.h"
#include "core/error.h"

#include <stdbool.h>
#include <stdint.h>

struct sb_call;
struct sb_faults;

/* The moments of a request: X(ENUM, name). */
#define SB_MOMENTS(X)                                                          \
  X(BEFORE_ACCEPT, "before_accept") /* a connection, before any request */     \
  X(AFTER_HEADERS, "after_headers") /* it is there, its session not entered */ \
  X(BEFORE_COMMIT, "before_commit") /* in its session, nothing done */         \
  X(AFTER_COMMIT, "after_commit")   /* done, the session not left */           \
  X(MID_REPLY, "mid_reply")         /* half of the reply left */               \
  X(AFTER_REPLY, "after_reply")     /* all of it left */

enum sb_moment {
#define SB_MOMENT_ENUM(id, name) SB_##id,
  SB_MOMENTS(SB_MOMENT_ENUM)
#undef SB_MOMENT_ENUM
};

/* The faults: X(ENUM, name, moment when none is named, needs a value). */
#define SB_FAULTS(X)                                                           \
  X(REFUSE, "refuse", SB_BEFORE_ACCEPT, true)                                  \
  X(RESET, "reset", SB_AFTER_COMMIT, false)                                    \
  X(CLOSE, "close", SB_AFTER_COMMIT, false)                                    \
  X(STALL, "stall", SB_BEFORE_COMMIT, true)                                    \
  X(SLOW, "slow", SB_MID_REPLY, true)                                          \
  X(HALF_HEADERS, "half_headers", SB_MID_REPLY, false)                         \
  X(HALF_REPLY, "half_reply", SB_MID_REPLY, false)                             \
  X(LENGTH, "length", SB_MID_REPLY, true)                                      \
  X(CHUNKS, "chunks", SB_MID_REPLY, false)                                     \
  X(HUGE, "huge", SB_MID_REPLY, true)                                          \
  X(BOMB, "bomb", SB_AFTER_COMMIT, true)                                       \
  X(STATUS, "status", SB_BEFORE_COMMIT, true)                                  \
  X(REDIRECT, "redirect", SB_BEFORE_COMMIT, true)                              \
  X(EMPTY, "empty", SB_AFTER_COMMIT, false)                                    \
  X(HTML, "html", SB_AFTER_COMMIT, false)                                      \
  X(NOTICE, "notice", SB_AFTER_COMMIT, false)                                  \
  X(BOM, "bom", SB_AFTER_COMMIT, false)                                        \
  X(JSON, "json", SB_AFTER_COMMIT, true)                                       \
  X(ERROR, "error", SB_BEFORE_COMMIT, true)                                    \
  X(EXPIRE, "expire", SB_BEFORE_COMMIT, false)                                 \
  X(STEAL, "steal", SB_BEFORE_COMMIT, false)                                   \
  X(GHOST, "ghost", SB_BEFORE_COMMIT, false)                                   \
  X(PARTIAL, "partial", SB_BEFORE_COMMIT, false)

enum sb_fault_kind {
#define SB_FAULT_ENUM(id, name, moment, value) SB_FAULT_##id,
  SB_FAULTS(SB_FAULT_ENUM)
#undef SB_FAULT_ENUM
};

/* One clause of the plan. */
struct sb_fault {
  enum sb_fault_kind kind;
  enum sb_moment moment;
  char operation[24];   /* "" for any */
  uint64_t first, last; /* numbers of that operation; 0: by chance */
  double chance;        /* 0 to 1 */
  int64_t number;       /* the value, where it is a number */
  char value[48];       /* the value as it was written */
  char retry_after[48]; /* a header; "" for none */
  char text[64];        /* "after_commit reset", for the log */
};

/* How logging out goes wrong. */
enum sb_logout { SB_LOGOUT_WORKS, SB_LOGOUT_BROKEN, SB_LOGOUT_LIES };

/* Read a plan; `knows` says whether there is an operation of that name. NULL
 * with `err` (kind `config`) that names the clause. */
struct sb_faults *sb_faults_parse(const char *text,
                                  bool (*knows)(const char *operation),
                                  struct icrm_error *err);
void sb_faults_free(struct sb_faults *faults);

/* Count one more request of that operation, or a connection ("connect"), and
 * say what befalls it: NULL for nothing. Safe for threads; `faults` may be
 * NULL. The result lives as long as `faults`. */
const struct sb_fault *sb_faults_next(struct sb_faults *faults,
                                      const char *operation);

/* What holds for the whole run. All take NULL for no plan. */
enum sb_logout sb_faults_logout(const struct sb_faults *faults);
bool sb_faults_has_race(const struct sb_faults *faults);
int64_t sb_faults_lag_ms(const struct sb_faults *faults);

/* Let a request pass a moment. False when it goes no further: its reply is the
 * fault's. The store must not be held. */
bool sb_faults_pass(struct sb_call *call, enum sb_moment moment);

/* Inside the open transaction of a write: undo half of it, or hide what it
 * made from queries for a while. Returns 0 or -1. */
int sb_faults_tear(struct sb_call *call);

/* True when the fault is one of bytes, which sb_faults_send must write. */
bool sb_faults_is_raw(const struct sb_fault *fault);

struct icrm_sandbox;
struct sb_reply;

/* Write what the fault leaves of the reply to a socket. The connection is to be
 * closed afterwards. */
void sb_faults_send(struct icrm_sandbox *sandbox, const struct sb_fault *fault,
                    const struct sb_reply *reply, int fd);

#endif
