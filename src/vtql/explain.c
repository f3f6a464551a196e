#include "vtql/explain.h"

#include "core/nearest.h"
#include "vtql/lexer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BEFORE_BYTES = 48, AFTER_BYTES = 32, SHOWN_BYTES = 40 };

static bool continues(char byte) {
  return ((unsigned char)byte & 0xC0) == 0x80;
}

/* Append text so that each character takes one column of one line. Returns
 * the columns. */
static size_t add_columns(struct icrm_buf *out, const char *text, size_t len) {
  size_t columns = 0;
  for (size_t i = 0, n; i < len; i += n, columns++) {
    n = icrm_utf8_sequence(text + i, len - i);
    bool control = (unsigned char)text[i] < ' ' || text[i] == 0x7F;
    if (n == 0 || control)
      icrm_buf_add_byte(out, n == 0 ? '?' : ' ');
    else
      icrm_buf_add(out, text + i, n);
    n = n == 0 ? 1 : n;
  }
  return columns;
}

static void add_excerpt(struct icrm_buf *out, struct icrm_vtql_slice text,
                        size_t at) {
  size_t start = at > BEFORE_BYTES ? at - BEFORE_BYTES : 0;
  while (start > 0 && start < at && continues(text.data[start]))
    start++;
  size_t end = at + AFTER_BYTES < text.len ? at + AFTER_BYTES : text.len;
  while (end < text.len && continues(text.data[end]))
    end++;
  icrm_buf_add_text(out, start > 0 ? "\n    … " : "\n    ");
  size_t columns = add_columns(out, text.data + start, at - start);
  add_columns(out, text.data + at, end - at);
  icrm_buf_add_text(out, end < text.len ? " …\n    " : "\n    ");
  for (size_t i = start > 0 ? 2 : 0; i > 0; i--)
    icrm_buf_add_byte(out, ' ');
  for (; columns > 0; columns--)
    icrm_buf_add_byte(out, ' ');
  icrm_buf_add_byte(out, '^');
}

void vtql_explain_at(struct icrm_vtql_slice text, struct icrm_vtql_slice place,
                     struct icrm_error *err, const char *format, ...) {
  struct icrm_error message;
  va_list args;
  va_start(args, format);
  vsnprintf(message.message, sizeof message.message, format, args);
  va_end(args);
  struct icrm_buf excerpt = {0};
  add_excerpt(&excerpt, text, (size_t)(place.data - text.data));
  icrm_error_set(err, ICRM_ERROR_QUERY, "%.600s%s", message.message,
                 excerpt.data ? excerpt.data : "");
  icrm_buf_free(&excerpt);
}

static const char *const wanted_text[] = {
    [VTQL_WANTED_SELECT] = "expected SELECT",
    [VTQL_WANTED_COLUMN] = "expected the name of a field",
    [VTQL_WANTED_COUNT_STAR] = "expected (*) after count",
    [VTQL_WANTED_FROM] = "expected a comma or FROM",
    [VTQL_WANTED_MODULE] = "expected the name of a module",
    [VTQL_WANTED_CLAUSE] = "expected WHERE, ORDER BY, LIMIT or the end",
    [VTQL_WANTED_OPERATOR] = "expected an operator (= != < <= > >= LIKE IN)",
    [VTQL_WANTED_VALUE] = "expected a value",
    [VTQL_WANTED_LIST] = "expected a comma or ) in the list",
    [VTQL_WANTED_AFTER_VALUE] = "expected AND, OR, ORDER BY, LIMIT or the end",
    [VTQL_WANTED_BY] = "expected BY after ORDER",
    [VTQL_WANTED_AFTER_ORDER] = "expected a comma, ASC, DESC, LIMIT or the end",
    [VTQL_WANTED_ROWS] = "expected a number of rows",
    [VTQL_WANTED_END] = "expected the end of the query",
};

/* A thing that people write from habit, and what to write here. NULL as
 * `found` is any; the first line that fits wins. */
static const struct {
  int wanted; /* -1: anywhere */
  const char *found;
  const char *cure;
} cures[] = {
    {VTQL_WANTED_SELECT, "update", "a query only reads"},
    {VTQL_WANTED_SELECT, "delete", "a query only reads"},
    {VTQL_WANTED_SELECT, "insert", "a query only reads"},
    {VTQL_WANTED_OPERATOR, "is",
     "there is no NULL: = ' ' (one space) matches an empty text, = '11x0' an "
     "empty reference"},
    {VTQL_WANTED_OPERATOR, "not",
     "there is no NOT: write a != 1 AND a != 2 for NOT IN; NOT LIKE cannot be "
     "said, filter the rows in the script"},
    {VTQL_WANTED_OPERATOR, "between",
     "write a >= 'from' AND a <= 'to' instead"},
    {VTQL_WANTED_OPERATOR, "<>", "write != instead"},
    {VTQL_WANTED_OPERATOR, "==", "write = instead"},
    {VTQL_WANTED_OPERATOR, "=>", "write >= instead"},
    {VTQL_WANTED_OPERATOR, "=<", "write <= instead"},
    {VTQL_WANTED_OPERATOR, "ilike", "write LIKE, which ignores case already"},
    {VTQL_WANTED_OPERATOR, "contains", "write LIKE '%text%'"},
    {VTQL_WANTED_COLUMN, "not",
     "there is no NOT: turn the operator round, a != 1"},
    {VTQL_WANTED_COLUMN, "exists", "there are no subqueries: run two queries"},
    {VTQL_WANTED_COLUMN, "(",
     "there are no parentheses but in lists: write the conditions without, "
     "each alternative in full (a AND c OR b AND c)"},
    {VTQL_WANTED_COLUMN, "distinct",
     "there is no DISTINCT: drop repeated rows in the script"},
    {VTQL_WANTED_COLUMN, "*", "select either * or fields by name, not both"},
    {VTQL_WANTED_COLUMN, "count",
     "select count(*) alone, without other fields"},
    {VTQL_WANTED_COLUMN, "sum", "only count(*) is offered"},
    {VTQL_WANTED_FROM, "as", "there are no aliases"},
    {VTQL_WANTED_FROM, "(", "only count(*) is offered"},
    {VTQL_WANTED_FROM, "*", "select either * or fields by name, not both"},
    {VTQL_WANTED_CLAUSE, ",", "a query reads one module; join them in Lua"},
    {VTQL_WANTED_VALUE, "(",
     "parentheses stand only around the list after IN; there are no "
     "subqueries"},
    {VTQL_WANTED_VALUE, "\"", "quote with ', not with \""},
    {VTQL_WANTED_VALUE, ">", "write != for <>, and >= for =>"},
    {VTQL_WANTED_VALUE, "null",
     "there is no NULL: = ' ' (one space) matches an empty text, = '11x0' an "
     "empty reference"},
    {VTQL_WANTED_VALUE, "?", "a value is missing for this ?"},
    {VTQL_WANTED_AFTER_VALUE, "(",
     "there are no function calls and no parentheses"},
    {VTQL_WANTED_AFTER_VALUE, ".",
     "a number with a point must be quoted: '1000.5'"},
    {VTQL_WANTED_AFTER_ORDER, "limit", "LIMIT comes last"},
    {VTQL_WANTED_ROWS, "all", "leave LIMIT out"},
    {VTQL_WANTED_END, "order", "ORDER BY comes before LIMIT"},
    {VTQL_WANTED_END, "offset", "write LIMIT offset, rows"},
    {VTQL_WANTED_END, "limit", "LIMIT is already there"},
    {VTQL_WANTED_END, "where", "WHERE comes before ORDER BY and LIMIT"},
    {VTQL_WANTED_END, ",",
     "one direction is allowed, at the end; it goes with the last field "
     "alone"},
    {-1, "group", "there is no GROUP BY; a report counts and sums by field"},
    {-1, "having", "there is no HAVING; test the counts in Lua"},
    {-1, "join", "a query reads one module; join them in Lua"},
    {-1, "left", "a query reads one module; join them in Lua"},
    {-1, "inner", "a query reads one module; join them in Lua"},
    {-1, "union", "there is no UNION: run two queries"},
    {-1, "&&", "write AND"},
    {-1, "||", "write OR"},
    {-1, "--", "there are no comments"},
    {-1, "#", "there are no comments"},
    {-1, "/", "there are no comments and no arithmetic"},
    {-1, ".",
     "there are no dotted names: a query reads one module; join them in Lua"},
    {-1, "\"", "quote texts with ', and names not at all"},
    {-1, "`", "names are not quoted"},
};

static const char *cure_for(struct icrm_vtql_slice found,
                            enum vtql_wanted wanted) {
  for (size_t i = 0; i < sizeof cures / sizeof *cures; i++) {
    bool here = cures[i].wanted < 0 || cures[i].wanted == (int)wanted;
    if (here && vtql_lexer_is_word(found, cures[i].found))
      return cures[i].cure;
  }
  return NULL;
}

static const char *nearest_keyword(struct icrm_vtql_slice found,
                                   enum vtql_wanted wanted) {
  static const char *const select[] = {"SELECT"}, *const from[] = {"FROM"},
                           *const operators[] = {"LIKE", "IN"},
                           *const by[] = {"BY"}, *const clauses[] = {"WHERE",
                                                                     "ORDER BY",
                                                                     "LIMIT",
                                                                     "ORDER",
                                                                     "AND",
                                                                     "OR"},
                           *const ends[] = {"ASC", "DESC", "LIMIT"};
  char word[64];
  if (found.len == 0 || found.len >= sizeof word)
    return NULL;
  memcpy(word, found.data, found.len);
  word[found.len] = '\0';
  switch (wanted) {
  case VTQL_WANTED_SELECT:
    return icrm_nearest(word, select, 1);
  case VTQL_WANTED_FROM:
    return icrm_nearest(word, from, 1);
  case VTQL_WANTED_OPERATOR:
    return icrm_nearest(word, operators, 2);
  case VTQL_WANTED_BY:
    return icrm_nearest(word, by, 1);
  case VTQL_WANTED_CLAUSE:
    return icrm_nearest(word, clauses, 4);
  case VTQL_WANTED_AFTER_VALUE:
    return icrm_nearest(word, clauses, 6);
  case VTQL_WANTED_AFTER_ORDER:
  case VTQL_WANTED_END:
    return icrm_nearest(word, ends, 3);
  default:
    return NULL;
  }
}

void vtql_explain_found(struct icrm_vtql_slice text,
                        struct icrm_vtql_slice found, enum vtql_wanted wanted,
                        struct icrm_error *err) {
  const char *want = wanted_text[wanted];
  if (found.len == 0) {
    vtql_explain_at(text, found, err, "%s, but the query ends here", want);
    return;
  }
  struct icrm_buf shown = {0};
  icrm_buf_add_escaped(&shown, found.data, found.len, SHOWN_BYTES);
  const char *token = shown.data ? shown.data : "";
  const char *cure = cure_for(found, wanted);
  const char *near = nearest_keyword(found, wanted);
  if (cure)
    vtql_explain_at(text, found, err, "%s, found %s: %s", want, token, cure);
  else if (near)
    vtql_explain_at(text, found, err, "%s, found %s: did you mean %s?", want,
                    token, near);
  else
    vtql_explain_at(text, found, err, "%s, found %s", want, token);
  icrm_buf_free(&shown);
}
