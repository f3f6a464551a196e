/* Literals and placeholders. */
#include "vtql/lexer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The byte that MySQL reads for `\` and this one; `\%` and `\_` are not here:
 * they keep their backslash. */
static char unescaped(char byte) {
  switch (byte) {
  case '0':
    return '\0';
  case 'b':
    return '\b';
  case 'n':
    return '\n';
  case 'r':
    return '\r';
  case 't':
    return '\t';
  case 'Z':
    return '\x1A';
  default:
    return byte;
  }
}

/* One character of the literal at `*at`; false when the literal ends there. */
static bool unquote_step(struct icrm_vtql_slice token, size_t *at,
                         struct icrm_buf *out) {
  char byte = token.data[*at];
  char next = *at + 1 < token.len ? token.data[*at + 1] : '\0';
  if (byte == '\'' && next != '\'')
    return false;
  if (byte == '\'') {
    icrm_buf_add_byte(out, '\'');
    *at += 2;
  } else if (byte == '\\' && *at + 1 < token.len) {
    if (next == '%' || next == '_')
      icrm_buf_add_byte(out, '\\');
    icrm_buf_add_byte(out, unescaped(next));
    *at += 2;
  } else {
    icrm_buf_add_byte(out, byte);
    *at += 1;
  }
  return true;
}

int icrm_vtql_unquote(struct icrm_vtql_slice token, struct icrm_buf *out) {
  if (token.len == 0)
    return -1;
  if (!icrm_vtql_is_quoted(token)) {
    icrm_buf_add(out, token.data, token.len);
    return 0;
  }
  struct icrm_buf text = {0};
  size_t at = 1;
  while (at < token.len && unquote_step(token, &at, &text))
    ;
  bool whole = at + 1 == token.len && token.data[at] == '\'';
  if (whole)
    icrm_buf_add(out, text.data, text.len);
  icrm_buf_free(&text);
  return whole ? 0 : -1;
}

static int refuse_text(const char *text, size_t len, struct icrm_error *err) {
  if (len == 0)
    return icrm_error_set(
        err, ICRM_ERROR_QUERY,
        "an empty text cannot be written in a query: compare with ' ' (one "
        "space) to match an empty text, with an id such as '11x0' to match an "
        "empty reference");
  if (memchr(text, '\0', len))
    return icrm_error_set(err, ICRM_ERROR_QUERY,
                          "a text for a query holds a NUL byte, which no field "
                          "of the CRM can hold");
  for (size_t i = 0, n; i < len; i += n) {
    n = icrm_utf8_sequence(text + i, len - i);
    if (n == 0)
      return icrm_error_set(err, ICRM_ERROR_QUERY,
                            "a text for a query is not UTF-8: byte %zu is "
                            "0x%02X; convert it first",
                            i + 1, (unsigned)(unsigned char)text[i]);
  }
  return 0;
}

int icrm_vtql_add_text(struct icrm_buf *out, const char *text, size_t len,
                       struct icrm_error *err) {
  if (refuse_text(text, len, err) != 0)
    return -1;
  icrm_buf_add_byte(out, '\'');
  for (size_t i = 0; i < len; i++) {
    if (text[i] == '\'' || text[i] == '\\')
      icrm_buf_add_byte(out, text[i]);
    icrm_buf_add_byte(out, text[i]);
  }
  icrm_buf_add_byte(out, '\'');
  return 0;
}

void icrm_vtql_add_integer(struct icrm_buf *out, int64_t value) {
  icrm_buf_addf(out, "'%lld'", (long long)value);
}

/* The fewest digits that read back as the same double. Up to 17 always do. */
static void shortest(double value, char *text, size_t size) {
  for (int digits = 1; digits <= 17; digits++) {
    snprintf(text, size, "%.*g", digits, value);
    if (strtod(text, NULL) == value)
      return;
  }
}

/* Decimals for a number that "%g" writes with an exponent, -1 when that would
 * need too many. */
static int plain_decimals(double value, const char *shortest_text) {
  const char *exponent = strchr(shortest_text, 'e');
  if (!exponent)
    return -1;
  int power = atoi(exponent + 1);
  if (power > 0)
    return fabs(value) < 1e15 ? 0 : -1;
  const char *point = strchr(shortest_text, '.');
  int fraction = point ? (int)(exponent - point - 1) : 0;
  return fraction - power < 40 ? fraction - power : -1;
}

int icrm_vtql_add_number(struct icrm_buf *out, double value,
                         struct icrm_error *err) {
  if (!isfinite(value))
    return icrm_error_set(err, ICRM_ERROR_QUERY,
                          "%s cannot be written in a query",
                          isnan(value) ? "NaN" : "infinity");
  char text[80];
  shortest(value, text, sizeof text);
  int decimals = plain_decimals(value, text);
  if (decimals >= 0) {
    char plain[80];
    snprintf(plain, sizeof plain, "%.*f", decimals, value);
    if (strtod(plain, NULL) == value)
      memcpy(text, plain, sizeof text);
  }
  icrm_buf_addf(out, "'%s'", text);
  return 0;
}

void icrm_vtql_add_boolean(struct icrm_buf *out, bool value) {
  icrm_buf_add_text(out, value ? "'1'" : "'0'");
}

void icrm_vtql_escape_like(struct icrm_buf *out, const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (text[i] == '%' || text[i] == '_' || text[i] == '\\')
      icrm_buf_add_byte(out, '\\');
    icrm_buf_add_byte(out, text[i]);
  }
}

/* The name after a `:`. */
static int name_hole(const char *text, size_t len, size_t at,
                     struct icrm_vtql_hole *hole, struct icrm_error *err) {
  size_t end = at + 1;
  while (end < len && vtql_lexer_is_word_byte(text[end]))
    end++;
  if (end == at + 1)
    return icrm_error_set(err, ICRM_ERROR_QUERY,
                          "a name is missing after the \":\" at byte %zu of "
                          "the query: write :name, or quote the text",
                          at + 1);
  hole->len = end - at;
  hole->name = (struct icrm_vtql_slice){text + at + 1, end - at - 1};
  return 1;
}

int icrm_vtql_next_hole(const char *text, size_t len, size_t from,
                        struct icrm_vtql_hole *hole, struct icrm_error *err) {
  for (size_t i = from; i < len; i++) {
    if (text[i] == '\'') {
      const char *close = memchr(text + i + 1, '\'', len - i - 1);
      if (!close)
        return icrm_error_set(err, ICRM_ERROR_QUERY,
                              "the quote at byte %zu of the query is not "
                              "closed; inside a text, write a quote twice",
                              i + 1);
      i = (size_t)(close - text);
      continue;
    }
    if (text[i] != '?' && text[i] != ':')
      continue;
    *hole = (struct icrm_vtql_hole){.at = i, .len = 1};
    return text[i] == '?' ? 1 : name_hole(text, len, i, hole, err);
  }
  return 0;
}
