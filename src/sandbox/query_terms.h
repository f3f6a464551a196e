/* The conditions of a query as SQL. */
#ifndef ICRM_SANDBOX_QUERY_TERMS_H
#define ICRM_SANDBOX_QUERY_TERMS_H

#include "sandbox/query_plan.h"

/* A new parameter, NULL without memory: then the plan is broken. */
struct sb_query_value *sb_query_add_value(struct sb_query_plan *plan);

/* Append a column as it is compared with a value: a text with a number as a
 * number. */
void sb_query_add_column(struct sb_query_plan *plan,
                         const struct sb_field *field,
                         struct icrm_vtql_slice value);

/* Append the conditions, after AND; nothing when there are none. */
void sb_query_add_terms(struct sb_query_plan *plan);

/* True for a text of digits, at least one. */
bool sb_query_is_digits(const char *text, size_t len);

/* True for that word, in any case. */
bool sb_query_is_word(struct icrm_vtql_slice token, const char *word);

#endif
