#include "workbook/writer.h"

#include "core/buf.h"
#include "workbook/escapes.h"
#include "workbook/package.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xlsxwriter.h>

/* What a sheet holds, and how wide a column is at least and at most. */
enum {
  ROWS_MAX = 1048576,
  COLUMNS_MAX = 16384,
  CELL_UNITS_MAX = 32767,
  NAME_UNITS_MAX = 31,
  WIDTH_MIN = 8,
  WIDTH_MAX = 60,
  FILTER_WIDTH = 3, /* of the button beside a heading */
  MARGIN = 2,
};

struct column {
  enum icrm_cell_style style;
  int width; /* characters of the widest cell so far */
};

struct icrm_workbook_writer {
  char folder[4096], path[4096 + 16];
  lxw_workbook *book; /* NULL when finished */
  lxw_worksheet *sheet;
  lxw_format *formats[ICRM_STYLES], *heading;
  struct column *columns;
  size_t n_columns, cap;
  lxw_row_t row; /* the row under way, from 0, which has the headings */
  struct icrm_buf text;
};

static int fail_store(struct icrm_error *err, const char *why) {
  return icrm_error_set(err, ICRM_ERROR_STORE,
                        "the workbook could not be written: %s", why);
}

/* ---- Texts ------------------------------------------------------------- */

/* How many UTF-16 units a character of so many bytes in UTF-8 has. */
static size_t units_of(size_t bytes) {
  return bytes == 4 ? 2 : 1;
}

static size_t count_units(const char *text, size_t len) {
  size_t units = 0;
  for (size_t at = 0; at < len;) {
    size_t bytes = icrm_utf8_sequence(text + at, len - at);
    units += units_of(bytes);
    at += bytes ? bytes : 1;
  }
  return units;
}

/* Characters of the first line, so many at most. */
static int width_of(const char *text, size_t len) {
  int width = 0;
  for (size_t at = 0; at < len && text[at] != '\n' && width < WIDTH_MAX; at++)
    width += ((unsigned char)text[at] & 0xC0) != 0x80;
  return width;
}

static void widen(struct column *column, int width) {
  if (width > column->width)
    column->width = width;
}

/* ---- Sheet ------------------------------------------------------------- */

/* A name that a table program takes, made of one that it may not take. */
static void add_name(const char *name, struct icrm_buf *out) {
  size_t units = 0;
  for (size_t len = strlen(name), at = 0; at < len;) {
    size_t bytes = icrm_utf8_sequence(name + at, len - at);
    units += units_of(bytes);
    if (units > NAME_UNITS_MAX)
      break;
    bool is_bad = bytes == 0 || (unsigned char)name[at] < 0x20 ||
                  strchr("[]:*?/\\'", name[at]);
    icrm_buf_add(out, is_bad ? "_" : name + at, is_bad ? 1 : bytes);
    at += bytes ? bytes : 1;
  }
  if (out->len == 0 || strcasecmp(out->data, "History") == 0)
    icrm_buf_add_text(out, "_");
}

static int add_sheet(struct icrm_workbook_writer *writer, const char *name,
                     struct icrm_error *err) {
  icrm_buf_clear(&writer->text);
  add_name(name, &writer->text);
  if (writer->text.failed)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  writer->sheet = workbook_add_worksheet(writer->book, writer->text.data);
  return writer->sheet ? 0 : fail_store(err, "there is no room for it");
}

static void add_formats(struct icrm_workbook_writer *writer) {
  static const char *const codes[ICRM_STYLES] = {
      [ICRM_STYLE_TEXT] = "@",
      [ICRM_STYLE_AMOUNT] = "#,##0.00",
      [ICRM_STYLE_DATETIME] = "dd/mm/yyyy\\ hh:mm:ss",
      [ICRM_STYLE_TIME] = "hh:mm:ss",
      [ICRM_STYLE_DURATION] = "[h]:mm:ss",
      /* LibreOffice's own; others say a boolean in any format */
      [ICRM_STYLE_BOOLEAN] = "\"TRUE\";\"TRUE\";\"FALSE\""};
  enum { LOCALE_DATE = 14 }; /* of the formats that every program has */
  for (int i = 0; i < ICRM_STYLES; i++) {
    if (!codes[i] && i != ICRM_STYLE_DATE)
      continue;
    writer->formats[i] = workbook_add_format(writer->book);
    if (codes[i])
      format_set_num_format(writer->formats[i], codes[i]);
    else
      format_set_num_format_index(writer->formats[i], LOCALE_DATE);
  }
  writer->heading = workbook_add_format(writer->book);
  format_set_bold(writer->heading);
  format_set_bottom(writer->heading, LXW_BORDER_THIN);
  format_set_num_format(writer->heading, "@");
}

static int make_folder(struct icrm_workbook_writer *writer,
                       struct icrm_error *err) {
  const char *folder = getenv("TMPDIR");
  strncat(writer->folder, folder && *folder ? folder : "/tmp",
          sizeof writer->folder - 32);
  strcat(writer->folder, "/icrm-workbook-XXXXXX");
  if (!mkdtemp(writer->folder)) {
    int code = errno;
    writer->folder[0] = '\0';
    return fail_store(err, strerror(code));
  }
  strcpy(writer->path, writer->folder);
  strcat(writer->path, "/new.xlsx");
  return 0;
}

int icrm_workbook_writer_open(struct icrm_workbook_writer **out,
                              const char *name, struct icrm_error *err) {
  struct icrm_workbook_writer *writer = calloc(1, sizeof *writer);
  if (!writer)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  if (make_folder(writer, err) < 0)
    goto fail;
  lxw_workbook_options options = {
      .constant_memory = LXW_TRUE, .tmpdir = writer->folder, .use_zip64 = 1};
  writer->book = workbook_new_opt(writer->path, &options);
  if (!writer->book) {
    fail_store(err, "there is no room for it");
    goto fail;
  }
  /* One date for all: the same rows give the same bytes. */
  lxw_doc_properties properties = {.created = 315532800};
  workbook_set_properties(writer->book, &properties);
  add_formats(writer);
  if (add_sheet(writer, name, err) < 0)
    goto fail;
  *out = writer;
  return 0;
fail:
  icrm_workbook_writer_close(writer);
  return -1;
}

/* ---- Cells ------------------------------------------------------------- */

static int fail_long(const struct icrm_workbook_writer *writer, size_t column,
                     size_t units, struct icrm_error *err) {
  return icrm_error_set(err, ICRM_ERROR_INPUT,
                        "row %lu, column %zu: a text of %zu characters, and a "
                        "cell of a workbook holds %d",
                        (unsigned long)writer->row + 1, column + 1, units,
                        (int)CELL_UNITS_MAX);
}

static int fail_full(struct icrm_error *err) {
  return icrm_error_set(err, ICRM_ERROR_INPUT,
                        "more rows than a sheet of a workbook holds, %d",
                        (int)ROWS_MAX);
}

static int check(lxw_error code, struct icrm_error *err) {
  return code == LXW_NO_ERROR ? 0 : fail_store(err, lxw_strerror(code));
}

static int put_text(struct icrm_workbook_writer *writer, size_t column,
                    const char *text, size_t len, lxw_format *format,
                    struct icrm_error *err) {
  size_t units = count_units(text, len);
  if (writer->row >= ROWS_MAX)
    return fail_full(err);
  if (units > CELL_UNITS_MAX)
    return fail_long(writer, column, units, err);
  icrm_buf_clear(&writer->text);
  icrm_escapes_encode(text, len, &writer->text);
  icrm_buf_add_byte(&writer->text, '\0');
  if (writer->text.failed)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  lxw_error code = worksheet_write_string(
      writer->sheet, writer->row, (lxw_col_t)column, writer->text.data, format);
  if (code == LXW_ERROR_MAX_STRING_LENGTH_EXCEEDED) /* by its escapes */
    return fail_long(writer, column, units, err);
  return check(code, err);
}

static bool grow(struct icrm_workbook_writer *writer) {
  if (writer->n_columns < writer->cap)
    return true;
  size_t cap = writer->cap ? writer->cap * 2 : 64;
  struct column *columns = realloc(writer->columns, cap * sizeof *columns);
  if (!columns)
    return false;
  writer->columns = columns;
  writer->cap = cap;
  return true;
}

int icrm_workbook_writer_column(struct icrm_workbook_writer *writer,
                                const char *heading, size_t len,
                                enum icrm_cell_style style,
                                struct icrm_error *err) {
  if (writer->n_columns == COLUMNS_MAX)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "more columns than a sheet of a workbook holds, %d",
                          (int)COLUMNS_MAX);
  if (!grow(writer))
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  size_t index = writer->n_columns++;
  writer->columns[index] = (struct column){style, 0};
  widen(&writer->columns[index], width_of(heading, len) + FILTER_WIDTH);
  return put_text(writer, index, heading, len, writer->heading, err);
}

int icrm_workbook_writer_text(struct icrm_workbook_writer *writer,
                              size_t column, const char *text, size_t len,
                              struct icrm_error *err) {
  widen(&writer->columns[column], width_of(text, len) + MARGIN);
  return put_text(writer, column, text, len, writer->formats[ICRM_STYLE_TEXT],
                  err);
}

int icrm_workbook_writer_number(struct icrm_workbook_writer *writer,
                                size_t column, double value,
                                enum icrm_cell_style style,
                                struct icrm_error *err) {
  static const int widths[ICRM_STYLES] = {[ICRM_STYLE_DATE] = 11,
                                          [ICRM_STYLE_DATETIME] = 20,
                                          [ICRM_STYLE_TIME] = 10,
                                          [ICRM_STYLE_DURATION] = 12};
  char shown[40];
  if (writer->row >= ROWS_MAX)
    return fail_full(err);
  snprintf(shown, sizeof shown, style == ICRM_STYLE_AMOUNT ? "%'.2f" : "%.15g",
           value);
  widen(&writer->columns[column],
        widths[style] ? widths[style]
                      : width_of(shown, strlen(shown)) + MARGIN);
  return check(worksheet_write_number(writer->sheet, writer->row,
                                      (lxw_col_t)column, value,
                                      writer->formats[style]),
               err);
}

int icrm_workbook_writer_boolean(struct icrm_workbook_writer *writer,
                                 size_t column, bool value,
                                 struct icrm_error *err) {
  if (writer->row >= ROWS_MAX)
    return fail_full(err);
  return check(worksheet_write_boolean(writer->sheet, writer->row,
                                       (lxw_col_t)column, value,
                                       writer->formats[ICRM_STYLE_BOOLEAN]),
               err);
}

/* The library does not look whether its temporary files took the rows. */
int icrm_workbook_writer_end_row(struct icrm_workbook_writer *writer,
                                 struct icrm_error *err) {
  writer->row++;
  if (ferror(writer->sheet->optimize_tmpfile))
    return fail_store(err, "the folder for temporary files is full");
  return 0;
}

/* ---- The end ----------------------------------------------------------- */

static void lay_out(struct icrm_workbook_writer *writer) {
  lxw_worksheet *sheet = writer->sheet;
  for (size_t i = 0; i < writer->n_columns; i++) {
    struct column *column = &writer->columns[i];
    int width = column->width < WIDTH_MIN ? WIDTH_MIN : column->width;
    worksheet_set_column(sheet, (lxw_col_t)i, (lxw_col_t)i,
                         width > WIDTH_MAX ? WIDTH_MAX : width,
                         writer->formats[column->style]);
  }
  worksheet_freeze_panes(sheet, 1, 0);
  worksheet_ignore_errors(sheet, LXW_IGNORE_NUMBER_STORED_AS_TEXT,
                          "A1:XFD1048576");
  if (writer->n_columns > 0)
    worksheet_autofilter(sheet, 0, 0, writer->row > 1 ? writer->row - 1 : 0,
                         (lxw_col_t)(writer->n_columns - 1));
}

/* Whether the part ends as it should; a full disk may have cut it. */
static bool ends_with(struct icrm_part *part, const char *end,
                      struct icrm_error *err) {
  const size_t len = strlen(end);
  struct icrm_buf tail = {0};
  char piece[ICRM_PACKAGE_PIECE];
  int got;
  while ((got = icrm_part_read(part, piece, err)) > 0) {
    size_t old = tail.len < len ? tail.len : len;
    if (old > 0)
      memmove(tail.data, tail.data + tail.len - old, old);
    tail.len = old;
    size_t keep = (size_t)got < len ? (size_t)got : len;
    icrm_buf_add(&tail, piece + (size_t)got - keep, keep);
  }
  bool is_whole = got == 0 && tail.len >= len &&
                  memcmp(tail.data + tail.len - len, end, len) == 0;
  icrm_buf_free(&tail);
  return is_whole;
}

static int look_at(const char *path, struct icrm_error *err) {
  struct icrm_package *package = NULL;
  struct icrm_part *part = NULL;
  bool is_whole = false;
  if (icrm_package_open(&package, path, err) == 0 &&
      icrm_part_open(&part, package, "xl/worksheets/sheet1.xml", err) == 0)
    is_whole = ends_with(part, "</worksheet>", err);
  icrm_part_close(part);
  icrm_package_close(package);
  return is_whole ? 0
                  : fail_store(err, "what was written is not whole; is the "
                                    "folder for temporary files full?");
}

int icrm_workbook_writer_finish(struct icrm_workbook_writer *writer,
                                struct icrm_error *err) {
  lay_out(writer);
  bool is_kept = fflush(writer->sheet->optimize_tmpfile) == 0 &&
                 !ferror(writer->sheet->optimize_tmpfile);
  lxw_error code = workbook_close(writer->book);
  writer->book = NULL;
  if (!is_kept)
    return fail_store(err, "the folder for temporary files is full");
  return check(code, err) < 0 ? -1 : look_at(writer->path, err);
}

const char *
icrm_workbook_writer_path(const struct icrm_workbook_writer *writer) {
  return writer->path;
}

void icrm_workbook_writer_close(struct icrm_workbook_writer *writer) {
  if (!writer)
    return;
  if (writer->sheet && writer->book) /* the library leaves it open */
    fclose(writer->sheet->optimize_tmpfile);
  if (writer->book)
    lxw_workbook_free(writer->book);
  if (writer->folder[0]) {
    unlink(writer->path);
    rmdir(writer->folder);
  }
  free(writer->columns);
  icrm_buf_free(&writer->text);
  free(writer);
}
