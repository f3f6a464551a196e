#include "workbook/ods_styles.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { STYLES_MAX = 20000 };

enum family { FAMILY_OTHER, FAMILY_TABLE, FAMILY_CELL, FAMILY_NUMBER };

struct ods_style {
  enum family family;
  char *name, *number; /* the number style of a cell style, or NULL */
  bool hides, is_pattern;
};

void icrm_ods_styles_init(struct icrm_ods_styles *styles) {
  memset(styles, 0, sizeof *styles);
  styles->current = SIZE_MAX;
}

static void add(struct icrm_ods_styles *styles, enum family family,
                const char *name, const char *number) {
  styles->current = SIZE_MAX;
  if (!name)
    return;
  struct ods_style *list =
      styles->count < STYLES_MAX
          ? realloc(styles->list, (styles->count + 1) * sizeof *list)
          : NULL;
  if (!list) {
    styles->is_full = true;
    return;
  }
  styles->list = list;
  struct ods_style one = {family, strdup(name), number ? strdup(number) : NULL,
                          false, false};
  styles->is_full |= !one.name || (number && !one.number);
  styles->current = styles->count;
  styles->is_resolved = false;
  list[styles->count++] = one;
}

static const char *of_style(const struct icrm_element *element,
                            const char *name) {
  return icrm_markup_attribute(element, ICRM_NS_ODF_STYLE, name);
}

static void note_number(struct ods_style *style,
                        const struct icrm_element *element) {
  const char *digits =
      icrm_markup_attribute(element, ICRM_NS_ODF_NUMBER, "min-integer-digits");
  const char *decimals =
      icrm_markup_attribute(element, ICRM_NS_ODF_NUMBER, "decimal-places");
  if (strcmp(element->name, "number") == 0)
    style->is_pattern |=
        digits && atoi(digits) > 1 && !(decimals && atoi(decimals) > 0);
  else if (strcmp(element->name, "embedded-text") == 0)
    style->is_pattern = true;
}

void icrm_ods_styles_start(struct icrm_ods_styles *styles,
                           const struct icrm_element *element) {
  struct ods_style *current =
      styles->current == SIZE_MAX ? NULL : &styles->list[styles->current];
  if (element->ns == ICRM_NS_ODF_STYLE && strcmp(element->name, "style") == 0) {
    const char *family = of_style(element, "family");
    enum family is = !family                             ? FAMILY_OTHER
                     : strcmp(family, "table") == 0      ? FAMILY_TABLE
                     : strcmp(family, "table-cell") == 0 ? FAMILY_CELL
                                                         : FAMILY_OTHER;
    if (is != FAMILY_OTHER)
      add(styles, is, of_style(element, "name"),
          of_style(element, "data-style-name"));
  } else if (element->ns == ICRM_NS_ODF_NUMBER &&
             strcmp(element->name, "number-style") == 0) {
    add(styles, FAMILY_NUMBER, of_style(element, "name"), NULL);
  } else if (current && element->ns == ICRM_NS_ODF_NUMBER) {
    note_number(current, element);
  } else if (current && element->ns == ICRM_NS_ODF_STYLE &&
             strcmp(element->name, "table-properties") == 0) {
    const char *display =
        icrm_markup_attribute(element, ICRM_NS_ODF_TABLE, "display");
    current->hides = display && strcmp(display, "false") == 0;
  }
}

void icrm_ods_styles_end(struct icrm_ods_styles *styles,
                         const struct icrm_element *element) {
  bool is_style =
      element->ns == ICRM_NS_ODF_STYLE && strcmp(element->name, "style") == 0;
  bool is_number = element->ns == ICRM_NS_ODF_NUMBER &&
                   strcmp(element->name, "number-style") == 0;
  if (is_style || is_number)
    styles->current = SIZE_MAX;
}

static const struct ods_style *find(const struct icrm_ods_styles *styles,
                                    enum family family, const char *name) {
  for (size_t i = 0; name && i < styles->count; i++)
    if (styles->list[i].family == family && styles->list[i].name &&
        strcmp(styles->list[i].name, name) == 0)
      return &styles->list[i];
  return NULL;
}

bool icrm_ods_styles_hides(const struct icrm_ods_styles *styles,
                           const char *name) {
  const struct ods_style *style = find(styles, FAMILY_TABLE, name);
  return style && style->hides;
}

static void resolve(struct icrm_ods_styles *styles) {
  for (size_t i = 0; i < styles->count; i++) {
    struct ods_style *style = &styles->list[i];
    const struct ods_style *number =
        style->family == FAMILY_CELL
            ? find(styles, FAMILY_NUMBER, style->number)
            : NULL;
    if (number)
      style->is_pattern = number->is_pattern;
  }
  styles->is_resolved = true;
}

bool icrm_ods_styles_is_pattern(struct icrm_ods_styles *styles,
                                const char *name) {
  if (!styles->is_resolved)
    resolve(styles);
  const struct ods_style *style = find(styles, FAMILY_CELL, name);
  return style && style->is_pattern;
}

void icrm_ods_styles_free(struct icrm_ods_styles *styles) {
  for (size_t i = 0; i < styles->count; i++) {
    free(styles->list[i].name);
    free(styles->list[i].number);
  }
  free(styles->list);
  icrm_ods_styles_init(styles);
}
