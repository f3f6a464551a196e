#include "vtql/tree.h"

#include <stdlib.h>
#include <string.h>

struct icrm_vtql_query *vtql_tree_new(const char *text, size_t len) {
  struct icrm_vtql_query *query = calloc(1, sizeof *query);
  char *copy = malloc(len + 1);
  if (!query || !copy) {
    free(query);
    free(copy);
    return NULL;
  }
  memcpy(copy, text, len);
  copy[len] = '\0';
  query->text = (struct icrm_vtql_slice){copy, len};
  return query;
}

void icrm_vtql_free(struct icrm_vtql_query *query) {
  if (!query)
    return;
  free((char *)query->text.data);
  free(query->columns);
  free(query->terms);
  free(query->values);
  free(query->order);
  free(query);
}

/* The array with room for one more than `n`, doubled at powers of two; NULL,
 * and the old one still valid, when memory runs out. */
static void *grown(void *array, size_t n, size_t item) {
  bool full = n == 0 || (n >= 4 && (n & (n - 1)) == 0);
  if (!full)
    return array;
  size_t want = n < 4 ? 4 : n * 2;
  return realloc(array, want * item);
}

static bool add_slice(struct icrm_vtql_slice **list, size_t *n,
                      struct icrm_vtql_slice slice) {
  struct icrm_vtql_slice *more = grown(*list, *n, sizeof **list);
  if (!more)
    return false;
  *list = more;
  more[(*n)++] = slice;
  return true;
}

bool vtql_tree_add_column(struct icrm_vtql_query *query,
                          struct icrm_vtql_slice name) {
  return add_slice(&query->columns, &query->n_columns, name);
}

bool vtql_tree_add_order(struct icrm_vtql_query *query,
                         struct icrm_vtql_slice name) {
  return add_slice(&query->order, &query->n_order, name);
}

bool vtql_tree_add_term(struct icrm_vtql_query *query,
                        struct icrm_vtql_slice column, bool after_or) {
  struct icrm_vtql_term *more =
      grown(query->terms, query->n_terms, sizeof *query->terms);
  if (!more)
    return false;
  query->terms = more;
  more[query->n_terms++] = (struct icrm_vtql_term){
      .after_or = after_or, .column = column, .first_value = query->n_values};
  return true;
}

bool vtql_tree_add_value(struct icrm_vtql_query *query,
                         struct icrm_vtql_slice token) {
  if (!add_slice(&query->values, &query->n_values, token))
    return false;
  query->terms[query->n_terms - 1].n_values++;
  return true;
}

bool vtql_tree_ends_branch(const struct icrm_vtql_query *query, size_t term) {
  return term + 1 == query->n_terms || query->terms[term + 1].after_or;
}

struct icrm_vtql_query *vtql_tree_out_of_memory(struct icrm_vtql_query *query,
                                                struct icrm_error *err) {
  icrm_vtql_free(query);
  icrm_error_set(err, ICRM_ERROR_QUERY, "out of memory for a query");
  return NULL;
}

const char *icrm_vtql_op_text(enum icrm_vtql_op op) {
  static const char *const texts[] = {
      "=", "!=", "<", "<=", ">", ">=", "LIKE", "IN"};
  return texts[op];
}
