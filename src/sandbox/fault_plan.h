/*
 * A plan of faults: what the server does wrong, to which request, at which
 * moment. Its text form is described in docs/sandbox.md. The same plan does the
 * same to the same sequence of requests.
 */
#ifndef ICRM_SANDBOX_FAULT_PLAN_H
#define ICRM_SANDBOX_FAULT_PLAN_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SB_MAX_FAULTS = 64 };

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
  X(SWAPPED, "swapped", SB_AFTER_COMMIT, false)                                \
  X(REFUSING, "refusing", SB_AFTER_COMMIT, true)                               \
  X(EXPIRE, "expire", SB_BEFORE_COMMIT, false)                                 \
  X(EXPIRE_ALL, "expire_all", SB_BEFORE_COMMIT, false)                         \
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

struct sb_fault_plan {
  uint64_t seed;
  int64_t lag_ms;
  enum sb_logout logout;
  bool has_race;
  struct sb_fault faults[SB_MAX_FAULTS];
  size_t n_faults;
};

/* Read a plan into an empty one; `knows` says whether there is an operation of
 * that name. Returns 0, or -1 with `err` (kind `config`) that names the clause.
 */
int sb_fault_plan_read(struct sb_fault_plan *plan, const char *text,
                       bool (*knows)(const char *operation),
                       struct icrm_error *err);

#endif
