/*
 * The sandbox CRM: a server of the vtiger family on the loopback interface,
 * with its own threads, in this process. It speaks the protocol that
 * docs/sandbox.md describes, keeps its data in SQLite, and logs what really
 * happened.
 */
#ifndef ICRM_SANDBOX_SANDBOX_H
#define ICRM_SANDBOX_SANDBOX_H

#include "core/error.h"
#include "sandbox/event.h"

#include <stdbool.h>
#include <stdint.h>

struct icrm_sandbox;

/* All zero is a sandbox in memory on a free port, as Initiative behaves. */
struct icrm_sandbox_options {
  const char *file;    /* keeps the data; NULL for memory */
  const char *profile; /* NULL for "initiative" */
  const char *traits;  /* over the profile's, such as "no-logout,
                          lock-gives-up=200, -user-prefix"; NULL for none */
  int port;            /* 0 for a free one */
  int most_mb; /* of a request, above which its parameters are dropped, as PHP
                  does; 0: 64 */
  int latency_ms;       /* spent on every request, inside the session's lock */
  bool no_session_lock; /* sessions run requests at the same time */
  bool empty;           /* no demo data in a new store */
  const char *data;     /* a file in the form of demo.json to load instead */
  int64_t now_s;      /* where the server's clock starts; 0 for the real time */
  const char *faults; /* a plan of faults, see docs/sandbox.md; NULL: none */
  const char *quota;  /* "60/min, 7200/day"; NULL for none */
  const char *const *fields; /* extra fields, "HelpDesk.cf_x:string"; ends
                                with NULL; NULL for none */
};

/* Start a server. Returns it, or NULL with `err` (kind `config` or `store`).
 * The caller stops it. */
struct icrm_sandbox *
icrm_sandbox_start(const struct icrm_sandbox_options *options,
                   struct icrm_error *err);

/* End all requests, close the store, free. NULL is allowed. */
void icrm_sandbox_stop(struct icrm_sandbox *sandbox);

/* "http://127.0.0.1:PORT/TOKEN/wstiger.php" and the first user. Valid until
 * stop. */
const char *icrm_sandbox_url(const struct icrm_sandbox *sandbox);
const char *icrm_sandbox_username(const struct icrm_sandbox *sandbox);

/* The access key of any user, to be freed by the caller, NULL when there is no
 * such user. It changes with every start in memory and is kept in a file. */
char *icrm_sandbox_user_key(struct icrm_sandbox *sandbox, const char *username);

/* Move the server's clock on, to see tokens and sessions expire. */
void icrm_sandbox_advance(struct icrm_sandbox *sandbox, int64_t seconds);

/* Call `event` for each logged request after number `after`, in order; its
 * texts live during the call. Returns 0 or -1. `event` must not call back into
 * the sandbox. */
int icrm_sandbox_log(struct icrm_sandbox *sandbox, int64_t after,
                     void (*event)(void *context,
                                   const struct icrm_sandbox_event *event),
                     void *context);

#endif
