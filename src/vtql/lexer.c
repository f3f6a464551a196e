#include "vtql/lexer.h"

#include <string.h>
#include <strings.h>

const char *vtql_lexer_token_name(enum vtql_token token) {
  static const char *const names[] = {
#define NAME(id, name) name,
      VTQL_TOKENS(NAME)
#undef NAME
  };
  return names[token];
}

static bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

bool vtql_lexer_is_space(char byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

bool vtql_lexer_is_word_byte(char byte) {
  return is_digit(byte) || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z') || byte == '_';
}

bool vtql_lexer_is_word(struct icrm_vtql_slice slice, const char *word) {
  return slice.len == strlen(word) &&
         strncasecmp(slice.data, word, slice.len) == 0;
}

size_t vtql_lexer_literal_length(const char *text, size_t len) {
  size_t last_pair = 0;
  for (size_t i = 1; i < len; i++) {
    if (text[i] != '\'')
      continue;
    bool doubled = i + 1 < len && text[i + 1] == '\'';
    if (!doubled)
      return i > 1 ? i + 1 : 0;
    if (i > 1)
      last_pair = i;
    i++;
  }
  return last_pair > 0 ? last_pair + 1 : 0;
}

static size_t word_length(const char *text, size_t len) {
  size_t n = 0;
  while (n < len && vtql_lexer_is_word_byte(text[n]))
    n++;
  return n;
}

static size_t number_length(const char *text, size_t len) {
  size_t n = 1;
  while (n < len && is_digit(text[n]))
    n++;
  return n > 1 ? n : 0;
}

/* Length of the token at `text`, 0 when none starts there. */
static size_t token_length(const char *text, size_t len) {
  bool equals_next = len > 1 && text[1] == '=';
  switch (text[0]) {
  case '\'':
    return vtql_lexer_literal_length(text, len);
  case '+':
  case '-':
    return number_length(text, len);
  case '(':
  case ')':
  case ',':
  case '*':
  case '=':
  case ';':
    return 1;
  case '<':
  case '>':
    return equals_next ? 2 : 1;
  case '!':
    return equals_next ? 2 : 0;
  default:
    return word_length(text, len);
  }
}

/* The server counts lines by a swapped pair of arguments, so that only a
 * run of white space which is one newline and nothing else counts. */
static void skip_space(struct vtql_lexer *lexer) {
  size_t start = lexer->at;
  while (lexer->at < lexer->len && strchr(" \t\r\n", lexer->text[lexer->at]) &&
         lexer->text[lexer->at] != '\0')
    lexer->at++;
  if (lexer->at == start)
    return;
  lexer->match =
      (struct icrm_vtql_slice){lexer->text + start, lexer->at - start};
  if (lexer->match.len == 1 && lexer->match.data[0] == '\n')
    lexer->line++;
}

struct spelling {
  const char *text;
  enum vtql_token token;
};

static const struct spelling operators[] = {
    {"=", VTQL_TOKEN_EQ},   {"<", VTQL_TOKEN_LT},  {"<=", VTQL_TOKEN_LE},
    {">=", VTQL_TOKEN_GE},  {"!=", VTQL_TOKEN_NE}, {">", VTQL_TOKEN_GT},
    {"(", VTQL_TOKEN_OPEN}, {NULL, VTQL_TOKEN_END}};

static const struct spelling punctuation[] = {{"(", VTQL_TOKEN_OPEN},
                                              {")", VTQL_TOKEN_CLOSE},
                                              {",", VTQL_TOKEN_COMMA},
                                              {NULL, VTQL_TOKEN_END}};

static enum vtql_token look_up(const struct spelling *list,
                               struct icrm_vtql_slice match) {
  while (list->text && !vtql_lexer_is_word(match, list->text))
    list++;
  return list->token;
}

static enum vtql_token column_list_token(struct vtql_lexer *lexer) {
  enum vtql_token token = look_up(punctuation, lexer->match);
  if (token != VTQL_TOKEN_END)
    return token;
  if (vtql_lexer_is_word(lexer->match, "from")) {
    lexer->clause = VTQL_CLAUSE_TABLE;
    return VTQL_TOKEN_FROM;
  }
  if (vtql_lexer_is_word(lexer->match, "*")) {
    if (!lexer->counting)
      lexer->clause = VTQL_CLAUSE_FROM;
    return VTQL_TOKEN_ASTERISK;
  }
  if (vtql_lexer_is_word(lexer->match, "count")) {
    lexer->counting = true;
    return VTQL_TOKEN_COUNT;
  }
  return VTQL_TOKEN_COLUMN;
}

static enum vtql_token value_token(struct vtql_lexer *lexer) {
  if (vtql_lexer_is_word(lexer->match, "in")) {
    lexer->in_list = true;
    return VTQL_TOKEN_IN;
  }
  if (vtql_lexer_is_word(lexer->match, ","))
    return VTQL_TOKEN_COMMA;
  if (vtql_lexer_is_word(lexer->match, "like"))
    return VTQL_TOKEN_LIKE;
  lexer->have_column = lexer->in_list;
  return VTQL_TOKEN_VALUE;
}

static enum vtql_token where_token(struct vtql_lexer *lexer) {
  enum vtql_token token = look_up(operators, lexer->match);
  if (token != VTQL_TOKEN_END)
    return token;
  if (vtql_lexer_is_word(lexer->match, ")")) {
    if (lexer->in_list)
      lexer->in_list = lexer->have_column = false;
    return VTQL_TOKEN_CLOSE;
  }
  if (vtql_lexer_is_word(lexer->match, "where"))
    return VTQL_TOKEN_WHERE;
  if (vtql_lexer_is_word(lexer->match, "and"))
    return VTQL_TOKEN_AND;
  if (vtql_lexer_is_word(lexer->match, "or"))
    return VTQL_TOKEN_OR;
  if (lexer->have_column)
    return value_token(lexer);
  lexer->have_column = true;
  return VTQL_TOKEN_COLUMN;
}

static enum vtql_token order_token(struct vtql_lexer *lexer) {
  if (!lexer->ordering) {
    lexer->ordering = true;
    return VTQL_TOKEN_ORDER_BY;
  }
  if (vtql_lexer_is_word(lexer->match, ","))
    return VTQL_TOKEN_COMMA;
  if (vtql_lexer_is_word(lexer->match, "asc"))
    return VTQL_TOKEN_ASC;
  if (vtql_lexer_is_word(lexer->match, "desc"))
    return VTQL_TOKEN_DESC;
  return VTQL_TOKEN_COLUMN;
}

static enum vtql_token limit_token(struct vtql_lexer *lexer) {
  if (vtql_lexer_is_word(lexer->match, "limit"))
    return VTQL_TOKEN_LIMIT;
  enum vtql_token token = look_up(punctuation, lexer->match);
  return token != VTQL_TOKEN_END ? token : VTQL_TOKEN_VALUE;
}

/* After the module: the words that open a clause do so wherever they stand. */
static enum vtql_token clause_token(struct vtql_lexer *lexer) {
  if (vtql_lexer_is_word(lexer->match, ";"))
    return VTQL_TOKEN_SEMICOLON;
  if (lexer->ordering && vtql_lexer_is_word(lexer->match, "by")) {
    lexer->ordering = false;
    lexer->clause = VTQL_CLAUSE_ORDER;
  } else if (vtql_lexer_is_word(lexer->match, "where")) {
    lexer->clause = VTQL_CLAUSE_WHERE;
  } else if (vtql_lexer_is_word(lexer->match, "orderby")) {
    lexer->clause = VTQL_CLAUSE_ORDER;
  } else if (vtql_lexer_is_word(lexer->match, "limit")) {
    lexer->clause = VTQL_CLAUSE_LIMIT;
  }
  switch (lexer->clause) {
  case VTQL_CLAUSE_ORDER:
    return order_token(lexer);
  case VTQL_CLAUSE_LIMIT:
    return limit_token(lexer);
  default:
    return where_token(lexer);
  }
}

static enum vtql_token classify(struct vtql_lexer *lexer) {
  switch (lexer->clause) {
  case VTQL_CLAUSE_SELECT:
    if (!vtql_lexer_is_word(lexer->match, "select"))
      return VTQL_TOKEN_UNKNOWN;
    lexer->clause = VTQL_CLAUSE_COLUMNS;
    return VTQL_TOKEN_SELECT;
  case VTQL_CLAUSE_COLUMNS:
    return column_list_token(lexer);
  case VTQL_CLAUSE_FROM:
    if (!vtql_lexer_is_word(lexer->match, "from"))
      return VTQL_TOKEN_UNKNOWN;
    lexer->clause = VTQL_CLAUSE_TABLE;
    return VTQL_TOKEN_FROM;
  case VTQL_CLAUSE_TABLE:
    lexer->clause = VTQL_CLAUSE_WHERE;
    return vtql_lexer_is_word(lexer->match, "where") ? VTQL_TOKEN_UNKNOWN
                                                     : VTQL_TOKEN_TABLE;
  default:
    return clause_token(lexer);
  }
}

bool vtql_lexer_next(struct vtql_lexer *lexer, enum vtql_token *token) {
  *token = VTQL_TOKEN_END;
  for (;;) {
    skip_space(lexer);
    if (lexer->at == lexer->len)
      return true;
    const char *start = lexer->text + lexer->at;
    size_t n = token_length(start, lexer->len - lexer->at);
    if (n == 0)
      return false;
    lexer->match = (struct icrm_vtql_slice){start, n};
    lexer->at += n;
    bool after_module = lexer->clause >= VTQL_CLAUSE_WHERE;
    if (after_module && vtql_lexer_is_word(lexer->match, "order")) {
      lexer->ordering = true;
      continue;
    }
    *token = classify(lexer);
    return true;
  }
}
