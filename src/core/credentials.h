/*
 * The access key, in memory that is locked where the system allows it and
 * wiped when the last owner lets go. It can be used, never read back.
 */
#ifndef ICRM_CORE_CREDENTIALS_H
#define ICRM_CORE_CREDENTIALS_H

#include "core/error.h"

#include <stddef.h>

struct icrm_credentials;

/* Keep a copy of `key`; the caller wipes its own. An empty key, or one with a
 * control character, is refused with kind config. The caller owns one
 * reference; NULL on failure. */
struct icrm_credentials *icrm_credentials_new(const char *key, size_t len,
                                              struct icrm_error *err);

/* Read the key from the environment variable `name`, which stays: it belongs
 * to the host. `*out` is NULL when the variable is not set, which is no
 * failure. */
int icrm_credentials_from_env(const char *name, struct icrm_credentials **out,
                              struct icrm_error *err);

/* For a host that runs scripts: wipe the variable's bytes where they stand and
 * remove it, so that neither the script nor a child process sees it. */
void icrm_credentials_remove_from_env(const char *name);

/* Run `command` by /bin/sh and take the first line it prints, as git does
 * with its credential helpers. Waits for it to end, `timeout_ms` at most: then
 * it is ended. That, and an exit code other than 0, are failures of kind
 * config. */
struct icrm_credentials *icrm_credentials_from_command(const char *command,
                                                       int timeout_ms,
                                                       struct icrm_error *err);

/* Read the first line of an open descriptor, which stays open. */
struct icrm_credentials *icrm_credentials_from_fd(int fd,
                                                  struct icrm_error *err);

/* Share the key: one more reference. Returns its argument. */
struct icrm_credentials *
icrm_credentials_retain(struct icrm_credentials *credentials);

/* Give a reference back; the last one wipes the key. NULL is allowed. */
void icrm_credentials_release(struct icrm_credentials *credentials);

/* Write the answer to a challenge, md5(token + key) in lower-case hex, to
 * `out`; the caller wipes it. (Seed II, login.) */
int icrm_credentials_answer(const struct icrm_credentials *credentials,
                            const char *token, size_t token_len, char out[33],
                            struct icrm_error *err);

#endif
