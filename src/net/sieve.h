/*
 * Takes one long string out of a JSON text that comes in pieces: the value of
 * the first member of a given name. All else is kept as it came, with "" in
 * the place of the value, so that what is left can be judged as if the whole
 * had been read. It proves nothing about the text but its strings' ends.
 */
#ifndef ICRM_NET_SIEVE_H
#define ICRM_NET_SIEVE_H

#include "core/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero it but for the names, to begin. */
struct icrm_sieve {
  const char *name;        /* of the member to take; static, at most 15 bytes */
  const char *number_name; /* of a whole number, in quotes or not, to note */
  int64_t number;          /* the one seen last before the value, if any */
  bool has_number;
  bool was_found;  /* the member was met */
  const char *why; /* set when the value is no JSON string: what is wrong */
  /* within */
  int state;
  bool after_colon, is_noting;
  char text[16]; /* the beginning of the string under way or the last one */
  size_t text_len;
  const char *key; /* name or number_name, when it was the last key */
  unsigned code;   /* of a \u escape */
  int digits;      /* of it still to come */
  char one;        /* an escaped character */
};

/* Look at `len` > 0 bytes; returns how many were used up, at least 1. What is
 * kept is added to `rest`. When `*value_len` is not 0, a part of the value
 * stands at `*value`, escapes resolved (a character beyond ASCII as \x80),
 * until the next call. Stops for good when `why` is set. */
size_t icrm_sieve_next(struct icrm_sieve *sieve, const char *bytes, size_t len,
                       struct icrm_buf *rest, const char **value,
                       size_t *value_len);

#endif
