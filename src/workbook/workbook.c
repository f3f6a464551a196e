#include "workbook/workbook_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHEETS_MAX = 10000, CELLS_MAX = 20 * 1000 * 1000 };

int icrm_workbook_add_sheet(struct icrm_workbook *workbook, const char *name,
                            const char *state, const char *part,
                            struct icrm_error *err) {
  if (workbook->count == SHEETS_MAX)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "%s has more than 10,000 sheets",
                          icrm_package_path(workbook->package));
  struct icrm_workbook_sheet *sheets = realloc(
      workbook->sheets, (workbook->count + 1) * sizeof *workbook->sheets);
  if (!sheets)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  workbook->sheets = sheets;
  struct icrm_workbook_sheet *sheet = &sheets[workbook->count];
  sheet->name = strdup(name);
  sheet->part = strdup(part);
  sheet->state = state;
  workbook->count++;
  if (!sheet->name || !sheet->part)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  return 0;
}

int icrm_workbook_count(struct icrm_workbook *workbook, int64_t cells,
                        struct icrm_error *err) {
  workbook->cells += cells;
  if (workbook->cells > CELLS_MAX)
    return icrm_workbook_fault(workbook, -1, -1, err,
                               "more than 20,000,000 cells; split it, or clear "
                               "the cells that were filled down to the end");
  return 0;
}

int icrm_workbook_fault(const struct icrm_workbook *workbook, long row,
                        long column, struct icrm_error *err, const char *format,
                        ...) {
  char what[512], place[24] = "";
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, format, args);
  va_end(args);
  if (column >= 0)
    icrm_sheet_row_name(row, (size_t)column, place);
  else if (row > 0)
    snprintf(place, sizeof place, "row %ld", row);
  const char *sheet = workbook->selected < workbook->count
                          ? workbook->sheets[workbook->selected].name
                          : "";
  return icrm_error_set(err, ICRM_ERROR_INPUT, "%s: sheet %s%s%s: %s",
                        icrm_package_path(workbook->package), sheet,
                        *place ? ", " : "", place, what);
}

/* ---- what the container is ---- */

static const struct icrm_workbook_reader *
find_reader(const struct icrm_package *package, struct icrm_error *err) {
  const char *path = icrm_package_path(package);
  if (icrm_package_has(package, "xl/workbook.bin")) {
    icrm_error_set(err, ICRM_ERROR_INPUT,
                   "%s is a binary workbook (.xlsb); open it and save it as "
                   ".xlsx",
                   path);
    return NULL;
  }
  if (icrm_package_has(package, "_rels/.rels"))
    return &icrm_xlsx_reader;
  if (icrm_package_has(package, "content.xml"))
    return &icrm_ods_reader;
  icrm_error_set(err, ICRM_ERROR_INPUT,
                 "%s is a ZIP archive without a workbook in it; unpack it, and "
                 "import the file inside",
                 path);
  return NULL;
}

int icrm_workbook_open(struct icrm_workbook **out, const char *path,
                       struct icrm_error *err) {
  struct icrm_workbook *workbook = calloc(1, sizeof *workbook);
  if (!workbook)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  workbook->selected = SIZE_MAX;
  if (icrm_package_open(&workbook->package, path, err) < 0 ||
      !(workbook->reader = find_reader(workbook->package, err)) ||
      workbook->reader->open(workbook, err) < 0) {
    icrm_workbook_close(workbook);
    return -1;
  }
  *out = workbook;
  return 0;
}

const char *icrm_workbook_format(const struct icrm_workbook *workbook) {
  return workbook->reader->name;
}

size_t icrm_workbook_sheets(const struct icrm_workbook *workbook) {
  return workbook->count;
}

const struct icrm_workbook_sheet *
icrm_workbook_sheet(const struct icrm_workbook *workbook, size_t index) {
  return &workbook->sheets[index];
}

int icrm_workbook_select(struct icrm_workbook *workbook, size_t index,
                         struct icrm_error *err) {
  workbook->selected = index;
  workbook->hidden_rows = 0;
  workbook->cells = 0;
  icrm_sheet_row_begin(&workbook->row, 0, false);
  return workbook->reader->select(workbook, index, err);
}

int icrm_workbook_next(struct icrm_workbook *workbook, struct icrm_error *err) {
  int got;
  do {
    got = workbook->reader->next(workbook, err);
  } while (got == 1 && workbook->row.count == 0);
  if (got == 1 && workbook->row.is_hidden)
    workbook->hidden_rows++;
  return got;
}

const struct icrm_sheet_row *
icrm_workbook_row(const struct icrm_workbook *workbook) {
  return &workbook->row;
}

long icrm_workbook_hidden_rows(const struct icrm_workbook *workbook) {
  return workbook->hidden_rows;
}

void icrm_workbook_close(struct icrm_workbook *workbook) {
  if (!workbook)
    return;
  if (workbook->reader)
    workbook->reader->close(workbook);
  for (size_t i = 0; i < workbook->count; i++) {
    free(workbook->sheets[i].name);
    free(workbook->sheets[i].part);
  }
  free(workbook->sheets);
  icrm_sheet_row_free(&workbook->row);
  icrm_package_close(workbook->package);
  free(workbook);
}
