#include "vtql/mix.h"

#include "vtql/explain.h"
#include "vtql/tree.h"
#include "vtql/write.h"

#include <string.h>

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
  while (!vtql_tree_ends_branch(query, start))
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
size_t vtql_mix_find(const struct icrm_vtql_query *query) {
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

void vtql_mix_explain(const struct icrm_vtql_query *query, size_t term,
                      struct icrm_error *err) {
  enum { FITS = 180 };
  struct icrm_buf first = {0}, left = {0};
  bool has_first = write_and_first(query, &first) && first.len <= FITS;
  bool has_left = write_left_to_right(query, &left) && left.len <= FITS;
  vtql_explain_at(
      query->text, query->terms[term].column, err,
      "AND after OR can be read in two ways; write what you mean%s%s%s%s%s",
      has_first ? "\n    AND first:     " : "", has_first ? first.data : "",
      has_left ? "\n    left to right: " : "", has_left ? left.data : "",
      has_first && has_left ? "" : "\n    or run one query for each branch");
  icrm_buf_free(&first);
  icrm_buf_free(&left);
}
