#include "vtql/write.h"

#include "vtql/tree.h"

#include <inttypes.h>
#include <string.h>

static void add_slice(struct icrm_buf *out, struct icrm_vtql_slice slice) {
  icrm_buf_add(out, slice.data, slice.len);
}

static void add_names(struct icrm_buf *out, const struct icrm_vtql_slice *names,
                      size_t n) {
  for (size_t i = 0; i < n; i++) {
    icrm_buf_add_text(out, i > 0 ? ", " : "");
    add_slice(out, names[i]);
  }
}

void vtql_write_term(const struct icrm_vtql_query *query,
                     const struct icrm_vtql_term *term, struct icrm_buf *out) {
  bool list = term->op == ICRM_VTQL_IN;
  add_slice(out, term->column);
  icrm_buf_addf(out, " %s %s", icrm_vtql_op_text(term->op), list ? "(" : "");
  add_names(out, query->values + term->first_value, term->n_values);
  icrm_buf_add_text(out, list ? ")" : "");
}

/* The bounds of a walk, each behind `joint` first and AND then. */
static void write_bounds(const struct icrm_vtql_rewrite *change,
                         const char *joint, struct icrm_buf *out) {
  if (change->after_id.data) {
    icrm_buf_addf(out, " %s id > '%.*s'", joint, (int)change->after_id.len,
                  change->after_id.data);
    joint = "AND";
  }
  if (change->until_id.data)
    icrm_buf_addf(out, " %s id <= '%.*s'", joint, (int)change->until_id.len,
                  change->until_id.data);
}

/* Branches that differ only after their first term read the same left to
 * right and AND first when each ends alike; so do some `AND id > k` more. */
static void write_where(const struct icrm_vtql_query *query,
                        const struct icrm_vtql_rewrite *change,
                        struct icrm_buf *out) {
  if (query->n_terms == 0)
    write_bounds(change, "WHERE", out);
  for (size_t i = 0; i < query->n_terms; i++) {
    const struct icrm_vtql_term *term = &query->terms[i];
    icrm_buf_add_text(out, i == 0           ? " WHERE "
                           : term->after_or ? " OR "
                                            : " AND ");
    vtql_write_term(query, term, out);
    if (vtql_tree_ends_branch(query, i))
      write_bounds(change, "AND", out);
  }
}

static bool orders_by_id(const struct icrm_vtql_query *query) {
  for (size_t i = 0; i < query->n_order; i++)
    if (query->order[i].len == 2 && memcmp(query->order[i].data, "id", 2) == 0)
      return true;
  return false;
}

static void write_order(const struct icrm_vtql_query *query,
                        const struct icrm_vtql_rewrite *change,
                        struct icrm_buf *out) {
  if (change->by_id) {
    icrm_buf_add_text(out, " ORDER BY id");
    return;
  }
  bool add_id = change->then_id && !orders_by_id(query);
  if (query->n_order == 0 && !add_id)
    return;
  icrm_buf_add_text(out, " ORDER BY ");
  add_names(out, query->order, query->n_order);
  if (add_id)
    icrm_buf_add_text(out, query->n_order > 0 ? ", id" : "id");
  icrm_buf_add_text(out, query->descending ? " DESC" : "");
}

static void write_limit(const struct icrm_vtql_query *query,
                        const struct icrm_vtql_rewrite *change,
                        struct icrm_buf *out) {
  if (change->rows >= 0 && change->offset > 0) {
    icrm_buf_addf(out, " LIMIT %" PRId64 ", %" PRId64, change->offset,
                  change->rows);
  } else if (change->rows >= 0) {
    icrm_buf_addf(out, " LIMIT %" PRId64, change->rows);
  } else if (query->n_limit > 0) {
    icrm_buf_add_text(out, " LIMIT ");
    add_names(out, query->limit, query->n_limit);
  }
}

void icrm_vtql_write(const struct icrm_vtql_query *query,
                     const struct icrm_vtql_rewrite *change,
                     struct icrm_buf *out) {
  static const struct icrm_vtql_rewrite nothing = {.rows = -1};
  change = change ? change : &nothing;
  bool count = change->count || query->select == ICRM_VTQL_SELECT_COUNT;
  icrm_buf_add_text(out, "SELECT ");
  if (count)
    icrm_buf_add_text(out, "count(*)");
  else if (query->select == ICRM_VTQL_SELECT_STAR)
    icrm_buf_add_text(out, "*");
  else
    add_names(out, query->columns, query->n_columns);
  icrm_buf_add_text(out, " FROM ");
  add_slice(out, query->module);
  write_where(query, change, out);
  if (!count) {
    write_order(query, change, out);
    write_limit(query, change, out);
  }
  icrm_buf_add_byte(out, ';');
}
