/*
 * VTQL, the query language of the vtiger family: one SELECT over one module,
 * without joins, parentheses, GROUP BY or NULL.
 *
 *   SELECT * | column {, column} | count(*) FROM module
 *     [WHERE column op value {AND|OR column op value}]
 *     [ORDER BY column {, column} [ASC|DESC]] [LIMIT n | LIMIT offset, n] ;
 *
 * There are two parsers for one tree. icrm_vtql_parse_as_server accepts and
 * refuses what an observed vtiger 8 does, quirk by quirk, with its words; the
 * sandbox runs it. icrm_vtql_parse accepts only what means the same on every
 * server of the family, and explains what it refuses; the client uses it.
 *
 * A tree is read-only and may be shared between threads.
 */
#ifndef ICRM_VTQL_VTQL_H
#define ICRM_VTQL_VTQL_H

#include "core/buf.h"
#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows that a server returns at most, and when no LIMIT is given. */
enum { ICRM_VTQL_PAGE_ROWS = 100 };

/* A piece of a text, not NUL-terminated, that the slice does not own. */
struct icrm_vtql_slice {
  const char *data;
  size_t len;
};

enum icrm_vtql_op {
  ICRM_VTQL_EQ,
  ICRM_VTQL_NE,
  ICRM_VTQL_LT,
  ICRM_VTQL_LE,
  ICRM_VTQL_GT,
  ICRM_VTQL_GE,
  ICRM_VTQL_LIKE,
  ICRM_VTQL_IN
};

/* The operator as it is written, a static string: "=", "!=", "IN"... */
const char *icrm_vtql_op_text(enum icrm_vtql_op op);

enum icrm_vtql_select {
  ICRM_VTQL_SELECT_STAR,
  ICRM_VTQL_SELECT_COLUMNS,
  ICRM_VTQL_SELECT_COUNT
};

/* One comparison of the WHERE clause. */
struct icrm_vtql_term {
  bool after_or; /* joined to the term before it by OR; false for the first */
  enum icrm_vtql_op op;
  struct icrm_vtql_slice column; /* raw token: the server's parser lets any
                                    token stand here, even 'text' */
  size_t first_value;            /* index into the query's `values` */
  size_t n_values;               /* 1, or more after IN */
};

/*
 * A parsed query. Every slice points into `text`. Values and limits are the
 * raw tokens, quotes included, because that is what a server puts into SQL:
 * `'L''Or'`, `12x40`, `-1`, `sleep`. See icrm_vtql_unquote.
 */
struct icrm_vtql_query {
  struct icrm_vtql_slice text; /* the query's own copy of its text */
  enum icrm_vtql_select select;
  struct icrm_vtql_slice module;
  struct icrm_vtql_slice *columns; /* as written; a server adds "id" when it is
                                      absent. Also set beside count(*) in
                                      `SELECT count(*), x`, where they are
                                      neither checked nor returned */
  size_t n_columns;
  struct icrm_vtql_term *terms; /* in the order written */
  size_t n_terms;
  struct icrm_vtql_slice *values; /* of all terms, one after another */
  size_t n_values;
  struct icrm_vtql_slice *order; /* ORDER BY columns, unchecked */
  size_t n_order;
  bool descending; /* DESC; in SQL it falls on the last column alone */
  struct icrm_vtql_slice limit[2]; /* as written: count, or offset and count */
  size_t n_limit;                  /* 0, 1 or 2 */
};

/* Free a query and all that it owns; NULL is allowed. */
void icrm_vtql_free(struct icrm_vtql_query *query);

/* --- as a server ------------------------------------------------------- */

/* The module a server looks for before it parses: the first word after the
 * first `FROM` that is followed by white space, up to white space or `;`,
 * wherever it stands (observed: `FROM Contacts, Accounts` looks for
 * "Contacts,"). Returns false when there is none; the server then answers
 * ACCESS_DENIED "Permission to perform the operation is denied for query".
 * The slice points into `text`. */
bool icrm_vtql_find_module(const char *text, size_t len,
                           struct icrm_vtql_slice *module);

/* Parse as the observed server does. Returns the query, which the caller frees
 * with icrm_vtql_free, or NULL with `err` filled: kind `refused`, `code` and
 * `message` the server's own, to be sent as they are. Names are not checked.
 *
 * After a success a server goes on in this order, which is the caller's part:
 * unknown selected column (ACCESS_DENIED "Permission to access '.X.' attribute
 * denied.", not for * and count(*)); then term by term unknown column
 * (ACCESS_DENIED "Permission to access X attribute denied."), then for a
 * reference a value without an `x` (INVALID_ID_ATTRIBUTE). ORDER BY is not
 * checked: an unknown column makes the SQL fail, and with it everything that
 * fails in SQL, the answer is an empty list. */
struct icrm_vtql_query *icrm_vtql_parse_as_server(const char *text, size_t len,
                                                  struct icrm_error *err);

/* What LIMIT means to a server: `offset` and `rows`, at most
 * ICRM_VTQL_PAGE_ROWS. A word such as `abc` counts as no limit. Returns false
 * when the SQL fails (LIMIT '5', LIMIT -1): the answer is an empty list. */
bool icrm_vtql_server_limit(const struct icrm_vtql_query *query,
                            int64_t *offset, int64_t *rows);

/* Append the text that MySQL reads in a raw token: a quoted one without its
 * quotes, `''` as `'`, backslash escapes undone (`\%` and `\_` keep theirs,
 * for LIKE), an unquoted one as it is. Returns -1, with `out` unchanged, when
 * the literal does not end where the token ends (`'abc\'`): the SQL fails. */
int icrm_vtql_unquote(struct icrm_vtql_slice token, struct icrm_buf *out);

/* True for a token that starts with a single quote. */
bool icrm_vtql_is_quoted(struct icrm_vtql_slice token);

/* --- as a client ------------------------------------------------------- */

/* Parse and check a query before it is sent. A missing `;` is forgiven. A mix
 * of AND and OR passes only when left to right (what the API's documentation
 * says) and AND first (what servers do) give the same rows. Returns the query,
 * which the caller frees with icrm_vtql_free, or NULL with `err` filled: kind
 * `query`, and a message that says what is wrong and how to write it, shows
 * the place in the query and puts a caret under it:
 *
 *   expected an operator, found "between"; write "employees >= … AND …"
 *     … WHERE employees between '15' and '16' LIMIT 2
 *                       ^
 */
struct icrm_vtql_query *icrm_vtql_parse(const char *text, size_t len,
                                        struct icrm_error *err);

/* LIMIT of a query that icrm_vtql_parse made: `offset` is 0 when absent,
 * `rows` is -1 when absent. Not capped. */
void icrm_vtql_limit(const struct icrm_vtql_query *query, int64_t *offset,
                     int64_t *rows);

/* What icrm_vtql_write changes; all zero with `rows` -1 changes nothing. */
struct icrm_vtql_rewrite {
  bool count;                      /* count(*), without ORDER BY and LIMIT */
  struct icrm_vtql_slice after_id; /* adds AND id > '…' to every OR branch;
                                      data NULL for none */
  struct icrm_vtql_slice until_id; /* the same with AND id <= '…' */
  bool by_id;                      /* ORDER BY id instead of the query's own */
  bool then_id;                    /* ORDER BY …, id, when id is not there */
  int64_t offset;                  /* with `rows` */
  int64_t rows;                    /* LIMIT instead of the query's own; -1 to
                                      keep that */
};

/* Append the query's text, with `;`, in one spelling (keywords in capitals,
 * one space). `change` may be NULL. `after_id` and `until_id` must be record
 * ids. The result parses again, and means the same in both readings of AND and
 * OR. */
void icrm_vtql_write(const struct icrm_vtql_query *query,
                     const struct icrm_vtql_rewrite *change,
                     struct icrm_buf *out);

/* --- as a person writes it ---------------------------------------------- */

enum icrm_vtql_mention_kind {
  ICRM_VTQL_MENTION_COLUMN,    /* behind SELECT, `*` and count(*) too */
  ICRM_VTQL_MENTION_MODULE,    /* behind FROM */
  ICRM_VTQL_MENTION_CONDITION, /* what is compared, with `op` */
  ICRM_VTQL_MENTION_VALUE,     /* with what, one by one; of the condition that
                                  came before */
  ICRM_VTQL_MENTION_ORDER      /* behind ORDER BY */
};

struct icrm_vtql_mention {
  enum icrm_vtql_mention_kind kind;
  struct icrm_vtql_slice span; /* as written: what to replace */
  struct icrm_vtql_slice name; /* without the double quotes or backticks that
                                  a name may stand in; a value with its own */
  struct icrm_vtql_slice op;   /* of a condition */
};

/* Where a query mentions names and values. Begin with `text` and `len`, all
 * else zero; the text must outlive the outline. */
struct icrm_vtql_outline {
  const char *text;
  size_t len;
  size_t at;
  int state;
};

/* Find the next mention, in a query whose names may still be labels: a name
 * goes up to what ends it (a comma, FROM, an operator), so it may hold blanks,
 * letters of any alphabet and apostrophes, `Date d'échéance >= '2026-01-01'`;
 * in double quotes or backticks anything else. `in` and `like` are operators
 * before a list and a text alone. False at the end, and where the text is no
 * query that could be understood, for icrm_vtql_parse to explain. */
bool icrm_vtql_outline_next(struct icrm_vtql_outline *outline,
                            struct icrm_vtql_mention *mention);

/* --- literals ---------------------------------------------------------- */

/* A placeholder in a query text: `?`, or `:name` with its name. */
struct icrm_vtql_hole {
  size_t at;                   /* offset of the `?` or `:` */
  size_t len;                  /* bytes to replace */
  struct icrm_vtql_slice name; /* empty for `?` */
};

/* Find the first placeholder at or after offset `from`; text in quotes is
 * skipped. Returns 1 when found, 0 when there is none, -1 with `err` (kind
 * `query`) when a quote stays open or a name is missing after `:`. */
int icrm_vtql_next_hole(const char *text, size_t len, size_t from,
                        struct icrm_vtql_hole *hole, struct icrm_error *err);

/* Append a quoted literal that a server reads as exactly these bytes: `'` and
 * `\` doubled. Fails (kind `query`) on the empty text, which VTQL cannot
 * write, on NUL, and on a byte sequence that is not UTF-8. */
int icrm_vtql_add_text(struct icrm_buf *out, const char *text, size_t len,
                       struct icrm_error *err);

/* Append a number, quoted, because a decimal point outside quotes is refused.
 * The double must be finite (kind `query`); it is written without exponent
 * where that is exact, and reads back as the same double. */
void icrm_vtql_add_integer(struct icrm_buf *out, int64_t value);
int icrm_vtql_add_number(struct icrm_buf *out, double value,
                         struct icrm_error *err);

/* Append '1' or '0'. */
void icrm_vtql_add_boolean(struct icrm_buf *out, bool value);

/* True for a record id: digits, one x, digits. Nothing else may be written as
 * an id: a server puts what follows the x into SQL as it is. */
bool icrm_vtql_is_id(const char *text, size_t len);

/* True for a name of a module or column: letters, digits and underscores. */
bool icrm_vtql_is_name(const char *text, size_t len);

/* Append `text` so that LIKE takes it literally: `\` before `%`, `_`, `\`.
 * The result is a text, not yet a literal. */
void icrm_vtql_escape_like(struct icrm_buf *out, const char *text, size_t len);

#endif
