/* Properties over random queries and texts. The seed is fixed; another one may
 * be given as the argument. */
#include "check.h"
#include "vtql/vtql.h"

#include <math.h>

static uint64_t state = 42;

static uint32_t random_below(uint32_t n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33) % n;
}

static const char *pick(const char *const *list, size_t n) {
  return list[random_below((uint32_t)n)];
}
#define PICK(list) pick(list, sizeof(list) / sizeof *(list))

/* --- what the binder writes, MySQL reads back -------------------------- */

static void random_text(struct icrm_buf *text) {
  static const char *const parts[] = {"'", "''", "\\", "\\'", "'\\", "%",  "_",
                                      "?", ":a", ";",  "\n",  "\t",  "a",  "Z",
                                      "0", "é",  "€",  "😀",   " ",   "\\n"};
  icrm_buf_clear(text);
  do
    icrm_buf_add_text(text, PICK(parts));
  while (random_below(6) > 0);
}

/* A literal is one token to the server, and MySQL reads the text back. */
static void check_literal(const struct icrm_buf *text) {
  struct icrm_buf query = {0}, back = {0};
  icrm_buf_add_text(&query, "SELECT * FROM A WHERE b = ");
  CHECK(icrm_vtql_add_text(&query, text->data, text->len, NULL) == 0);
  struct icrm_vtql_hole hole;
  CHECK(icrm_vtql_next_hole(query.data, query.len, 0, &hole, NULL) == 0);
  icrm_buf_add_text(&query, " AND c = '1';");
  struct icrm_error err = {0};
  struct icrm_vtql_query *tree =
      icrm_vtql_parse_as_server(query.data, query.len, &err);
  if (!tree)
    fprintf(stderr, "%s\n%s\n", query.data, err.message);
  CHECK(tree && tree->n_terms == 2 && tree->n_values == 2);
  CHECK(icrm_vtql_unquote(tree->values[0], &back) == 0);
  CHECK_TEXT(back.data, text->data);
  icrm_vtql_free(tree);
  icrm_buf_free(&query);
  icrm_buf_free(&back);
}

static void literals_read_back(void) {
  struct icrm_buf text = {0};
  for (int i = 0; i < 100000; i++) {
    random_text(&text);
    check_literal(&text);
  }
  icrm_buf_free(&text);
}

static void doubles_read_back(void) {
  for (int i = 0; i < 20000; i++) {
    double value = ldexp((double)random_below(1u << 30) / 7.0,
                         (int)random_below(120) - 60);
    struct icrm_buf out = {0};
    CHECK(icrm_vtql_add_number(&out, value, NULL) == 0);
    CHECK(strtod(out.data + 1, NULL) == value);
    icrm_buf_free(&out);
  }
}

/* --- both readings of AND and OR --------------------------------------- */

/* Terms are `a = 1`, `b = 1`...; bit i of `facts` says whether term i holds,
 * and the highest bit whether a key does. */
static bool holds(const struct icrm_vtql_query *query, size_t i,
                  unsigned facts) {
  struct icrm_vtql_slice column = query->terms[i].column;
  unsigned bit = column.len == 2 ? 7 : (unsigned)(column.data[0] - 'a');
  return (facts >> bit) & 1;
}

static bool left_to_right(const struct icrm_vtql_query *query, unsigned facts) {
  bool result = holds(query, 0, facts);
  for (size_t i = 1; i < query->n_terms; i++)
    result = query->terms[i].after_or ? result || holds(query, i, facts)
                                      : result && holds(query, i, facts);
  return result;
}

static bool and_first(const struct icrm_vtql_query *query, unsigned facts) {
  bool any = false, branch = true;
  for (size_t i = 0; i < query->n_terms; i++) {
    if (query->terms[i].after_or) {
      any = any || branch;
      branch = true;
    }
    branch = branch && holds(query, i, facts);
  }
  return any || branch;
}

static struct icrm_vtql_query *as_server(const struct icrm_buf *text) {
  struct icrm_vtql_query *query =
      icrm_vtql_parse_as_server(text->data, text->len, NULL);
  CHECK(query);
  return query;
}

/* What the client lets through reads the same both ways, and so does its next
 * page, which holds where the query and the key hold. */
static void check_readings(const struct icrm_vtql_query *query) {
  struct icrm_vtql_rewrite page = {
      .after_id = {"9x7", 3}, .by_id = true, .rows = 100};
  struct icrm_buf text = {0};
  icrm_vtql_write(query, &page, &text);
  struct icrm_vtql_query *next = as_server(&text);
  for (unsigned facts = 0; facts < 256; facts++) {
    bool want = and_first(query, facts);
    CHECK(left_to_right(query, facts) == want);
    want = want && ((facts >> 7) & 1);
    CHECK(and_first(next, facts) == want);
    CHECK(left_to_right(next, facts) == want);
  }
  icrm_vtql_free(icrm_vtql_parse(text.data, text.len, NULL));
  icrm_vtql_free(next);
  icrm_buf_free(&text);
}

static bool readings_agree(const struct icrm_vtql_query *query) {
  for (unsigned facts = 0; facts < 128; facts++)
    if (left_to_right(query, facts) != and_first(query, facts))
      return false;
  return true;
}

static void check_suggestion(const char *message, const char *label) {
  const char *line = strstr(message, label);
  if (!line)
    return;
  line += strlen(label);
  struct icrm_buf text = {0};
  icrm_buf_add_text(&text, "SELECT * FROM T WHERE ");
  icrm_buf_add(&text, line, strcspn(line, "\n"));
  struct icrm_error err = {0};
  struct icrm_vtql_query *query = icrm_vtql_parse(text.data, text.len, &err);
  if (!query)
    fprintf(stderr, "%s\n%s\n", message, err.message);
  CHECK(query);
  icrm_vtql_free(query);
  icrm_buf_free(&text);
}

static void mixes_of_and_and_or(void) {
  int passed = 0, refused = 0;
  for (int i = 0; i < 20000; i++) {
    struct icrm_buf text = {0};
    icrm_buf_add_text(&text, "SELECT * FROM T WHERE a = 1");
    for (uint32_t n = random_below(6); n > 0; n--)
      icrm_buf_addf(&text, " %s %c = 1", random_below(2) ? "AND" : "OR",
                    'a' + (char)random_below(7));
    icrm_buf_add_byte(&text, ';');
    struct icrm_error err = {0};
    struct icrm_vtql_query *query = icrm_vtql_parse(text.data, text.len, &err);
    if (query) {
      check_readings(query);
      passed++;
    } else {
      check_suggestion(err.message, "AND first:     ");
      check_suggestion(err.message, "left to right: ");
      struct icrm_vtql_query *raw = as_server(&text);
      refused += !readings_agree(raw);
      icrm_vtql_free(raw);
    }
    icrm_vtql_free(query);
    icrm_buf_free(&text);
  }
  CHECK(passed > 5000 && refused > 5000);
}

/* --- mutations --------------------------------------------------------- */

static void mutate(struct icrm_buf *text) {
  static const char *const parts[] = {
      " ",     "'",       "''",  "'x'",   ",",     "(",     ")",    ";",
      "*",     "=",       "<>",  "!=",    "in",    "LIKE",  "and",  " OR ",
      "order", " by ",    "asc", "desc",  "limit", "where", "from", "count",
      "5",     "-1",      "1.5", "12x3",  "\\",    "\n",    "\xC3", "é",
      "id",    "orderby", "?",   ":name", "\"",    "--",    "0",    "is null"};
  struct icrm_buf out = {0};
  size_t at = random_below((uint32_t)text->len + 1);
  size_t cut = random_below(3) ? random_below(4) : random_below(40);
  if (cut > text->len - at)
    cut = text->len - at;
  icrm_buf_add(&out, text->data, at);
  if (random_below(3) > 0)
    icrm_buf_add_text(&out, PICK(parts));
  icrm_buf_add(&out, text->data + at + cut, text->len - at - cut);
  icrm_buf_free(text);
  *text = out;
}

static bool same(struct icrm_vtql_slice a, struct icrm_vtql_slice b) {
  return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static void check_same_terms(const struct icrm_vtql_query *a,
                             const struct icrm_vtql_query *b) {
  CHECK(a->n_terms == b->n_terms && a->n_values == b->n_values);
  for (size_t i = 0; i < a->n_terms; i++) {
    CHECK(same(a->terms[i].column, b->terms[i].column));
    CHECK(a->terms[i].op == b->terms[i].op);
    CHECK(a->terms[i].after_or == b->terms[i].after_or);
    CHECK(a->terms[i].n_values == b->terms[i].n_values);
  }
  for (size_t i = 0; i < a->n_values; i++)
    CHECK(same(a->values[i], b->values[i]));
}

/* What the client accepts, a server accepts as the same query. */
static void check_against_server(const struct icrm_vtql_query *mine) {
  struct icrm_buf text = {0};
  icrm_vtql_write(mine, NULL, &text);
  struct icrm_error err = {0};
  struct icrm_vtql_query *theirs =
      icrm_vtql_parse_as_server(text.data, text.len, &err);
  if (!theirs)
    fprintf(stderr, "%s\n%s\n", text.data, err.message);
  CHECK(theirs);
  CHECK(same(mine->module, theirs->module) && mine->select == theirs->select);
  CHECK(mine->n_columns == theirs->n_columns);
  check_same_terms(mine, theirs);
  if (mine->select != ICRM_VTQL_SELECT_COUNT) {
    CHECK(mine->n_order == theirs->n_order && mine->n_limit == theirs->n_limit);
    CHECK(mine->descending == theirs->descending);
  }
  icrm_vtql_free(theirs);
  icrm_buf_free(&text);
}

static void mutated_queries(void) {
  static const char *const seeds[] = {
      "SELECT * FROM T WHERE a = '1' AND b IN ('x','y') OR c LIKE '%z' "
      "ORDER BY a, b DESC LIMIT 1, 2;",
      "SELECT a, b FROM T WHERE id > '12x3' AND c != 5 LIMIT 5;",
      "SELECT count(*) FROM T WHERE a >= -1;", "select x from Y order by x;"};
  int accepted = 0;
  for (int i = 0; i < 50000; i++) {
    struct icrm_buf text = {0};
    icrm_buf_add_text(&text, PICK(seeds));
    for (uint32_t n = random_below(4); n > 0; n--)
      mutate(&text);
    struct icrm_error err = {0};
    const char *data = text.data ? text.data : "";
    struct icrm_vtql_query *query = icrm_vtql_parse(data, text.len, &err);
    if (query)
      check_against_server(query);
    else
      CHECK(err.message[0] != '\0');
    accepted += query != NULL;
    icrm_vtql_free(query);
    icrm_vtql_free(icrm_vtql_parse_as_server(data, text.len, &err));
    struct icrm_vtql_hole hole;
    icrm_vtql_next_hole(data, text.len, 0, &hole, &err);
    icrm_buf_free(&text);
  }
  CHECK(accepted > 10000 && accepted < 40000);
}

int main(int argc, char **argv) {
  if (argc > 1)
    state = strtoull(argv[1], NULL, 10);
  literals_read_back();
  doubles_read_back();
  mixes_of_and_and_or();
  mutated_queries();
  return 0;
}
