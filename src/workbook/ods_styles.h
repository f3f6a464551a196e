/*
 * The styles of an .ods, as far as they matter: which tables are hidden, and
 * which cells show a number as a pattern of digits (leading zeros, groups).
 */
#ifndef ICRM_WORKBOOK_ODS_STYLES_H
#define ICRM_WORKBOOK_ODS_STYLES_H

#include "workbook/markup.h"

struct icrm_ods_styles {
  struct ods_style *list;
  size_t count;
  bool is_full;     /* memory ran out, or more styles than any program makes */
  size_t current;   /* that whose children come; SIZE_MAX for none */
  bool is_resolved; /* cell styles know what their number styles are */
};

void icrm_ods_styles_init(struct icrm_ods_styles *styles);

/* Take note of an element that begins or ends in styles.xml or content.xml. */
void icrm_ods_styles_start(struct icrm_ods_styles *styles,
                           const struct icrm_element *element);
void icrm_ods_styles_end(struct icrm_ods_styles *styles,
                         const struct icrm_element *element);

/* Whether a table of this style is hidden; whether a cell of this style shows
 * a pattern. False for NULL and for a style that there is not. */
bool icrm_ods_styles_hides(const struct icrm_ods_styles *styles,
                           const char *name);
bool icrm_ods_styles_is_pattern(struct icrm_ods_styles *styles,
                                const char *name);

void icrm_ods_styles_free(struct icrm_ods_styles *styles);

#endif
