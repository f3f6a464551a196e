/*
 * The tables of a store and what a new one starts with.
 *
 *   entity      one row per record of any module: who, when, deleted or not
 *   "HelpDesk"  one table per module, one column per field
 *   counter     the next number of ticket_no and its like
 *   attachment  files of Documents; related: links without a field
 *   log         one row per request
 *   lagging     records that queries do not see yet
 */
#ifndef ICRM_SANDBOX_TABLES_H
#define ICRM_SANDBOX_TABLES_H

#include "sandbox/call.h"

/* Make what is missing. `fresh` tells whether the store was new. Returns 0, or
 * -1 with `err` (kind `store`). */
int sb_tables_prepare(struct icrm_sandbox *sandbox, bool *fresh,
                      struct icrm_error *err);

/* Put users, groups and the like into a new store. */
int sb_tables_seed(struct icrm_sandbox *sandbox, struct icrm_error *err);

/* Put demo data into a new store: a list of {"module", "key", "values", "id"?},
 * where a value "@key" is the id of an entry before; or of
 * {"counter": {"HelpDesk": 261}}. */
int sb_tables_load(struct icrm_sandbox *sandbox, const json_t *data,
                   struct icrm_error *err);

#endif
