/* What a server does with parts of a query outside its parser. */
#include "vtql/lexer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The server trims NUL as well. */
static void trim_nul(struct icrm_vtql_slice *name) {
  while (name->len > 0 && name->data[0] == '\0') {
    name->data++;
    name->len--;
  }
  while (name->len > 0 && name->data[name->len - 1] == '\0')
    name->len--;
}

bool icrm_vtql_find_module(const char *text, size_t len,
                           struct icrm_vtql_slice *module) {
  for (size_t i = 0; i + 4 < len; i++) {
    if (strncasecmp(text + i, "from", 4) != 0 ||
        !vtql_lexer_is_space(text[i + 4]))
      continue;
    size_t start = i + 4;
    while (start < len && vtql_lexer_is_space(text[start]))
      start++;
    size_t end = start;
    while (end < len && !vtql_lexer_is_space(text[end]) && text[end] != ';')
      end++;
    if (end == start)
      continue;
    *module = (struct icrm_vtql_slice){text + start, end - start};
    trim_nul(module);
    return true;
  }
  return false;
}

/* A word that is no number compares with 100 as text, and wins. */
static bool caps(struct icrm_vtql_slice token) {
  static const char most[] = "100";
  size_t n = token.len < 3 ? token.len : 3;
  int order = memcmp(token.data, most, n);
  return order > 0 || (order == 0 && token.len > 3);
}

static bool is_number(struct icrm_vtql_slice token) {
  size_t i = token.data[0] == '-' || token.data[0] == '+';
  for (; i < token.len; i++)
    if (token.data[i] < '0' || token.data[i] > '9')
      return false;
  return true;
}

/* Text of a token as an unsigned number, as SQL wants it; false if it is
 * none. Very long ones become INT64_MAX. */
static bool unsigned_number(struct icrm_vtql_slice token, int64_t *number) {
  if (!is_number(token) || token.data[0] == '-' || token.data[0] == '+')
    return false;
  *number = 0;
  for (size_t i = 0; i < token.len; i++) {
    int64_t digit = token.data[i] - '0';
    *number =
        *number > (INT64_MAX - digit) / 10 ? INT64_MAX : *number * 10 + digit;
  }
  return true;
}

bool icrm_vtql_server_limit(const struct icrm_vtql_query *query,
                            int64_t *offset, int64_t *rows) {
  *offset = 0;
  *rows = ICRM_VTQL_PAGE_ROWS;
  if (query->n_limit == 0)
    return true;
  if (query->n_limit == 2 && !unsigned_number(query->limit[0], offset))
    return false;
  struct icrm_vtql_slice count = query->limit[query->n_limit - 1];
  if (!is_number(count) && caps(count))
    return true;
  if (!unsigned_number(count, rows))
    return *rows = 0, false;
  if (*rows > ICRM_VTQL_PAGE_ROWS)
    *rows = ICRM_VTQL_PAGE_ROWS;
  return true;
}

void icrm_vtql_limit(const struct icrm_vtql_query *query, int64_t *offset,
                     int64_t *rows) {
  *offset = 0;
  *rows = -1;
  if (query->n_limit == 2)
    unsigned_number(query->limit[0], offset);
  if (query->n_limit > 0)
    unsigned_number(query->limit[query->n_limit - 1], rows);
}

bool icrm_vtql_is_quoted(struct icrm_vtql_slice token) {
  return token.len > 0 && token.data[0] == '\'';
}

bool icrm_vtql_is_name(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!vtql_lexer_is_word_byte(text[i]))
      return false;
  return len > 0;
}

bool icrm_vtql_is_id(const char *text, size_t len) {
  size_t prefix = 0;
  while (prefix < len && text[prefix] >= '0' && text[prefix] <= '9')
    prefix++;
  if (prefix == 0 || prefix == len || text[prefix] != 'x')
    return false;
  for (size_t i = prefix + 1; i < len; i++)
    if (text[i] < '0' || text[i] > '9')
      return false;
  return prefix + 1 < len;
}
