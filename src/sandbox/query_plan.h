/* A query on its way into SQL. */
#ifndef ICRM_SANDBOX_QUERY_PLAN_H
#define ICRM_SANDBOX_QUERY_PLAN_H

#include "sandbox/call.h"
#include "vtql/vtql.h"

/* A condition that is added to a query's own: SQL on `m` and `e`, whose every
 * parameter is one number. NULL `sql` for none. */
struct sb_condition {
  const char *sql;
  int64_t number;
};

/* A parameter of the SQL that a query becomes. */
struct sb_query_value {
  bool is_number;
  double number;
  struct icrm_buf text;
};

/* A query on its way into SQL. */
struct sb_query_plan {
  struct sb_call *call;
  const struct icrm_vtql_query *query;
  const struct sb_module *module;
  const struct sb_condition *condition;
  int *fields; /* the ones to return */
  size_t n_fields;
  struct icrm_buf sql;
  struct sb_query_value *values;
  size_t n_values, cap;
  size_t from, order; /* where FROM and ORDER BY stand in `sql` */
  bool hides;         /* the caller sees some of the rows only */
  bool joins;         /* lines, each of which counts as a row */
  bool broken;        /* MySQL would refuse it: the answer is an empty list */
};

#endif
