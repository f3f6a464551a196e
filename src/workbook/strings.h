/*
 * The string table of a workbook: texts by number, kept once. Past 64 MiB they
 * lie in an unlinked temporary file instead of memory.
 */
#ifndef ICRM_WORKBOOK_STRINGS_H
#define ICRM_WORKBOOK_STRINGS_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

struct icrm_strings {
  char *bytes;
  size_t len, cap;
  int fd; /* of the temporary file, -1 while in memory */
  uint64_t *ends;
  size_t count, ends_cap;
};

void icrm_strings_init(struct icrm_strings *strings);

/* Append to the text that is being collected; end it with _end. Error: store,
 * when memory or disk runs out; input, with more than 5 million texts. */
int icrm_strings_add(struct icrm_strings *strings, const char *text, size_t len,
                     struct icrm_error *err);
int icrm_strings_end(struct icrm_strings *strings, struct icrm_error *err);

/* Text number `index`, NULL beyond the last. No NUL stands behind it. */
const char *icrm_strings_get(const struct icrm_strings *strings, size_t index,
                             size_t *len);

void icrm_strings_free(struct icrm_strings *strings);

#endif
