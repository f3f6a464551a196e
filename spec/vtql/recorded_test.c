/* The server's parser against what a server answered. Its argument is the
 * file of recorded queries; see there for the columns. */
#include "check.h"
#include "vtql/vtql.h"

enum { NAME, ROWS, CODE, MESSAGE, QUERY, COLUMNS };

static size_t unescape(char *text) {
  char *out = text;
  for (const char *in = text; *in != '\0'; in++) {
    if (in[0] == '\\' && in[1] == 'x') {
      char hex[3] = {in[2], in[3], '\0'};
      *out++ = (char)strtol(hex, NULL, 16);
      in += 3;
    } else {
      in += in[0] == '\\';
      *out++ = *in;
    }
  }
  *out = '\0';
  return (size_t)(out - text);
}

static void split(char *line, char *columns[COLUMNS]) {
  for (int i = 0; i < COLUMNS; i++) {
    columns[i] = line;
    line += strcspn(line, "\t\n");
    if (*line != '\0')
      *line++ = '\0';
  }
}

static bool ends_with(struct icrm_vtql_slice slice, const char *text) {
  size_t n = strlen(text);
  return slice.len <= n &&
         memcmp(text + n - slice.len, slice.data, slice.len) == 0;
}

/* The refusals of names come after parsing; the query must hold the name. */
static bool names_column(const struct icrm_vtql_query *query,
                         const char *message) {
  char want[256];
  for (size_t i = 0; i < query->n_columns; i++) {
    snprintf(want, sizeof want,
             "Permission to access '.%.*s.' attribute denied.",
             (int)query->columns[i].len, query->columns[i].data);
    if (strcmp(want, message) == 0)
      return true;
  }
  for (size_t i = 0; i < query->n_terms; i++) {
    snprintf(want, sizeof want, "Permission to access %.*s attribute denied.",
             (int)query->terms[i].column.len, query->terms[i].column.data);
    if (strcmp(want, message) == 0)
      return true;
  }
  return false;
}

static void check_rows(char *columns[COLUMNS],
                       const struct icrm_vtql_query *query) {
  int64_t offset, limit;
  long rows = atol(columns[ROWS]);
  bool works = icrm_vtql_server_limit(query, &offset, &limit);
  CHECK(works || rows == 0);
  if (query->select != ICRM_VTQL_SELECT_COUNT)
    CHECK(!works || rows <= limit);
}

/* True when the parser alone decides the answer. */
static bool is_syntax(const char *code) {
  return strcmp(code, "QUERY_SYNTAX_ERROR") == 0 ||
         strcmp(code, "INTERNAL_SERVER_ERROR") == 0;
}

static void replay(char *columns[COLUMNS]) {
  unescape(columns[MESSAGE]);
  size_t len = unescape(columns[QUERY]);
  struct icrm_vtql_slice module;
  struct icrm_error err = {0};
  const char *message = columns[MESSAGE];
  if (!icrm_vtql_find_module(columns[QUERY], len, &module)) {
    CHECK_TEXT(message,
               "Permission to perform the operation is denied for query");
    return;
  }
  if (strstr(message, "denied for name : ")) {
    CHECK(ends_with(module, message));
    return;
  }
  struct icrm_vtql_query *query =
      icrm_vtql_parse_as_server(columns[QUERY], len, &err);
  if (is_syntax(columns[CODE])) {
    CHECK(!query);
    CHECK_TEXT(err.code, columns[CODE]);
    CHECK_TEXT(err.message, message);
    return;
  }
  if (!query)
    fprintf(stderr, "%s: %s\n", columns[NAME], err.message);
  CHECK(query);
  CHECK(strstr(message, "attribute denied") == NULL ||
        names_column(query, message));
  if (strcmp(columns[ROWS], "-") != 0)
    check_rows(columns, query);
  icrm_vtql_free(query);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  FILE *file = fopen(argv[1], "r");
  CHECK(file);
  char *line = NULL, *columns[COLUMNS];
  size_t size = 0;
  int n = 0;
  while (getline(&line, &size, file) > 0) {
    if (line[0] == '#')
      continue;
    split(line, columns);
    fprintf(stderr, "%s\n", columns[NAME]);
    replay(columns);
    n++;
  }
  free(line);
  fclose(file);
  CHECK(n == 242);
  return 0;
}
