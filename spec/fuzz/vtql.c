/* Queries. What the client accepts and writes must be accepted by the server's
 * reading, with the same terms, and must be written the same again. */
#include "fuzz.h"

#include "core/buf.h"
#include "vtql/vtql.h"

#include <string.h>

static bool same_slice(struct icrm_vtql_slice a, struct icrm_vtql_slice b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* The server reads the client's text as the client meant it. */
static void server_agrees(const struct icrm_vtql_query *client,
                          const struct icrm_buf *text) {
  struct icrm_error err;
  struct icrm_vtql_query *server =
      icrm_vtql_parse_as_server(text->data, text->len, &err);
  if (!server)
    FINDING("the server refuses %s: %s", text->data, err.message);
  MUST(same_slice(server->module, client->module));
  MUST(server->n_terms == client->n_terms);
  MUST(server->n_values == client->n_values);
  MUST(server->n_limit == client->n_limit);
  for (size_t i = 0; i < client->n_terms; i++)
    MUST(same_slice(server->terms[i].column, client->terms[i].column));
  for (size_t i = 0; i < client->n_values; i++) {
    struct icrm_buf a = {0}, b = {0};
    int ra = icrm_vtql_unquote(server->values[i], &a);
    int rb = icrm_vtql_unquote(client->values[i], &b);
    MUST(ra == rb && a.len == b.len);
    MUST(a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
    icrm_buf_free(&a);
    icrm_buf_free(&b);
  }
  icrm_vtql_free(server);
}

/* Written, read and written: the same text. */
static void writes_the_same(const struct icrm_vtql_query *query,
                            const struct icrm_vtql_rewrite *change) {
  struct icrm_buf once = {0}, twice = {0};
  struct icrm_error err;
  icrm_vtql_write(query, change, &once);
  struct icrm_vtql_query *again = icrm_vtql_parse(once.data, once.len, &err);
  if (!again)
    FINDING("own text is refused: %s: %s", once.data, err.message);
  icrm_vtql_write(again, NULL, &twice);
  if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
    FINDING("%s becomes %s", once.data, twice.data);
  server_agrees(again, &once);
  icrm_vtql_free(again);
  icrm_buf_free(&once);
  icrm_buf_free(&twice);
}

/* What the client accepts is outlined as it is parsed. */
static void outlines_the_same(const char *text, size_t len,
                              const struct icrm_vtql_query *query) {
  struct icrm_vtql_outline outline = {.text = text, .len = len};
  struct icrm_vtql_mention mention;
  size_t terms = 0, values = 0;
  while (icrm_vtql_outline_next(&outline, &mention)) {
    MUST(mention.span.data >= text &&
         mention.span.data + mention.span.len <= text + len);
    if (mention.kind == ICRM_VTQL_MENTION_VALUE) {
      MUST(!query || (values < query->n_values &&
                      same_slice(mention.name, query->values[values])));
      values++;
    }
    if (mention.kind == ICRM_VTQL_MENTION_CONDITION) {
      MUST(!query || (terms < query->n_terms &&
                      same_slice(mention.name, query->terms[terms].column)));
      terms++;
    }
  }
  MUST(!query || (terms == query->n_terms && values == query->n_values));
}

/* Any bytes, bound as a text, come back from the server's reading. */
static void text_comes_back(const char *text, size_t len) {
  struct icrm_buf query = {0}, back = {0};
  struct icrm_error err;
  icrm_buf_add_text(&query, "SELECT * FROM A WHERE b = ");
  if (icrm_vtql_add_text(&query, text, len, &err) == 0) {
    icrm_buf_add_text(&query, " AND c = '1';");
    struct icrm_vtql_query *tree =
        icrm_vtql_parse_as_server(query.data, query.len, &err);
    MUST(tree && tree->n_values == 2);
    MUST(icrm_vtql_unquote(tree->values[0], &back) == 0);
    MUST(back.len == len && memcmp(back.data, text, len) == 0);
    icrm_vtql_free(tree);
  }
  icrm_buf_free(&query);
  icrm_buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  struct icrm_error err;
  struct icrm_vtql_slice module;
  icrm_vtql_find_module(text, size, &module);
  icrm_vtql_free(icrm_vtql_parse_as_server(text, size, &err));
  struct icrm_vtql_query *query = icrm_vtql_parse(text, size, &err);
  outlines_the_same(text, size, query);
  if (query) {
    struct icrm_vtql_rewrite as_it_is = {.rows = -1};
    struct icrm_vtql_rewrite page = {
        .after_id = {"17x20", 5}, .by_id = true, .rows = 100};
    struct icrm_vtql_rewrite count = {.count = true, .rows = -1};
    writes_the_same(query, &as_it_is);
    if (query->select != ICRM_VTQL_SELECT_COUNT)
      writes_the_same(query, &page);
    writes_the_same(query, &count);
    icrm_vtql_free(query);
  }
  text_comes_back(text, size);
  return 0;
}
