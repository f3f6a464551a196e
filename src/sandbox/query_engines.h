/*
 * A server with three engines for queries. Which one answers is guessed from
 * the text: after what looks like an IN list, up to its first `)`, and what
 * looks like a literal are taken out, a `.` or a `(` that is left over calls
 * the second engine, which splits IN lists at every comma and knows no doubled
 * apostrophe. ` where [` or `select [`, even inside a value, calls the third,
 * which finds no conditions there and returns every record.
 */
#ifndef ICRM_SANDBOX_QUERY_ENGINES_H
#define ICRM_SANDBOX_QUERY_ENGINES_H

#include "core/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum sb_query_engine {
  SB_ENGINE_FIRST,
  SB_ENGINE_SECOND,
  SB_ENGINE_CONDITIONS,
  SB_ENGINE_NONE /* the SQL that comes of it fails */
};

/* What the server makes of a query: the engine, and in `out` the query as that
 * engine understands it, written for the first. `cut`: the second engine is
 * there; `cancel`: the third is. */
enum sb_query_engine sb_query_engine(const char *text, size_t len, bool cut,
                                     bool cancel, struct icrm_buf *out);

#endif
