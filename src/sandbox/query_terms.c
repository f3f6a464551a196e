#include "sandbox/query_terms.h"

#include "sandbox/collate.h"

#include <stdlib.h>
#include <string.h>

struct sb_query_value *sb_query_add_value(struct sb_query_plan *plan) {
  if (plan->n_values == plan->cap) {
    size_t cap = plan->cap ? plan->cap * 2 : 16;
    struct sb_query_value *values = realloc(plan->values, cap * sizeof *values);
    if (!values) {
      plan->broken = true;
      return NULL;
    }
    plan->values = values;
    plan->cap = cap;
  }
  struct sb_query_value *value = &plan->values[plan->n_values++];
  memset(value, 0, sizeof *value);
  return value;
}

static void add_number(struct sb_query_plan *plan, double number) {
  struct sb_query_value *value = sb_query_add_value(plan);
  if (value) {
    value->is_number = true;
    value->number = number;
    icrm_buf_add_byte(&plan->sql, '?');
  }
}

bool sb_query_is_digits(const char *text, size_t len) {
  size_t n = 0;
  while (n < len && text[n] >= '0' && text[n] <= '9')
    n++;
  return len > 0 && n == len;
}

static bool is_number(struct icrm_vtql_slice token) {
  bool sign = token.len > 1 && (token.data[0] == '-' || token.data[0] == '+');
  return sb_query_is_digits(token.data + sign, token.len - sign);
}

bool sb_query_is_word(struct icrm_vtql_slice token, const char *word) {
  return strlen(word) == token.len &&
         strncasecmp(word, token.data, token.len) == 0;
}

/* A word without quotes stands in SQL as it is: a keyword or a column. */
static void add_word(struct sb_query_plan *plan, struct icrm_vtql_slice token) {
  int field = sb_module_field(plan->module, token.data, token.len);
  if (sb_query_is_word(token, "true") || sb_query_is_word(token, "false"))
    icrm_buf_add_text(&plan->sql, sb_query_is_word(token, "true") ? "1" : "0");
  else if (sb_query_is_word(token, "null"))
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
  if (text->len >= 8 && sb_query_is_digits(text->data, 4) &&
      text->data[4] == '-')
    return;
  icrm_buf_clear(text);
  icrm_buf_add_text(text, "0000-00-00");
}

static void add_text(struct sb_query_plan *plan, const struct sb_field *field,
                     enum icrm_vtql_op op, struct icrm_vtql_slice token) {
  struct sb_query_value *value = sb_query_add_value(plan);
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
static void add_id(struct sb_query_plan *plan, enum icrm_vtql_op op,
                   struct icrm_vtql_slice token) {
  struct icrm_buf text = {0};
  const char *x = icrm_vtql_unquote(token, &text) == 0 && text.data
                      ? strchr(text.data, 'x')
                      : NULL;
  if (x && op == ICRM_VTQL_LIKE) {
    struct sb_query_value *value = sb_query_add_value(plan);
    if (value)
      icrm_buf_add_text(&value->text, x + 1);
    icrm_buf_add_byte(&plan->sql, '?');
  } else if (x && sb_query_is_digits(x + 1, strlen(x + 1))) {
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

static void add_operand(struct sb_query_plan *plan,
                        const struct sb_field *field, enum icrm_vtql_op op,
                        struct icrm_vtql_slice token) {
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

void sb_query_add_column(struct sb_query_plan *plan,
                         const struct sb_field *field,
                         struct icrm_vtql_slice value) {
  struct icrm_buf *sql = &plan->sql;
  if (field->kind == SB_DECIMAL) {
    icrm_buf_add_text(sql, "CAST(");
    sb_field_column(field, sql);
    icrm_buf_add_text(sql, " AS REAL)");
  } else if (field->kind == SB_STRING || field->kind == SB_BOOLEAN) {
    bool number = is_number(value) || sb_query_is_word(value, "true") ||
                  sb_query_is_word(value, "false");
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
static bool is_ignored(const struct sb_query_plan *plan,
                       const struct sb_field *field, enum icrm_vtql_op op) {
  if (op == ICRM_VTQL_IN)
    return sb_trait(plan->call, SB_TRAIT_IN_IGNORED);
  return field->kind == SB_ID && compares(op) && plan->query->n_order > 0 &&
         sb_trait(plan->call, SB_TRAIT_SAME_PAGE);
}

static void add_term(struct sb_query_plan *plan,
                     const struct icrm_vtql_term *term) {
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
  sb_query_add_column(plan, field, values[0]);
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
void sb_query_add_terms(struct sb_query_plan *plan) {
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
