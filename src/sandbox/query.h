/* VTQL on the store: the operations query and query_related. */
#ifndef ICRM_SANDBOX_QUERY_H
#define ICRM_SANDBOX_QUERY_H

#include "sandbox/query_plan.h"

/* Run a query text on a module, that the caller may see, and append the rows
 * as a list. What fails in SQL gives an empty list. */
enum sb_outcome sb_query_run(struct sb_call *call, const char *text, size_t len,
                             const struct sb_module *module,
                             const struct sb_condition *condition);

enum sb_outcome sb_query_query(struct sb_call *call);

#endif
