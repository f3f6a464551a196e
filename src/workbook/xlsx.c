#include "workbook/cell_text.h"
#include "workbook/escapes.h"
#include "workbook/relations.h"
#include "workbook/strings.h"
#include "workbook/styles.h"
#include "workbook/workbook_impl.h"

#include <stdlib.h>
#include <string.h>

/* A text of 32,767 characters, each of them escaped. */
enum { RAW_TEXT_MAX = 256 * 1024 };

/* The cell that is being read. */
struct cell {
  long column;
  char type[16]; /* attribute t, "" for a number */
  long style;
  bool is_value, is_formula; /* the text goes to … */
  bool has_value, has_formula;
};

struct xlsx {
  char *main; /* name of the workbook's part */
  bool is_1904;
  bool has_root;
  struct icrm_relations relations;
  struct icrm_styles styles;
  struct icrm_strings strings;
  bool has_strings;
  struct icrm_workbook *workbook;
  struct icrm_markup *markup; /* of the part that is being read */
  struct icrm_buf text, formula, decoded;
  bool in_text, in_phonetic, in_cell;
  struct cell cell;
  long last_row, last_column;
  struct icrm_error err;
};

static bool is_named(const struct icrm_element *element, const char *name) {
  return element->ns == ICRM_NS_SHEET && strcmp(element->name, name) == 0;
}

static const char *attribute(const struct icrm_element *element,
                             const char *name) {
  return icrm_markup_attribute(element, ICRM_NS_OTHER, name);
}

static void ignore_end(void *context, const struct icrm_element *element) {
  (void)context, (void)element;
}

static int read_part(struct xlsx *x, const char *part,
                     const struct icrm_markup_handler *handler,
                     struct icrm_error *err) {
  if (icrm_markup_open(&x->markup, x->workbook->package, part, handler, x,
                       err) < 0)
    return -1;
  int result = icrm_markup_run(x->markup, err);
  icrm_markup_close(x->markup);
  x->markup = NULL;
  return result;
}

/* ---- workbook.xml ---- */

static const char *state_of(const char *state) {
  if (state && strcmp(state, "hidden") == 0)
    return "hidden";
  return state && strcmp(state, "veryHidden") == 0 ? "veryHidden" : "visible";
}

static void add_sheet(struct xlsx *x, const struct icrm_element *element) {
  const char *name = attribute(element, "name");
  const char *id = icrm_markup_attribute(element, ICRM_NS_OFFICE_REL, "id");
  const struct icrm_relation *relation =
      id ? icrm_relations_find(&x->relations, id, NULL) : NULL;
  struct icrm_error err;
  if (relation && strcmp(relation->type, "worksheet") != 0)
    return; /* a chart, a dialog, macros */
  if (!name || !relation)
    icrm_error_set(&err, ICRM_ERROR_INPUT,
                   "%s is damaged: the sheet %s leads to no part of it",
                   icrm_package_path(x->workbook->package),
                   name ? name : "without a name");
  else if (icrm_workbook_add_sheet(x->workbook, name,
                                   state_of(attribute(element, "state")),
                                   relation->target, &err) == 0)
    return;
  icrm_markup_fail(x->markup, &err);
}

static void on_workbook(void *context, const struct icrm_element *element) {
  struct xlsx *x = context;
  if (is_named(element, "workbook"))
    x->has_root = true;
  else if (is_named(element, "workbookPr"))
    x->is_1904 = icrm_markup_is_true(attribute(element, "date1904"));
  else if (is_named(element, "sheet"))
    add_sheet(x, element);
}

/* ---- texts: shared and inline alike ---- */

static void fail_here(struct xlsx *x) {
  icrm_markup_fail(x->markup, &x->err);
}

static void add_text(struct xlsx *x, struct icrm_buf *buf, const char *text,
                     size_t len) {
  icrm_buf_add(buf, text, len);
  if (!buf->failed)
    return;
  icrm_error_set(&x->err, ICRM_ERROR_INPUT,
                 "%s: a cell has more text than the 32,767 characters that a "
                 "table program allows",
                 icrm_package_path(x->workbook->package));
  fail_here(x);
}

/* Whether the element begins or ends text of a string item. */
static void text_element(struct xlsx *x, const struct icrm_element *element,
                         bool begins) {
  if (is_named(element, "rPh"))
    x->in_phonetic = begins;
  else if (is_named(element, "t"))
    x->in_text = begins && !x->in_phonetic;
}

static void on_string_start(void *context, const struct icrm_element *element) {
  struct xlsx *x = context;
  if (is_named(element, "si"))
    icrm_buf_clear(&x->text);
  text_element(x, element, true);
}

static void on_string_end(void *context, const struct icrm_element *element) {
  struct xlsx *x = context;
  text_element(x, element, false);
  if (!is_named(element, "si"))
    return;
  icrm_buf_clear(&x->decoded);
  icrm_escapes_decode(x->text.data ? x->text.data : "", x->text.len,
                      &x->decoded);
  if (icrm_strings_add(&x->strings, x->decoded.data ? x->decoded.data : "",
                       x->decoded.len, &x->err) < 0 ||
      icrm_strings_end(&x->strings, &x->err) < 0)
    fail_here(x);
}

static void on_string_text(void *context, const char *text, size_t len) {
  struct xlsx *x = context;
  if (x->in_text)
    add_text(x, &x->text, text, len);
}

/* ---- opening ---- */

static int read_by_type(struct xlsx *x, const char *type,
                        struct icrm_error *err) {
  static const struct icrm_markup_handler strings = {
      on_string_start, on_string_end, on_string_text};
  const struct icrm_relation *relation =
      icrm_relations_find(&x->relations, NULL, type);
  if (!relation || !icrm_package_has(x->workbook->package, relation->target))
    return 0; /* no cell may need it; one that does is told of */
  if (strcmp(type, "styles") == 0)
    return icrm_styles_read(&x->styles, x->workbook->package, relation->target,
                            err);
  x->has_strings = true;
  return read_part(x, relation->target, &strings, err);
}

static int find_main(struct xlsx *x, struct icrm_error *err) {
  struct icrm_relations relations;
  int result = icrm_relations_read(&relations, x->workbook->package, "", err);
  const struct icrm_relation *main =
      icrm_relations_find(&relations, NULL, "officeDocument");
  if (result == 0 && main)
    x->main = strdup(main->target);
  if (result == 0 && !x->main)
    result = icrm_error_set(err, ICRM_ERROR_INPUT,
                            "%s is damaged: nothing in it says where its "
                            "workbook is",
                            icrm_package_path(x->workbook->package));
  icrm_relations_free(&relations);
  return result;
}

static int xlsx_open(struct icrm_workbook *workbook, struct icrm_error *err) {
  static const struct icrm_markup_handler handler = {on_workbook, ignore_end,
                                                     NULL};
  struct xlsx *x = calloc(1, sizeof *x);
  if (!x)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  workbook->state = x;
  x->workbook = workbook;
  x->text.limit = x->formula.limit = x->decoded.limit = RAW_TEXT_MAX;
  icrm_strings_init(&x->strings);
  if (find_main(x, err) < 0 ||
      icrm_relations_read(&x->relations, workbook->package, x->main, err) < 0 ||
      read_part(x, x->main, &handler, err) < 0)
    return -1;
  if (!x->has_root)
    return icrm_error_set(
        err, ICRM_ERROR_INPUT,
        "%s is an Office file, but no workbook (its main part "
        "is %.100s)",
        icrm_package_path(workbook->package), x->main);
  return read_by_type(x, "styles", err) < 0 ||
                 read_by_type(x, "sharedStrings", err) < 0
             ? -1
             : 0;
}

/* ---- a sheet ---- */

/* Read "AB12"; false when it is no such name. Either part may be missing. */
static bool read_place(const char *name, long *column, long *row) {
  long letters = 0, digits = 0;
  for (; *name >= 'A' && *name <= 'Z' && letters < ICRM_SHEET_COLUMNS; name++)
    letters = letters * 26 + (*name - 'A' + 1);
  for (; *name >= '0' && *name <= '9' && digits < ICRM_SHEET_ROWS; name++)
    digits = digits * 10 + (*name - '0');
  *column = letters - 1;
  *row = digits;
  return *name == '\0' && letters <= ICRM_SHEET_COLUMNS;
}

static void fault(struct xlsx *x, const char *what) {
  icrm_workbook_fault(x->workbook, x->last_row,
                      x->in_cell ? x->cell.column : -1, &x->err, "%s", what);
  fail_here(x);
}

static void begin_row(struct xlsx *x, const struct icrm_element *element) {
  const char *number = attribute(element, "r");
  x->last_row = number ? atol(number) : x->last_row + 1;
  x->last_column = -1;
  if (x->last_row < 1 || x->last_row > ICRM_SHEET_ROWS)
    fault(x, "a row with a number that no table program allows");
  icrm_sheet_row_begin(&x->workbook->row, x->last_row,
                       icrm_markup_is_true(attribute(element, "hidden")));
}

static void begin_cell(struct xlsx *x, const struct icrm_element *element) {
  const char *place = attribute(element, "r"), *type = attribute(element, "t");
  const char *style = attribute(element, "s");
  long row;
  memset(&x->cell, 0, sizeof x->cell);
  x->cell.column = x->last_column + 1;
  if (place &&
      (!read_place(place, &x->cell.column, &row) || x->cell.column < 0))
    x->cell.column = ICRM_SHEET_COLUMNS;
  if (type)
    strncat(x->cell.type, type, sizeof x->cell.type - 1);
  x->cell.style = style ? atol(style) : 0;
  x->last_column = x->cell.column;
  icrm_buf_clear(&x->text);
  icrm_buf_clear(&x->formula);
  if (x->cell.column >= ICRM_SHEET_COLUMNS)
    fault(x, "a cell at a place that no table program allows");
  else if (icrm_workbook_count(x->workbook, 1, &x->err) < 0)
    fail_here(x);
  x->in_cell = true;
}

static void on_sheet_start(void *context, const struct icrm_element *element) {
  struct xlsx *x = context;
  if (is_named(element, "row")) {
    begin_row(x, element);
  } else if (is_named(element, "c")) {
    begin_cell(x, element);
  } else if (x->in_cell && is_named(element, "v")) {
    x->cell.is_value = x->cell.has_value = true;
  } else if (x->in_cell && is_named(element, "f")) {
    x->cell.is_formula = x->cell.has_formula = true;
  } else if (x->in_cell) {
    text_element(x, element, true);
    x->cell.has_value |= is_named(element, "is");
  }
}

static void on_sheet_text(void *context, const char *text, size_t len) {
  struct xlsx *x = context;
  if (x->in_cell && x->cell.is_formula)
    add_text(x, &x->formula, text, len);
  else if (x->in_cell && (x->cell.is_value || x->in_text))
    add_text(x, &x->text, text, len);
}

static void put(struct xlsx *x, enum icrm_cell_kind kind, const char *text,
                size_t len, const char *shown) {
  if (icrm_sheet_row_put(&x->workbook->row, (size_t)x->cell.column, kind, text,
                         len, shown, &x->err) < 0)
    fail_here(x);
}

static void put_shared(struct xlsx *x) {
  char *end;
  unsigned long index = strtoul(x->text.data, &end, 10);
  size_t len;
  const char *text = icrm_strings_get(&x->strings, index, &len);
  if (*end || !text)
    fault(x, x->has_strings ? "it names a text that the workbook's table of "
                              "texts (shared strings) has not"
                            : "the workbook's table of texts (shared strings) "
                              "is missing");
  else if (len > 0)
    put(x, ICRM_CELL_TEXT, text, len, NULL);
}

static void put_text(struct xlsx *x) {
  icrm_buf_clear(&x->decoded);
  icrm_escapes_decode(x->text.data, x->text.len, &x->decoded);
  if (x->decoded.len > 0)
    put(x, ICRM_CELL_TEXT, x->decoded.data, x->decoded.len, NULL);
}

static void put_number(struct xlsx *x) {
  char out[ICRM_CELL_TEXT_MAX], shown[64];
  const char *code;
  double number;
  enum icrm_format_kind kind =
      icrm_styles_kind(&x->styles, x->cell.style, &code);
  if (!icrm_cell_text_number(x->text.data, &number)) {
    put(x, ICRM_CELL_ERROR, x->text.data, x->text.len, NULL);
  } else if (kind == ICRM_FORMAT_NUMBER || kind == ICRM_FORMAT_PATTERN) {
    icrm_cell_text_decimal(number, out);
    bool is_shown = kind == ICRM_FORMAT_PATTERN && !strpbrk(out, "-.") &&
                    icrm_number_format_show(code, out, shown, sizeof shown);
    put(x, ICRM_CELL_NUMBER, out, strlen(out), is_shown ? shown : NULL);
  } else {
    bool is_moment = icrm_cell_text_moment(number, kind, x->is_1904, out);
    put(x, is_moment ? ICRM_CELL_MOMENT : ICRM_CELL_ERROR, out, strlen(out),
        NULL);
  }
}

static void put_iso(struct xlsx *x) {
  char out[ICRM_CELL_TEXT_MAX];
  if (icrm_cell_text_iso(x->text.data, out))
    put(x, ICRM_CELL_MOMENT, out, strlen(out), NULL);
  else
    put(x, ICRM_CELL_ERROR, x->text.data, x->text.len, NULL);
}

static void end_cell(struct xlsx *x) {
  const struct cell *cell = &x->cell;
  const char *type = cell->type;
  bool is_text = strcmp(type, "str") == 0 || strcmp(type, "inlineStr") == 0;
  if (x->text.len == 0) {
    if (cell->has_formula && !(is_text && cell->has_value))
      put(x, ICRM_CELL_FORMULA, x->formula.data ? x->formula.data : "",
          x->formula.len, NULL);
  } else if (strcmp(type, "s") == 0) {
    put_shared(x);
  } else if (is_text) {
    put_text(x);
  } else if (strcmp(type, "b") == 0) {
    put(x, ICRM_CELL_BOOLEAN, icrm_markup_is_true(x->text.data) ? "1" : "0", 1,
        NULL);
  } else if (strcmp(type, "e") == 0) {
    put(x, ICRM_CELL_ERROR, x->text.data, x->text.len, NULL);
  } else if (strcmp(type, "d") == 0) {
    put_iso(x);
  } else {
    put_number(x);
  }
  x->in_cell = false;
}

static void on_sheet_end(void *context, const struct icrm_element *element) {
  struct xlsx *x = context;
  if (is_named(element, "row")) {
    icrm_markup_pause(x->markup);
  } else if (is_named(element, "c")) {
    end_cell(x);
  } else if (is_named(element, "v")) {
    x->cell.is_value = false;
  } else if (is_named(element, "f")) {
    x->cell.is_formula = false;
  } else if (x->in_cell) {
    text_element(x, element, false);
  }
}

static int xlsx_select(struct icrm_workbook *workbook, size_t index,
                       struct icrm_error *err) {
  static const struct icrm_markup_handler handler = {
      on_sheet_start, on_sheet_end, on_sheet_text};
  struct xlsx *x = workbook->state;
  icrm_markup_close(x->markup);
  x->markup = NULL;
  x->last_row = 0;
  x->in_cell = x->in_text = x->in_phonetic = false;
  return icrm_markup_open(&x->markup, workbook->package,
                          workbook->sheets[index].part, &handler, x, err);
}

static int xlsx_next(struct icrm_workbook *workbook, struct icrm_error *err) {
  struct xlsx *x = workbook->state;
  return icrm_markup_run(x->markup, err);
}

static void xlsx_close(struct icrm_workbook *workbook) {
  struct xlsx *x = workbook->state;
  if (!x)
    return;
  icrm_markup_close(x->markup);
  icrm_relations_free(&x->relations);
  icrm_styles_free(&x->styles);
  icrm_strings_free(&x->strings);
  icrm_buf_free(&x->text);
  icrm_buf_free(&x->formula);
  icrm_buf_free(&x->decoded);
  free(x->main);
  free(x);
}

const struct icrm_workbook_reader icrm_xlsx_reader = {
    "xlsx", xlsx_open, xlsx_select, xlsx_next, xlsx_close};
