#include "core/records.h"

#include <stdint.h>
#include <string.h>

enum { NOT_PLAIN = -1, ENDED = 0, READ = 1 };

static void skip_space(struct icrm_records *records) {
  const char *at = records->at, *end = records->end;
  while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
    at++;
  records->at = at;
}

/* Step over `byte` and any space before it. */
static inline bool skip_byte(struct icrm_records *records, char byte) {
  if (records->at == records->end || *records->at != byte) {
    skip_space(records);
    if (records->at == records->end || *records->at != byte)
      return false;
  }
  records->at++;
  return true;
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Whether any of eight bytes ends a run of plain ones: a quote, a backslash, a
 * control character or one above 7F. */
static bool has_special(uint64_t eight) {
  uint64_t quote = eight ^ EACH_BYTE('"'), slash = eight ^ EACH_BYTE('\\');
  uint64_t found = (quote - EACH_BYTE(1)) | (slash - EACH_BYTE(1)) |
                   (eight - EACH_BYTE(0x20)) | eight;
  return (found & EACH_BYTE(0x80)) != 0;
}

static bool is_special(char c) {
  unsigned char byte = (unsigned char)c;
  return byte == '"' || byte == '\\' || byte < 0x20 || byte >= 0x80;
}

/* The first byte from `at` that is not plain, or `end`. */
static const char *skip_plain(const char *at, const char *end) {
  uint64_t eight;
  while (end - at >= 8) {
    memcpy(&eight, at, 8);
    if (has_special(eight))
      break;
    at += 8;
  }
  while (at < end && !is_special(*at))
    at++;
  return at;
}

/* Four hexadecimal digits, -1 when they are not. */
static int read_hex4(const char *at, const char *end) {
  int value = 0;
  if (end - at < 4)
    return -1;
  for (int i = 0; i < 4; i++) {
    char c = at[i];
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0)
      return -1;
    value = value * 16 + digit;
  }
  return value;
}

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

/* Decode \uXXXX (both halves of a pair) from behind the u; NULL when it is no
 * character, or NUL. */
static const char *unescape_unicode(const char *at, const char *end,
                                    char **out) {
  int code = read_hex4(at, end);
  if (code <= 0 || (code >= 0xDC00 && code < 0xE000))
    return NULL;
  at += 4;
  if (code >= 0xD800 && code < 0xDC00) {
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
      return NULL;
    int low = read_hex4(at + 2, end);
    if (low < 0xDC00 || low >= 0xE000)
      return NULL;
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    at += 6;
  }
  *out = write_utf8(*out, code);
  return at;
}

/* Decode an escape from behind its backslash. */
static const char *unescape(const char *at, const char *end, char **out) {
  static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  if (at == end)
    return NULL;
  if (*at == 'u')
    return unescape_unicode(at + 1, end, out);
  const char *name = memchr(names, *at, sizeof names - 1);
  if (!name)
    return NULL;
  *(*out)++ = meant[name - names];
  return at + 1;
}

/* Copy a string that is not all plain, from its first byte, to the scratch. */
static int read_special(struct icrm_records *records, struct icrm_span *value) {
  char *out = records->scratch + records->scratch_used;
  const char *at = records->at, *end = records->end;
  value->bytes = out;
  for (;;) {
    const char *run = at;
    at = skip_plain(at, end);
    memcpy(out, run, (size_t)(at - run));
    out += at - run;
    if (at == end || (unsigned char)*at < 0x20)
      return NOT_PLAIN;
    if (*at == '"')
      break;
    if (*at == '\\') {
      at = unescape(at + 1, end, &out);
      if (!at)
        return NOT_PLAIN;
      continue;
    }
    size_t n = icrm_utf8_sequence(at, (size_t)(end - at));
    if (n == 0)
      return NOT_PLAIN;
    memcpy(out, at, n);
    out += n;
    at += n;
  }
  value->len = (size_t)(out - value->bytes);
  records->scratch_used = (size_t)(out - records->scratch);
  records->at = at + 1;
  return READ;
}

/* Read a string from behind its quote. */
static int read_string(struct icrm_records *records, struct icrm_span *value) {
  const char *from = records->at, *at = skip_plain(from, records->end);
  if (at == records->end)
    return NOT_PLAIN;
  if (*at != '"')
    return read_special(records, value);
  value->bytes = from;
  value->len = (size_t)(at - from);
  records->at = at + 1;
  return READ;
}

static bool same(const struct icrm_span *key, const char *bytes, size_t len) {
  return key->len == len && memcmp(key->bytes, bytes, len) == 0;
}

/* The index of a key that is not where it was in the record before. */
static int find_or_add_key(struct icrm_records *records, const char *bytes,
                           size_t len) {
  for (int i = 0; i < records->n_keys; i++)
    if (same(&records->keys[i], bytes, len))
      return i;
  if (records->n_keys == ICRM_RECORDS_KEYS)
    return -1;
  records->keys[records->n_keys] = (struct icrm_span){bytes, len};
  return records->n_keys++;
}

/* Read a key from behind its quote; -1 when it is not plain. */
static int read_key(struct icrm_records *records) {
  const char *at = records->at;
  size_t left = (size_t)(records->end - at);
  int key = records->expected;
  if (key < records->n_keys) {
    size_t len = records->keys[key].len;
    if (len < left && at[len] == '"' && same(&records->keys[key], at, len)) {
      records->at = at + len + 1;
      return key;
    }
  }
  const char *end = skip_plain(at, records->end);
  if (end == records->end || *end != '"')
    return -1;
  records->at = end + 1;
  return find_or_add_key(records, at, (size_t)(end - at));
}

void icrm_records_begin(struct icrm_records *records, const char *text,
                        size_t len, char *scratch) {
  records->at = text;
  records->end = text + len;
  records->scratch = scratch;
  records->scratch_used = 0;
  records->n_records = records->expected = records->n_keys = 0;
  skip_space(records);
  records->alone = records->at < records->end && *records->at == '{';
}

static int end_of_page(struct icrm_records *records) {
  skip_space(records);
  return records->at == records->end ? ENDED : NOT_PLAIN;
}

/* Step over what stands before a record: '[' or ',' or nothing. */
static int step_to_record(struct icrm_records *records) {
  if (records->alone)
    return records->n_records ? end_of_page(records) : READ;
  if (records->n_records == 0 && !skip_byte(records, '['))
    return NOT_PLAIN;
  if (skip_byte(records, ']'))
    return end_of_page(records);
  if (records->n_records > 0 && !skip_byte(records, ','))
    return NOT_PLAIN;
  return READ;
}

int icrm_records_record(struct icrm_records *records) {
  int step = step_to_record(records);
  if (step != READ)
    return step;
  if (!skip_byte(records, '{'))
    return NOT_PLAIN;
  records->n_records++;
  records->expected = -1;
  records->scratch_used = 0;
  return READ;
}

int icrm_records_field(struct icrm_records *records, int *key,
                       struct icrm_span *value) {
  bool first = records->expected < 0;
  if (skip_byte(records, '}'))
    return ENDED;
  if (!first && !skip_byte(records, ','))
    return NOT_PLAIN;
  if (!skip_byte(records, '"'))
    return NOT_PLAIN;
  if (first)
    records->expected = 0;
  *key = read_key(records);
  if (*key < 0 || !skip_byte(records, ':') || !skip_byte(records, '"'))
    return NOT_PLAIN;
  records->expected = *key + 1;
  return read_string(records, value);
}
