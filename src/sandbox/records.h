/* Records in the store. */
#ifndef ICRM_SANDBOX_RECORDS_H
#define ICRM_SANDBOX_RECORDS_H

#include "sandbox/target.h"
#include "sandbox/values.h"

/* Insert the row of the module's own table. Returns 0 or -1. */
int sb_records_insert(struct sb_store *store, const struct sb_module *module,
                      const struct sb_values *values, int64_t number);

/* Insert demo data: times, owner and number as given, else made up. */
int sb_records_load(struct icrm_sandbox *sandbox,
                    const struct sb_module *module, struct sb_values *values,
                    int64_t number);

/* Store a new record of a module with the shared table: its row there, its
 * record number, its own row. Returns 0 or -1. */
int sb_records_create(struct sb_call *call, const struct sb_module *module,
                      struct sb_values *values, int64_t number);

/* Write the fields that are given over those of a record. Returns 0 or -1. */
int sb_records_update(struct sb_call *call, const struct sb_target *target,
                      const struct sb_values *values);

/* Note that the caller changed a record now. Returns 0 or -1. */
int sb_records_touch(struct sb_call *call, int64_t number);

/* Mark a record as deleted; of a user, as inactive. Returns 0 or -1. */
int sb_records_remove(struct sb_call *call, const struct sb_target *target);

/* Note what a create sees that stores later: see `seen` of sb_call. */
void sb_records_look(struct sb_call *call, const char *module);

/* The number of a new record. */
int64_t sb_records_next(struct sb_call *call, const struct sb_module *module);

#endif
