/*
 * The sandbox's database: the only file that knows SQLite. Statements are
 * prepared once and kept. Nothing here locks: the caller lets one thread in.
 */
#ifndef ICRM_SANDBOX_STORE_H
#define ICRM_SANDBOX_STORE_H

#include "core/buf.h"
#include "core/error.h"

#include <stdbool.h>
#include <stdint.h>

struct sb_store;
struct sb_rows;

/* Open `file`, made when missing, or a database in memory when NULL. Text
 * compares as in collate.h with COLLATE mysql; the functions mysql_like(
 * pattern, text), mysql_number(text) and caller() are there. NULL with `err`
 * (kind `store`) on failure. */
struct sb_store *sb_store_open(const char *file, struct icrm_error *err);
void sb_store_close(struct sb_store *store);

/* The user that the function caller() stands for in SQL. */
void sb_store_set_caller(struct sb_store *store, int64_t user);

/* Run statements without parameters. Returns 0 or -1. */
int sb_store_run(struct sb_store *store, const char *sql);

/* What the last failure was, valid until the next call. */
const char *sb_store_message(const struct sb_store *store);

/* A statement ready for its parameters, or NULL when SQL refuses it. It must
 * be given back with sb_rows_end. One text cannot be under way twice. */
struct sb_rows *sb_store_query(struct sb_store *store, const char *sql);

/* The same, with a number as its first parameter. */
struct sb_rows *sb_store_query_number(struct sb_store *store, const char *sql,
                                      int64_t number);

/* Bind the next parameter. A text is copied; NULL binds NULL. A blob is not
 * copied: it must live until the statement is given back. */
void sb_rows_integer(struct sb_rows *rows, int64_t value);
void sb_rows_real(struct sb_rows *rows, double value);
void sb_rows_text(struct sb_rows *rows, const char *text, size_t len);
void sb_rows_string(struct sb_rows *rows, const char *text);
void sb_rows_blob(struct sb_rows *rows, const void *data, size_t len);

/* Move to the next row: 1, or 0 at the end, or -1 on failure. */
int sb_rows_next(struct sb_rows *rows);

/* Values of the current row; a text lives until the next move. */
bool sb_rows_is_null(struct sb_rows *rows, int column);
int64_t sb_rows_get_integer(struct sb_rows *rows, int column);
double sb_rows_get_real(struct sb_rows *rows, int column);
const char *sb_rows_get_text(struct sb_rows *rows, int column, size_t *len);

/* Give the statement back; NULL is allowed. Returns 0, or -1 when it failed. */
int sb_rows_end(struct sb_rows *rows);

/* Run a prepared statement to its end and give it back. Returns 0 or -1. */
int sb_rows_run(struct sb_rows *rows);

/* The first column of the first row as a number, `absent` when there is no
 * row or it is NULL. Gives the statement back. */
int64_t sb_rows_one(struct sb_rows *rows, int64_t absent);

#endif
