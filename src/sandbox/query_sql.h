/* A query as SQL, and its statement. */
#ifndef ICRM_SANDBOX_QUERY_SQL_H
#define ICRM_SANDBOX_QUERY_SQL_H

#include "sandbox/query_plan.h"

/* Write the SQL of a plan whose fields are chosen. */
void sb_query_write_sql(struct sb_query_plan *plan);

/* The statement of an SQL text with the plan's parameters, NULL when SQL
 * refuses it. */
struct sb_rows *sb_query_bind(struct sb_query_plan *plan, const char *sql);

/* Free what the plan holds. */
void sb_query_free(struct sb_query_plan *plan);

#endif
