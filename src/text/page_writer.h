/*
 * From a page of records (text/page.h) to lines of CSV or JSONL, without
 * anything in between. The lines are those that icrm.cli.table writes row by
 * row: the columns in their order; in CSV an apostrophe before what a table
 * program would obey and CR LF at the end; in JSONL no member for a missing
 * column.
 */
#ifndef ICRM_TEXT_PAGE_WRITER_H
#define ICRM_TEXT_PAGE_WRITER_H

#include "core/buf.h"
#include "text/page.h"

struct icrm_page_writer;

struct icrm_page_writer_options {
  bool jsonl;                      /* else CSV */
  bool raw;                        /* CSV: no apostrophe */
  char delimiter;                  /* CSV: between cells */
  const struct icrm_span *columns; /* their names, copied */
  int n_columns;
};

/* A writer, NULL when memory runs out. Free with _free (NULL allowed). */
struct icrm_page_writer *
icrm_page_writer_new(const struct icrm_page_writer_options *options);
void icrm_page_writer_free(struct icrm_page_writer *writer);

/* What a walk has to know of a page: ids are "" where a record has none. */
struct icrm_page_facts {
  int n_records;
  char first_id[32], last_id[32];
  bool in_order; /* the numbers in the ids grow from record to record */
};

/* Write the lines of a page to `out`, after what is there. Returns 1; 0 when it
 * is one record alone, no page; -1 when memory runs out. */
int icrm_page_writer_write(struct icrm_page_writer *writer,
                           const struct icrm_page *page, struct icrm_buf *out,
                           struct icrm_page_facts *facts);

#endif
