/* One row of a sheet: cells placed by column, in whatever order they come. */
#ifndef ICRM_WORKBOOK_SHEET_ROW_H
#define ICRM_WORKBOOK_SHEET_ROW_H

#include "core/buf.h"
#include "core/error.h"

#include <stdbool.h>

enum { ICRM_SHEET_ROWS = 1048576, ICRM_SHEET_COLUMNS = 16384 };

enum icrm_cell_kind {
  ICRM_CELL_EMPTY,
  ICRM_CELL_TEXT,
  ICRM_CELL_NUMBER,
  ICRM_CELL_MOMENT, /* a date, a date and time, a time or a duration */
  ICRM_CELL_BOOLEAN,
  ICRM_CELL_ERROR,  /* #N/A and the like, or a date that there is not */
  ICRM_CELL_FORMULA /* without the value that a table program would store */
};

struct icrm_cell {
  enum icrm_cell_kind kind;
  const char *text;  /* NUL-terminated UTF-8; its value, an error's name */
  size_t len;        /* of it */
  const char *shown; /* what a person sees, where that is not the text; NULL */
};

struct icrm_sheet_row {
  long number; /* as the table program counts, from 1 */
  bool is_hidden;
  size_t count; /* cells up to the last that is not empty */
  size_t cap;   /* of places */
  struct place *places;
  struct icrm_buf text;
};

/* Make the row empty. */
void icrm_sheet_row_begin(struct icrm_sheet_row *row, long number,
                          bool is_hidden);

/* Put a cell at a column, counted from 0. `shown` may be NULL. Nothing is kept
 * of an EMPTY one. Error: store, when memory runs out. */
int icrm_sheet_row_put(struct icrm_sheet_row *row, size_t column,
                       enum icrm_cell_kind kind, const char *text, size_t len,
                       const char *shown, struct icrm_error *err);

/* A cell; EMPTY beyond the last. Valid until the next _put or _begin. */
struct icrm_cell icrm_sheet_row_cell(const struct icrm_sheet_row *row,
                                     size_t column);

/* Write a place as people name it, such as "AB12". */
void icrm_sheet_row_name(long number, size_t column, char out[24]);

void icrm_sheet_row_free(struct icrm_sheet_row *row);

#endif
