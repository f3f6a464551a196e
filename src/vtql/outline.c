/* The names and values of a query that may not be VTQL yet. */
#include "vtql/lexer.h"

#include <string.h>
#include <strings.h>

enum state {
  STATE_SELECT, /* nothing was read */
  STATE_COLUMN,
  STATE_MODULE,
  STATE_CLAUSE, /* WHERE, ORDER BY, LIMIT or the end */
  STATE_CONDITION,
  STATE_VALUE,
  STATE_LIST,
  STATE_AFTER_VALUE, /* AND, OR, or another clause */
  STATE_ORDER,
  STATE_END
};

/* Letters of a label too, in UTF-8. */
static bool is_letter(char byte) {
  return vtql_lexer_is_word_byte(byte) || (unsigned char)byte >= 0x80;
}

static void skip_space(struct icrm_vtql_outline *outline) {
  while (outline->at < outline->len &&
         vtql_lexer_is_space(outline->text[outline->at]))
    outline->at++;
}

/* Length of the word `word` at `at`, whatever its case; 0 when another stands
 * there, or it is a part of one. */
static size_t word_at(const struct icrm_vtql_outline *outline, size_t at,
                      const char *word) {
  size_t n = strlen(word);
  if (at + n > outline->len || strncasecmp(outline->text + at, word, n) != 0)
    return 0;
  if (at > 0 && is_letter(outline->text[at - 1]))
    return 0;
  return at + n < outline->len && is_letter(outline->text[at + n]) ? 0 : n;
}

static bool take_word(struct icrm_vtql_outline *outline, const char *word) {
  skip_space(outline);
  size_t n = word_at(outline, outline->at, word);
  outline->at += n;
  return n > 0;
}

static size_t next_mark(const struct icrm_vtql_outline *outline, size_t at) {
  while (at < outline->len && vtql_lexer_is_space(outline->text[at]))
    at++;
  return at;
}

/* Length of an operator at `at`, 0 for none. `in` and `like` are words of
 * labels as well, so what follows must be a list or a text. */
static size_t operator_at(const struct icrm_vtql_outline *outline, size_t at) {
  const char *text = outline->text + at;
  bool equals_next = at + 1 < outline->len && text[1] == '=';
  if (text[0] == '=')
    return 1;
  if (text[0] == '<' || text[0] == '>')
    return equals_next ? 2 : 1;
  if (text[0] == '!')
    return equals_next ? 2 : 0;
  size_t is_in = word_at(outline, at, "in");
  size_t n = is_in ? is_in : word_at(outline, at, "like");
  size_t next = next_mark(outline, at + n);
  if (n == 0 || next >= outline->len)
    return 0;
  char mark = outline->text[next];
  return mark == '\'' || mark == '?' || mark == ':' || (is_in && mark == '(')
             ? n
             : 0;
}

/* Whether a name ends at `at`: a column at a comma or FROM, a condition's at
 * its operator, one of ORDER BY at a comma or what follows the clause. */
static bool ends_name(const struct icrm_vtql_outline *outline, size_t at) {
  char byte = outline->text[at];
  switch (outline->state) {
  case STATE_COLUMN:
    return byte == ',' || word_at(outline, at, "from") > 0;
  case STATE_CONDITION:
    return operator_at(outline, at) > 0;
  default:
    return byte == ',' || byte == ';' || word_at(outline, at, "limit") > 0 ||
           word_at(outline, at, "asc") > 0 || word_at(outline, at, "desc") > 0;
  }
}

static struct icrm_vtql_slice trimmed(const char *from, const char *to) {
  while (from < to && vtql_lexer_is_space(*from))
    from++;
  while (to > from && vtql_lexer_is_space(to[-1]))
    to--;
  return (struct icrm_vtql_slice){from, (size_t)(to - from)};
}

/* Step over blanks, and over a name in double quotes or backticks, which ends
 * where they close. Returns the length of that, 0 where there is none. */
static size_t take_quoted(struct icrm_vtql_outline *outline) {
  skip_space(outline);
  const size_t left = outline->len - outline->at;
  const char *text = outline->text + outline->at;
  if (left == 0 || (*text != '"' && *text != '`'))
    return 0;
  const char *close = memchr(text + 1, *text, left - 1);
  const size_t quoted = close ? (size_t)(close - text) + 1 : 0;
  outline->at += quoted;
  return quoted;
}

/* What is mentioned, and its name without the quotes around all of it. */
static void set_name(struct icrm_vtql_mention *mention,
                     struct icrm_vtql_slice span, size_t quoted) {
  mention->span = mention->name = span;
  if (quoted > 0 && span.len == quoted)
    mention->name = (struct icrm_vtql_slice){span.data + 1, span.len - 2};
}

/* Read a name up to what ends it; false where nothing does. */
static bool read_name(struct icrm_vtql_outline *outline,
                      struct icrm_vtql_mention *mention) {
  const size_t quoted = take_quoted(outline);
  const char *start = outline->text + outline->at - quoted;
  while (outline->at < outline->len && !ends_name(outline, outline->at))
    outline->at++;
  set_name(mention, trimmed(start, outline->text + outline->at), quoted);
  return outline->at < outline->len || outline->state == STATE_ORDER;
}

/* One of a list of names; what follows says what comes next. */
static bool read_listed(struct icrm_vtql_outline *outline,
                        struct icrm_vtql_mention *mention) {
  bool is_column = outline->state == STATE_COLUMN;
  mention->kind =
      is_column ? ICRM_VTQL_MENTION_COLUMN : ICRM_VTQL_MENTION_ORDER;
  if (!read_name(outline, mention))
    return false;
  if (outline->at < outline->len && outline->text[outline->at] == ',')
    outline->at++;
  else if (is_column && take_word(outline, "from"))
    outline->state = STATE_MODULE;
  else
    outline->state = STATE_END;
  return mention->span.len > 0;
}

static bool read_module(struct icrm_vtql_outline *outline,
                        struct icrm_vtql_mention *mention) {
  mention->kind = ICRM_VTQL_MENTION_MODULE;
  const size_t quoted = take_quoted(outline);
  const char *start = outline->text + outline->at - quoted;
  while (quoted == 0 && outline->at < outline->len &&
         !vtql_lexer_is_space(outline->text[outline->at]) &&
         outline->text[outline->at] != ';')
    outline->at++;
  const char *end = outline->text + outline->at;
  set_name(mention, (struct icrm_vtql_slice){start, (size_t)(end - start)},
           quoted);
  outline->state = STATE_CLAUSE;
  return mention->span.len > 0;
}

static bool read_condition(struct icrm_vtql_outline *outline,
                           struct icrm_vtql_mention *mention) {
  mention->kind = ICRM_VTQL_MENTION_CONDITION;
  if (!read_name(outline, mention) || mention->span.len == 0)
    return false;
  size_t n = operator_at(outline, outline->at);
  mention->op = (struct icrm_vtql_slice){outline->text + outline->at, n};
  outline->at += n;
  outline->state = STATE_VALUE;
  return true;
}

static bool read_value(struct icrm_vtql_outline *outline,
                       struct icrm_vtql_mention *mention) {
  mention->kind = ICRM_VTQL_MENTION_VALUE;
  skip_space(outline);
  if (outline->state == STATE_VALUE && outline->at < outline->len &&
      outline->text[outline->at] == '(') {
    outline->state = STATE_LIST;
    outline->at++;
    skip_space(outline);
  }
  const char *start = outline->text + outline->at;
  size_t left = outline->len - outline->at, n = 0;
  if (left > 0 && *start == '\'')
    n = vtql_lexer_literal_length(start, left);
  else
    while (n < left && !vtql_lexer_is_space(start[n]) &&
           !strchr(",);", start[n]))
      n++;
  mention->span = mention->name = (struct icrm_vtql_slice){start, n};
  outline->at += n;
  skip_space(outline);
  bool is_list = outline->state == STATE_LIST;
  bool goes_on = is_list && outline->at < outline->len &&
                 outline->text[outline->at] == ',';
  bool closes = is_list && outline->at < outline->len &&
                outline->text[outline->at] == ')';
  outline->at += goes_on || closes;
  if (!goes_on)
    outline->state = is_list && !closes ? STATE_END : STATE_AFTER_VALUE;
  return n > 0;
}

/* What comes behind the module, or behind a value. */
static void read_clause(struct icrm_vtql_outline *outline) {
  bool after_value = outline->state == STATE_AFTER_VALUE;
  if (after_value && (take_word(outline, "and") || take_word(outline, "or")))
    outline->state = STATE_CONDITION;
  else if (!after_value && take_word(outline, "where"))
    outline->state = STATE_CONDITION;
  else if (take_word(outline, "order") && take_word(outline, "by"))
    outline->state = STATE_ORDER;
  else
    outline->state = STATE_END;
}

bool icrm_vtql_outline_next(struct icrm_vtql_outline *outline,
                            struct icrm_vtql_mention *mention) {
  *mention = (struct icrm_vtql_mention){0};
  if (outline->state == STATE_SELECT)
    outline->state = take_word(outline, "select") ? STATE_COLUMN : STATE_END;
  if (outline->state == STATE_CLAUSE || outline->state == STATE_AFTER_VALUE)
    read_clause(outline);
  bool found = false;
  switch ((enum state)outline->state) {
  case STATE_COLUMN:
  case STATE_ORDER:
    found = read_listed(outline, mention);
    break;
  case STATE_MODULE:
    found = read_module(outline, mention);
    break;
  case STATE_CONDITION:
    found = read_condition(outline, mention);
    break;
  case STATE_VALUE:
  case STATE_LIST:
    found = read_value(outline, mention);
    break;
  default:
    break;
  }
  if (!found)
    outline->state = STATE_END;
  return found;
}
