/*
 * The client's parser: what it accepts means the same on every server, and
 * every refusal names the place and the cure.
 */
#include "vtql/explain.h"
#include "vtql/lexer.h"
#include "vtql/mix.h"
#include "vtql/tree.h"

#include <string.h>

enum kind { KIND_END, KIND_WORD, KIND_TEXT, KIND_NUMBER, KIND_OTHER };

struct client {
  struct icrm_vtql_query *query;
  size_t at; /* of the byte after `token` */
  enum kind kind;
  struct icrm_vtql_slice token; /* the token to look at */
  struct icrm_error *err;
  bool out_of_memory;
};

static bool fail_found(struct client *client, enum vtql_wanted wanted) {
  vtql_explain_found(client->query->text, client->token, wanted, client->err);
  return false;
}

static bool fail_here(struct client *client, const char *message) {
  vtql_explain_at(client->query->text, client->token, client->err, "%s",
                  message);
  return false;
}

static bool kept(struct client *client, bool added) {
  client->out_of_memory = client->out_of_memory || !added;
  return added;
}

/* Length of a literal with its quotes, a doubled quote standing for one; 0
 * when it is not closed. */
static size_t text_length(const char *text, size_t len) {
  for (size_t i = 1; i < len; i++) {
    if (text[i] != '\'')
      continue;
    if (i + 1 == len || text[i + 1] != '\'')
      return i + 1;
    i++;
  }
  return 0;
}

/* Signs that belong together, so that the message shows `<>` and not `>`. */
static size_t sign_length(const char *text, size_t len) {
  static const char *const pairs[] = {
      "<=", ">=", "!=", "<>", "==", "=>", "=<", "&&", "||", "--"};
  for (size_t i = 0; len > 1 && i < sizeof pairs / sizeof *pairs; i++)
    if (memcmp(text, pairs[i], 2) == 0)
      return 2;
  size_t n = icrm_utf8_sequence(text, len);
  return n > 0 ? n : 1;
}

static size_t run_length(const char *text, size_t len) {
  size_t n = 1;
  while (n < len && vtql_lexer_is_word_byte(text[n]))
    n++;
  return n;
}

static void classify(struct client *client, const char *text, size_t len) {
  bool sign = (text[0] == '-' || text[0] == '+') && len > 1 &&
              vtql_lexer_is_word_byte(text[1]);
  size_t n;
  if (text[0] == '\'') {
    client->kind = KIND_TEXT;
    n = text_length(text, len);
    n = n > 0 ? n : len;
  } else if (vtql_lexer_is_word_byte(text[0]) || sign) {
    client->kind = sign ? KIND_NUMBER : KIND_WORD;
    n = run_length(text, len);
  } else {
    client->kind = KIND_OTHER;
    n = sign_length(text, len);
  }
  client->token = (struct icrm_vtql_slice){text, n};
}

static void next(struct client *client) {
  struct icrm_vtql_slice text = client->query->text;
  while (client->at < text.len && text.data[client->at] != '\0' &&
         strchr(" \t\r\n", text.data[client->at]))
    client->at++;
  client->kind = KIND_END;
  client->token = (struct icrm_vtql_slice){text.data + client->at, 0};
  if (client->at == text.len)
    return;
  classify(client, text.data + client->at, text.len - client->at);
  client->at += client->token.len;
}

static bool is(const struct client *client, const char *word) {
  return client->kind != KIND_TEXT && vtql_lexer_is_word(client->token, word);
}

static bool accept(struct client *client, const char *word) {
  if (!is(client, word))
    return false;
  next(client);
  return true;
}

static bool is_clause_word(const struct client *client) {
  return is(client, "where") || is(client, "order") || is(client, "orderby") ||
         is(client, "limit");
}

/* A column where the server's lexer sees one too. */
static bool is_column(const struct client *client) {
  static const char *const taken[] = {"and", "or", "not", "exists", "distinct"};
  if (client->kind != KIND_WORD || is_clause_word(client))
    return false;
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
    if (is(client, taken[i]))
      return false;
  return true;
}

static bool select_columns(struct client *client) {
  do {
    if (!is_column(client) || is(client, "from") || is(client, "count"))
      return fail_found(client, VTQL_WANTED_COLUMN);
    if (!kept(client, vtql_tree_add_column(client->query, client->token)))
      return false;
    next(client);
  } while (accept(client, ","));
  return true;
}

static bool parse_select(struct client *client) {
  struct icrm_vtql_query *query = client->query;
  if (!accept(client, "select"))
    return fail_found(client, VTQL_WANTED_SELECT);
  query->select = ICRM_VTQL_SELECT_COLUMNS;
  if (accept(client, "*")) {
    query->select = ICRM_VTQL_SELECT_STAR;
  } else if (accept(client, "count")) {
    query->select = ICRM_VTQL_SELECT_COUNT;
    if (!accept(client, "(") || !accept(client, "*") || !accept(client, ")"))
      return fail_found(client, VTQL_WANTED_COUNT_STAR);
  } else if (!select_columns(client)) {
    return false;
  }
  if (query->select != ICRM_VTQL_SELECT_COLUMNS && is(client, ","))
    return fail_here(client, "* and count(*) stand alone: select them or "
                             "fields by name, not both");
  return accept(client, "from") || fail_found(client, VTQL_WANTED_FROM);
}

static bool parse_module(struct client *client) {
  if (client->kind != KIND_WORD || is(client, "where"))
    return fail_found(client, VTQL_WANTED_MODULE);
  client->query->module = client->token;
  next(client);
  return true;
}

static bool parse_operator(struct client *client, enum icrm_vtql_op *op) {
  for (int i = ICRM_VTQL_EQ; i <= ICRM_VTQL_IN; i++)
    if (accept(client, icrm_vtql_op_text((enum icrm_vtql_op)i))) {
      *op = (enum icrm_vtql_op)i;
      return true;
    }
  return fail_found(client, VTQL_WANTED_OPERATOR);
}

static bool all_digits(struct icrm_vtql_slice token, size_t from) {
  for (size_t i = from; i < token.len; i++)
    if (token.data[i] < '0' || token.data[i] > '9')
      return false;
  return token.len > from;
}

static bool check_text(struct client *client) {
  struct icrm_vtql_slice token = client->token;
  if (text_length(token.data, token.len) != token.len)
    return fail_here(client, "this quote is not closed; inside a text, write "
                             "a quote twice: 'L''Oréal'");
  if (token.len == 2)
    return fail_here(client, "an empty text cannot be written: ' ' (one space) "
                             "matches an empty text, '11x0' an empty "
                             "reference");
  struct icrm_buf text = {0};
  bool whole = icrm_vtql_unquote(token, &text) == 0;
  icrm_buf_free(&text);
  return whole || fail_here(client, "a backslash takes away the quote after "
                                    "it: write \\\\ for one backslash");
}

/* A bare word would reach the server's SQL as the name of a column. */
static bool check_bare(struct client *client) {
  struct icrm_vtql_slice token = client->token;
  bool number = all_digits(token, client->kind == KIND_NUMBER);
  if (number || icrm_vtql_is_id(token.data, token.len) || is(client, "true") ||
      is(client, "false"))
    return true;
  if (client->kind == KIND_END || is(client, "null") ||
      is_clause_word(client) || is(client, "and") || is(client, "or"))
    return fail_found(client, VTQL_WANTED_VALUE);
  vtql_explain_at(client->query->text, token, client->err,
                  "put quotes around a text: '%.*s'",
                  token.len > 40 ? 40 : (int)token.len, token.data);
  return false;
}

/* `id` goes into SQL as it is, and fails without a word when it is none. */
static bool check_id(struct client *client, const struct icrm_vtql_term *term) {
  struct icrm_vtql_slice token = client->token;
  if (!vtql_lexer_is_word(term->column, "id") || term->op == ICRM_VTQL_LIKE)
    return true;
  size_t quote = client->kind == KIND_TEXT;
  return icrm_vtql_is_id(token.data + quote, token.len - 2 * quote) ||
         fail_here(client, "a record id is a number, x and a number, such as "
                           "'12x345'");
}

static bool parse_value(struct client *client) {
  struct icrm_vtql_query *query = client->query;
  bool good;
  if (client->kind == KIND_TEXT)
    good = check_text(client);
  else if (client->kind == KIND_OTHER)
    good = fail_found(client, VTQL_WANTED_VALUE);
  else
    good = check_bare(client);
  if (!good || !check_id(client, &query->terms[query->n_terms - 1]))
    return false;
  if (!kept(client, vtql_tree_add_value(query, client->token)))
    return false;
  next(client);
  return true;
}

static bool parse_list(struct client *client) {
  if (!accept(client, "("))
    return parse_value(client);
  if (is(client, ")"))
    return fail_here(client, "the list after IN is empty: no row can match, "
                             "so do not ask");
  if (is(client, "select"))
    return fail_here(client, "there are no subqueries: run two queries");
  do {
    if (!parse_value(client))
      return false;
  } while (accept(client, ","));
  return accept(client, ")") || fail_found(client, VTQL_WANTED_LIST);
}

static bool parse_term(struct client *client, bool after_or) {
  struct icrm_vtql_query *query = client->query;
  if (client->kind == KIND_TEXT)
    return fail_here(client, "the field comes first: field = 'value'");
  if (!is_column(client))
    return fail_found(client, VTQL_WANTED_COLUMN);
  if (!kept(client, vtql_tree_add_term(query, client->token, after_or)))
    return false;
  next(client);
  enum icrm_vtql_op *op = &query->terms[query->n_terms - 1].op;
  if (!parse_operator(client, op))
    return false;
  return *op == ICRM_VTQL_IN ? parse_list(client) : parse_value(client);
}

static bool parse_where(struct client *client) {
  bool after_or = false;
  do {
    if (!parse_term(client, after_or))
      return false;
    after_or = is(client, "or");
  } while (accept(client, "and") || accept(client, "or"));
  return true;
}

static bool parse_order(struct client *client) {
  if (!accept(client, "by"))
    return fail_found(client, VTQL_WANTED_BY);
  do {
    if (!is_column(client) || is(client, "asc") || is(client, "desc") ||
        is(client, "by"))
      return fail_found(client, VTQL_WANTED_COLUMN);
    if (!kept(client, vtql_tree_add_order(client->query, client->token)))
      return false;
    next(client);
  } while (accept(client, ","));
  bool direction = is(client, "asc") || is(client, "desc");
  client->query->descending = is(client, "desc");
  if (direction)
    next(client);
  else if (client->kind != KIND_END && !is(client, "limit") && !is(client, ";"))
    return fail_found(client, VTQL_WANTED_AFTER_ORDER);
  return true;
}

static bool parse_limit(struct client *client) {
  do {
    if (client->query->n_limit == 2)
      return fail_here(client, "LIMIT takes rows, or offset and rows");
    if (client->kind != KIND_WORD || !all_digits(client->token, 0))
      return fail_found(client, VTQL_WANTED_ROWS);
    if (client->token.len > 18)
      return fail_here(client, "this number of rows is too large");
    client->query->limit[client->query->n_limit++] = client->token;
    next(client);
  } while (accept(client, ","));
  return true;
}

static bool parse(struct client *client) {
  if (!parse_select(client) || !parse_module(client))
    return false;
  enum vtql_wanted wanted = VTQL_WANTED_CLAUSE;
  if (accept(client, "where")) {
    if (!parse_where(client))
      return false;
    wanted = VTQL_WANTED_AFTER_VALUE;
  }
  if (accept(client, "order")) {
    if (!parse_order(client))
      return false;
    wanted = VTQL_WANTED_END;
  }
  if (accept(client, "limit")) {
    if (!parse_limit(client))
      return false;
    wanted = VTQL_WANTED_END;
  }
  bool closed = accept(client, ";");
  if (client->kind != KIND_END)
    return fail_found(client, closed ? VTQL_WANTED_END : wanted);
  size_t term = vtql_mix_find(client->query);
  if (term == client->query->n_terms)
    return true;
  vtql_mix_explain(client->query, term, client->err);
  return false;
}

struct icrm_vtql_query *icrm_vtql_parse(const char *text, size_t len,
                                        struct icrm_error *err) {
  struct client client = {.query = vtql_tree_new(text, len), .err = err};
  if (!client.query)
    return vtql_tree_out_of_memory(NULL, err);
  next(&client);
  if (parse(&client))
    return client.query;
  if (client.out_of_memory)
    return vtql_tree_out_of_memory(client.query, err);
  icrm_vtql_free(client.query);
  return NULL;
}
