#include "net/sieve.h"

#include <string.h>

enum { OUTSIDE, STRING, ESCAPE, VALUE, VALUE_ESCAPE, VALUE_CODE };

enum { MOST_DIGITS = 15 };

static bool is_text(const struct icrm_sieve *s, const char *name) {
  return name && s->text_len == strlen(name) &&
         memcmp(s->text, name, s->text_len) == 0;
}

/* The string before it was a key. */
static void on_colon(struct icrm_sieve *s) {
  s->after_colon = true;
  s->key = is_text(s, s->name)          ? s->name
           : is_text(s, s->number_name) ? s->number_name
                                        : NULL;
  s->is_noting = s->key && s->key == s->number_name;
  if (s->is_noting) {
    s->number = 0;
    s->has_number = false;
    s->digits = 0;
  }
}

/* A byte of the number that is noted, or of the quotes around it. */
static void note(struct icrm_sieve *s, char c) {
  if (c >= '0' && c <= '9' && s->digits < MOST_DIGITS) {
    s->number = s->number * 10 + (c - '0');
    s->has_number = true;
    s->digits++;
  } else if (c != '"' && c != ' ') {
    s->is_noting = false;
    s->has_number = s->has_number && strchr(",}\r\n\t", c);
  }
}

static void outside(struct icrm_sieve *s, char c) {
  if (s->is_noting)
    note(s, c);
  if (c == '"') {
    const bool is_value =
        s->after_colon && s->key && s->key == s->name && !s->was_found;
    s->was_found = s->was_found || is_value;
    s->state = is_value ? VALUE : STRING;
    s->text_len = 0;
  } else if (c == ':') {
    on_colon(s);
    return;
  } else if (strchr(" \t\r\n", c) && c) {
    return;
  }
  s->after_colon = false;
}

static void in_string(struct icrm_sieve *s, char c) {
  if (s->is_noting)
    note(s, c);
  if (c == '"') {
    s->state = OUTSIDE;
    return;
  }
  if (s->text_len < sizeof s->text)
    s->text[s->text_len++] = c;
  if (c == '\\')
    s->state = ESCAPE;
}

/* Bytes that are kept, up to the beginning of the value. */
static size_t keep(struct icrm_sieve *s, const char *bytes, size_t len,
                   struct icrm_buf *rest) {
  size_t n = 0;
  while (n < len && s->state < VALUE) {
    const char c = bytes[n++];
    if (s->state == OUTSIDE)
      outside(s, c);
    else if (s->state == STRING)
      in_string(s, c);
    else
      s->state = STRING;
  }
  icrm_buf_add(rest, bytes, n);
  return n;
}

static size_t plain_run(const char *bytes, size_t len) {
  size_t n = 0;
  while (n < len && bytes[n] != '"' && bytes[n] != '\\' &&
         (unsigned char)bytes[n] >= 0x20)
    n++;
  return n;
}

static void give_one(struct icrm_sieve *s, char c, const char **value,
                     size_t *value_len) {
  s->one = c;
  *value = &s->one;
  *value_len = 1;
  s->state = VALUE;
}

static void escaped(struct icrm_sieve *s, char c, const char **value,
                    size_t *value_len) {
  static const char letters[] = "nrtbf\"\\/", meant[] = "\n\r\t\b\f\"\\/";
  const char *at = c ? strchr(letters, c) : NULL;
  if (c == 'u') {
    s->state = VALUE_CODE;
    s->code = 0;
    s->digits = 4;
  } else if (at) {
    give_one(s, meant[at - letters], value, value_len);
  } else {
    s->why = "has an unknown escape in a string";
  }
}

static void code_digit(struct icrm_sieve *s, char c, const char **value,
                       size_t *value_len) {
  const int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
  if (digit < 0) {
    s->why = "has a broken \\u escape";
    return;
  }
  s->code = s->code * 16 + (unsigned)digit;
  if (--s->digits == 0)
    give_one(s, s->code < 0x80 ? (char)s->code : '\x80', value, value_len);
}

size_t icrm_sieve_next(struct icrm_sieve *s, const char *bytes, size_t len,
                       struct icrm_buf *rest, const char **value,
                       size_t *value_len) {
  *value_len = 0;
  if (s->state < VALUE)
    return keep(s, bytes, len, rest);
  if (s->state == VALUE_ESCAPE) {
    escaped(s, bytes[0], value, value_len);
    return 1;
  }
  if (s->state == VALUE_CODE) {
    code_digit(s, bytes[0], value, value_len);
    return 1;
  }
  const size_t n = plain_run(bytes, len);
  if (n > 0) {
    *value = bytes;
    *value_len = n;
    return n;
  }
  if (bytes[0] == '"') {
    icrm_buf_add_byte(rest, '"');
    s->state = OUTSIDE;
  } else if (bytes[0] == '\\') {
    s->state = VALUE_ESCAPE;
  } else {
    s->why = "has a control character in a string";
  }
  return 1;
}
