/*
 * The parser of an observed vtiger 8. It is a table of places and of the
 * tokens that lead from one to the next; the texts of its errors are not what
 * a reader expects ("expected one of: SELECT" after a second column name),
 * because the server's generated parser loses its place before it complains.
 */
#include "vtql/lexer.h"
#include "vtql/tree.h"

#include <string.h>

enum place {
  AT_START,
  AT_SELECT,       /* SELECT … */
  AT_COLUMN,       /* SELECT a … */
  AT_COLUMN_COMMA, /* SELECT a, … */
  AT_STAR,         /* SELECT * … */
  AT_COUNT,        /* SELECT count … */
  AT_COUNT_OPEN,
  AT_COUNT_STAR,
  AT_COUNT_CLOSE,
  AT_FROM,
  AT_TABLE,       /* FROM Accounts … */
  AT_WHERE,       /* WHERE … */
  AT_TERM,        /* WHERE a … */
  AT_OPERATOR,    /* WHERE a = … */
  AT_VALUE,       /* WHERE a = 1 … */
  AT_VALUE_COMMA, /* WHERE a IN 1, … */
  AT_OPEN,        /* WHERE a IN ( … */
  AT_INNER,       /* WHERE a IN (1 … */
  AT_INNER_COMMA, /* WHERE a IN (1, … */
  AT_CLOSE,       /* WHERE a IN (1) … */
  AT_AND,         /* WHERE a = 1 AND … */
  AT_ORDER,       /* ORDER BY … */
  AT_ORDER_COLUMN,
  AT_ORDER_COMMA,
  AT_DIRECTION, /* ORDER BY a DESC … */
  AT_LIMIT,
  AT_LIMIT_VALUE, /* LIMIT 5 … */
  AT_LIMIT_COMMA, /* LIMIT 5, … */
  AT_LIMIT_END,   /* LIMIT 5,10 … */
  AT_SEMICOLON,
  /* The parser swallowed a token; whatever comes next is refused. */
  LOST_SELECT,
  LOST_SEMICOLON,
  LOST_COLUMN
};

#define OPERATORS "EQ,LT,GT,LTE,GTE,NE,IN,LIKE"

/* What the server says it expected: at the end of the text, and elsewhere. */
static const struct {
  const char *at_end;
  const char *elsewhere;
} expected[] = {
    [AT_START] = {"SELECT", "SELECT"},
    [AT_SELECT] = {"COLUMNNAME", "COLUMNNAME"},
    [AT_COLUMN] = {"FRM,COMMA", "SELECT"},
    [AT_COLUMN_COMMA] = {"COLUMNNAME", "SELECT"},
    [AT_STAR] = {"FRM,COMMA", "FRM,COMMA"},
    [AT_COUNT] = {"PARENOPEN", "PARENOPEN"},
    [AT_COUNT_OPEN] = {"ASTERISK", "ASTERISK"},
    [AT_COUNT_STAR] = {"PARENCLOSE", "PARENCLOSE"},
    [AT_COUNT_CLOSE] = {"FRM,COMMA", "FRM,COMMA"},
    [AT_FROM] = {"TABLENAME", "TABLENAME"},
    [AT_TABLE] = {"SEMICOLON", NULL},
    [AT_WHERE] = {"COLUMNNAME", "COLUMNNAME"},
    [AT_TERM] = {OPERATORS, OPERATORS},
    [AT_OPERATOR] = {"VALUE", "VALUE"},
    [AT_VALUE] = {"SEMICOLON", "SEMICOLON"},
    [AT_VALUE_COMMA] = {"VALUE", OPERATORS},
    [AT_OPEN] = {"VALUE", "VALUE"},
    [AT_INNER] = {"PARENCLOSE,COMMA", "SEMICOLON"},
    [AT_INNER_COMMA] = {"VALUE", "VALUE"},
    [AT_CLOSE] = {"SEMICOLON", "SEMICOLON"},
    [AT_AND] = {"COLUMNNAME", "SEMICOLON"},
    [AT_ORDER] = {"COLUMNNAME", "COLUMNNAME"},
    [AT_ORDER_COLUMN] = {"SEMICOLON", "SEMICOLON"},
    [AT_ORDER_COMMA] = {"COLUMNNAME", "SEMICOLON"},
    [AT_DIRECTION] = {"SEMICOLON", "SEMICOLON"},
    [AT_LIMIT] = {"VALUE", "VALUE"},
    [AT_LIMIT_VALUE] = {"SEMICOLON", "SEMICOLON"},
    [AT_LIMIT_COMMA] = {"VALUE", "VALUE"},
    [AT_LIMIT_END] = {"SEMICOLON", "SEMICOLON"},
    [AT_SEMICOLON] = {"", ""},
    [LOST_SELECT] = {"SELECT", "SELECT"},
    [LOST_SEMICOLON] = {"SEMICOLON", "SEMICOLON"},
    [LOST_COLUMN] = {"COLUMNNAME", "COLUMNNAME"},
};

static const struct {
  enum place from;
  enum vtql_token token;
  enum place to;
} moves[] = {
    {AT_START, VTQL_TOKEN_SELECT, AT_SELECT},
    {AT_SELECT, VTQL_TOKEN_COLUMN, AT_COLUMN},
    {AT_SELECT, VTQL_TOKEN_ASTERISK, AT_STAR},
    {AT_SELECT, VTQL_TOKEN_COUNT, AT_COUNT},
    {AT_COLUMN, VTQL_TOKEN_FROM, AT_FROM},
    {AT_COLUMN, VTQL_TOKEN_COMMA, AT_COLUMN_COMMA},
    {AT_COLUMN_COMMA, VTQL_TOKEN_COLUMN, AT_COLUMN},
    {AT_STAR, VTQL_TOKEN_FROM, AT_FROM},
    {AT_COUNT, VTQL_TOKEN_OPEN, AT_COUNT_OPEN},
    {AT_COUNT_OPEN, VTQL_TOKEN_ASTERISK, AT_COUNT_STAR},
    {AT_COUNT_STAR, VTQL_TOKEN_CLOSE, AT_COUNT_CLOSE},
    {AT_COUNT_CLOSE, VTQL_TOKEN_FROM, AT_FROM},
    {AT_COUNT_CLOSE, VTQL_TOKEN_COMMA, AT_COLUMN_COMMA},
    {AT_COUNT_CLOSE, VTQL_TOKEN_COLUMN, LOST_SELECT},
    {AT_COUNT_CLOSE, VTQL_TOKEN_ASTERISK, LOST_SELECT},
    {AT_COUNT_CLOSE, VTQL_TOKEN_COUNT, LOST_SELECT},
    {AT_COUNT_CLOSE, VTQL_TOKEN_OPEN, LOST_SELECT},
    {AT_COUNT_CLOSE, VTQL_TOKEN_CLOSE, LOST_SELECT},
    {AT_FROM, VTQL_TOKEN_TABLE, AT_TABLE},
    {AT_TABLE, VTQL_TOKEN_WHERE, AT_WHERE},
    {AT_TABLE, VTQL_TOKEN_ORDER_BY, AT_ORDER},
    {AT_TABLE, VTQL_TOKEN_LIMIT, AT_LIMIT},
    {AT_TABLE, VTQL_TOKEN_SEMICOLON, AT_SEMICOLON},
    {AT_WHERE, VTQL_TOKEN_COLUMN, AT_TERM},
    {AT_TERM, VTQL_TOKEN_EQ, AT_OPERATOR},
    {AT_TERM, VTQL_TOKEN_NE, AT_OPERATOR},
    {AT_TERM, VTQL_TOKEN_LT, AT_OPERATOR},
    {AT_TERM, VTQL_TOKEN_LE, AT_OPERATOR},
    {AT_TERM, VTQL_TOKEN_GT, AT_OPERATOR},
    {AT_TERM, VTQL_TOKEN_GE, AT_OPERATOR},
    {AT_TERM, VTQL_TOKEN_IN, AT_OPERATOR},
    {AT_TERM, VTQL_TOKEN_LIKE, AT_OPERATOR},
    {AT_OPERATOR, VTQL_TOKEN_VALUE, AT_VALUE},
    {AT_OPERATOR, VTQL_TOKEN_OPEN, AT_OPEN},
    {AT_VALUE, VTQL_TOKEN_COMMA, AT_VALUE_COMMA},
    {AT_VALUE, VTQL_TOKEN_AND, AT_AND},
    {AT_VALUE, VTQL_TOKEN_OR, AT_AND},
    {AT_VALUE, VTQL_TOKEN_ORDER_BY, AT_ORDER},
    {AT_VALUE, VTQL_TOKEN_LIMIT, AT_LIMIT},
    {AT_VALUE, VTQL_TOKEN_SEMICOLON, AT_SEMICOLON},
    {AT_VALUE_COMMA, VTQL_TOKEN_VALUE, AT_VALUE},
    {AT_OPEN, VTQL_TOKEN_VALUE, AT_INNER},
    {AT_INNER, VTQL_TOKEN_COMMA, AT_INNER_COMMA},
    {AT_INNER, VTQL_TOKEN_CLOSE, AT_CLOSE},
    /* No `)`: the value is lost, the query goes on (see lose_value). */
    {AT_INNER, VTQL_TOKEN_AND, AT_AND},
    {AT_INNER, VTQL_TOKEN_OR, AT_AND},
    {AT_INNER, VTQL_TOKEN_ORDER_BY, AT_ORDER},
    {AT_INNER, VTQL_TOKEN_LIMIT, AT_LIMIT},
    {AT_INNER, VTQL_TOKEN_SEMICOLON, AT_SEMICOLON},
    {AT_INNER_COMMA, VTQL_TOKEN_VALUE, AT_INNER},
    {AT_CLOSE, VTQL_TOKEN_AND, AT_AND},
    {AT_CLOSE, VTQL_TOKEN_OR, AT_AND},
    {AT_CLOSE, VTQL_TOKEN_ORDER_BY, AT_ORDER},
    {AT_CLOSE, VTQL_TOKEN_LIMIT, AT_LIMIT},
    {AT_CLOSE, VTQL_TOKEN_SEMICOLON, AT_SEMICOLON},
    {AT_CLOSE, VTQL_TOKEN_WHERE, LOST_SEMICOLON},
    {AT_AND, VTQL_TOKEN_COLUMN, AT_TERM},
    {AT_AND, VTQL_TOKEN_WHERE, LOST_COLUMN},
    {AT_ORDER, VTQL_TOKEN_COLUMN, AT_ORDER_COLUMN},
    {AT_ORDER_COLUMN, VTQL_TOKEN_COMMA, AT_ORDER_COMMA},
    {AT_ORDER_COLUMN, VTQL_TOKEN_ASC, AT_DIRECTION},
    {AT_ORDER_COLUMN, VTQL_TOKEN_DESC, AT_DIRECTION},
    {AT_ORDER_COLUMN, VTQL_TOKEN_LIMIT, AT_LIMIT},
    {AT_ORDER_COLUMN, VTQL_TOKEN_SEMICOLON, AT_SEMICOLON},
    {AT_ORDER_COLUMN, VTQL_TOKEN_ORDER_BY, LOST_SEMICOLON},
    {AT_ORDER_COMMA, VTQL_TOKEN_COLUMN, AT_ORDER_COLUMN},
    {AT_DIRECTION, VTQL_TOKEN_LIMIT, AT_LIMIT},
    {AT_DIRECTION, VTQL_TOKEN_SEMICOLON, AT_SEMICOLON},
    {AT_LIMIT, VTQL_TOKEN_VALUE, AT_LIMIT_VALUE},
    {AT_LIMIT_VALUE, VTQL_TOKEN_COMMA, AT_LIMIT_COMMA},
    {AT_LIMIT_VALUE, VTQL_TOKEN_SEMICOLON, AT_SEMICOLON},
    {AT_LIMIT_VALUE, VTQL_TOKEN_LIMIT, LOST_SEMICOLON},
    {AT_LIMIT_COMMA, VTQL_TOKEN_VALUE, AT_LIMIT_END},
    {AT_LIMIT_END, VTQL_TOKEN_SEMICOLON, AT_SEMICOLON},
};

static bool find_move(enum place from, enum vtql_token token, enum place *to) {
  for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
    if (moves[i].from == from && moves[i].token == token) {
      *to = moves[i].to;
      return true;
    }
  return false;
}

static int refuse(struct icrm_error *err, const char *code,
                  const char *message) {
  icrm_error_set(err, ICRM_ERROR_REFUSED, "%s", message);
  if (err)
    strcpy(err->code, code);
  return -1;
}

/* After AND, and after a comma in ORDER BY, a clause word or the end is met
 * with the honest answer, anything else with the general one. */
static const char *expectation(enum place place, enum vtql_token token) {
  bool honest = place == AT_AND || place == AT_ORDER_COMMA;
  bool closes = token == VTQL_TOKEN_SEMICOLON || token == VTQL_TOKEN_LIMIT ||
                (token == VTQL_TOKEN_ORDER_BY && place == AT_AND);
  if (token == VTQL_TOKEN_END || (honest && closes))
    return expected[place].at_end;
  return expected[place].elsewhere;
}

static int refuse_token(const struct vtql_lexer *lexer, enum place place,
                        enum vtql_token token, struct icrm_error *err) {
  static const char code[] = "QUERY_SYNTAX_ERROR";
  const char *expects = expectation(place, token);
  if (!expects)
    return refuse(err, code, "There is an syntax error in query");
  int n = (int)lexer->match.len;
  const char *text = lexer->match.data;
  bool end = token == VTQL_TOKEN_END;
  icrm_error_set(err, ICRM_ERROR_REFUSED,
                 "Syntax Error on line %d: token '%.*s' Unexpected %s(%.*s), "
                 "expected one of: %s",
                 lexer->line, n, text ? text : "", vtql_lexer_token_name(token),
                 end ? 1 : n, end ? "0" : text, expects);
  if (err)
    strcpy(err->code, code);
  return -1;
}

static enum icrm_vtql_op operator_of(enum vtql_token token) {
  switch (token) {
  case VTQL_TOKEN_NE:
    return ICRM_VTQL_NE;
  case VTQL_TOKEN_LT:
    return ICRM_VTQL_LT;
  case VTQL_TOKEN_LE:
    return ICRM_VTQL_LE;
  case VTQL_TOKEN_GT:
    return ICRM_VTQL_GT;
  case VTQL_TOKEN_GE:
    return ICRM_VTQL_GE;
  case VTQL_TOKEN_IN:
    return ICRM_VTQL_IN;
  case VTQL_TOKEN_LIKE:
    return ICRM_VTQL_LIKE;
  default:
    return ICRM_VTQL_EQ;
  }
}

/* `(1 LIMIT`: the server forgets the value and sends SQL that fails. */
static void lose_value(struct icrm_vtql_query *query) {
  query->values[query->n_values - 1].len = 0;
}

struct parser {
  struct icrm_vtql_query *query;
  enum place place;
  bool after_or;
};

/* Put a token that was accepted into the tree. */
static bool keep(struct parser *parser, enum place to, enum vtql_token token,
                 struct icrm_vtql_slice match) {
  struct icrm_vtql_query *query = parser->query;
  if (parser->place == AT_INNER && to != AT_INNER_COMMA && to != AT_CLOSE)
    lose_value(query);
  switch (to) {
  case AT_COLUMN:
    if (query->select != ICRM_VTQL_SELECT_COUNT)
      query->select = ICRM_VTQL_SELECT_COLUMNS;
    return vtql_tree_add_column(query, match);
  case AT_COUNT:
    query->select = ICRM_VTQL_SELECT_COUNT;
    return true;
  case AT_TABLE:
    query->module = match;
    return true;
  case AT_AND:
    parser->after_or = token == VTQL_TOKEN_OR;
    return true;
  case AT_TERM:
    return vtql_tree_add_term(query, match, parser->after_or);
  case AT_OPERATOR:
    query->terms[query->n_terms - 1].op = operator_of(token);
    return true;
  case AT_VALUE:
  case AT_INNER:
    return vtql_tree_add_value(query, match);
  case AT_ORDER_COLUMN:
    return vtql_tree_add_order(query, match);
  case AT_DIRECTION:
    query->descending = token == VTQL_TOKEN_DESC;
    return true;
  case AT_LIMIT_VALUE:
  case AT_LIMIT_END:
    query->limit[query->n_limit++] = match;
    return true;
  default:
    return true;
  }
}

/* A list that starts with a bare 0 falls apart in the server's hands. */
static bool lists_hold(const struct icrm_vtql_query *query) {
  for (size_t i = 0; i < query->n_terms; i++) {
    const struct icrm_vtql_term *term = &query->terms[i];
    struct icrm_vtql_slice first = query->values[term->first_value];
    if (term->n_values > 1 && vtql_lexer_is_word(first, "0"))
      return false;
  }
  return true;
}

struct icrm_vtql_query *icrm_vtql_parse_as_server(const char *text, size_t len,
                                                  struct icrm_error *err) {
  struct parser parser = {.query = vtql_tree_new(text, len)};
  if (!parser.query)
    return vtql_tree_out_of_memory(NULL, err);
  struct vtql_lexer lexer = {.text = parser.query->text.data, .len = len};
  lexer.line = 1;
  enum vtql_token token;
  do {
    enum place to = parser.place;
    if (!vtql_lexer_next(&lexer, &token)) {
      refuse(err, "INTERNAL_SERVER_ERROR",
             "Unknown Error while processing request");
      goto fail;
    }
    if (token == VTQL_TOKEN_END && parser.place == AT_SEMICOLON)
      break;
    if (!find_move(parser.place, token, &to)) {
      refuse_token(&lexer, parser.place, token, err);
      goto fail;
    }
    if (!keep(&parser, to, token, lexer.match))
      return vtql_tree_out_of_memory(parser.query, err);
    parser.place = to;
  } while (token != VTQL_TOKEN_END);
  if (lists_hold(parser.query))
    return parser.query;
  refuse(err, "QUERY_SYNTAX_ERROR", "columns data inappropriate");
fail:
  icrm_vtql_free(parser.query);
  return NULL;
}
