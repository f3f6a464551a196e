#include "text/page.h"

#include "text/json_scan.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_FIELDS = 64, KEYS_AT_ONCE = 32 };

/* A place in the text. */
struct reader {
  struct icrm_page *page;
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
  const struct icrm_page *page = r->page;
  const size_t read = (size_t)(r->at - page->text) + 1;
  const size_t all = page->n_fields * (page->len / read + 1);
  return page->n_fields + FIRST_FIELDS + all / 8 * 9;
}

static inline struct icrm_field *add_field(struct reader *r) {
  struct icrm_page *page = r->page;
  void *list = page->fields;
  if (page->n_fields == page->cap_fields) {
    const size_t wanted = expected_fields(r);
    if (!grow(&list, wanted, sizeof *page->fields))
      return NULL;
    page->fields = list;
    page->cap_fields = wanted;
  }
  return &page->fields[page->n_fields++];
}

static int add_key(struct icrm_page *page, struct icrm_span key) {
  void *list = page->keys;
  if (page->n_keys == ICRM_PAGE_KEYS)
    return -1;
  if (page->n_keys == page->cap_keys) {
    const int wanted = page->cap_keys + KEYS_AT_ONCE;
    if (!grow(&list, (size_t)wanted, sizeof *page->keys))
      return -1;
    page->keys = list;
    page->cap_keys = wanted;
  }
  page->keys[page->n_keys] = key;
  return page->n_keys++;
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
  field->at = (uint32_t)(from - r->page->text);
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
static int find_or_add_key(struct icrm_page *page, struct icrm_span key) {
  for (int i = 0; i < page->n_keys; i++)
    if (page->keys[i].len == key.len &&
        memcmp(page->keys[i].bytes, key.bytes, key.len) == 0)
      return i;
  return add_key(page, key);
}

/* Read a key from behind its quote, up to its colon; -1 when it is not plain.
 * In a page of equal records it is the expected one. */
static inline int read_key(struct reader *r, int expected) {
  const char *at = r->at;
  if (expected < r->page->n_keys) {
    const struct icrm_span *key = &r->page->keys[expected];
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
  return find_or_add_key(r->page, (struct icrm_span){at, (size_t)(end - at)});
}

/* ---- records ---- */

/* Read a record from behind its brace. */
static bool read_record(struct reader *r) {
  const size_t head = r->page->n_fields;
  int key = -1;
  if (!add_field(r))
    return false;
  r->page->n_records++;
  r->page->fields[head] = (struct icrm_field){0};
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
  r->page->fields[head].len = (uint32_t)(r->page->n_fields - head - 1);
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

const char *icrm_page_read(struct icrm_page *page, const char *text,
                           size_t len) {
  struct reader r = {.page = page, .at = text, .end = text + len};
  page->text = text;
  page->len = len;
  page->n_records = page->n_keys = 0;
  page->n_fields = 0;
  if (len > UINT32_MAX)
    return NULL;
  page->alone = skip_byte(&r, '{');
  if (page->alone)
    return read_record(&r) ? r.at : NULL;
  return skip_byte(&r, '[') && read_list(&r) ? r.at : NULL;
}

void icrm_page_free(struct icrm_page *page) {
  free(page->fields);
  free(page->keys);
  *page = (struct icrm_page){0};
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

size_t icrm_page_unescape(const struct icrm_page *page,
                          const struct icrm_field *field, char *out) {
  static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  const char *at = page->text + field->at, *end = at + field->len;
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
