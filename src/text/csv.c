#include "text/csv.h"
#include "text/layout.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Most bytes of one record: a quote that is never closed would otherwise
 * take the rest of the file into memory. */
#define RECORD_BYTES_MAX ((size_t)16 << 20)

/* By how much libcsv's buffer of one cell grows; its own 128 bytes make a
 * large cell cost the square of its size. */
#define CELL_BYTES_STEP ((size_t)1 << 16)

struct cell {
  size_t start; /* in csv.cells_text; the cell ends at a NUL before the next */
  size_t len;
  long line;
};

struct icrm_csv {
  struct icrm_charset *source;
  struct csv_parser parser;
  struct icrm_csv_format format;
  struct icrm_buf path;     /* for messages */
  struct icrm_buf text;     /* the decoded block */
  size_t at;                /* text before this has been parsed */
  struct icrm_buf headings; /* NUL-terminated names, one after the other */
  size_t width;             /* cells of the heading, 0 before it is known */

  /* Where the parser is. */
  long line;      /* the physical line of text[at] */
  long breaks;    /* lines that ended within a cell */
  bool after_cr;  /* text[at - 1] is CR: an LF there ends no other line */
  size_t column;  /* characters of that line before text[at] */
  long cell_line; /* where the cell under way began */

  /* Cells that were parsed. The first `record` of them make the current
   * record; the rest is an unfinished one or none. */
  struct icrm_buf cells_text;
  struct cell *cells;
  size_t cells_len, cells_cap;
  size_t record;     /* cells of the finished record, 0 for none */
  size_t taken;      /* bytes the record under way has, 0 between records */
  bool equals_waits; /* what follows an = tells whether it is of the cell */
  bool takes_short;  /* records may end early */
  bool ended;        /* csv_fini was called */
  bool failed;       /* out of memory inside a callback */
};

/* ---- Messages ---------------------------------------------------------- */

static const char *heading(const struct icrm_csv *csv, size_t index) {
  const char *name = csv->headings.data;
  if (!name || index >= csv->width)
    return NULL;
  while (index-- > 0)
    name += strlen(name) + 1;
  return name;
}

/* "cell 3 (Ville)", the name escaped for a terminal. */
static void add_cell_name(const struct icrm_csv *csv, struct icrm_buf *out,
                          size_t index) {
  const char *name = heading(csv, index);
  icrm_buf_addf(out, "cell %zu", index + 1);
  if (!name || name[0] == '\0')
    return;
  icrm_buf_add_text(out, " (");
  icrm_buf_add_escaped(out, name, strlen(name), 60);
  icrm_buf_add_text(out, ")");
}

/* An error at the parser's place in the text. */
static int fail_here(const struct icrm_csv *csv, struct icrm_error *err,
                     const char *what) {
  struct icrm_buf place = {0};
  add_cell_name(csv, &place, csv->cells_len);
  char row[40] = ""; /* as a table program numbers it */
  if (csv->breaks > 0)
    snprintf(row, sizeof row, " (row %ld)", csv->line - csv->breaks);
  icrm_error_set(err, ICRM_ERROR_INPUT, "%s: line %ld%s, character %zu, %s: %s",
                 csv->path.data, csv->line, row, csv->column + 1,
                 place.data ? place.data : "cell", what);
  icrm_buf_free(&place);
  return -1;
}

static int fail_file(const struct icrm_csv *csv, struct icrm_error *err) {
  struct icrm_error why = *err;
  return icrm_error_set(err, why.kind, "%s: %s", csv->path.data, why.message);
}

/* Of a file that is UTF-8 elsewhere, what the bad bytes would be otherwise. */
static void add_broken(const struct icrm_csv *csv, struct icrm_buf *what,
                       const char *bytes) {
  const struct icrm_encoding utf8 = ICRM_ENCODING_UTF_8;
  const struct icrm_encoding old = ICRM_ENCODING_WINDOWS_1252;
  unsigned long places = icrm_charset_guess(csv->source)->broken;
  unsigned first = 0;
  sscanf(bytes, "%x", &first);
  char byte = (char)first;
  icrm_buf_addf(what,
                "the bytes %s are not utf-8, as the file is otherwise; in "
                "windows-1252 %02X would be \"",
                bytes, first);
  icrm_encoding_convert(&byte, 1, &old, &utf8, what, NULL);
  icrm_buf_addf(what, "\": mend the line");
  if (places > 1)
    icrm_buf_addf(what, ", the first of %lu such places", places);
}

static int fail_bytes(const struct icrm_csv *csv, struct icrm_error *err) {
  char bytes[16] = "";
  struct icrm_buf what = {0};
  const struct icrm_guess *guess = icrm_charset_guess(csv->source);
  icrm_charset_bad(csv->source, bytes);
  if (strcmp(bytes, "00") == 0)
    icrm_buf_add_text(&what,
                      "a NUL byte, which no text has; is this really a CSV "
                      "file, or is it utf-16? Then name its encoding");
  else if (guess->broken > 0)
    add_broken(csv, &what, bytes);
  else
    icrm_buf_addf(
        &what,
        "the bytes %s are not %s; the file may %s: name its encoding, "
        "or mend the line",
        bytes, guess->encoding.name,
        icrm_encoding_is(&guess->encoding, "utf-8") ? "be windows-1252"
                                                    : "have another encoding");
  int rc = fail_here(csv, err, what.data ? what.data : "bytes are no text");
  icrm_buf_free(&what);
  return rc;
}

static int fail_quote(const struct icrm_csv *csv, struct icrm_error *err,
                      char byte) {
  return fail_here(
      csv, err,
      byte == '"' ? "a stray quote; put the whole cell in quotes and double "
                    "each quote inside it (\"\")"
                  : "text follows the closing quote; double each quote inside "
                    "the cell (\"\")");
}

static int fail_open_quote(const struct icrm_csv *csv, struct icrm_error *err,
                           const char *until) {
  struct icrm_buf place = {0};
  add_cell_name(csv, &place, csv->cells_len);
  icrm_error_set(err, ICRM_ERROR_INPUT,
                 "%s: line %ld, %s: the quote that begins this cell is still "
                 "open %s; close it, or remove it",
                 csv->path.data, csv->cell_line,
                 place.data ? place.data : "cell", until);
  icrm_buf_free(&place);
  return -1;
}

static int fail_ragged(const struct icrm_csv *csv, struct icrm_error *err) {
  struct icrm_buf shown = {0};
  const char *first = csv->cells_text.data;
  icrm_buf_add_escaped(&shown, first, strlen(first), 40);
  icrm_error_set(err, ICRM_ERROR_INPUT,
                 "%s: line %ld: %zu cells where the headings are %zu "
                 "(separator %s; its first cell is \"%s\"); %s",
                 csv->path.data, csv->cells[0].line, csv->record, csv->width,
                 csv->format.delimiter == '\t'
                     ? "tab"
                     : (char[]){csv->format.delimiter, '\0'},
                 shown.data ? shown.data : "",
                 csv->record < csv->width
                     ? "a delimiter is missing, or a line break is not inside "
                       "quotes"
                     : "a cell that holds the delimiter must be in quotes");
  if (err && csv->record < csv->width)
    snprintf(err->code, sizeof err->code, "SHORT_ROW");
  icrm_buf_free(&shown);
  return -1;
}

/* ---- Parsing ----------------------------------------------------------- */

static bool grow_cells(struct icrm_csv *csv) {
  if (csv->cells_len < csv->cells_cap)
    return true;
  size_t cap = csv->cells_cap ? csv->cells_cap * 2 : 64;
  struct cell *cells = realloc(csv->cells, cap * sizeof *cells);
  if (!cells)
    return false;
  csv->cells = cells;
  csv->cells_cap = cap;
  return true;
}

static void on_cell(void *bytes, size_t len, void *data) {
  struct icrm_csv *csv = data;
  if (!grow_cells(csv)) {
    csv->failed = true;
    return;
  }
  csv->cells[csv->cells_len++] =
      (struct cell){csv->cells_text.len, len, csv->cell_line};
  icrm_buf_add(&csv->cells_text, bytes, len);
  icrm_buf_add_byte(&csv->cells_text, '\0');
  csv->cell_line = csv->line;
}

static void on_record(int terminator, void *data) {
  struct icrm_csv *csv = data;
  (void)terminator;
  csv->record = csv->cells_len;
}

/* Count the characters of `text` into the column. */
static void advance(struct icrm_csv *csv, const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    csv->column += ((unsigned char)text[i] & 0xC0) != 0x80;
}

static bool is_blank(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!strchr(" \t\r\n", text[i]))
      return false;
  return true;
}

/* Whether the parser is before a record: its state is 0 then. */
static bool is_between_records(const struct icrm_csv *csv) {
  return csv->parser.pstate == 0;
}

static void end_line(struct icrm_csv *csv, const char *line, size_t len) {
  bool half_of_crlf = csv->after_cr && len == 1 && line[0] == '\n';
  csv->line += !half_of_crlf;
  csv->breaks += !half_of_crlf && !is_between_records(csv);
  csv->column = 0;
  csv->after_cr = line[len - 1] == '\r';
}

/* Go past a line, or a piece of it that the block ends. */
static void go_past(struct icrm_csv *csv, size_t len, bool ends_line) {
  const char *from = csv->text.data + csv->at;
  csv->at += len;
  if (ends_line) {
    end_line(csv, from, len);
  } else {
    advance(csv, from, len);
    csv->after_cr = false;
  }
}

/* Whether the parser is before a cell: its states are 0 and 1 then. */
static bool is_between_cells(const struct icrm_csv *csv) {
  return csv->parser.pstate <= 1;
}

static size_t parse(struct icrm_csv *csv, const char *from, size_t len) {
  return csv_parse(&csv->parser, from, len, on_cell, on_record, csv);
}

/* An = that may belong to a quote: one stands behind it, or the block ends. */
static const char *find_equals(const char *from, size_t len) {
  const char *mark = memmem(from, len, "=\"", 2);
  if (!mark && from[len - 1] == '=')
    mark = from + len - 1;
  return mark;
}

/* Parse the = that waits for `next`, unless that is a quote. Returns false when
 * it cannot be parsed. */
static bool settle_equals(struct icrm_csv *csv, char next) {
  const bool is_text = csv->equals_waits && next != '"';
  csv->equals_waits = false;
  return !is_text || parse(csv, "=", 1) == 1;
}

/* Hand a piece of a line to the parser. A cell such as ="0601", by which table
 * programs are made to show a text as it is, loses its =. Returns how many
 * bytes were taken; fewer where something is wrong. */
static size_t feed(struct icrm_csv *csv, const char *from, size_t len) {
  size_t done = 0;
  while (done < len && settle_equals(csv, from[done])) {
    const char *mark = find_equals(from + done, len - done);
    const size_t n = (size_t)((mark ? mark : from + len) - (from + done));
    const size_t taken = parse(csv, from + done, n);
    done += taken;
    if (taken < n || !mark)
      return done;
    csv->equals_waits = is_between_cells(csv);
    if (!csv->equals_waits && parse(csv, mark, 1) < 1)
      return done;
    done++;
  }
  return done;
}

/* Parse to the end of the physical line, or of the block. */
static int parse_line(struct icrm_csv *csv, struct icrm_error *err) {
  const char *from = csv->text.data + csv->at;
  size_t left = csv->text.len - csv->at;
  const char *end = icrm_layout_line_end(from, left);
  size_t len = end ? (size_t)(end - from) : left;
  if (csv->taken == 0)
    csv->cell_line = csv->line;
  size_t done = feed(csv, from, len);
  if (csv->failed || csv->cells_text.failed ||
      (done < len && csv_error(&csv->parser) != CSV_EPARSE))
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  if (done < len) {
    advance(csv, from, done);
    return fail_quote(csv, err, from[done]);
  }
  if (csv->record > 0)
    csv->taken = 0;
  else if (csv->taken > 0 || !is_blank(from, len) || csv->cells_len > 0)
    csv->taken += len;
  if (csv->taken > RECORD_BYTES_MAX)
    return fail_open_quote(csv, err, "after 16 MiB");
  go_past(csv, len, end != NULL);
  return 0;
}

/* Decode the next block. Returns 1, 0 at the end, -1. */
static int read_block(struct icrm_csv *csv, struct icrm_error *err) {
  struct icrm_error why = {0};
  if (icrm_charset_bad(csv->source, NULL))
    return fail_bytes(csv, err);
  icrm_buf_clear(&csv->text);
  csv->at = 0;
  int got = icrm_charset_read(csv->source, &csv->text, &why);
  if (got < 0 && !icrm_charset_bad(csv->source, NULL)) {
    if (err)
      *err = why;
    return err ? fail_file(csv, err) : -1;
  }
  /* What stands before bad bytes is parsed first; the error comes after. */
  return got < 0 ? 1 : got;
}

static int finish(struct icrm_csv *csv, struct icrm_error *err) {
  csv->ended = true;
  if (settle_equals(csv, '\0') &&
      csv_fini(&csv->parser, on_cell, on_record, csv) == 0)
    return 0;
  if (csv_error(&csv->parser) == CSV_EPARSE)
    return fail_open_quote(csv, err, "at the end of the file");
  return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
}

static void keep_headings(struct icrm_csv *csv) {
  csv->width = csv->record;
  icrm_buf_add(&csv->headings, csv->cells_text.data, csv->cells_text.len);
}

/* Make the record as wide as the headings. Separators behind the last cell
 * say nothing; cells that are missing are empty ones where that is meant. */
static int fit(struct icrm_csv *csv, struct icrm_error *err) {
  size_t filled = csv->record;
  while (filled > csv->width && csv->cells[filled - 1].len == 0)
    filled--;
  if (filled > csv->width || (filled < csv->width && !csv->takes_short))
    return fail_ragged(csv, err);
  while (csv->cells_len < csv->width && !csv->failed)
    on_cell("", 0, csv);
  if (csv->failed || csv->cells_text.failed)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  csv->record = csv->width;
  return 1;
}

int icrm_csv_next(struct icrm_csv *csv, struct icrm_error *err) {
  csv->cells_len = csv->record = 0;
  icrm_buf_clear(&csv->cells_text);
  while (csv->record == 0) {
    if (csv->at < csv->text.len) {
      if (parse_line(csv, err) < 0)
        return -1;
      continue;
    }
    if (csv->ended)
      return 0;
    int got = read_block(csv, err);
    if (got < 0 || (got == 0 && finish(csv, err) < 0))
      return -1;
  }
  if (csv->width == 0)
    keep_headings(csv);
  return fit(csv, err);
}

/* ---- Layout ------------------------------------------------------------- */

/* Excel's own hint: a first line "sep=;". Returns its delimiter or 0. */
static char skip_hint(struct icrm_csv *csv) {
  const char *text = csv->text.data;
  if (csv->text.len < 6 || strncasecmp(text, "sep=", 4) != 0 ||
      !strchr(";,\t|", text[4]) || !strchr("\r\n", text[5]))
    return '\0';
  csv->at = text[5] == '\r' && text[6] == '\n' ? 7 : 6;
  csv->line = 2;
  return text[4];
}

static const char *newline_name(const char *text, size_t len) {
  const char *end = icrm_layout_line_end(text, len);
  if (!end)
    return "LF";
  if (end[-1] == '\r')
    return "CR";
  return end - text > 1 && end[-2] == '\r' ? "CRLF" : "LF";
}

/* Leave out the lines before this one. */
static int skip_to(struct icrm_csv *csv, long line, struct icrm_error *err) {
  while (csv->line < line) {
    if (csv->at == csv->text.len) {
      int got = read_block(csv, err);
      if (got <= 0)
        return got;
    }
    const char *from = csv->text.data + csv->at;
    size_t left = csv->text.len - csv->at;
    const char *end = icrm_layout_line_end(from, left);
    go_past(csv, end ? (size_t)(end - from) : left, end != NULL);
  }
  return 0;
}

/* Read the first block and choose the format. */
static int start(struct icrm_csv *csv, const struct icrm_csv_options *options,
                 struct icrm_error *err) {
  if (read_block(csv, err) < 0)
    return -1;
  char hint = csv->text.len > 0 ? skip_hint(csv) : '\0';
  const char *text = csv->text.data ? csv->text.data + csv->at : "";
  size_t len = csv->text.len - csv->at;
  const char known = options->delimiter ? options->delimiter : hint;
  const struct icrm_layout layout = icrm_layout_find(text, len, known);
  const long above =
      options->is_skip_known ? options->skip : csv->line - 1 + layout.above;
  csv->format =
      (struct icrm_csv_format){.guess = icrm_charset_guess(csv->source),
                               .is_8bit = icrm_charset_is_8bit(csv->source),
                               .file = icrm_charset_is_file(csv->source),
                               .delimiter = layout.delimiter,
                               .skip = above,
                               .newline = newline_name(text, len)};
  csv_set_delim(&csv->parser, (unsigned char)layout.delimiter);
  return skip_to(csv, above + 1, err);
}

/* ---- The reader -------------------------------------------------------- */

int icrm_csv_open(struct icrm_csv **out, const char *path,
                  const struct icrm_csv_options *options,
                  struct icrm_error *err) {
  struct icrm_error why = {0};
  struct icrm_csv *csv = calloc(1, sizeof *csv);
  if (!csv)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  csv->line = 1;
  csv->takes_short = options->takes_short;
  icrm_buf_add_escaped(&csv->path, path, strlen(path), 300);
  if (csv_init(&csv->parser, CSV_STRICT | CSV_STRICT_FINI) != 0 ||
      csv->path.len == 0) {
    icrm_error_set(err, ICRM_ERROR_INPUT, "a CSV file needs a name");
    goto fail;
  }
  csv_set_blk_size(&csv->parser, CELL_BYTES_STEP);
  if (icrm_charset_open(&csv->source, path, &options->encoding, &why) < 0) {
    fail_file(csv, &why);
    if (err)
      *err = why;
    goto fail;
  }
  if (start(csv, options, err) < 0)
    goto fail;
  *out = csv;
  return 0;
fail:
  icrm_csv_close(csv);
  return -1;
}

size_t icrm_csv_cells(const struct icrm_csv *csv) {
  return csv->record;
}

const char *icrm_csv_cell(const struct icrm_csv *csv, size_t index,
                          size_t *len) {
  if (len)
    *len = csv->cells[index].len;
  return csv->cells_text.data + csv->cells[index].start;
}

long icrm_csv_line(const struct icrm_csv *csv, size_t index) {
  return csv->cells[index].line;
}

struct icrm_csv_format icrm_csv_format(const struct icrm_csv *csv) {
  return csv->format;
}

void icrm_csv_close(struct icrm_csv *csv) {
  if (!csv)
    return;
  csv_free(&csv->parser);
  icrm_charset_close(csv->source);
  icrm_buf_free(&csv->path);
  icrm_buf_free(&csv->text);
  icrm_buf_free(&csv->headings);
  icrm_buf_free(&csv->cells_text);
  free(csv->cells);
  free(csv);
}
