#include "workbook/styles.h"

#include "workbook/markup.h"

#include <stdlib.h>
#include <string.h>

enum { FORMATS_MAX = 10000, STYLES_MAX = 65536 };

struct style_format {
  int id;
  enum icrm_format_kind kind;
  char *code;
};

struct reading {
  struct icrm_styles *styles;
  bool in_cells; /* in cellXfs: the only styles that cells name */
  bool is_full;
};

static void add_format(struct reading *reading, const char *id,
                       const char *code) {
  struct icrm_styles *styles = reading->styles;
  struct style_format *list =
      styles->n_formats < FORMATS_MAX
          ? realloc(styles->formats, (styles->n_formats + 1) * sizeof *list)
          : NULL;
  if (!list) {
    reading->is_full = true;
    return;
  }
  styles->formats = list;
  char *copy = strdup(code);
  list[styles->n_formats++] =
      (struct style_format){atoi(id), icrm_number_format_kind(code), copy};
  reading->is_full |= !copy;
}

static void add_cell_style(struct reading *reading, const char *id) {
  struct icrm_styles *styles = reading->styles;
  int *list = styles->n_cells < STYLES_MAX
                  ? realloc(styles->cells,
                            (styles->n_cells + 1) * sizeof *styles->cells)
                  : NULL;
  if (!list) {
    reading->is_full = true;
    return;
  }
  styles->cells = list;
  list[styles->n_cells++] = id ? atoi(id) : 0;
}

static void on_start(void *context, const struct icrm_element *element) {
  struct reading *reading = context;
  if (element->ns != ICRM_NS_SHEET)
    return;
  const char *id = icrm_markup_attribute(element, ICRM_NS_OTHER, "numFmtId");
  if (strcmp(element->name, "cellXfs") == 0) {
    reading->in_cells = true;
  } else if (strcmp(element->name, "xf") == 0 && reading->in_cells) {
    add_cell_style(reading, id);
  } else if (strcmp(element->name, "numFmt") == 0 && id) {
    const char *code =
        icrm_markup_attribute(element, ICRM_NS_OTHER, "formatCode");
    if (code)
      add_format(reading, id, code);
  }
}

static void on_end(void *context, const struct icrm_element *element) {
  struct reading *reading = context;
  if (element->ns == ICRM_NS_SHEET && strcmp(element->name, "cellXfs") == 0)
    reading->in_cells = false;
}

int icrm_styles_read(struct icrm_styles *styles, struct icrm_package *package,
                     const char *part, struct icrm_error *err) {
  static const struct icrm_markup_handler handler = {on_start, on_end, NULL};
  struct reading reading = {.styles = styles};
  struct icrm_markup *markup;
  memset(styles, 0, sizeof *styles);
  if (icrm_markup_open(&markup, package, part, &handler, &reading, err) < 0)
    return -1;
  int result = icrm_markup_run(markup, err);
  icrm_markup_close(markup);
  if (result == 0 && reading.is_full)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "%s has more number formats or cell styles than a "
                          "table program allows",
                          icrm_package_path(package));
  return result;
}

enum icrm_format_kind icrm_styles_kind(const struct icrm_styles *styles,
                                       long style, const char **code) {
  *code = NULL;
  if (style < 0 || (size_t)style >= styles->n_cells)
    return ICRM_FORMAT_NUMBER;
  int id = styles->cells[style];
  for (size_t i = 0; i < styles->n_formats; i++) {
    if (styles->formats[i].id == id) {
      *code = styles->formats[i].code;
      return styles->formats[i].kind;
    }
  }
  return icrm_number_format_builtin(id);
}

void icrm_styles_free(struct icrm_styles *styles) {
  for (size_t i = 0; i < styles->n_formats; i++)
    free(styles->formats[i].code);
  free(styles->formats);
  free(styles->cells);
  memset(styles, 0, sizeof *styles);
}
