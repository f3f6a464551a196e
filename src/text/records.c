#include "text/records.h"

#include "text/json_scan.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_FIELDS = 64, KEYS_AT_ONCE = 32 };

/* A place in the text. */
struct reader {
  struct icrm_records *records;
  const char *at, *end;
};

static inline bool skip_space(struct reader *r) {
  while (r->at < r->end &&
         (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
    r->at++;
  return r->at < r->end;
}

/* Step over `byte` and any space before it. */
static inline bool skip_byte(struct reader *r, char byte) {
  if (r->at == r->end || *r->at != byte) {
    if (!skip_space(r) || *r->at != byte)
      return false;
  }
  r->at++;
  return true;
}

/* ---- room ---- */

static bool grow(void **list, size_t wanted, size_t size) {
  void *larger = realloc(*list, wanted * size);
  if (larger)
    *list = larger;
  return larger != NULL;
}

/* As many as the text so far lets expect of the whole, and an eighth more. */
static size_t expected_fields(const struct reader *r) {
  const struct icrm_records *records = r->records;
  const size_t read = (size_t)(r->at - records->text) + 1;
  const size_t all = records->n_fields * (records->len / read + 1);
  return records->n_fields + FIRST_FIELDS + all / 8 * 9;
}

static inline struct icrm_field *add_field(struct reader *r) {
  struct icrm_records *records = r->records;
  void *list = records->fields;
  if (records->n_fields == records->cap_fields) {
    const size_t wanted = expected_fields(r);
    if (!grow(&list, wanted, sizeof *records->fields))
      return NULL;
    records->fields = list;
    records->cap_fields = wanted;
  }
  return &records->fields[records->n_fields++];
}

static int add_key(struct icrm_records *records, struct icrm_span key) {
  void *list = records->keys;
  if (records->n_keys == ICRM_RECORDS_KEYS)
    return -1;
  if (records->n_keys == records->cap_keys) {
    const int wanted = records->cap_keys + KEYS_AT_ONCE;
    if (!grow(&list, (size_t)wanted, sizeof *records->keys))
      return -1;
    records->keys = list;
    records->cap_keys = wanted;
  }
  records->keys[records->n_keys] = key;
  return records->n_keys++;
}

/* ---- strings ---- */

/* Read a value from behind its quote. */
static bool read_value(struct reader *r, struct icrm_field *field) {
  const char *from = r->at, *at = from, *why;
  field->is_escaped = false;
  while ((at = icrm_json_skip_plain(at, r->end)) < r->end && *at != '"') {
    if (*at == '\\') {
      field->is_escaped = true;
      if (r->end - at > 5 && memcmp(at, "\\u0000", 6) == 0)
        return false;
      at = icrm_json_skip_escape(at + 1, r->end, &why);
      if (!at)
        return false;
      continue;
    }
    size_t n = (unsigned char)*at < 0x20
                   ? 0
                   : icrm_utf8_sequence(at, (size_t)(r->end - at));
    if (n == 0)
      return false;
    at += n;
  }
  if (at == r->end)
    return false;
  field->at = (uint32_t)(from - r->records->text);
  field->len = (uint32_t)(at - from);
  r->at = at + 1;
  return true;
}

static inline uint64_t eight(const char *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

/* Keys are short: less than a call of memcmp costs. */
static inline bool same(const char *a, const char *b, size_t len) {
  if (len < 8 || len > 16)
    return memcmp(a, b, len) == 0;
  return eight(a) == eight(b) && eight(a + len - 8) == eight(b + len - 8);
}

/* The index of a key that is not where it was in the record before. */
static int find_or_add_key(struct icrm_records *records, struct icrm_span key) {
  for (int i = 0; i < records->n_keys; i++)
    if (records->keys[i].len == key.len &&
        memcmp(records->keys[i].bytes, key.bytes, key.len) == 0)
      return i;
  return add_key(records, key);
}

/* Read a key from behind its quote, up to its colon; -1 when it is not plain.
 * In a page of equal records it is the expected one. */
static inline int read_key(struct reader *r, int expected) {
  const char *at = r->at;
  if (expected < r->records->n_keys) {
    const struct icrm_span *key = &r->records->keys[expected];
    if (key->len + 1 < (size_t)(r->end - at) && at[key->len] == '"' &&
        same(key->bytes, at, key->len)) {
      r->at = at + key->len + 1;
      return expected;
    }
  }
  const char *end = icrm_json_skip_plain(at, r->end);
  if (end == r->end || *end != '"')
    return -1;
  r->at = end + 1;
  return find_or_add_key(r->records,
                         (struct icrm_span){at, (size_t)(end - at)});
}

/* ---- records ---- */

/* Read a record from behind its brace. */
static bool read_record(struct reader *r) {
  const size_t head = r->records->n_fields;
  int key = -1;
  if (!add_field(r))
    return false;
  r->records->n_records++;
  r->records->fields[head] = (struct icrm_field){0};
  if (skip_byte(r, '}'))
    return true;
  do {
    if (!skip_byte(r, '"'))
      return false;
    key = read_key(r, key + 1);
    if (key < 0 || !skip_byte(r, ':') || !skip_byte(r, '"'))
      return false;
    struct icrm_field *field = add_field(r);
    if (!field || !read_value(r, field))
      return false;
    field->key = (uint16_t)key;
  } while (skip_byte(r, ','));
  r->records->fields[head].len = (uint32_t)(r->records->n_fields - head - 1);
  return skip_byte(r, '}');
}

static bool read_list(struct reader *r) {
  if (skip_byte(r, ']'))
    return true;
  do {
    if (!skip_byte(r, '{') || !read_record(r))
      return false;
  } while (skip_byte(r, ','));
  return skip_byte(r, ']');
}

const char *icrm_records_read(struct icrm_records *records, const char *text,
                              size_t len) {
  struct reader r = {.records = records, .at = text, .end = text + len};
  records->text = text;
  records->len = len;
  records->n_records = records->n_keys = 0;
  records->n_fields = 0;
  if (len > UINT32_MAX)
    return NULL;
  records->alone = skip_byte(&r, '{');
  if (records->alone)
    return read_record(&r) ? r.at : NULL;
  return skip_byte(&r, '[') && read_list(&r) ? r.at : NULL;
}

void icrm_records_free(struct icrm_records *records) {
  free(records->fields);
  free(records->keys);
  *records = (struct icrm_records){0};
}

/* ---- escapes, known to be right ---- */

/* Write a code point as UTF-8; it is never longer than its escape was. */
static char *write_utf8(char *out, int code) {
  if (code < 0x80) {
    *out++ = (char)code;
  } else if (code < 0x800) {
    *out++ = (char)(0xC0 | code >> 6);
    *out++ = (char)(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *out++ = (char)(0xE0 | code >> 12);
    *out++ = (char)(0x80 | (code >> 6 & 0x3F));
    *out++ = (char)(0x80 | (code & 0x3F));
  } else {
    *out++ = (char)(0xF0 | code >> 18);
    *out++ = (char)(0x80 | (code >> 12 & 0x3F));
    *out++ = (char)(0x80 | (code >> 6 & 0x3F));
    *out++ = (char)(0x80 | (code & 0x3F));
  }
  return out;
}

/* From behind the u; `\uD83D\uDE00` is one code point. */
static const char *unescape_unicode(const char *at, const char *end,
                                    char **out) {
  int code = icrm_json_hex4(at, end);
  at += 4;
  if (code >= 0xD800 && code < 0xDC00) {
    code = 0x10000 + ((code - 0xD800) << 10) +
           (icrm_json_hex4(at + 2, end) - 0xDC00);
    at += 6;
  }
  *out = write_utf8(*out, code);
  return at;
}

size_t icrm_records_unescape(const struct icrm_records *records,
                             const struct icrm_field *field, char *out) {
  static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  const char *at = records->text + field->at, *end = at + field->len;
  char *begin = out;
  for (;;) {
    const char *escape = memchr(at, '\\', (size_t)(end - at));
    size_t plain = (size_t)((escape ? escape : end) - at);
    memcpy(out, at, plain);
    out += plain;
    if (!escape)
      return (size_t)(out - begin);
    at = escape + 2;
    if (escape[1] == 'u')
      at = unescape_unicode(at, end, &out);
    else
      *out++ = meant[strchr(names, escape[1]) - names];
  }
}
