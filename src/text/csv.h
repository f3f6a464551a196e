/*
 * A CSV file as records of UTF-8 cells, in constant memory. What real files
 * differ in (encoding, delimiter, line ends) is detected and reported; what is
 * broken (quotes, bytes, rows with a cell too many) ends the reading with an
 * error that names the file, the line and the cell. Cells are text: no value is
 * guessed, leading zeros survive; only blanks around an unquoted cell are
 * dropped.
 */
#ifndef ICRM_TEXT_CSV_H
#define ICRM_TEXT_CSV_H

#include "text/charset.h"

struct icrm_csv;

struct icrm_csv_options {
  struct icrm_encoding encoding; /* ICRM_ENCODING_AUTO to guess it */
  char delimiter;                /* ';', ',', '\t', '|'; 0 to find it */
  bool is_skip_known;            /* else the headings are looked for */
  long skip;                     /* lines above the headings */
  bool takes_short; /* records that end early are filled up with empty cells */
};

struct icrm_csv_format {
  const struct icrm_guess *guess; /* the encoding; as long as the reader */
  bool is_8bit; /* each byte of it is a character, the ASCII ones as they are */
  char delimiter;
  long skip;           /* lines above the headings */
  bool file;           /* can be read once more; a pipe cannot */
  const char *newline; /* "LF", "CRLF" or "CR", as the first line ends */
};

/* Open `path`, "-" for standard input. What separates cells, and where the
 * headings are, is found in the first block (text/layout.h); a first line
 * `sep=;` decides the former and is skipped. Free with _close. An empty file is
 * no error here: the first _next finds no record. */
int icrm_csv_open(struct icrm_csv **out, const char *path,
                  const struct icrm_csv_options *options,
                  struct icrm_error *err);

/* Go to the next record; blank lines are skipped. Returns 1, or 0 at the end,
 * or -1 (kind `input` when the file is at fault; code SHORT_ROW when a record
 * has fewer cells than the headings). The first record is the
 * heading: it fixes how many cells every other must have, but for empty ones
 * at its end. */
int icrm_csv_next(struct icrm_csv *csv, struct icrm_error *err);

/* Of the current record, valid until the next call of _next: the number of
 * its cells, the text of one (NUL-terminated, length in `len` when not NULL),
 * the line on which that cell begins, counted from 1. */
size_t icrm_csv_cells(const struct icrm_csv *csv);
const char *icrm_csv_cell(const struct icrm_csv *csv, size_t index,
                          size_t *len);
long icrm_csv_line(const struct icrm_csv *csv, size_t index);

/* What was detected or asked for. */
struct icrm_csv_format icrm_csv_format(const struct icrm_csv *csv);

/* Close the file and free. NULL is allowed. */
void icrm_csv_close(struct icrm_csv *csv);

#endif
