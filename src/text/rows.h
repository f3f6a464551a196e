/*
 * From a page of records (text/records.h) to lines of CSV or JSONL, without
 * anything in between. The lines are those that icrm.cli.table writes row by
 * row: the columns in their order; in CSV an apostrophe before what a table
 * program would obey and CR LF at the end; in JSONL no member for a missing
 * column.
 */
#ifndef ICRM_TEXT_ROWS_H
#define ICRM_TEXT_ROWS_H

#include "core/buf.h"
#include "text/records.h"

struct icrm_rows;

struct icrm_rows_options {
  bool jsonl;                      /* else CSV */
  bool raw;                        /* CSV: no apostrophe */
  char delimiter;                  /* CSV: between cells */
  const struct icrm_span *columns; /* their names, copied */
  int n_columns;
};

/* A writer, NULL when memory runs out. Free with _free (NULL allowed). */
struct icrm_rows *icrm_rows_new(const struct icrm_rows_options *options);
void icrm_rows_free(struct icrm_rows *rows);

/* What a walk has to know of a page: ids are "" where a record has none. */
struct icrm_rows_page {
  int n_records;
  char first_id[32], last_id[32];
  bool in_order; /* the numbers in the ids grow from record to record */
};

/* Write the lines of a page to `out`, after what is there. Returns 1; 0 when it
 * is one record alone, no page; -1 when memory runs out. */
int icrm_rows_write(struct icrm_rows *rows, const struct icrm_records *page,
                    struct icrm_buf *out, struct icrm_rows_page *facts);

#endif
