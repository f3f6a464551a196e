#include "sandbox/query.h"

#include "sandbox/query_engines.h"
#include "sandbox/query_sql.h"
#include "sandbox/query_terms.h"
#include "sandbox/wire.h"

#include <stdlib.h>
#include <string.h>

/* How many rows there are without LIMIT. */
static void count_rows(struct sb_query_plan *plan) {
  struct icrm_buf sql = {0};
  icrm_buf_addf(&sql, "SELECT count(*)%.*s", (int)(plan->order - plan->from),
                plan->sql.data + plan->from);
  plan->call->total_rows =
      sql.failed ? -1 : sb_rows_one(sb_query_bind(plan, sql.data), -1);
  icrm_buf_free(&sql);
}

static void add_row(struct sb_query_plan *plan, struct sb_rows *rows) {
  struct sb_call *call = plan->call;
  if (plan->query->select == ICRM_VTQL_SELECT_COUNT)
    icrm_buf_addf(call->out, "{\"count\":\"%lld\"",
                  (long long)sb_rows_get_integer(rows, 0));
  else
    sb_wire_add_row(call, plan->module, rows, plan->fields, plan->n_fields,
                    NULL);
  if (sb_trait(call, SB_TRAIT_RECORD_TABLES) &&
      strcmp(plan->module->name, "Contacts") == 0)
    sb_json_add_pair(call->out, "imagenamefullpath", "");
  icrm_buf_add_byte(call->out, '}');
}

/* True for a row to be shown: visible, and no further line of `last`. */
static bool is_shown(const struct sb_query_plan *plan, struct sb_rows *rows,
                     int64_t *last) {
  if (plan->query->select == ICRM_VTQL_SELECT_COUNT)
    return true;
  const int64_t number = sb_rows_get_integer(rows, (int)plan->n_fields);
  const bool again =
      number == *last && !sb_trait(plan->call, SB_TRAIT_LINES_AS_ROWS);
  *last = number;
  return !again && sb_rows_get_integer(rows, (int)plan->n_fields + 1) != 0;
}

/* Turn the order of the rows of a list; `starts` are where they begin. */
static void reverse(struct icrm_buf *out, const size_t *starts, size_t n) {
  struct icrm_buf turned = {0};
  for (size_t i = n; i-- > 0;) {
    const size_t end = i + 1 < n ? starts[i + 1] - 1 : out->len;
    icrm_buf_add_text(&turned, turned.len ? "," : "");
    icrm_buf_add(&turned, out->data + starts[i], end - starts[i]);
  }
  if (n && !turned.failed)
    memcpy(out->data + starts[0], turned.data, turned.len);
  icrm_buf_free(&turned);
}

static void add_rows(struct sb_query_plan *plan) {
  struct icrm_buf *out = plan->call->out, starts = {0}; /* of size_t */
  struct sb_rows *rows =
      plan->broken ? NULL : sb_query_bind(plan, plan->sql.data);
  int64_t last = -1;
  icrm_buf_add_byte(out, '[');
  while (rows && sb_rows_next(rows) == 1) {
    if (!is_shown(plan, rows, &last))
      continue;
    icrm_buf_add_text(out, starts.len ? "," : "");
    icrm_buf_add(&starts, (const char *)&out->len, sizeof out->len);
    add_row(plan, rows);
  }
  if (starts.len && sb_trait(plan->call, SB_TRAIT_REVERSED_PAGE))
    reverse(out, (const size_t *)(void *)starts.data,
            starts.len / sizeof(size_t));
  icrm_buf_add_byte(out, ']');
  icrm_buf_free(&starts);
  sb_rows_end(rows);
}

static void want_field(struct sb_query_plan *plan, int field) {
  for (size_t i = 0; i < plan->n_fields; i++)
    if (plan->fields[i] == field)
      return;
  plan->fields[plan->n_fields++] = field;
}

/* Index of a field that may be asked for, -1 for none of that name. */
static int find_field(const struct sb_query_plan *plan,
                      struct icrm_vtql_slice name) {
  const struct sb_module *module = plan->module;
  int field = sb_module_field(module, name.data, name.len);
  return field >= 0 && sb_sees_field(plan->call, &module->fields[field]) ? field
                                                                         : -1;
}

static enum sb_outcome choose_fields(struct sb_query_plan *plan) {
  const struct icrm_vtql_query *query = plan->query;
  const struct sb_module *module = plan->module;
  if (query->select == ICRM_VTQL_SELECT_STAR) {
    for (size_t i = 0; i < module->n_fields; i++)
      if ((int)i != module->id_copy)
        want_field(plan, (int)i);
    return SB_DONE;
  }
  if (query->select == ICRM_VTQL_SELECT_COUNT)
    return SB_DONE;
  for (size_t i = 0; i < query->n_columns; i++) {
    struct icrm_vtql_slice name = query->columns[i];
    int field = find_field(plan, name);
    if (field < 0)
      return sb_fail(plan->call, "ACCESS_DENIED",
                     "Permission to access '.%.*s.' attribute denied.",
                     (int)name.len, name.data);
    want_field(plan, field);
  }
  want_field(plan, sb_module_field(module, "id", 2));
  return SB_DONE;
}

static bool has_x(struct icrm_vtql_slice token) {
  return memchr(token.data, 'x', token.len) != NULL;
}

static enum sb_outcome check_terms(struct sb_query_plan *plan) {
  for (size_t i = 0; i < plan->query->n_terms; i++) {
    const struct icrm_vtql_term *term = &plan->query->terms[i];
    struct icrm_vtql_slice name = term->column;
    int field = find_field(plan, name);
    if (field < 0)
      return sb_fail(plan->call, "ACCESS_DENIED",
                     "Permission to access %.*s attribute denied.",
                     (int)name.len, name.data);
    for (size_t v = 0; v < term->n_values; v++)
      if (plan->module->fields[field].kind == SB_REFERENCE &&
          !has_x(plan->query->values[term->first_value + v]))
        return sb_fail(plan->call, "INVALID_ID_ATTRIBUTE",
                       "Id specified is incorrect");
  }
  return SB_DONE;
}

static enum sb_outcome fail_loudly(struct sb_call *call) {
  return sb_fail(call, "DATABASE_QUERY_ERROR",
                 "Database error while performing requested operation");
}

static bool joins_lines(const struct sb_call *call,
                        const struct sb_module *module,
                        const struct icrm_vtql_query *query) {
  static const char *const inventory[] = {"Quotes", "SalesOrder", "Invoice",
                                          "PurchaseOrder"};
  if (query->select != ICRM_VTQL_SELECT_STAR ||
      !(sb_trait(call, SB_TRAIT_LIMIT_COUNTS_LINES) ||
        sb_trait(call, SB_TRAIT_LINES_AS_ROWS)))
    return false;
  for (size_t i = 0; i < sizeof inventory / sizeof *inventory; i++)
    if (strcmp(inventory[i], module->name) == 0)
      return true;
  return false;
}

enum sb_outcome sb_query_run(struct sb_call *call, const char *text, size_t len,
                             const struct sb_module *module,
                             const struct sb_condition *condition) {
  struct icrm_error err;
  struct icrm_vtql_query *query = icrm_vtql_parse_as_server(text, len, &err);
  if (!query)
    return sb_fail(call, err.code, "%s", err.message);
  struct sb_query_plan plan = {.call = call,
                               .query = query,
                               .module = module,
                               .condition = condition,
                               .hides = sb_is_private(call, module),
                               .joins = joins_lines(call, module, query)};
  plan.fields = calloc(module->n_fields + 1, sizeof *plan.fields);
  enum sb_outcome outcome = plan.fields ? SB_DONE : sb_crash(call);
  if (outcome == SB_DONE)
    outcome = choose_fields(&plan);
  if (outcome == SB_DONE)
    outcome = check_terms(&plan);
  if (outcome == SB_DONE) {
    sb_query_write_sql(&plan);
    if (plan.broken && sb_trait(call, SB_TRAIT_SQL_FAILS_LOUDLY))
      outcome = fail_loudly(call);
    else
      add_rows(&plan);
    if (!plan.broken && sb_trait(call, SB_TRAIT_MOREINFO))
      count_rows(&plan);
  }
  sb_query_free(&plan);
  icrm_vtql_free(query);
  return outcome;
}

/* The module of that name; in any case, where the server takes it so. */
static const struct sb_module *find_module(struct sb_call *call,
                                           struct icrm_vtql_slice name) {
  const struct sb_schema *schema = call->schema;
  const struct sb_module *module =
      sb_schema_module(schema, name.data, name.len);
  for (size_t i = 0; !module && i < schema->n_modules; i++)
    if (sb_trait(call, SB_TRAIT_COREBOS_WORDS) &&
        sb_query_is_word(name, schema->modules[i].name))
      module = &schema->modules[i];
  return module;
}

/* A query on a module that is only listed: it has no records. */
static enum sb_outcome run_empty(struct sb_call *call, const char *text,
                                 size_t len) {
  struct icrm_error err;
  struct icrm_vtql_query *query = icrm_vtql_parse_as_server(text, len, &err);
  if (!query)
    return sb_fail(call, err.code, "%s", err.message);
  icrm_buf_add_text(call->out, query->select == ICRM_VTQL_SELECT_COUNT
                                   ? "[{\"count\":\"0\"}]"
                                   : "[]");
  icrm_vtql_free(query);
  return SB_DONE;
}

static enum sb_outcome run_text(struct sb_call *call, const char *text,
                                size_t len) {
  struct icrm_vtql_slice name;
  if (!icrm_vtql_find_module(text, len, &name))
    return sb_fail(call, "ACCESS_DENIED",
                   "Permission to perform the operation is denied for query");
  const struct sb_module *module = find_module(call, name);
  if (!module)
    return sb_fail(call, "ACCESS_DENIED",
                   "Permission to perform the operation is denied for %s%.*s",
                   sb_trait(call, SB_TRAIT_COREBOS_WORDS) ? "" : "name : ",
                   (int)name.len, name.data);
  call->module = module;
  if (!sb_may_see(call, module))
    return sb_deny(call);
  if (module->has_records)
    return sb_query_run(call, text, len, module, NULL);
  return run_empty(call, text, len);
}

/* Tabs and ends of lines are blanks, in values too; a semicolon may lack. */
static void tidy(struct icrm_buf *text) {
  for (size_t i = 0; i < text->len; i++)
    if (strchr("\t\r\n", text->data[i]))
      text->data[i] = ' ';
  size_t end = text->len;
  while (end && text->data[end - 1] == ' ')
    end--;
  if (end && text->data[end - 1] != ';')
    icrm_buf_add_byte(text, ';');
}

enum sb_outcome sb_query_query(struct sb_call *call) {
  const struct sb_param *param = sb_params_find(call->params, "query");
  struct icrm_buf text = {0};
  bool cut = sb_trait(call, SB_TRAIT_IN_CUT);
  enum sb_query_engine engine =
      sb_query_engine(param ? param->value : "", param ? param->len : 0, cut,
                      sb_trait(call, SB_TRAIT_WHERE_CANCELLED), &text);
  if (engine == SB_ENGINE_NONE || text.failed)
    return fail_loudly(call);
  call->uncapped = engine != SB_ENGINE_FIRST;
  if (cut)
    tidy(&text);
  enum sb_outcome outcome =
      run_text(call, text.data ? text.data : "", text.len);
  icrm_buf_free(&text);
  return outcome;
}
