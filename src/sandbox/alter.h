/* What a server makes of the values of a write besides storing them: it rounds
 * them, converts them, or changes those that were not sent. */
#ifndef ICRM_SANDBOX_ALTER_H
#define ICRM_SANDBOX_ALTER_H

#include "sandbox/target.h"
#include "sandbox/values.h"

/* The decimals of the caller's amounts. */
int sb_alter_decimals(const struct sb_call *call);

/* Change a value that was sent. */
void sb_alter_given(const struct sb_call *call, struct sb_values *values,
                    int field);

/* Give values to fields that an update or a revise did not send. Returns 0 or
 * -1. */
int sb_alter_absent(struct sb_call *call, struct sb_values *values,
                    const json_t *element, enum sb_write write);

/* What a workflow sets once a record is stored, before it is shown. Returns 0
 * or -1. */
int sb_alter_forecast(struct sb_call *call, const struct sb_target *target,
                      const json_t *element);

/* Change what is stored once the reply is made. Returns 0 or -1. */
int sb_alter_stored(struct sb_call *call, const struct sb_target *target,
                    const json_t *element, enum sb_write write);

#endif
