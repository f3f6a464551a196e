/* The client's error texts. Private to src/vtql. */
#ifndef ICRM_VTQL_EXPLAIN_H
#define ICRM_VTQL_EXPLAIN_H

#include "vtql/vtql.h"

/* What the client's parser wanted when it met something else. */
enum vtql_wanted {
  VTQL_WANTED_SELECT,
  VTQL_WANTED_COLUMN,
  VTQL_WANTED_COUNT_STAR,
  VTQL_WANTED_FROM,
  VTQL_WANTED_MODULE,
  VTQL_WANTED_CLAUSE, /* WHERE, ORDER BY, LIMIT or the end */
  VTQL_WANTED_OPERATOR,
  VTQL_WANTED_VALUE,
  VTQL_WANTED_LIST,
  VTQL_WANTED_AFTER_VALUE, /* AND, OR, ORDER BY, LIMIT or the end */
  VTQL_WANTED_BY,
  VTQL_WANTED_AFTER_ORDER,
  VTQL_WANTED_ROWS, /* the number after LIMIT */
  VTQL_WANTED_END
};

/* Fill `err` with a message and, below it, the query with a caret under
 * `place`, which points into `text`. */
void vtql_explain_at(struct icrm_vtql_slice text, struct icrm_vtql_slice place,
                     struct icrm_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same, with the message for `found` where `wanted` should stand. `found`
 * is empty at the end of the query. */
void vtql_explain_found(struct icrm_vtql_slice text,
                        struct icrm_vtql_slice found, enum vtql_wanted wanted,
                        struct icrm_error *err);

#endif
