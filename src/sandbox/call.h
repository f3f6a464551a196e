/*
 * One request while it is answered, and what the operations share. An
 * operation runs alone on the store, inside a transaction when it writes.
 */
#ifndef ICRM_SANDBOX_CALL_H
#define ICRM_SANDBOX_CALL_H

#include "sandbox/request.h"
#include "sandbox/schema.h"
#include "sandbox/sessions.h"
#include "sandbox/store.h"
#include "sandbox/traits.h"

#include <pthread.h>
#include <stdatomic.h>

struct sb_fault;
struct sb_faults;
struct sb_http;
struct sb_limits;

struct icrm_sandbox {
  struct sb_traits traits;
  struct sb_schema *schema;
  struct sb_store *store;
  pthread_mutex_t mutex; /* guards `store` and `next_id` */
  int64_t next_id;       /* of records, one sequence for all modules */
  struct sb_sessions *sessions;
  struct sb_http *http;
  struct sb_faults *faults; /* NULL: nothing goes wrong */
  struct sb_limits *limits; /* NULL: any number of calls */
  int latency_ms;
  _Atomic int64_t clock_offset_s;
  char token[33]; /* the secret part of the path */
  char *url, *username;
};

/* The server's clock, seconds since 1970. */
int64_t sb_clock_s(const struct icrm_sandbox *sandbox);

/* What an operation returns. */
enum sb_outcome {
  SB_DONE,   /* commit; the result stands in the reply */
  SB_RAW,    /* commit; the reply stands as it is, without envelope */
  SB_FAILED, /* roll back; the reply holds the error */
};

struct sb_call {
  struct icrm_sandbox *sandbox;
  const struct sb_schema *schema;
  struct sb_store *store;
  const struct sb_request *request;
  const struct sb_params *params; /* the ones that the operation reads */
  struct sb_reply *reply;
  struct icrm_buf *out; /* the reply's body */
  struct sb_session *session;
  bool close_session;
  int64_t user;
  bool admin;
  int64_t now_s;
  const struct sb_operation *operation;
  const struct sb_fault *fault; /* what befalls it, NULL for nothing */
  int64_t log_n;
  char code[64];                  /* of the error, for the log */
  const struct sb_module *module; /* of the record, for the log */
  int64_t record;
  bool committed;
  bool uncapped;      /* of a query: no limit where none is given */
  int64_t total_rows; /* of a query without LIMIT, for moreinfo; else -1 */
  struct {
    int64_t next_id; /* of records; 0: it stores what it sees */
    int64_t counter; /* of its module; 0 for none */
  } seen;            /* by a create that races others */
};

/* The ways to write a record. */
enum sb_write { SB_CREATE, SB_UPDATE, SB_REVISE };

struct sb_operation {
  const char *name;
  int flags; /* where its parameters are, what it needs; see operations.c */
  enum sb_outcome (*run)(struct sb_call *call);
};

/* Begin a reply anew: no body, this status and content type. */
void sb_reply_start(struct sb_call *call, int status, const char *type);

/* Close the envelope of a reply. */
void sb_reply_end(struct sb_call *call);

/* Answer with an error in the envelope; returns SB_FAILED. */
enum sb_outcome sb_fail(struct sb_call *call, const char *code,
                        const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The commonest one: "Permission to perform the operation is denied". */
enum sb_outcome sb_deny(struct sb_call *call);

/* Answer 500 with an empty body, as PHP does when it dies. */
enum sb_outcome sb_crash(struct sb_call *call);

/* Answer 200 with a line of text, as PHP's die() does; returns SB_RAW. */
enum sb_outcome sb_die(struct sb_call *call, const char *text);

/* Answer with the page of a front server, such as "429 Too Many Requests". */
void sb_front_page(struct sb_call *call, int status);

/* What the server's trait is: 0 when it has it not, else 1, or its number. */
static inline int64_t sb_trait(const struct sb_call *call,
                               enum sb_trait trait) {
  return call->sandbox->traits.value[trait];
}

/* True when the caller sees only his own and his groups' records of a module.
 */
bool sb_is_private(const struct sb_call *call, const struct sb_module *module);

/* True when the caller sees the field in records, queries and describe. */
bool sb_sees_field(const struct sb_call *call, const struct sb_field *field);

/* True when the caller may see the module at all. */
bool sb_may_see(const struct sb_call *call, const struct sb_module *module);

#endif
