#include "workbook/sheet_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a cell's texts stand in row->text, which moves as it grows. */
struct place {
  enum icrm_cell_kind kind;
  size_t text, len, shown; /* shown: 0 for none, else its offset + 1 */
};

void icrm_sheet_row_begin(struct icrm_sheet_row *row, long number,
                          bool is_hidden) {
  row->number = number;
  row->is_hidden = is_hidden;
  row->count = 0;
  icrm_buf_clear(&row->text);
}

static int reach(struct icrm_sheet_row *row, size_t column,
                 struct icrm_error *err) {
  if (column >= row->cap) {
    size_t cap = row->cap ? row->cap : 16;
    while (cap <= column)
      cap *= 2;
    struct place *places = realloc(row->places, cap * sizeof *places);
    if (!places)
      return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
    row->places = places;
    row->cap = cap;
  }
  if (column >= row->count) {
    memset(row->places + row->count, 0,
           (column + 1 - row->count) * sizeof *row->places);
    row->count = column + 1;
  }
  return 0;
}

int icrm_sheet_row_put(struct icrm_sheet_row *row, size_t column,
                       enum icrm_cell_kind kind, const char *text, size_t len,
                       const char *shown, struct icrm_error *err) {
  if (kind == ICRM_CELL_EMPTY)
    return 0;
  if (reach(row, column, err) < 0)
    return -1;
  struct place *place = &row->places[column];
  place->kind = kind;
  place->text = row->text.len;
  place->len = len;
  icrm_buf_add(&row->text, text, len);
  icrm_buf_add_byte(&row->text, '\0');
  place->shown = shown ? row->text.len + 1 : 0;
  if (shown)
    icrm_buf_add(&row->text, shown, strlen(shown) + 1);
  if (row->text.failed)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  return 0;
}

struct icrm_cell icrm_sheet_row_cell(const struct icrm_sheet_row *row,
                                     size_t column) {
  struct icrm_cell cell = {ICRM_CELL_EMPTY, "", 0, NULL};
  if (column >= row->count || row->places[column].kind == ICRM_CELL_EMPTY)
    return cell;
  const struct place *place = &row->places[column];
  cell.kind = place->kind;
  cell.text = row->text.data + place->text;
  cell.len = place->len;
  cell.shown = place->shown ? row->text.data + place->shown - 1 : NULL;
  return cell;
}

void icrm_sheet_row_name(long number, size_t column, char out[24]) {
  char letters[8];
  size_t n = 0;
  for (size_t left = column + 1; left > 0; left = (left - 1) / 26)
    letters[n++] = (char)('A' + (left - 1) % 26);
  for (size_t i = 0; i < n; i++)
    out[i] = letters[n - 1 - i];
  snprintf(out + n, 24 - n, "%ld", number);
}

void icrm_sheet_row_free(struct icrm_sheet_row *row) {
  free(row->places);
  icrm_buf_free(&row->text);
  memset(row, 0, sizeof *row);
}
