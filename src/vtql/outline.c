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

static bool is_space(char byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Letters of a label too, in UTF-8. */
static bool is_letter(char byte) {
  return vtql_lexer_is_word_byte(byte) || (unsigned char)byte >= 0x80;
}

static void skip_space(struct icrm_vtql_outline *outline) {
  while (outline->at < outline->len && is_space(outline->text[outline->at]))
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
  while (at < outline->len && is_space(outline->text[at]))
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
  while (from < to && is_space(*from))
    from++;
  while (to > from && is_space(to[-1]))
    to--;
  return (struct icrm_vtql_slice){from, (size_t)(to - from)};
}

/* A name in double quotes or backticks ends where they close. */
static size_t quoted_length(const struct icrm_vtql_outline *outline) {
  char quote = outline->text[outline->at];
  if (quote != '"' && quote != '`')
    return 0;
  const char *rest = outline->text + outline->at + 1;
  const char *close = memchr(rest, quote, outline->len - outline->at - 1);
  return close ? (size_t)(close - rest) + 2 : 0;
}

/* Read a name up to what ends it; false where nothing does. */
static bool read_name(struct icrm_vtql_outline *outline,
                      struct icrm_vtql_mention *mention) {
  skip_space(outline);
  size_t start = outline->at, quoted = 0;
  if (start < outline->len)
    quoted = quoted_length(outline);
  outline->at += quoted;
  while (outline->at < outline->len && !ends_name(outline, outline->at))
    outline->at++;
  mention->span = trimmed(outline->text + start, outline->text + outline->at);
  mention->name = mention->span;
  if (quoted > 0 && mention->span.len == quoted) {
    mention->name.data++;
    mention->name.len -= 2;
  }
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
  skip_space(outline);
  size_t start = outline->at, quoted = 0;
  if (start < outline->len)
    quoted = quoted_length(outline);
  outline->at += quoted;
  while (quoted == 0 && outline->at < outline->len &&
         !is_space(outline->text[outline->at]) &&
         outline->text[outline->at] != ';')
    outline->at++;
  mention->span =
      (struct icrm_vtql_slice){outline->text + start, outline->at - start};
  mention->name = mention->span;
  if (quoted > 0) {
    mention->name.data++;
    mention->name.len -= 2;
  }
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
    while (n < left && !is_space(start[n]) && !strchr(",);", start[n]))
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
