/* The observed server's lexer. Private to src/vtql. */
#ifndef ICRM_VTQL_LEXER_H
#define ICRM_VTQL_LEXER_H

#include "vtql/vtql.h"

/* X(ENUM, name): the names are the ones in the server's messages. */
#define VTQL_TOKENS(X)                                                         \
  X(END, "End of Input")                                                       \
  X(UNKNOWN, "Unknown")                                                        \
  X(SELECT, "SELECT")                                                          \
  X(FROM, "FRM")                                                               \
  X(COLUMN, "COLUMNNAME")                                                      \
  X(ASTERISK, "ASTERISK")                                                      \
  X(COUNT, "COUNT")                                                            \
  X(OPEN, "PARENOPEN")                                                         \
  X(CLOSE, "PARENCLOSE")                                                       \
  X(COMMA, "COMMA")                                                            \
  X(TABLE, "TABLENAME")                                                        \
  X(WHERE, "WHERE")                                                            \
  X(AND, "LOGICAL_AND")                                                        \
  X(OR, "LOGICAL_OR")                                                          \
  X(VALUE, "VALUE")                                                            \
  X(EQ, "EQ")                                                                  \
  X(LT, "LT")                                                                  \
  X(GT, "GT")                                                                  \
  X(LE, "LTE")                                                                 \
  X(GE, "GTE")                                                                 \
  X(NE, "NE")                                                                  \
  X(IN, "IN")                                                                  \
  X(LIKE, "LIKE")                                                              \
  X(ORDER_BY, "ORDERBY")                                                       \
  X(ASC, "ASC")                                                                \
  X(DESC, "DESC")                                                              \
  X(LIMIT, "LIMIT")                                                            \
  X(SEMICOLON, "SEMICOLON")

enum vtql_token {
#define VTQL_TOKEN_ENUM(id, name) VTQL_TOKEN_##id,
  VTQL_TOKENS(VTQL_TOKEN_ENUM)
#undef VTQL_TOKEN_ENUM
};

/* What a word means depends on the clause the lexer believes to be in. */
enum vtql_clause {
  VTQL_CLAUSE_SELECT,
  VTQL_CLAUSE_COLUMNS,
  VTQL_CLAUSE_FROM,
  VTQL_CLAUSE_TABLE,
  VTQL_CLAUSE_WHERE,
  VTQL_CLAUSE_ORDER,
  VTQL_CLAUSE_LIMIT
};

struct vtql_lexer {
  const char *text;
  size_t len;
  size_t at;                    /* next byte to read */
  struct icrm_vtql_slice match; /* last thing matched, white space too */
  int line;                     /* as the server counts: see skip_space */
  enum vtql_clause clause;
  bool counting;    /* `count` was seen: `*` does not end the column list */
  bool have_column; /* WHERE: a column was seen, a value may follow */
  bool in_list;     /* WHERE: `in` was seen, and no `)` since */
  bool ordering;    /* `order` was seen and waits for `by` */
};

/* Read one token. Returns false where the server's lexer throws: a character
 * that starts no token. */
bool vtql_lexer_next(struct vtql_lexer *lexer, enum vtql_token *token);

/* The server's name of a token, a static string. */
const char *vtql_lexer_token_name(enum vtql_token token);

/* Length of a literal that starts at `text`, with the quote that closes it;
 * 0 when none does, or when it is empty. Where quotes do not pair up, the
 * last doubled one that leaves some text closes, as in the server's pattern
 * '(?:[^']|'')+'. */
size_t vtql_lexer_literal_length(const char *text, size_t len);

/* White space in ASCII, as \s of a pattern has it; the lexer itself skips
 * less. */
bool vtql_lexer_is_space(char byte);

/* ASCII letters, digits and underscore. */
bool vtql_lexer_is_word_byte(char byte);

/* True when `slice` is the word `word`, whatever the case. */
bool vtql_lexer_is_word(struct icrm_vtql_slice slice, const char *word);

#endif
