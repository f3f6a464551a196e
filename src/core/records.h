/*
 * A reader for the replies that make up nearly all traffic: a JSON array of
 * flat objects whose values are all strings, or one such object. It hands out
 * spans of the text, so that a caller builds what it needs and nothing in
 * between.
 *
 * Anything else (numbers, null, nesting, escapes in keys, control characters,
 * bytes that are not UTF-8, lone surrogates, trailing bytes) makes the page
 * "not plain": the caller then gives it to a complete JSON parser, which
 * either reads it or says what is wrong with it.
 */
#ifndef ICRM_CORE_RECORDS_H
#define ICRM_CORE_RECORDS_H

#include "core/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum { ICRM_RECORDS_KEYS = 512 }; /* most different keys of one page */

/* Bytes, not terminated. */
struct icrm_span {
  const char *bytes;
  size_t len;
};

struct icrm_records {
  const char *at, *end;
  char *scratch;       /* the caller's, as long as the text */
  size_t scratch_used; /* by this record's unescaped values */
  bool alone;          /* one object, not an array */
  int n_records;       /* begun so far */
  int expected;        /* the key that follows in a page of equal records */
  int n_keys;          /* known so far, in order of appearance */
  struct icrm_span keys[ICRM_RECORDS_KEYS];
};

/* Begin to read a page. `text` and `scratch` (at least `len` bytes) stay the
 * caller's and must outlive the reading. */
void icrm_records_begin(struct icrm_records *records, const char *text,
                        size_t len, char *scratch);

/* Step to the next record: 1, 0 at the end of the page, -1 not plain. */
int icrm_records_record(struct icrm_records *records);

/* Whether a value lies in the scratch, because its text had escapes. */
static inline bool icrm_records_is_unescaped(const struct icrm_records *records,
                                             const struct icrm_span *value) {
  return value->bytes >= records->scratch &&
         value->bytes <= records->scratch + records->scratch_used;
}

/* Read the next field of the record: 1, 0 after the last, -1 not plain. `*key`
 * is an index into `keys`; `*value` lives until the next record. */
int icrm_records_field(struct icrm_records *records, int *key,
                       struct icrm_span *value);

#endif
