/*
 * JSON as PHP writes it: ASCII, \u in lower case, \/ for a slash, no spaces.
 * The one header of the sandbox that includes Jansson's: parsed values cross
 * its files as json_t.
 */
#ifndef ICRM_SANDBOX_JSON_H
#define ICRM_SANDBOX_JSON_H

#include "core/buf.h"
#include "core/error.h"

#include <jansson.h>

/* Append a JSON string, quotes included. Bytes that are not UTF-8 become
 * U+FFFD. */
void sb_json_add_text(struct icrm_buf *out, const char *text, size_t len);

/* The same for a NUL-terminated text. */
void sb_json_add(struct icrm_buf *out, const char *text);

/* Append `"name":` with a comma before it when `out` does not end in `{`. */
void sb_json_add_key(struct icrm_buf *out, const char *name);

/* Append `"name":"text"`, with a comma where one is needed. */
void sb_json_add_pair(struct icrm_buf *out, const char *name, const char *text);

/* Append bytes as base64 in a JSON string, whose slashes are escaped; in
 * pieces, for it may be long. */
void sb_json_add_base64(struct icrm_buf *out, const char *data, size_t len);

/* Append a whole value. */
void sb_json_add_value(struct icrm_buf *out, const json_t *value);

/* Parse a text as PHP's json_decode does, scalars included. Returns a value
 * that the caller releases, or NULL when the text is not JSON. */
json_t *sb_json_parse(const char *text, size_t len);

/* Read a file. NULL with `err` (kind `config`) when it is not JSON. */
json_t *sb_json_load(const char *path, struct icrm_error *err);

/* Members of an object, with what stands for a missing one. The text belongs
 * to the object. */
const char *sb_json_text(const json_t *object, const char *name,
                         const char *absent);
bool sb_json_flag(const json_t *object, const char *name, bool absent);
int64_t sb_json_integer(const json_t *object, const char *name, int64_t absent);

#endif
