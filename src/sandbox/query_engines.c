#include "sandbox/query_engines.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Where `word` stands in `text`, in any case; NULL when nowhere. */
static const char *find_word(const char *text, const char *word) {
  size_t len = strlen(word);
  for (; *text; text++)
    if (strncasecmp(text, word, len) == 0)
      return text;
  return NULL;
}

/* Where `word`, blanks and `mark` stand one after another. */
static const char *find_marked(const char *text, const char *word, char mark) {
  while ((text = find_word(text, word))) {
    const char *at = text + strlen(word);
    size_t blanks = strspn(at, " \t\r\n");
    if (blanks && at[blanks] == mark)
      return text;
    text = at;
  }
  return NULL;
}

/* Take out all from `open` to the next `close` with at least one character
 * between, as far as both stand in one line. */
static void take_out(struct icrm_buf *text, const char *open, char close) {
  struct icrm_buf rest = {0};
  size_t len = strlen(open);
  for (const char *at = text->data ? text->data : ""; *at;) {
    const char *end = NULL;
    if (strncasecmp(at, open, len) == 0 && at[len])
      end = strchr(at + len + 1, close);
    if (end && !memchr(at, '\n', (size_t)(end - at))) {
      at = end + 1;
    } else {
      icrm_buf_add_byte(&rest, *at++);
    }
  }
  icrm_buf_free(text);
  *text = rest;
}

static bool says_not_in(const char *text) {
  const char *start = text;
  while ((text = find_word(text, "not"))) {
    const char *at = text + 3;
    size_t blanks = strspn(at, " \t\r\n");
    if (text > start && is_blank(text[-1]) && blanks &&
        strncasecmp(at + blanks, "in", 2) == 0 && is_blank(at[blanks + 2]) &&
        at[blanks + 2 + strspn(at + blanks + 2, " \t\r\n")] == '(')
      return true;
    text = at;
  }
  return false;
}

static bool says_null(const char *text) {
  return find_word(text, " is null") || find_word(text, " is not null");
}

static bool is_for_second(const char *text, size_t len) {
  struct icrm_buf rest = {0};
  icrm_buf_add(&rest, text, len);
  take_out(&rest, " in (", ')');
  take_out(&rest, " count(", ')');
  take_out(&rest, "'", '\'');
  const char *left = rest.data ? rest.data : "";
  bool second = says_not_in(text) || says_null(left) || strpbrk(left, ".(");
  icrm_buf_free(&rest);
  return second;
}

/* A literal of that value, written for the first engine. */
static void add_literal(struct icrm_buf *out, const char *value, size_t len) {
  while (len && *value == '\'') {
    value++;
    len--;
  }
  while (len && value[len - 1] == '\'')
    len--;
  icrm_buf_add_byte(out, '\'');
  if (len == 0) /* the first engine has no empty literal: a blank equals it */
    icrm_buf_add_byte(out, ' ');
  for (size_t i = 0; i < len; i++) {
    if (value[i] == '\\' && i + 1 < len && value[i + 1] == '\'')
      i++;
    if (value[i] == '\'' || value[i] == '\\')
      icrm_buf_add_byte(out, value[i]);
    icrm_buf_add_byte(out, value[i]);
  }
  icrm_buf_add_byte(out, '\'');
}

/* The end of a literal: an apostrophe that is neither doubled nor behind a
 * backslash. */
static const char *literal_end(const char *at, const char *end) {
  for (at++; at < end; at++) {
    if (*at == '\\' || (*at == '\'' && at + 1 < end && at[1] == '\''))
      at++;
    else if (*at == '\'')
      return at + 1;
  }
  return end;
}

/* A list is split at its commas, those inside of values too. Returns what
 * follows its closing parenthesis. */
static const char *add_list(struct icrm_buf *out, const char *at,
                            const char *end) {
  const char *item = at;
  icrm_buf_add_byte(out, '(');
  bool quoted = false;
  for (;; at++) {
    if (at < end && *at == '\'')
      quoted = !quoted;
    bool over = at >= end || (*at == ')' && !quoted);
    if (!over && *at != ',')
      continue;
    while (item < at && is_blank(*item))
      item++;
    add_literal(out, item, (size_t)(at - item));
    if (over)
      break;
    icrm_buf_add_byte(out, ',');
    item = at + 1;
  }
  icrm_buf_add_byte(out, ')');
  return at < end ? at + 1 : end;
}

static bool opens_list(const char *text, const char *at) {
  while (at > text && is_blank(at[-1]))
    at--;
  return at - text >= 3 && strncasecmp(at - 2, "in", 2) == 0 &&
         is_blank(at[-3]);
}

static void write_second(const char *text, size_t len, struct icrm_buf *out) {
  const char *end = text + len;
  for (const char *at = text; at < end;) {
    if (*at == '\'') {
      const char *close = literal_end(at, end);
      add_literal(out, at, (size_t)(close - at));
      at = close;
    } else if (*at == '(' && opens_list(text, at)) {
      at = add_list(out, at + 1, end);
    } else {
      icrm_buf_add_byte(out, *at++);
    }
  }
}

/* From `word` on, up to `end` where that follows, else up to a semicolon. */
static void add_clause(struct icrm_buf *out, const char *text, const char *word,
                       const char *end) {
  const char *at = find_word(text, word);
  const char *stop = at && end ? find_word(at, end) : NULL;
  if (at)
    icrm_buf_addf(out, " %.*s",
                  (int)(stop ? (size_t)(stop - at) : strcspn(at, ";")), at);
}

/* The columns that are plain names, and the id. */
static void add_columns(struct icrm_buf *out, const char *text,
                        const char *from) {
  const char *at = text + 6;
  while (at < from) {
    size_t len = strcspn(at, ",");
    len = at + len > from ? (size_t)(from - at) : len;
    const char *word = at + strspn(at, " \t\r\n");
    size_t n = 0;
    while (isalnum((unsigned char)word[n]) || word[n] == '_')
      n++;
    if (n && word[n + strspn(word + n, " \t\r\n")] != '(')
      icrm_buf_addf(out, "%.*s, ", (int)n, word);
    at += len + 1;
  }
  icrm_buf_add_text(out, "id");
}

/* Every record: of the conditions nothing is left, of the text behind them
 * order and limit. */
static void write_conditions(const char *text, bool columns,
                             struct icrm_buf *out) {
  const char *from = find_word(text, " from ");
  const char *tail = strrchr(text, ']');
  icrm_buf_add_text(out, "SELECT ");
  if (columns && from)
    add_columns(out, text, from);
  else
    icrm_buf_add_text(out, "id");
  const char *module = from ? from + 6 + strspn(from + 6, " \t\r\n") : "";
  icrm_buf_addf(out, " FROM %.*s", (int)strcspn(module, " \t\r\n;"), module);
  add_clause(out, tail ? tail : "", "order by ", " limit ");
  add_clause(out, tail ? tail : "", "limit ", NULL);
  icrm_buf_add_byte(out, ';');
}

enum sb_query_engine sb_query_engine(const char *text, size_t len, bool cut,
                                     bool cancel, struct icrm_buf *out) {
  bool where = cancel && find_marked(text, " where", '[');
  bool select = cancel && find_marked(text, "select", '[');
  if (where) {
    write_conditions(text, !select, out);
    return SB_ENGINE_CONDITIONS;
  }
  if (select)
    return SB_ENGINE_NONE;
  if (cut && is_for_second(text, len)) {
    write_second(text, len, out);
    return SB_ENGINE_SECOND;
  }
  icrm_buf_add(out, text, len);
  return SB_ENGINE_FIRST;
}
