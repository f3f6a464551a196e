/*
 * One error type for the whole program. Functions that can fail return 0 or
 * -1 and take a last parameter `struct icrm_error *err`; it is filled on
 * failure only, may be NULL, and owns no memory.
 */
#ifndef ICRM_CORE_ERROR_H
#define ICRM_CORE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The closed set of kinds: X(ENUM, name). Scripts branch on the name.
 *   timeout          no complete reply in the time allowed
 *   transport        resolve, connect, send or receive failed
 *   tls              certificate or handshake refused
 *   canceled         the caller gave up (interrupt, client closed)
 *   http             an HTTP status or body that is no reply of this API
 *   rate_limited     HTTP 429, or a quota that is used up
 *   auth             wrong user or key, or a session that cannot be renewed
 *   refused          success:false for any other reason
 *   unknown_outcome  a write was sent and nothing says whether it was done
 *   decode           a reply that is not JSON, too deep, too large, not UTF-8
 *   query            a VTQL text that does not parse or cannot be written
 *   store            a local file or database failed
 *   input            the user's data is wrong (CSV, a value, an id)
 *   config           profile, environment or option is wrong
 */
#define ICRM_ERROR_KINDS(X)                                                    \
  X(TIMEOUT, "timeout")                                                        \
  X(TRANSPORT, "transport")                                                    \
  X(TLS, "tls")                                                                \
  X(CANCELED, "canceled")                                                      \
  X(HTTP, "http")                                                              \
  X(RATE_LIMITED, "rate_limited")                                              \
  X(AUTH, "auth")                                                              \
  X(REFUSED, "refused")                                                        \
  X(UNKNOWN_OUTCOME, "unknown_outcome")                                        \
  X(DECODE, "decode")                                                          \
  X(QUERY, "query")                                                            \
  X(STORE, "store")                                                            \
  X(INPUT, "input")                                                            \
  X(CONFIG, "config")

enum icrm_error_kind {
#define ICRM_ERROR_ENUM(id, name) ICRM_ERROR_##id,
  ICRM_ERROR_KINDS(ICRM_ERROR_ENUM)
#undef ICRM_ERROR_ENUM
};

struct icrm_error {
  enum icrm_error_kind kind;
  bool is_answered;   /* the server sent a whole reply of this API: whatever
                         became of the call, it is not at work on it now */
  int status;         /* HTTP status, 0 when no reply came */
  int retry_after_s;  /* seconds the server asked for, -1 when it did not */
  char code[64];      /* the server's error.code as text, "" when none */
  char operation[32]; /* the operation of the failed call, "" when none */
  char reason[512];   /* the server's own words when it refused, "" for none */
  char message[1024]; /* one sentence, no secret, no trailing newline */
};

/* The name of a kind, a static string. */
const char *icrm_error_kind_name(enum icrm_error_kind kind);

/* Fill `err` (ignored when NULL) with a kind and a printf-style message that
 * is cut, at a UTF-8 boundary, to what fits. Every other field is reset.
 * Returns -1, so that `return icrm_error_set(...)` reads well. */
int icrm_error_set(struct icrm_error *err, enum icrm_error_kind kind,
                   const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
