/* Building a tree, and its branches. Private to src/vtql. */
#ifndef ICRM_VTQL_TREE_H
#define ICRM_VTQL_TREE_H

#include "vtql/vtql.h"

/* A new query with its own copy of `text`, NULL when memory runs out. */
struct icrm_vtql_query *vtql_tree_new(const char *text, size_t len);

/* Append; false when memory runs out. A value belongs to the last term. */
bool vtql_tree_add_column(struct icrm_vtql_query *query,
                          struct icrm_vtql_slice name);
bool vtql_tree_add_order(struct icrm_vtql_query *query,
                         struct icrm_vtql_slice name);
bool vtql_tree_add_term(struct icrm_vtql_query *query,
                        struct icrm_vtql_slice column, bool after_or);
bool vtql_tree_add_value(struct icrm_vtql_query *query,
                         struct icrm_vtql_slice token);

/* Whether the term is the last one of its branch: the next begins with OR. */
bool vtql_tree_ends_branch(const struct icrm_vtql_query *query, size_t term);

/* `err` for memory that ran out; returns NULL. */
struct icrm_vtql_query *vtql_tree_out_of_memory(struct icrm_vtql_query *query,
                                                struct icrm_error *err);

#endif
