/* Queries as text, and the two readings of AND and OR. */
#include "vtql/explain.h"
#include "vtql/lexer.h"

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

static bool ends_branch(const struct icrm_vtql_query *query, size_t term) {
  return term + 1 == query->n_terms || query->terms[term + 1].after_or;
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
    if (ends_branch(query, i))
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

/* --- AND and OR -------------------------------------------------------- */

static bool same_slice(struct icrm_vtql_slice a, struct icrm_vtql_slice b) {
  return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static bool same_term(const struct icrm_vtql_query *query, size_t a, size_t b) {
  const struct icrm_vtql_term *x = &query->terms[a], *y = &query->terms[b];
  if (x->op != y->op || x->n_values != y->n_values ||
      !same_slice(x->column, y->column))
    return false;
  for (size_t i = 0; i < x->n_values; i++)
    if (!same_slice(query->values[x->first_value + i],
                    query->values[y->first_value + i]))
      return false;
  return true;
}

static size_t branch_end(const struct icrm_vtql_query *query, size_t start) {
  while (!ends_branch(query, start))
    start++;
  return start + 1;
}

/* True when every branch before `before` holds `term` too. */
static bool in_all_branches(const struct icrm_vtql_query *query, size_t term,
                            size_t before) {
  for (size_t start = 0; start < before;) {
    size_t end = branch_end(query, start);
    size_t i = start;
    while (i < end && !same_term(query, i, term))
      i++;
    if (i == end)
      return false;
    start = end;
  }
  return true;
}

/* Left to right, `P OR a AND b` is `(P OR a) AND b`. That is `P OR (a AND b)`
 * when P implies b, which it does when each of its branches holds b. */
size_t vtql_first_ambiguous(const struct icrm_vtql_query *query) {
  if (query->n_terms == 0)
    return 0;
  for (size_t start = branch_end(query, 0); start < query->n_terms;) {
    size_t end = branch_end(query, start);
    for (size_t i = start + 1; i < end; i++)
      if (!in_all_branches(query, i, start))
        return i;
    start = end;
  }
  return query->n_terms;
}

static void write_terms(const struct icrm_vtql_query *query, size_t from,
                        size_t to, const char *before, struct icrm_buf *out) {
  for (size_t i = from; i < to; i++) {
    icrm_buf_add_text(out, i == from ? before : " AND ");
    vtql_write_term(query, &query->terms[i], out);
  }
}

/* AND first: the one branch of several terms in front. False when there are
 * two such branches. */
static bool write_and_first(const struct icrm_vtql_query *query,
                            struct icrm_buf *out) {
  size_t long_start = query->n_terms, end;
  for (size_t start = 0; start < query->n_terms; start = end) {
    end = branch_end(query, start);
    if (end - start > 1 && long_start < query->n_terms)
      return false;
    if (end - start > 1)
      long_start = start;
  }
  write_terms(query, long_start, branch_end(query, long_start), "", out);
  for (size_t start = 0; start < query->n_terms; start = end) {
    end = branch_end(query, start);
    if (start != long_start)
      write_terms(query, start, end, " OR ", out);
  }
  return true;
}

/* Left to right: what follows the last OR's term belongs to every branch.
 * False when an earlier OR has an AND after it too. */
static bool write_left_to_right(const struct icrm_vtql_query *query,
                                struct icrm_buf *out) {
  size_t last = query->n_terms - 1;
  while (!query->terms[last].after_or)
    last--;
  for (size_t start = branch_end(query, 0); start < last; start++)
    if (!query->terms[start].after_or)
      return false;
  for (size_t start = 0; start <= last;) {
    size_t end = start < last ? branch_end(query, start) : last + 1;
    write_terms(query, start, end, start > 0 ? " OR " : "", out);
    write_terms(query, last + 1, query->n_terms, " AND ", out);
    start = end;
  }
  return true;
}

void vtql_explain_mix(const struct icrm_vtql_query *query, size_t term,
                      struct icrm_error *err) {
  enum { FITS = 180 };
  struct icrm_buf first = {0}, left = {0};
  bool has_first = write_and_first(query, &first) && first.len <= FITS;
  bool has_left = write_left_to_right(query, &left) && left.len <= FITS;
  vtql_explain(
      query->text, query->terms[term].column, err,
      "AND after OR can be read in two ways; write what you mean%s%s%s%s%s",
      has_first ? "\n    AND first:     " : "", has_first ? first.data : "",
      has_left ? "\n    left to right: " : "", has_left ? left.data : "",
      has_first && has_left ? "" : "\n    or run one query for each branch");
  icrm_buf_free(&first);
  icrm_buf_free(&left);
}
