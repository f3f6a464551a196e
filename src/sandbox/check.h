/* What a write must pass before it is stored; each answers the call when it
 * does not, and returns SB_FAILED. */
#ifndef ICRM_SANDBOX_CHECK_H
#define ICRM_SANDBOX_CHECK_H

#include "sandbox/values.h"

/* References name a module that their field may refer to. */
enum sb_outcome sb_check_references(struct sb_call *call,
                                    const struct sb_module *module,
                                    const json_t *element);

/* Mandatory fields have a value; `partial`: only what is given may not be
 * empty. */
enum sb_outcome sb_check_mandatory(struct sb_call *call,
                                   const struct sb_module *module,
                                   const json_t *element, bool partial);

/* No other record than `number` has a unique value that is given. */
enum sb_outcome sb_check_unique(struct sb_call *call,
                                const struct sb_values *values, int64_t number);

/* A user without admin may give a record to that owner. */
enum sb_outcome sb_check_owner(struct sb_call *call,
                               const struct sb_values *values);

/* False for an owner that is nobody, which makes the real server die after it
 * stored. */
bool sb_check_owner_exists(struct sb_call *call,
                           const struct sb_values *values);

#endif
