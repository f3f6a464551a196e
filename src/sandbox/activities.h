/* Calendar and Events: what a record of them is depends on its activitytype,
 * and the server computes its duration. */
#ifndef ICRM_SANDBOX_ACTIVITIES_H
#define ICRM_SANDBOX_ACTIVITIES_H

#include "sandbox/target.h"
#include "sandbox/values.h"

/* True for Calendar and Events where one may become the other. */
bool sb_activities_apply(const struct sb_call *call,
                         const struct sb_module *module);

/* Give the reminder of an activity the value that a write leaves it with. Call
 * before it is stored; `number` is 0 for a new record. */
void sb_activities_remind(struct sb_call *call, struct sb_values *values,
                          int64_t number, enum sb_write write);

/* Once an activity is stored: compute its duration and put it under the module
 * that it belongs to. Both modules' tables keep a row of it, so that it is
 * shown as it was asked for. Returns 0 or -1. */
int sb_activities_finish(struct sb_call *call, const struct sb_target *target);

#endif
