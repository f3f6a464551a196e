#include "sandbox/query.h"

#include "core/clock.h"
#include "sandbox/collate.h"
#include "sandbox/faults.h"
#include "sandbox/query_engines.h"
#include "sandbox/wire.h"
#include "vtql/vtql.h"

#include <stdlib.h>
#include <string.h>

/* A parameter of the SQL that a query becomes. */
struct value {
  bool is_number;
  double number;
  struct icrm_buf text;
};

/* A query on its way into SQL. */
struct plan {
  struct sb_call *call;
  const struct icrm_vtql_query *query;
  const struct sb_module *module;
  const struct sb_condition *condition;
  int *fields; /* the ones to return */
  size_t n_fields;
  struct icrm_buf sql;
  struct value *values;
  size_t n_values, cap;
  size_t from, order; /* where FROM and ORDER BY stand in `sql` */
  bool hides;         /* the caller sees some of the rows only */
  bool joins;         /* lines, each of which counts as a row */
  bool broken;        /* MySQL would refuse it: the answer is an empty list */
};

static struct value *add_value(struct plan *plan) {
  if (plan->n_values == plan->cap) {
    size_t cap = plan->cap ? plan->cap * 2 : 16;
    struct value *values = realloc(plan->values, cap * sizeof *values);
    if (!values) {
      plan->broken = true;
      return NULL;
    }
    plan->values = values;
    plan->cap = cap;
  }
  struct value *value = &plan->values[plan->n_values++];
  memset(value, 0, sizeof *value);
  return value;
}

static void add_number(struct plan *plan, double number) {
  struct value *value = add_value(plan);
  if (value) {
    value->is_number = true;
    value->number = number;
    icrm_buf_add_byte(&plan->sql, '?');
  }
}

static bool is_digits(const char *text, size_t len) {
  size_t n = 0;
  while (n < len && text[n] >= '0' && text[n] <= '9')
    n++;
  return len > 0 && n == len;
}

static bool is_number(struct icrm_vtql_slice token) {
  bool sign = token.len > 1 && (token.data[0] == '-' || token.data[0] == '+');
  return is_digits(token.data + sign, token.len - sign);
}

static bool is_word(struct icrm_vtql_slice token, const char *word) {
  return strlen(word) == token.len &&
         strncasecmp(word, token.data, token.len) == 0;
}

/* A word without quotes stands in SQL as it is: a keyword or a column. */
static void add_word(struct plan *plan, struct icrm_vtql_slice token) {
  int field = sb_module_field(plan->module, token.data, token.len);
  if (is_word(token, "true") || is_word(token, "false"))
    icrm_buf_add_text(&plan->sql, is_word(token, "true") ? "1" : "0");
  else if (is_word(token, "null"))
    icrm_buf_add_text(&plan->sql, "NULL");
  else if (field >= 0)
    sb_field_column(&plan->module->fields[field], &plan->sql);
  else
    plan->broken = true;
}

/* YYYY-MM-DDTHH:MM:SS and a date alone compare as a time. */
static void to_datetime(struct icrm_buf *text) {
  if (text->len == 10)
    icrm_buf_add_text(text, " 00:00:00");
  else if (text->len == 19 && text->data[10] == 'T')
    text->data[10] = ' ';
}

/* A text that is no date counts as the zero date: '01-01-1990' finds all. */
static void to_date(struct icrm_buf *text) {
  if (text->len >= 8 && is_digits(text->data, 4) && text->data[4] == '-')
    return;
  icrm_buf_clear(text);
  icrm_buf_add_text(text, "0000-00-00");
}

static void add_text(struct plan *plan, const struct sb_field *field,
                     enum icrm_vtql_op op, struct icrm_vtql_slice token) {
  struct value *value = add_value(plan);
  if (!value || icrm_vtql_unquote(token, &value->text)) {
    plan->broken = true;
    return;
  }
  bool numeric = field->kind == SB_INTEGER || field->kind == SB_DECIMAL;
  if (op == ICRM_VTQL_LIKE) {
    /* compared as text whatever the column is */
  } else if (numeric) {
    value->is_number = true;
    value->number = sb_collate_number(value->text.data ? value->text.data : "");
  } else if (field->kind == SB_DATE) {
    to_date(&value->text);
  } else if (field->kind == SB_DATETIME) {
    to_datetime(&value->text);
  }
  icrm_buf_add_byte(&plan->sql, '?');
}

/* The part of an id after its x. Nothing but digits gets into SQL here; the
 * real server takes anything. */
static void add_id(struct plan *plan, enum icrm_vtql_op op,
                   struct icrm_vtql_slice token) {
  struct icrm_buf text = {0};
  const char *x = icrm_vtql_unquote(token, &text) == 0 && text.data
                      ? strchr(text.data, 'x')
                      : NULL;
  if (x && op == ICRM_VTQL_LIKE) {
    struct value *value = add_value(plan);
    if (value)
      icrm_buf_add_text(&value->text, x + 1);
    icrm_buf_add_byte(&plan->sql, '?');
  } else if (x && is_digits(x + 1, strlen(x + 1))) {
    add_number(plan, strtod(x + 1, NULL));
  } else {
    plan->broken = true;
  }
  icrm_buf_free(&text);
}

static bool is_id_kind(const struct sb_field *field) {
  return field->kind == SB_ID || field->kind == SB_OWNER ||
         field->kind == SB_REFERENCE;
}

static void add_operand(struct plan *plan, const struct sb_field *field,
                        enum icrm_vtql_op op, struct icrm_vtql_slice token) {
  if (is_id_kind(field))
    add_id(plan, op, token);
  else if (icrm_vtql_is_quoted(token))
    add_text(plan, field, op, token);
  else if (is_number(token) && op == ICRM_VTQL_LIKE)
    add_text(plan, field, op, token);
  else if (is_number(token))
    add_number(plan, strtod(token.data, NULL));
  else
    add_word(plan, token);
}

/* The column as it is compared: a text with a number as a number. */
static void add_column(struct plan *plan, const struct sb_field *field,
                       struct icrm_vtql_slice value) {
  struct icrm_buf *sql = &plan->sql;
  if (field->kind == SB_DECIMAL) {
    icrm_buf_add_text(sql, "CAST(");
    sb_field_column(field, sql);
    icrm_buf_add_text(sql, " AS REAL)");
  } else if (field->kind == SB_STRING || field->kind == SB_BOOLEAN) {
    bool number =
        is_number(value) || is_word(value, "true") || is_word(value, "false");
    icrm_buf_add_text(sql, number ? "mysql_number(" : "");
    sb_field_column(field, sql);
    icrm_buf_add_text(sql, number ? ")" : " COLLATE mysql");
  } else {
    sb_field_column(field, sql);
  }
}

static bool compares(enum icrm_vtql_op op) {
  return op == ICRM_VTQL_LT || op == ICRM_VTQL_LE || op == ICRM_VTQL_GT ||
         op == ICRM_VTQL_GE;
}

/* True for a condition that this server takes no notice of. */
static bool is_ignored(const struct plan *plan, const struct sb_field *field,
                       enum icrm_vtql_op op) {
  if (op == ICRM_VTQL_IN)
    return sb_trait(plan->call, SB_TRAIT_IN_IGNORED);
  return field->kind == SB_ID && compares(op) && plan->query->n_order > 0 &&
         sb_trait(plan->call, SB_TRAIT_SAME_PAGE);
}

static void add_term(struct plan *plan, const struct icrm_vtql_term *term) {
  struct icrm_buf *sql = &plan->sql;
  const struct icrm_vtql_slice *values =
      plan->query->values + term->first_value;
  int index =
      sb_module_field(plan->module, term->column.data, term->column.len);
  const struct sb_field *field = &plan->module->fields[index];
  if (is_ignored(plan, field, term->op)) {
    icrm_buf_add_byte(sql, '1');
    return;
  }
  if (term->op == ICRM_VTQL_LIKE) {
    icrm_buf_add_text(sql, "mysql_like(");
    add_operand(plan, field, term->op, values[0]);
    icrm_buf_add_text(sql, ", ");
    sb_field_column(field, sql);
    icrm_buf_add_byte(sql, ')');
    return;
  }
  add_column(plan, field, values[0]);
  icrm_buf_addf(sql, " %s ", icrm_vtql_op_text(term->op));
  if (term->op == ICRM_VTQL_IN)
    icrm_buf_add_byte(sql, '(');
  for (size_t i = 0; i < term->n_values; i++) {
    icrm_buf_add_text(sql, i ? ", " : "");
    add_operand(plan, field, term->op, values[i]);
  }
  if (term->op == ICRM_VTQL_IN)
    icrm_buf_add_byte(sql, ')');
}

/* SQL gives AND precedence; Initiative goes from left to right, which takes a
 * parenthesis around everything before each join. */
static void add_terms(struct plan *plan) {
  const struct icrm_vtql_query *query = plan->query;
  if (query->n_terms == 0)
    return;
  icrm_buf_add_text(&plan->sql, " AND (");
  bool nest = sb_trait(plan->call, SB_TRAIT_LEFT_TO_RIGHT);
  for (size_t i = 1; nest && i < query->n_terms; i++)
    icrm_buf_add_byte(&plan->sql, '(');
  for (size_t i = 0; i < query->n_terms; i++) {
    if (i)
      icrm_buf_add_text(&plan->sql,
                        query->terms[i].after_or ? " OR " : " AND ");
    add_term(plan, &query->terms[i]);
    if (nest && i)
      icrm_buf_add_byte(&plan->sql, ')');
  }
  icrm_buf_add_byte(&plan->sql, ')');
}

/* A record of an inventory module has one to three lines here. */
static void join_lines(struct plan *plan) {
  if (plan->joins)
    icrm_buf_add_text(&plan->sql,
                      " JOIN (SELECT 0 AS n UNION SELECT 1 UNION SELECT 2) l "
                      "ON l.n <= m.id % 3");
}

/* True for a row that the caller may see. */
static void add_visible(struct plan *plan) {
  icrm_buf_addf(&plan->sql,
                "(e.owner = %lld OR e.owner IN (SELECT id FROM \"Groups\"))",
                (long long)plan->call->user);
}

static void add_from(struct plan *plan) {
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

static void add_order_column(struct plan *plan, const struct sb_field *field) {
  const struct icrm_vtql_slice none = {"'", 1};
  if (field->kind == SB_ID && sb_trait(plan->call, SB_TRAIT_IDS_AS_TEXT))
    icrm_buf_add_text(&plan->sql, "CAST(m.id AS TEXT)");
  else
    add_column(plan, field, none);
}

static void add_order(struct plan *plan) {
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
static bool long_limit(struct plan *plan) {
  const struct icrm_vtql_slice *limit = plan->query->limit;
  size_t n = plan->query->n_limit;
  for (size_t i = 0; i < n; i++)
    if (!is_digits(limit[i].data, limit[i].len))
      return false;
  if (n)
    icrm_buf_addf(&plan->sql, " LIMIT %.*s OFFSET %.*s", (int)limit[n - 1].len,
                  limit[n - 1].data, n == 2 ? (int)limit[0].len : 1,
                  n == 2 ? limit[0].data : "0");
  return n > 0;
}

static void add_limit(struct plan *plan) {
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

static void add_condition(struct plan *plan) {
  if (!plan->condition || !plan->condition->sql)
    return;
  icrm_buf_addf(&plan->sql, " AND (%s)", plan->condition->sql);
  for (const char *at = plan->condition->sql; (at = strchr(at, '?')); at++) {
    struct value *value = add_value(plan);
    if (value) {
      value->is_number = true;
      value->number = (double)plan->condition->number;
    }
  }
}

/* Behind the fields: the record, and whether the caller may see it. */
static void add_row_marks(struct plan *plan) {
  icrm_buf_add_text(&plan->sql, ", m.id, ");
  if (plan->hides)
    add_visible(plan);
  else
    icrm_buf_add_byte(&plan->sql, '1');
}

static void write_sql(struct plan *plan) {
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
  add_terms(plan);
  plan->order = plan->sql.len;
  add_order(plan);
  if (!count)
    add_limit(plan);
  plan->broken |= plan->sql.failed;
}

static struct sb_rows *bind(struct plan *plan, const char *sql) {
  struct sb_rows *rows = sb_store_query(plan->call->store, sql);
  for (size_t i = 0; rows && i < plan->n_values; i++) {
    const struct value *value = &plan->values[i];
    if (value->is_number)
      sb_rows_real(rows, value->number);
    else
      sb_rows_text(rows, value->text.data ? value->text.data : "",
                   value->text.len);
  }
  return rows;
}

/* How many rows there are without LIMIT. */
static void count_rows(struct plan *plan) {
  struct icrm_buf sql = {0};
  icrm_buf_addf(&sql, "SELECT count(*)%.*s", (int)(plan->order - plan->from),
                plan->sql.data + plan->from);
  plan->call->total_rows =
      sql.failed ? -1 : sb_rows_one(bind(plan, sql.data), -1);
  icrm_buf_free(&sql);
}

static void add_row(struct plan *plan, struct sb_rows *rows) {
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
static bool is_shown(const struct plan *plan, struct sb_rows *rows,
                     int64_t *last) {
  if (plan->query->select == ICRM_VTQL_SELECT_COUNT)
    return true;
  const int64_t number = sb_rows_get_integer(rows, (int)plan->n_fields);
  const bool again = number == *last;
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

static void add_rows(struct plan *plan) {
  struct icrm_buf *out = plan->call->out, starts = {0}; /* of size_t */
  struct sb_rows *rows = plan->broken ? NULL : bind(plan, plan->sql.data);
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

static void want_field(struct plan *plan, int field) {
  for (size_t i = 0; i < plan->n_fields; i++)
    if (plan->fields[i] == field)
      return;
  plan->fields[plan->n_fields++] = field;
}

/* Index of a field that may be asked for, -1 for none of that name. */
static int find_field(const struct sb_module *module,
                      struct icrm_vtql_slice name) {
  int field = sb_module_field(module, name.data, name.len);
  return field >= 0 && module->fields[field].hidden ? -1 : field;
}

static enum sb_outcome choose_fields(struct plan *plan) {
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
    int field = find_field(module, name);
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

static enum sb_outcome check_terms(struct plan *plan) {
  for (size_t i = 0; i < plan->query->n_terms; i++) {
    const struct icrm_vtql_term *term = &plan->query->terms[i];
    struct icrm_vtql_slice name = term->column;
    int field = find_field(plan->module, name);
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

static void free_plan(struct plan *plan) {
  for (size_t i = 0; i < plan->n_values; i++)
    icrm_buf_free(&plan->values[i].text);
  free(plan->values);
  free(plan->fields);
  icrm_buf_free(&plan->sql);
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
      !sb_trait(call, SB_TRAIT_LIMIT_COUNTS_LINES))
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
  struct plan plan = {.call = call,
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
    write_sql(&plan);
    if (plan.broken && sb_trait(call, SB_TRAIT_SQL_FAILS_LOUDLY))
      outcome = fail_loudly(call);
    else
      add_rows(&plan);
    if (!plan.broken && sb_trait(call, SB_TRAIT_MOREINFO))
      count_rows(&plan);
  }
  free_plan(&plan);
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
        is_word(name, schema->modules[i].name))
      module = &schema->modules[i];
  return module;
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
  icrm_buf_add_text(call->out, "[]");
  return SB_DONE;
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
