/*
 * A new workbook (.xlsx) of one sheet, written from the top in constant memory:
 * a row of headings, frozen and with filters, then rows of typed cells. Texts
 * are texts whatever stands in them, so that no leading zero goes, no long
 * number is rounded and no formula runs. Everything stands in a private folder
 * of its own below $TMPDIR until it is fetched from _path.
 */
#ifndef ICRM_WORKBOOK_WRITER_H
#define ICRM_WORKBOOK_WRITER_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

struct icrm_workbook_writer;

/* How a cell is shown. That of a column holds for its empty cells too, so that
 * what is typed there later is taken alike. */
enum icrm_cell_style {
  ICRM_STYLE_TEXT,     /* as it is typed: 01000 stays 01000 */
  ICRM_STYLE_NUMBER,   /* as many decimals as it has */
  ICRM_STYLE_AMOUNT,   /* two decimals, groups of three */
  ICRM_STYLE_DATE,     /* as the reader's table program shows dates */
  ICRM_STYLE_DATETIME, /* dd/mm/yyyy hh:mm:ss */
  ICRM_STYLE_TIME,     /* hh:mm:ss */
  ICRM_STYLE_DURATION, /* hours beyond 24 */
  ICRM_STYLE_BOOLEAN,  /* TRUE, VRAI, WAHR, … as the table program says it */
};
enum { ICRM_STYLES = ICRM_STYLE_BOOLEAN + 1 };

/* Begin a workbook; what a sheet's name must not have is replaced in `name`.
 * Error: store. Free with _close. */
int icrm_workbook_writer_open(struct icrm_workbook_writer **out,
                              const char *name, struct icrm_error *err);

/* Add a column, before the first row. Error: input where there are too many or
 * the heading is too long. */
int icrm_workbook_writer_column(struct icrm_workbook_writer *writer,
                                const char *heading, size_t len,
                                enum icrm_cell_style style,
                                struct icrm_error *err);

/* Write a cell of the row under way; `column` counts from 0. A text is UTF-8,
 * its line ends become LF. Error: input, with the place, when a text is longer
 * than a cell may be or the sheet is full; store. */
int icrm_workbook_writer_text(struct icrm_workbook_writer *writer,
                              size_t column, const char *text, size_t len,
                              struct icrm_error *err);
int icrm_workbook_writer_number(struct icrm_workbook_writer *writer,
                                size_t column, double value,
                                enum icrm_cell_style style,
                                struct icrm_error *err);
int icrm_workbook_writer_boolean(struct icrm_workbook_writer *writer,
                                 size_t column, bool value,
                                 struct icrm_error *err);

/* End the row under way. Error: store, when the disk is full. */
int icrm_workbook_writer_end_row(struct icrm_workbook_writer *writer,
                                 struct icrm_error *err);

/* Finish the file and look whether all of it is there. Error: store. After it
 * only _path and _close. */
int icrm_workbook_writer_finish(struct icrm_workbook_writer *writer,
                                struct icrm_error *err);

/* Where the finished file is until _close. */
const char *
icrm_workbook_writer_path(const struct icrm_workbook_writer *writer);

/* Remove what is left and free. NULL is allowed. */
void icrm_workbook_writer_close(struct icrm_workbook_writer *writer);

#endif
