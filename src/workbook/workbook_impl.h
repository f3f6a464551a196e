/* What workbook.c shares with the readers of the two formats. Private. */
#ifndef ICRM_WORKBOOK_WORKBOOK_IMPL_H
#define ICRM_WORKBOOK_WORKBOOK_IMPL_H

#include "workbook/markup.h"
#include "workbook/workbook.h"

#include <stdint.h>

/* A reader of one format. Its `state` is made by open and freed by close;
 * `next` fills workbook->row with the next row, blank or not. */
struct icrm_workbook_reader {
  const char *name;
  int (*open)(struct icrm_workbook *workbook, struct icrm_error *err);
  int (*select)(struct icrm_workbook *workbook, size_t index,
                struct icrm_error *err);
  int (*next)(struct icrm_workbook *workbook, struct icrm_error *err);
  void (*close)(struct icrm_workbook *workbook);
};

extern const struct icrm_workbook_reader icrm_xlsx_reader, icrm_ods_reader;

struct icrm_workbook {
  struct icrm_package *package;
  const struct icrm_workbook_reader *reader;
  void *state;
  struct icrm_workbook_sheet *sheets;
  size_t count;
  size_t selected;
  struct icrm_sheet_row row;
  long hidden_rows;
  int64_t cells; /* of the selected sheet so far, repeats counted */
};

/* Add a sheet; `part` is "" for none. Names are copied. */
int icrm_workbook_add_sheet(struct icrm_workbook *workbook, const char *name,
                            const char *state, const char *part,
                            struct icrm_error *err);

/* Count cells against what a sheet may have. */
int icrm_workbook_count(struct icrm_workbook *workbook, int64_t cells,
                        struct icrm_error *err);

/* Fail with file, sheet and, for `column` >= 0, the cell. Returns -1. */
int icrm_workbook_fault(const struct icrm_workbook *workbook, long row,
                        long column, struct icrm_error *err, const char *format,
                        ...) __attribute__((format(printf, 5, 6)));

#endif
