/*
 * A workbook (.xlsx, .xlsm, .ods) as rows of typed cells, one row in memory.
 * Blank rows are left out, but every row has the number that a person sees.
 * Hidden rows and sheets are read; the reader of a row is told.
 */
#ifndef ICRM_WORKBOOK_WORKBOOK_H
#define ICRM_WORKBOOK_WORKBOOK_H

#include "workbook/sheet_row.h"

struct icrm_workbook;

struct icrm_workbook_sheet {
  char *name;
  const char *state; /* "visible", "hidden" or "veryHidden" */
  char *part;        /* of the container; "" in an .ods, where all share one */
};

/* Open the workbook at `path` and list its sheets. Error: input, with a
 * sentence that names what the file is and how to save it. Free with _close. */
int icrm_workbook_open(struct icrm_workbook **out, const char *path,
                       struct icrm_error *err);

/* "xlsx" or "ods". */
const char *icrm_workbook_format(const struct icrm_workbook *workbook);

/* The sheets in the order of their tabs; charts are none. */
size_t icrm_workbook_sheets(const struct icrm_workbook *workbook);
const struct icrm_workbook_sheet *
icrm_workbook_sheet(const struct icrm_workbook *workbook, size_t index);

/* Begin (again) with the rows of a sheet. */
int icrm_workbook_select(struct icrm_workbook *workbook, size_t index,
                         struct icrm_error *err);

/* Go to the next row that has a cell. Returns 1, 0 at the end, -1 on failure
 * (kind input; the message names file, sheet and cell). */
int icrm_workbook_next(struct icrm_workbook *workbook, struct icrm_error *err);

/* The current row, valid until the next call of _next or _select. */
const struct icrm_sheet_row *
icrm_workbook_row(const struct icrm_workbook *workbook);

/* How many of the rows so far were hidden. */
long icrm_workbook_hidden_rows(const struct icrm_workbook *workbook);

/* NULL is allowed. */
void icrm_workbook_close(struct icrm_workbook *workbook);

#endif
