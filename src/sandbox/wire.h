/* Records as JSON. */
#ifndef ICRM_SANDBOX_WIRE_H
#define ICRM_SANDBOX_WIRE_H

#include "sandbox/target.h"

/* Append the current row as an object, without its closing brace. Column i of
 * the row is field fields[i]; the id is written as `id` when not NULL. */
void sb_wire_add_row(struct sb_call *call, const struct sb_module *module,
                     struct sb_rows *rows, const int *fields, size_t n,
                     const char *id);

/* Append a whole record as the result of retrieve, create, update. `id` is the
 * id as the caller wrote it, or NULL. Returns 0, or -1 when it is not there. */
int sb_wire_add_record(struct sb_call *call, const struct sb_target *target,
                       const char *id, bool label);

#endif
