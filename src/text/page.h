/*
 * A reader for the replies that make up nearly all traffic: a JSON array of
 * flat objects whose values are all strings, or one such object. One pass over
 * the text proves that it is strict JSON in UTF-8 and notes where each value
 * stands, so that whoever uses the page builds what it needs and looks at no
 * byte twice.
 *
 * Anything else (numbers, null, nesting, escapes in keys, control characters,
 * bytes that are not UTF-8, lone surrogates) makes the page "not plain": the
 * caller then gives it to a complete JSON parser, which either reads it or says
 * what is wrong with it.
 */
#ifndef ICRM_TEXT_PAGE_H
#define ICRM_TEXT_PAGE_H

#include "core/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ICRM_PAGE_KEYS = 512 }; /* most different keys of one page */

/* Bytes, not terminated. */
struct icrm_span {
  const char *bytes;
  size_t len;
};

/* One field of a record: its value's text, quotes left out. Before the fields
 * of each record stands one whose `len` is how many they are. */
struct icrm_field {
  uint32_t at, len; /* in the text */
  uint16_t key;     /* index into `keys` */
  bool is_escaped;  /* the text has escapes: see icrm_page_unescape */
};

/* Begin with zeros; the memory serves one page after the other. */
struct icrm_page {
  const char *text; /* the caller's; must outlive the use of the page */
  size_t len;       /* of the text, what follows the page included */
  bool alone;       /* one object, not an array */
  int n_records, n_keys;
  size_t n_fields; /* those that count the others included */
  struct icrm_field *fields;
  struct icrm_span *keys; /* in order of appearance */
  size_t cap_fields;
  int cap_keys;
};

/* Read the page at the beginning of `text`. Returns where it ends, or NULL when
 * it is not plain or memory ran out. */
const char *icrm_page_read(struct icrm_page *page, const char *text,
                           size_t len);

/* Free the memory; the structure is empty and usable again. */
void icrm_page_free(struct icrm_page *page);

/* Write an escaped value to `out`, which has the room of its text. Returns its
 * length. */
size_t icrm_page_unescape(const struct icrm_page *page,
                          const struct icrm_field *field, char *out);

#endif
