/* Queries as text; what is public stands in vtql.h. Private to src/vtql. */
#ifndef ICRM_VTQL_WRITE_H
#define ICRM_VTQL_WRITE_H

#include "vtql/vtql.h"

/* Append `column op value`. */
void vtql_write_term(const struct icrm_vtql_query *query,
                     const struct icrm_vtql_term *term, struct icrm_buf *out);

#endif
