/* Records in the store, and the operations retrieve and delete. */
#ifndef ICRM_SANDBOX_RECORDS_H
#define ICRM_SANDBOX_RECORDS_H

#include "sandbox/call.h"
#include "sandbox/values.h"

/* A record that a call names. */
struct sb_target {
  const struct sb_module *module;
  int64_t number;
};

/* The module of a record that the shared table knows, NULL when there is none
 * or it is deleted. */
const struct sb_module *sb_records_module(struct icrm_sandbox *sandbox,
                                          int64_t number);

/* The number of the record that an id names, 0 when there is none: wrong
 * number, other module, deleted. */
int64_t sb_records_target(struct icrm_sandbox *sandbox, const char *id);

/* Find the record that an id names, for a caller who may read it. Answers the
 * call with the server's own errors otherwise, and returns SB_FAILED. */
enum sb_outcome sb_records_find(struct sb_call *call, const char *id,
                                struct sb_target *target);

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

/* The number of a new record. */
int64_t sb_records_next(struct sb_call *call, const struct sb_module *module);

enum sb_outcome sb_records_retrieve(struct sb_call *call);
enum sb_outcome sb_records_delete(struct sb_call *call);

#endif
