#include "workbook/cell_text.h"
#include "workbook/ods_styles.h"
#include "workbook/workbook_impl.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 64 * 1024, COLUMN_STYLES_MAX = ICRM_SHEET_COLUMNS };

enum value_type {
  VALUE_NONE,
  VALUE_NUMBER,
  VALUE_DATE,
  VALUE_TIME,
  VALUE_BOOLEAN,
  VALUE_STRING,
  VALUE_ERROR
};

/* The cell that is being read. */
struct cell {
  enum value_type type;
  long repeat;
  bool has_formula, has_string, shows_pattern, had_paragraph, is_covered;
};

struct ods {
  struct icrm_workbook *workbook;
  struct icrm_ods_styles styles;
  struct icrm_markup *markup;
  bool has_spreadsheet, is_encrypted;
  size_t table, wanted; /* number of the table that is read; to be read */
  int tables;           /* nested: a table within a cell is no table of ours */
  int skipped;          /* nested elements whose text is no cell's */
  int paragraphs;       /* nested text:p */
  bool in_cell;
  struct cell cell;
  struct icrm_buf text, value;
  bool patterns[COLUMN_STYLES_MAX]; /* by column: its default style's */
  long n_columns, column, row;
  long row_repeat, row_left; /* of the current row; still to be given */
  bool row_hidden, row_pattern, has_row_style;
  struct icrm_error err;
};

static bool is_named(const struct icrm_element *element, enum icrm_namespace ns,
                     const char *name) {
  return element->ns == ns && strcmp(element->name, name) == 0;
}

static bool is_table(const struct icrm_element *element, const char *name) {
  return is_named(element, ICRM_NS_ODF_TABLE, name);
}

static const char *of_table(const struct icrm_element *element,
                            const char *name) {
  return icrm_markup_attribute(element, ICRM_NS_ODF_TABLE, name);
}

static const char *of_office(const struct icrm_element *element,
                             const char *name) {
  return icrm_markup_attribute(element, ICRM_NS_ODF_OFFICE, name);
}

static void fail_here(struct ods *o) {
  icrm_markup_fail(o->markup, &o->err);
}

static long repeat_of(const struct icrm_element *element, const char *name) {
  const char *text = of_table(element, name);
  long repeat = text ? strtol(text, NULL, 10) : 1;
  return repeat < 1 ? 1 : repeat;
}

static void ignore_end(void *context, const struct icrm_element *element) {
  (void)context, (void)element;
}

static int read_part(struct ods *o, const char *part,
                     const struct icrm_markup_handler *handler,
                     struct icrm_error *err) {
  if (icrm_markup_open(&o->markup, o->workbook->package, part, handler, o,
                       err) < 0)
    return -1;
  int result = icrm_markup_run(o->markup, err);
  icrm_markup_close(o->markup);
  o->markup = NULL;
  return result;
}

/* ---- opening: styles, and the names of the tables ---- */

static void on_manifest(void *context, const struct icrm_element *element) {
  struct ods *o = context;
  o->is_encrypted |= is_named(element, ICRM_NS_ODF_MANIFEST, "encryption-data");
}

static void on_list_start(void *context, const struct icrm_element *element) {
  struct ods *o = context;
  icrm_ods_styles_start(&o->styles, element);
  o->has_spreadsheet |= is_named(element, ICRM_NS_ODF_OFFICE, "spreadsheet");
  if (!is_table(element, "table") || o->tables++ > 0)
    return;
  const char *name = of_table(element, "name");
  bool hidden =
      icrm_ods_styles_hides(&o->styles, of_table(element, "style-name"));
  if (icrm_workbook_add_sheet(o->workbook, name ? name : "",
                              hidden ? "hidden" : "visible", "", &o->err) < 0)
    fail_here(o);
}

static void on_list_end(void *context, const struct icrm_element *element) {
  struct ods *o = context;
  icrm_ods_styles_end(&o->styles, element);
  if (is_table(element, "table"))
    o->tables--;
}

static int refuse_encrypted(const struct icrm_workbook *workbook,
                            struct icrm_error *err) {
  return icrm_error_set(err, ICRM_ERROR_INPUT,
                        "%s is protected by a password; save it without one "
                        "(in LibreOffice: Save As, without \"Save with "
                        "password\")",
                        icrm_package_path(workbook->package));
}

static int list_tables(struct ods *o, struct icrm_error *err) {
  static const struct icrm_markup_handler handler = {on_list_start, on_list_end,
                                                     NULL};
  struct icrm_package *package = o->workbook->package;
  if ((icrm_package_has(package, "styles.xml") &&
       read_part(o, "styles.xml", &handler, err) < 0) ||
      read_part(o, "content.xml", &handler, err) < 0)
    return -1;
  if (o->styles.is_full)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "%s has more styles than a table program makes",
                          icrm_package_path(package));
  if (!o->has_spreadsheet)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "%s is an OpenDocument file, but no workbook; save "
                          "its table as .ods, .xlsx or CSV",
                          icrm_package_path(package));
  return 0;
}

static int ods_open(struct icrm_workbook *workbook, struct icrm_error *err) {
  static const struct icrm_markup_handler manifest = {on_manifest, ignore_end,
                                                      NULL};
  static const char name[] = "META-INF/manifest.xml";
  struct ods *o = calloc(1, sizeof *o);
  if (!o)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  workbook->state = o;
  o->workbook = workbook;
  o->text.limit = o->value.limit = TEXT_MAX;
  icrm_ods_styles_init(&o->styles);
  if (icrm_package_has(workbook->package, name) &&
      read_part(o, name, &manifest, err) < 0)
    return -1;
  return o->is_encrypted ? refuse_encrypted(workbook, err)
                         : list_tables(o, err);
}

/* ---- rows and cells ---- */

static void fault(struct ods *o, const char *what) {
  icrm_workbook_fault(o->workbook, o->row, o->in_cell ? o->column : -1, &o->err,
                      "%s", what);
  fail_here(o);
}

static void begin_column(struct ods *o, const struct icrm_element *element) {
  long repeat = repeat_of(element, "number-columns-repeated");
  bool is_pattern = icrm_ods_styles_is_pattern(
      &o->styles, of_table(element, "default-cell-style-name"));
  for (; repeat > 0 && o->n_columns < COLUMN_STYLES_MAX; repeat--)
    o->patterns[o->n_columns++] = is_pattern;
}

static void begin_row(struct ods *o, const struct icrm_element *element) {
  const char *visibility = of_table(element, "visibility");
  const char *style = of_table(element, "default-cell-style-name");
  o->row_repeat = repeat_of(element, "number-rows-repeated");
  o->row_hidden = visibility && strcmp(visibility, "visible") != 0;
  o->has_row_style = style != NULL;
  o->row_pattern = icrm_ods_styles_is_pattern(&o->styles, style);
  o->column = 0;
  icrm_sheet_row_begin(&o->workbook->row, o->row + 1, o->row_hidden);
}

static enum value_type type_of(const struct icrm_element *element) {
  static const struct {
    const char *name;
    enum value_type type;
  } types[] = {{"float", VALUE_NUMBER},    {"percentage", VALUE_NUMBER},
               {"currency", VALUE_NUMBER}, {"date", VALUE_DATE},
               {"time", VALUE_TIME},       {"boolean", VALUE_BOOLEAN},
               {"string", VALUE_STRING}};
  const char *extended =
      icrm_markup_attribute(element, ICRM_NS_CALC_EXTENSION, "value-type");
  if (extended && strcmp(extended, "error") == 0)
    return VALUE_ERROR;
  const char *name = of_office(element, "value-type");
  for (size_t i = 0; name && i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i].name, name) == 0)
      return types[i].type;
  return VALUE_NONE;
}

static bool shows_pattern(struct ods *o, const struct icrm_element *element) {
  const char *style = of_table(element, "style-name");
  if (style)
    return icrm_ods_styles_is_pattern(&o->styles, style);
  if (o->has_row_style)
    return o->row_pattern;
  return o->column < o->n_columns && o->patterns[o->column];
}

static const char *value_of(const struct icrm_element *element,
                            enum value_type type) {
  switch (type) {
  case VALUE_NUMBER:
    return of_office(element, "value");
  case VALUE_DATE:
    return of_office(element, "date-value");
  case VALUE_TIME:
    return of_office(element, "time-value");
  case VALUE_BOOLEAN:
    return of_office(element, "boolean-value");
  case VALUE_STRING:
    return of_office(element, "string-value");
  default:
    return NULL;
  }
}

static void begin_cell(struct ods *o, const struct icrm_element *element) {
  o->in_cell = true;
  o->cell = (struct cell){
      .type = type_of(element),
      .repeat = repeat_of(element, "number-columns-repeated"),
      .has_formula = of_table(element, "formula") != NULL,
      .shows_pattern = shows_pattern(o, element),
      .is_covered = is_table(element, "covered-table-cell"),
  };
  icrm_buf_clear(&o->text);
  icrm_buf_clear(&o->value);
  const char *value = value_of(element, o->cell.type);
  o->cell.has_string = value && o->cell.type == VALUE_STRING;
  if (value)
    icrm_buf_add_text(&o->value, value);
}

/* How many times a text:s stands for. */
static void add_spaces(struct ods *o, const struct icrm_element *element) {
  const char *text = icrm_markup_attribute(element, ICRM_NS_ODF_TEXT, "c");
  long count = text ? strtol(text, NULL, 10) : 1;
  for (; count > 0 && !o->text.failed; count--)
    icrm_buf_add_byte(&o->text, ' ');
}

static void begin_text(struct ods *o, const struct icrm_element *element) {
  if (strcmp(element->name, "p") == 0) {
    if (o->cell.had_paragraph && o->paragraphs == 0)
      icrm_buf_add_byte(&o->text, '\n');
    o->cell.had_paragraph = true;
    o->paragraphs++;
  } else if (strcmp(element->name, "s") == 0) {
    add_spaces(o, element);
  } else if (strcmp(element->name, "tab") == 0) {
    icrm_buf_add_byte(&o->text, '\t');
  } else if (strcmp(element->name, "line-break") == 0) {
    icrm_buf_add_byte(&o->text, '\n');
  }
}

/* Notes, shapes and tables inside of cells hold text that is no cell's. */
static bool is_skipped(const struct ods *o,
                       const struct icrm_element *element) {
  return is_named(element, ICRM_NS_ODF_OFFICE, "annotation") ||
         is_table(element, "shapes") || is_table(element, "tracked-changes") ||
         (o->in_cell && is_table(element, "table"));
}

static bool is_cell(const struct icrm_element *element) {
  return is_table(element, "table-cell") ||
         is_table(element, "covered-table-cell");
}

static void on_start(void *context, const struct icrm_element *element) {
  struct ods *o = context;
  if (o->skipped > 0 || is_skipped(o, element)) {
    o->skipped++;
  } else if (is_table(element, "table")) {
    o->n_columns = o->row = 0;
    o->table++;
  } else if (o->table != o->wanted + 1) {
    return; /* of another sheet */
  } else if (is_table(element, "table-column")) {
    begin_column(o, element);
  } else if (is_table(element, "table-row")) {
    begin_row(o, element);
  } else if (is_cell(element)) {
    begin_cell(o, element);
  } else if (o->in_cell && element->ns == ICRM_NS_ODF_TEXT) {
    begin_text(o, element);
  }
}

static void on_text(void *context, const char *text, size_t len) {
  struct ods *o = context;
  if (o->in_cell && o->paragraphs > 0 && o->skipped == 0)
    icrm_buf_add(&o->text, text, len);
}

/* The text that a person sees, if it is the number's own digits. */
static const char *pattern_shown(const struct ods *o, const char *number) {
  const char *seen = o->text.data, *digits = number;
  if (!o->cell.shows_pattern || !seen || strpbrk(number, ".-"))
    return NULL;
  bool begun = false;
  for (; *seen; seen++) {
    if (*seen < '0' || *seen > '9')
      continue;
    if (!begun && *seen == '0' && *digits != '0')
      continue;
    begun = true;
    if (*seen != *digits++)
      return NULL;
  }
  return *digits == '\0' && strcmp(o->text.data, number) != 0 ? o->text.data
                                                              : NULL;
}

/* What a cell is, as text; `shown` as for icrm_sheet_row_put. */
static enum icrm_cell_kind read_value(struct ods *o, const char **text,
                                      const char **shown,
                                      char out[ICRM_CELL_TEXT_MAX]) {
  const char *value = o->value.data ? o->value.data : "";
  double number;
  *shown = NULL;
  *text = out;
  switch (o->cell.type) {
  case VALUE_NUMBER:
    if (!icrm_cell_text_number(value, &number))
      break;
    icrm_cell_text_decimal(number, out);
    *shown = pattern_shown(o, out);
    return ICRM_CELL_NUMBER;
  case VALUE_DATE:
    if (!icrm_cell_text_iso(value, out))
      break;
    return ICRM_CELL_MOMENT;
  case VALUE_TIME:
    if (!icrm_cell_text_iso_duration(value, out))
      break;
    return ICRM_CELL_MOMENT;
  case VALUE_BOOLEAN:
    *text = icrm_markup_is_true(value) ? "1" : "0";
    return ICRM_CELL_BOOLEAN;
  case VALUE_STRING:
  case VALUE_NONE:
    *text = o->cell.has_string ? value : o->text.data ? o->text.data : "";
    if (**text)
      return ICRM_CELL_TEXT;
    return o->cell.has_formula && o->cell.type == VALUE_NONE ? ICRM_CELL_FORMULA
                                                             : ICRM_CELL_EMPTY;
  case VALUE_ERROR:
    *text = o->text.data ? o->text.data : "error";
    return ICRM_CELL_ERROR;
  }
  *text = value;
  return ICRM_CELL_ERROR;
}

static void end_cell(struct ods *o) {
  char out[ICRM_CELL_TEXT_MAX];
  const char *text, *shown;
  if (o->text.failed || o->value.failed) {
    fault(o, "more text in a cell than 64 KiB");
    return;
  }
  enum icrm_cell_kind kind =
      o->cell.is_covered ? ICRM_CELL_EMPTY : read_value(o, &text, &shown, out);
  long repeat = o->cell.repeat;
  if (kind != ICRM_CELL_EMPTY && o->column + repeat > ICRM_SHEET_COLUMNS) {
    o->row++;
    fault(o, "more columns than the 16,384 that a table program allows");
    return;
  }
  for (; kind != ICRM_CELL_EMPTY && repeat > 0; repeat--)
    if (icrm_sheet_row_put(&o->workbook->row, (size_t)o->column++, kind, text,
                           strlen(text), shown, &o->err) < 0) {
      fail_here(o);
      return;
    }
  o->column += repeat < ICRM_SHEET_COLUMNS ? repeat : ICRM_SHEET_COLUMNS;
  o->in_cell = false;
}

static void end_row(struct ods *o) {
  long repeat = o->row_repeat;
  bool is_blank = o->workbook->row.count == 0;
  if (o->row + repeat > ICRM_SHEET_ROWS) {
    if (!is_blank)
      fault(o, "more rows than the 1,048,576 that a table program allows");
    return;
  }
  if (is_blank) {
    o->row += repeat;
    return;
  }
  if (icrm_workbook_count(o->workbook, repeat * (int64_t)o->workbook->row.count,
                          &o->err) < 0) {
    fail_here(o);
    return;
  }
  o->row_left = repeat;
  icrm_markup_pause(o->markup);
}

static void on_end(void *context, const struct icrm_element *element) {
  struct ods *o = context;
  if (o->skipped > 0) {
    o->skipped--;
  } else if (o->table != o->wanted + 1) {
    return;
  } else if (is_cell(element) && o->in_cell) {
    end_cell(o);
  } else if (is_table(element, "table-row")) {
    end_row(o);
  } else if (o->in_cell && is_named(element, ICRM_NS_ODF_TEXT, "p")) {
    o->paragraphs--;
  }
}

static int ods_select(struct icrm_workbook *workbook, size_t index,
                      struct icrm_error *err) {
  static const struct icrm_markup_handler handler = {on_start, on_end, on_text};
  struct ods *o = workbook->state;
  icrm_markup_close(o->markup);
  o->markup = NULL;
  o->table = 0;
  o->wanted = index;
  o->row = o->row_left = 0;
  o->in_cell = false;
  o->skipped = o->paragraphs = 0;
  return icrm_markup_open(&o->markup, workbook->package, "content.xml",
                          &handler, o, err);
}

static int ods_next(struct icrm_workbook *workbook, struct icrm_error *err) {
  struct ods *o = workbook->state;
  if (o->row_left == 0) {
    int got = icrm_markup_run(o->markup, err);
    if (got <= 0)
      return got;
  }
  o->row_left--;
  workbook->row.number = ++o->row;
  return 1;
}

static void ods_close(struct icrm_workbook *workbook) {
  struct ods *o = workbook->state;
  if (!o)
    return;
  icrm_markup_close(o->markup);
  icrm_ods_styles_free(&o->styles);
  icrm_buf_free(&o->text);
  icrm_buf_free(&o->value);
  free(o);
}

const struct icrm_workbook_reader icrm_ods_reader = {
    "ods", ods_open, ods_select, ods_next, ods_close};
