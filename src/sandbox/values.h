/* A record's values on their way into the store, and what the database makes of
 * them: numbers cut out of text, dates that are none, text cut to length. */
#ifndef ICRM_SANDBOX_VALUES_H
#define ICRM_SANDBOX_VALUES_H

#include "sandbox/call.h"

struct sb_values {
  const struct sb_module *module;
  struct icrm_buf *text; /* one per field; of a reference its number */
  bool *given;
};

/* Every field as when a create does not name it. Returns 0, -1 without
 * memory; free in both cases. */
int sb_values_init(struct sb_values *values, const struct sb_module *module);
void sb_values_free(struct sb_values *values);

/* Set a field from a value of the API; NULL, null and absent ones make it
 * empty. A reference to nothing becomes empty. Returns 0 or -1. */
int sb_values_set(struct sb_values *values, struct icrm_sandbox *sandbox,
                  int field, const json_t *value);

/* Round a decimal, half away from zero, to so many decimals and write it with
 * as many as it had. */
void sb_values_round(struct icrm_buf *text, int decimals);

/* Cut off the blanks around a text. */
void sb_values_trim(struct icrm_buf *text);

/* The text of a scalar as PHP makes one, appended. */
void sb_values_text(struct icrm_buf *out, const json_t *value);

/* True when PHP's checks see no value: absent, null or "". */
bool sb_values_is_empty(const json_t *value);

/* Append seconds since 1970 as YYYY-MM-DD HH:MM:SS, in UTC. */
void sb_values_add_time(struct icrm_buf *out, int64_t seconds);

#endif
