/* The client's parser, its messages and the writer. */
#include "check.h"
#include "vtql/vtql.h"

static struct icrm_vtql_query *parsed(const char *text) {
  struct icrm_error err = {0};
  struct icrm_vtql_query *query = icrm_vtql_parse(text, strlen(text), &err);
  if (!query)
    fprintf(stderr, "%s\n%s\n", text, err.message);
  CHECK(query);
  return query;
}

/* The text that `change` makes of a query. */
static void check_written(const char *text,
                          const struct icrm_vtql_rewrite *change,
                          const char *want) {
  struct icrm_vtql_query *query = parsed(text);
  struct icrm_buf out = {0};
  icrm_vtql_write(query, change, &out);
  CHECK_TEXT(out.data, want);
  icrm_vtql_free(parsed(out.data));
  icrm_buf_free(&out);
  icrm_vtql_free(query);
}

static void check_refused(const char *text, const char *want) {
  struct icrm_error err = {0};
  CHECK(!icrm_vtql_parse(text, strlen(text), &err));
  CHECK(err.kind == ICRM_ERROR_QUERY);
  CHECK_TEXT(err.message, want);
}

/* Only the first line: what is wrong and the cure. */
static void check_says(const char *text, const char *want) {
  struct icrm_error err = {0};
  CHECK(!icrm_vtql_parse(text, strlen(text), &err));
  char *end = strchr(err.message, '\n');
  CHECK(end);
  *end = '\0';
  CHECK_TEXT(err.message, want);
}

static void writes_one_spelling(void) {
  check_written("select * from HelpDesk", NULL, "SELECT * FROM HelpDesk;");
  check_written("Select COUNT ( * ) From A\nwhere b='it''s' ;", NULL,
                "SELECT count(*) FROM A WHERE b = 'it''s';");
  check_written(
      "SELECT a ,b FROM C WHERE d in ('1' , 2) OR e like '%x' AND d in ('1',2) "
      "order by a,b desc limit 10 , 5;",
      NULL,
      "SELECT a, b FROM C WHERE d IN ('1', 2) OR e LIKE '%x' AND "
      "d IN ('1', 2) ORDER BY a, b DESC LIMIT 10, 5;");
  check_written("SELECT * FROM A WHERE id >= 12x3 AND b != -1 AND c = true",
                NULL,
                "SELECT * FROM A WHERE id >= 12x3 AND b != -1 AND c = true;");
}

static void pages_by_key(void) {
  struct icrm_vtql_rewrite page = {
      .after_id = {"9x7", 3}, .by_id = true, .rows = 100};
  check_written("SELECT * FROM A", &page,
                "SELECT * FROM A WHERE id > '9x7' ORDER BY id LIMIT 100;");
  check_written("SELECT * FROM A WHERE b = 1 AND c = 2 OR d = 3", &page,
                "SELECT * FROM A WHERE b = 1 AND c = 2 AND id > '9x7' OR "
                "d = 3 AND id > '9x7' ORDER BY id LIMIT 100;");
  struct icrm_vtql_rewrite rest = {
      .after_id = {"9x7", 3}, .count = true, .rows = -1};
  check_written("SELECT b FROM A ORDER BY b LIMIT 7", &rest,
                "SELECT count(*) FROM A WHERE id > '9x7';");
}

static void pages_by_offset(void) {
  struct icrm_vtql_rewrite page = {.then_id = true, .offset = 200, .rows = 50};
  check_written("SELECT * FROM A ORDER BY b", &page,
                "SELECT * FROM A ORDER BY b, id LIMIT 200, 50;");
  check_written("SELECT * FROM A ORDER BY id, b DESC LIMIT 3", &page,
                "SELECT * FROM A ORDER BY id, b DESC LIMIT 200, 50;");
  page.offset = 0;
  check_written("SELECT * FROM A", &page,
                "SELECT * FROM A ORDER BY id LIMIT 50;");
}

static void reads_limits(void) {
  int64_t offset, rows;
  struct icrm_vtql_query *query = parsed("SELECT * FROM A LIMIT 20, 1000");
  icrm_vtql_limit(query, &offset, &rows);
  CHECK(offset == 20 && rows == 1000);
  icrm_vtql_free(query);
  query = parsed("SELECT * FROM A");
  icrm_vtql_limit(query, &offset, &rows);
  CHECK(offset == 0 && rows == -1);
  icrm_vtql_free(query);
}

static void points_at_the_place(void) {
  check_refused("SELECT * FROM Accounts WHERE employees between '15' AND '16' "
                "LIMIT 2",
                "expected an operator (= != < <= > >= LIKE IN), found between: "
                "write a >= 'from' AND a <= 'to' instead\n"
                "    SELECT * FROM Accounts WHERE employees between '15' AND "
                "'16' LIMIT 2\n"
                "                                           ^");
  check_refused("SELECT * FROM A WHERE b = 'é' AND c <> 1",
                "expected an operator (= != < <= > >= LIKE IN), found <>: "
                "write != instead\n"
                "    SELECT * FROM A WHERE b = 'é' AND c <> 1\n"
                "                                        ^");
  check_refused("SELECT a FROM",
                "expected the name of a module, but the query ends here\n"
                "    SELECT a FROM\n"
                "                 ^");
}

static void windows_on_long_queries(void) {
  check_refused("SELECT accountname, bill_city, phone, website, industry FROM "
                "Accounts WHERE website = '' ORDER BY accountname",
                "an empty text cannot be written: ' ' (one space) matches an "
                "empty text, '11x0' an empty reference\n"
                "    … website, industry FROM Accounts WHERE website = '' "
                "ORDER BY accountname\n"
                "                                                      ^");
}

static void knows_habits(void) {
  check_says("UPDATE Accounts SET a = 1",
             "expected SELECT, found UPDATE: a query only reads");
  check_says("SLECT * FROM A", "expected SELECT, found SLECT: did you mean "
                               "SELECT?");
  check_says("SELECT * FORM A",
             "expected a comma or FROM, found FORM: did you mean FROM?");
  check_says("SELECT * FROM A WEHRE b = 1",
             "expected WHERE, ORDER BY, LIMIT or the end, found WEHRE: did you "
             "mean WHERE?");
  check_says("SELECT * FROM A, B",
             "expected WHERE, ORDER BY, LIMIT or the end, found ,: a query "
             "reads one module; join them in Lua");
  check_says("SELECT * FROM A WHERE b IS NULL",
             "expected an operator (= != < <= > >= LIKE IN), found IS: there "
             "is no NULL: = ' ' (one space) matches an empty text, = '11x0' "
             "an empty reference");
  check_says("SELECT * FROM A WHERE (b = 1 OR c = 2) AND d = 3",
             "expected the name of a field, found (: there are no parentheses "
             "but in lists: write the conditions without, each alternative in "
             "full (a AND c OR b AND c)");
  check_says("SELECT * FROM A WHERE b = Open",
             "put quotes around a text: 'Open'");
  check_says("SELECT * FROM A WHERE b = 1000.5",
             "expected AND, OR, ORDER BY, LIMIT or the end, found .: a number "
             "with a point must be quoted: '1000.5'");
  check_says("SELECT * FROM A WHERE b = \"x\"",
             "expected a value, found \": quote with ', not with \"");
  check_says("SELECT * FROM A WHERE b = 'abc\\'",
             "a backslash takes away the quote after it: write \\\\ for one "
             "backslash");
  check_says("SELECT * FROM A WHERE b = 'abc",
             "this quote is not closed; inside a text, write a quote twice: "
             "'L''Oréal'");
  check_says("SELECT * FROM A WHERE id = 32",
             "a record id is a number, x and a number, such as '12x345'");
  check_says("SELECT * FROM A WHERE id = '12x3 OR 1=1'",
             "a record id is a number, x and a number, such as '12x345'");
  check_says("SELECT * FROM A WHERE b IN ()",
             "the list after IN is empty: no row can match, so do not ask");
  check_says("SELECT * FROM A WHERE b = ?",
             "expected a value, found ?: a value is missing for this ?");
  check_says("SELECT b FROM A GROUP BY b",
             "expected WHERE, ORDER BY, LIMIT or the end, found GROUP: there "
             "is no GROUP BY; a report counts and sums by field");
  check_says("SELECT * FROM A ORDER BY b DESC, c",
             "expected the end of the query, found ,: one direction is "
             "allowed, at the end; it goes with the last field alone");
  check_says("SELECT * FROM A LIMIT 5 OFFSET 3",
             "expected the end of the query, found OFFSET: write LIMIT "
             "offset, rows");
  check_says("SELECT * FROM A LIMIT '5'",
             "expected a number of rows, found '5'");
  check_says("SELECT * FROM A; SELECT * FROM B",
             "expected the end of the query, found SELECT");
  check_says("SELECT a.b FROM A",
             "expected a comma or FROM, found .: there are no dotted names: a "
             "query reads one module; join them in Lua");
}

static void shows_both_readings(void) {
  check_refused("SELECT * FROM A WHERE b = 1 OR c = 2 AND d = 3",
                "AND after OR can be read in two ways; write what you mean\n"
                "    AND first:     c = 2 AND d = 3 OR b = 1\n"
                "    left to right: b = 1 AND d = 3 OR c = 2 AND d = 3\n"
                "    SELECT * FROM A WHERE b = 1 OR c = 2 AND d = 3\n"
                "                                             ^");
  icrm_vtql_free(parsed("SELECT * FROM A WHERE c = 2 AND d = 3 OR b = 1"));
  icrm_vtql_free(
      parsed("SELECT * FROM A WHERE b = 1 AND d = 3 OR c = 2 AND d = 3"));
  check_says("SELECT * FROM A WHERE a = 1 AND b = 2 OR c = 3 AND d = 4",
             "AND after OR can be read in two ways; write what you mean");
}

static void counts_limits_as_a_server(void) {
  static const struct {
    const char *limit;
    bool works;
    int64_t offset, rows;
  } cases[] = {{"LIMIT 5", true, 0, 5},       {"LIMIT 101", true, 0, 100},
               {"LIMIT 7,500", true, 7, 100}, {"LIMIT abc", true, 0, 100},
               {"LIMIT '5'", false, 0, 0},    {"LIMIT -1", false, 0, 0},
               {"LIMIT abc,5", false, 0, 0},  {"", true, 0, 100},
               {"LIMIT 0", true, 0, 0},       {"LIMIT 1x", true, 0, 100}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[64];
    snprintf(text, sizeof text, "SELECT * FROM A %s;", cases[i].limit);
    struct icrm_vtql_query *query =
        icrm_vtql_parse_as_server(text, strlen(text), NULL);
    CHECK(query);
    int64_t offset, rows;
    CHECK(icrm_vtql_server_limit(query, &offset, &rows) == cases[i].works);
    CHECK(!cases[i].works ||
          (offset == cases[i].offset && rows == cases[i].rows));
    icrm_vtql_free(query);
  }
}

int main(void) {
  writes_one_spelling();
  pages_by_key();
  pages_by_offset();
  reads_limits();
  points_at_the_place();
  windows_on_long_queries();
  knows_habits();
  shows_both_readings();
  counts_limits_as_a_server();
  return 0;
}
