/*
 * AND and OR mixed: the API's documentation reads them from left to right, the
 * servers that were observed read AND first. Private to src/vtql.
 */
#ifndef ICRM_VTQL_MIX_H
#define ICRM_VTQL_MIX_H

#include "vtql/vtql.h"

/* The first term whose AND follows an OR in a way that reads differently left
 * to right and AND first; n_terms when both readings agree. */
size_t vtql_mix_find(const struct icrm_vtql_query *query);

/* Fill `err` for that term, with the ways to write what may be meant. */
void vtql_mix_explain(const struct icrm_vtql_query *query, size_t term,
                      struct icrm_error *err);

#endif
