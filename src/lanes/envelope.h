/*
 * The reply's envelope: {"success":true,"result":…} or
 * {"success":false,"error":{"code":…,"message":…}} (seed II). One pass over
 * the bytes proves that they are strict JSON in UTF-8, not deeper than 64,
 * with numbers that a double can hold, and finds where `result` stands; its
 * text goes on as it came, no tree is built. Of a result that is plain records
 * (text/page.h), the same pass notes the values. Only failed envelopes and
 * login replies, which are small, are read into a tree by Jansson.
 */
#ifndef ICRM_LANES_ENVELOPE_H
#define ICRM_LANES_ENVELOPE_H

#include "core/buf.h"
#include "core/error.h"
#include "text/page.h"

#include <stdbool.h>
#include <stddef.h>

#define ICRM_ENVELOPE_MAX_DEPTH 64

struct icrm_envelope {
  bool success;
  size_t result_at;  /* when success: first byte of `result` in the body, */
  size_t result_len; /* ... and its length */
  bool is_page;      /* ... and whether it is plain records, see below */
  char code[64];     /* when not: error.code as text, a number too */
  char message[512]; /* ... and error.message, control characters escaped */
};

/* Read an envelope; a result that is plain records goes to `page`, too, unless
 * that is NULL. Fails with kind decode when the body is none; the message says
 * what is wrong, at which byte, and quotes the first 200 bytes. */
int icrm_envelope_read(const char *body, size_t len, struct icrm_page *page,
                       struct icrm_envelope *out, struct icrm_error *err);

/* Find the envelope in the answer to getchallenge or login, around which a
 * server may print notices: there must be exactly one that is whole, outside of
 * any other JSON object. Fails with kind decode; the message quotes nothing,
 * for these bodies hold secrets. */
int icrm_envelope_find(const char *body, size_t len, struct icrm_envelope *out,
                       struct icrm_error *err);

/* Copy members of the JSON object `json` as text: outs[i] gets the string or
 * number named names[i], and stays empty when there is none. The copy that
 * Jansson made of each is wiped. Fails when `json` is no object. */
int icrm_envelope_members(const char *json, size_t len,
                          const char *const names[], struct icrm_buf outs[],
                          size_t count, struct icrm_error *err);

/* Append the first 200 bytes of a body for a message: escaped, quoted, or
 * `an empty body`. */
void icrm_envelope_quote(struct icrm_buf *out, const char *body, size_t len);

#endif
