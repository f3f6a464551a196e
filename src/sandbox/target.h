/* Which record an id names, and who may read it. */
#ifndef ICRM_SANDBOX_TARGET_H
#define ICRM_SANDBOX_TARGET_H

#include "sandbox/call.h"

/* A record that a call names. */
struct sb_target {
  const struct sb_module *module;
  int64_t number;
};

/* The module of a record that the shared table knows, NULL when there is none
 * or it is deleted. */
const struct sb_module *sb_target_module(struct icrm_sandbox *sandbox,
                                         int64_t number);

/* The number of the record that an id names, 0 when there is none: wrong
 * number, other module, deleted. */
int64_t sb_target_number(struct icrm_sandbox *sandbox, const char *id);

/* Find the record that an id names, for a caller who may read it. Answers the
 * call with the server's own errors otherwise, and returns SB_FAILED. */
enum sb_outcome sb_target_find(struct sb_call *call, const char *id,
                               struct sb_target *target);

#endif
