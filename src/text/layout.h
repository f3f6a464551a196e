/*
 * How a CSV text is laid out, as far as its beginning shows it: what stands
 * between the cells, and how many lines stand above the headings. Real files
 * have titles and dates above them, rows that end early or with a separator
 * too many, prose with commas and numbers with decimal commas.
 */
#ifndef ICRM_TEXT_LAYOUT_H
#define ICRM_TEXT_LAYOUT_H

#include <stddef.h>

struct icrm_layout {
  char delimiter; /* ';', ',', '\t' or '|' */
  long above;     /* lines above the one on which the headings begin */
};

/* Look at a text, the first block of a file. `delimiter` is what is known to
 * stand between cells, 0 to find it: of those that cut the rows, one under
 * which the first row is as wide as any comes first, then the one that makes
 * the rows most alike. The headings are the first row that is filled about as
 * widely as the widest of the first rows. */
struct icrm_layout icrm_layout_find(const char *text, size_t len,
                                    char delimiter);

/* Past the first line end in `text`: LF, CR LF or a lone CR. NULL: none. */
const char *icrm_layout_line_end(const char *text, size_t len);

#endif
