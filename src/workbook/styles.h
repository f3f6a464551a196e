/* The styles of an .xlsx, as far as they decide what a number is. */
#ifndef ICRM_WORKBOOK_STYLES_H
#define ICRM_WORKBOOK_STYLES_H

#include "workbook/number_format.h"
#include "workbook/package.h"

struct icrm_styles {
  struct style_format *formats; /* by number, as the file lists them */
  size_t n_formats;
  int *cells; /* the format's number of each cell style */
  size_t n_cells;
};

/* Read the styles of `part`. Free with _free, also after a failure. */
int icrm_styles_read(struct icrm_styles *styles, struct icrm_package *package,
                     const char *part, struct icrm_error *err);

/* The kind of numbers under a cell style; `code` gets the format's code where
 * the kind is PATTERN. NUMBER for a style that there is not. */
enum icrm_format_kind icrm_styles_kind(const struct icrm_styles *styles,
                                       long style, const char **code);

void icrm_styles_free(struct icrm_styles *styles);

#endif
