#include "text/layout.h"

#include <stdbool.h>
#include <string.h>

enum {
  LOOKED_AT = 50, /* rows */
  FILLED = 6,     /* tenths of the widest row that a row of headings fills */
};

struct row {
  size_t cells, filled;
  size_t width; /* cells up to the last that is filled */
  long line;    /* on which it begins, from 0 */
};

/* The rows of a text as one delimiter cuts them. */
struct trial {
  char delimiter;
  struct row rows[LOOKED_AT], current;
  size_t n;
  /* What they tell. */
  size_t mode, same; /* the commonest number of cells, and how many have it */
  size_t headings;   /* which row has them */
  bool is_usable, is_first;
};

const char *icrm_layout_line_end(const char *text, size_t len) {
  const char *lf = memchr(text, '\n', len);
  const char *cr = memchr(text, '\r', lf ? (size_t)(lf - text) : len);
  if (cr && cr + 1 != lf)
    return cr + 1;
  return lf ? lf + 1 : NULL;
}

static void end_cell(struct trial *trial, bool has_text) {
  struct row *row = &trial->current;
  row->cells++;
  row->filled += has_text;
  if (has_text)
    row->width = row->cells;
}

/* A line without anything is no row. */
static void end_row(struct trial *trial, bool has_text) {
  if (trial->current.cells > 0 || has_text) {
    end_cell(trial, has_text);
    trial->rows[trial->n++] = trial->current;
  }
  trial->current = (struct row){0};
}

static bool is_line_end(const char *text, size_t len, size_t at) {
  return text[at] == '\n' ||
         (text[at] == '\r' && (at + 1 == len || text[at + 1] != '\n'));
}

/* ="0601" is a cell in quotes. */
static bool begins_formula(const char *text, size_t len, size_t at) {
  return text[at] == '=' && at + 1 < len && text[at + 1] == '"';
}

/* Rows are cut with some tolerance: the reader complains of stray quotes. The
 * last one counts without its line end only where it is all there is, for the
 * block may have cut it. */
static void cut(struct trial *trial, const char *text, size_t len) {
  bool has_text = false, is_quoted = false;
  long line = 0;
  for (size_t at = 0; at < len && trial->n < LOOKED_AT; at++) {
    const char c = text[at];
    const bool ends_line = is_line_end(text, len, at);
    const bool is_doubled = at > 0 && text[at - 1] == '"';
    if (c == '"' && (is_quoted || !has_text || is_doubled))
      is_quoted = !is_quoted; /* a doubled one twice */
    else if (c == trial->delimiter && !is_quoted) {
      end_cell(trial, has_text);
      has_text = false;
    } else if (ends_line && !is_quoted) {
      end_row(trial, has_text);
      has_text = false;
    } else if (!strchr(" \t\r\n", c) && !begins_formula(text, len, at))
      has_text = true;
    line += ends_line;
    if (ends_line && trial->current.cells == 0 && !has_text && !is_quoted)
      trial->current.line = line;
  }
  if (trial->n == 0)
    end_row(trial, has_text);
}

static void count_mode(struct trial *trial) {
  for (size_t i = 0; i < trial->n; i++) {
    size_t same = 0;
    for (size_t j = 0; j < trial->n; j++)
      same += trial->rows[j].cells == trial->rows[i].cells;
    if (same > trial->same ||
        (same == trial->same && trial->rows[i].cells > trial->mode)) {
      trial->mode = trial->rows[i].cells;
      trial->same = same;
    }
  }
}

/* Titles are narrower than what they stand above. */
static size_t find_headings(const struct trial *trial) {
  size_t widest = 0;
  for (size_t i = 0; i < trial->n; i++)
    if (trial->rows[i].filled > widest)
      widest = trial->rows[i].filled;
  for (size_t i = 0; i < trial->n; i++)
    if (trial->rows[i].filled * 10 >= widest * FILLED)
      return i;
  return 0;
}

/* Whether most commas have a blank behind them, as in a sentence. */
static bool is_prose(const char *text, size_t len, char delimiter) {
  size_t all = 0, spaced = 0;
  for (size_t i = 0; i + 1 < len && delimiter == ','; i++) {
    all += text[i] == ',';
    spaced += text[i] == ',' && text[i + 1] == ' ';
  }
  return spaced * 2 > all;
}

/* Whether the headings and two thirds of the rows below have several cells. */
static bool makes_columns(const struct trial *trial) {
  size_t several = 0;
  for (size_t i = trial->headings; i < trial->n; i++)
    several += trial->rows[i].cells > 1;
  return trial->n > 0 && trial->rows[trial->headings].cells > 1 &&
         several * 3 >= (trial->n - trial->headings) * 2;
}

/* Whether the first row is as wide as any below, and the second is a row of
 * the same table: it has the headings, and not a title that happens to hold
 * the delimiter. */
static bool begins_with_headings(const struct trial *trial) {
  size_t widest = 0;
  for (size_t i = 1; i < trial->n; i++)
    if (trial->rows[i].width > widest)
      widest = trial->rows[i].width;
  return trial->n > 0 && trial->rows[0].cells > 1 &&
         trial->rows[0].width >= widest &&
         (trial->n == 1 || trial->rows[1].cells > 1);
}

static struct trial try_delimiter(const char *text, size_t len,
                                  char delimiter) {
  struct trial trial = {.delimiter = delimiter};
  cut(&trial, text, len);
  count_mode(&trial);
  trial.headings = find_headings(&trial);
  trial.is_first = begins_with_headings(&trial);
  trial.is_usable = makes_columns(&trial) && !is_prose(text, len, delimiter);
  return trial;
}

static bool is_better(const struct trial *a, const struct trial *b) {
  if (a->is_usable != b->is_usable)
    return a->is_usable;
  if (a->is_first != b->is_first)
    return a->is_first;
  size_t left = a->same * b->n, right = b->same * a->n;
  if (left != right)
    return left > right;
  if (a->headings != b->headings)
    return a->headings < b->headings;
  return a->mode > b->mode;
}

struct icrm_layout icrm_layout_find(const char *text, size_t len,
                                    char delimiter) {
  static const char candidates[] = ";,\t|";
  struct trial best =
      try_delimiter(text, len, delimiter ? delimiter : candidates[0]);
  for (size_t i = 1; !delimiter && candidates[i] != '\0'; i++) {
    struct trial trial = try_delimiter(text, len, candidates[i]);
    if (trial.is_usable && is_better(&trial, &best))
      best = trial;
  }
  return (struct icrm_layout){best.delimiter,
                              best.n ? best.rows[best.headings].line : 0};
}
