#include "sandbox/query_sql.h"

#include "core/clock.h"
#include "sandbox/activities.h"
#include "sandbox/faults.h"
#include "sandbox/query_terms.h"

#include <stdlib.h>
#include <string.h>

/* A record of an inventory module has one to three lines here. */
static void join_lines(struct sb_query_plan *plan) {
  if (plan->joins)
    icrm_buf_add_text(&plan->sql,
                      " JOIN (SELECT 0 AS n UNION SELECT 1 UNION SELECT 2) l "
                      "ON l.n <= m.id % 3");
}

/* True for a row that the caller may see. */
static void add_visible(struct sb_query_plan *plan) {
  icrm_buf_addf(&plan->sql,
                "(e.owner = %lld OR e.owner IN (SELECT id FROM \"Groups\"))",
                (long long)plan->call->user);
}

static void add_from(struct sb_query_plan *plan) {
  const struct sb_module *module = plan->module;
  struct sb_call *call = plan->call;
  icrm_buf_addf(&plan->sql, " FROM \"%s\" m", module->name);
  if (!module->shared) {
    icrm_buf_add_text(&plan->sql, " WHERE 1");
    if (strcmp(module->name, "Users") == 0)
      icrm_buf_add_text(&plan->sql, " AND m.status = 'Active'");
    if (strcmp(module->name, "Users") == 0 && !call->admin &&
        sb_trait(call, SB_TRAIT_OWN_USER_ONLY))
      icrm_buf_addf(&plan->sql, " AND m.id = %lld", (long long)call->user);
    return;
  }
  icrm_buf_add_text(&plan->sql, " JOIN entity e ON e.id = m.id");
  join_lines(plan);
  icrm_buf_add_text(&plan->sql, " WHERE e.deleted = 0");
  if (sb_activities_apply(call, module))
    icrm_buf_addf(&plan->sql, " AND e.module = '%s'", module->name);
  if (sb_faults_lag_ms(call->sandbox->faults))
    icrm_buf_addf(&plan->sql,
                  " AND m.id NOT IN (SELECT id FROM lagging WHERE until_ms > "
                  "%lld)",
                  (long long)icrm_clock_ms());
  if (plan->hides && !sb_trait(call, SB_TRAIT_ROWS_HIDDEN_AFTER_LIMIT)) {
    icrm_buf_add_text(&plan->sql, " AND ");
    add_visible(plan);
  }
}

static void add_order_column(struct sb_query_plan *plan,
                             const struct sb_field *field) {
  const struct icrm_vtql_slice none = {"'", 1};
  if (field->kind == SB_ID && sb_trait(plan->call, SB_TRAIT_IDS_AS_TEXT))
    icrm_buf_add_text(&plan->sql, "CAST(m.id AS TEXT)");
  else
    sb_query_add_column(plan, field, none);
}

static void add_order(struct sb_query_plan *plan) {
  const struct icrm_vtql_query *query = plan->query;
  icrm_buf_add_text(&plan->sql, " ORDER BY ");
  for (size_t i = 0; i < query->n_order; i++) {
    int field = sb_module_field(plan->module, query->order[i].data,
                                query->order[i].len);
    if (field < 0) {
      plan->broken = true;
      return;
    }
    add_order_column(plan, &plan->module->fields[field]);
    bool last = i + 1 == query->n_order;
    icrm_buf_add_text(&plan->sql, last && query->descending ? " DESC, " : ", ");
  }
  icrm_buf_add_text(&plan->sql, "m.id");
}

/* A limit of digits is kept as it is. */
static bool long_limit(struct sb_query_plan *plan) {
  const struct icrm_vtql_slice *limit = plan->query->limit;
  size_t n = plan->query->n_limit;
  for (size_t i = 0; i < n; i++)
    if (!sb_query_is_digits(limit[i].data, limit[i].len))
      return false;
  if (n)
    icrm_buf_addf(&plan->sql, " LIMIT %.*s OFFSET %.*s", (int)limit[n - 1].len,
                  limit[n - 1].data, n == 2 ? (int)limit[0].len : 1,
                  n == 2 ? limit[0].data : "0");
  return n > 0;
}

static void add_limit(struct sb_query_plan *plan) {
  int64_t offset, rows;
  if (plan->call->uncapped && plan->query->n_limit == 0)
    return;
  if (sb_trait(plan->call, SB_TRAIT_LONG_PAGES) && long_limit(plan))
    return;
  const bool sound = icrm_vtql_server_limit(plan->query, &offset, &rows);
  if (plan->query->n_order && sb_trait(plan->call, SB_TRAIT_SAME_PAGE))
    offset = 0;
  if (sound)
    icrm_buf_addf(&plan->sql, " LIMIT %lld OFFSET %lld", (long long)rows,
                  (long long)offset);
  else
    plan->broken = true;
}

static void add_condition(struct sb_query_plan *plan) {
  if (!plan->condition || !plan->condition->sql)
    return;
  icrm_buf_addf(&plan->sql, " AND (%s)", plan->condition->sql);
  for (const char *at = plan->condition->sql; (at = strchr(at, '?')); at++) {
    struct sb_query_value *value = sb_query_add_value(plan);
    if (value) {
      value->is_number = true;
      value->number = (double)plan->condition->number;
    }
  }
}

/* Behind the fields: the record, and whether the caller may see it. */
static void add_row_marks(struct sb_query_plan *plan) {
  icrm_buf_add_text(&plan->sql, ", m.id, ");
  if (plan->hides)
    add_visible(plan);
  else
    icrm_buf_add_byte(&plan->sql, '1');
}

void sb_query_write_sql(struct sb_query_plan *plan) {
  bool count = plan->query->select == ICRM_VTQL_SELECT_COUNT;
  icrm_buf_add_text(&plan->sql, count ? "SELECT count(*)" : "SELECT ");
  for (size_t i = 0; !count && i < plan->n_fields; i++) {
    icrm_buf_add_text(&plan->sql, i ? ", " : "");
    sb_field_column(&plan->module->fields[plan->fields[i]], &plan->sql);
  }
  if (!count && plan->n_fields)
    add_row_marks(plan);
  plan->from = plan->sql.len;
  add_from(plan);
  add_condition(plan);
  sb_query_add_terms(plan);
  plan->order = plan->sql.len;
  add_order(plan);
  if (!count)
    add_limit(plan);
  plan->broken |= plan->sql.failed;
}

struct sb_rows *sb_query_bind(struct sb_query_plan *plan, const char *sql) {
  struct sb_rows *rows = sb_store_query(plan->call->store, sql);
  for (size_t i = 0; rows && i < plan->n_values; i++) {
    const struct sb_query_value *value = &plan->values[i];
    if (value->is_number)
      sb_rows_real(rows, value->number);
    else
      sb_rows_text(rows, value->text.data ? value->text.data : "",
                   value->text.len);
  }
  return rows;
}

void sb_query_free(struct sb_query_plan *plan) {
  for (size_t i = 0; i < plan->n_values; i++)
    icrm_buf_free(&plan->values[i].text);
  free(plan->values);
  free(plan->fields);
  icrm_buf_free(&plan->sql);
}
