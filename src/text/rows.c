#include "text/rows.h"

#include "text/json_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { UNWANTED = -1 }; /* instead of a column number */

/* Values are copied in blocks of so many bytes, whatever their length. */
enum { SLACK = 16, N_SPECIALS = 4 };

/* What a byte does to a value. */
enum {
  SPECIAL = 1, /* cannot be written as it is */
  EDGE = 2,    /* in CSV, asks for a closer look when it is first or last */
};

struct icrm_rows {
  bool jsonl, raw;
  char delimiter;
  unsigned char kind[256]; /* SPECIAL, EDGE */
  /* Special bytes, and the highest of those below a space, in whole blocks. */
  char specials[N_SPECIALS][SLACK], most_special[SLACK];
  int n_columns;
  struct icrm_span *names;  /* of the columns */
  struct icrm_span *labels; /* JSONL: `"name":` */
  struct icrm_span *values; /* of this record, bytes NULL where missing */
  struct icrm_buf text;     /* what names and labels point to */
  char *scratch;            /* for values of this record with escapes */
  size_t scratch_size;
  struct icrm_rows_page facts;      /* of the page */
  int column_of[ICRM_RECORDS_KEYS]; /* of each key of the page */
  int id_key;                       /* among them */
};

static void mark(struct icrm_rows *rows, const char *bytes, int kind) {
  for (; *bytes; bytes++)
    rows->kind[(unsigned char)*bytes] |= (unsigned char)kind;
}

static void mark_kinds(struct icrm_rows *rows) {
  /* Of CSV what any table program may take for the end of a cell. */
  const char csv[] = {'"', ',', ';', rows->delimiter, '\0'};
  const char *specials = rows->jsonl ? "\"\\/\x7F" : csv;
  const int most_special = 0x1F;
  memset(rows->most_special, most_special, SLACK);
  for (int i = 0; i <= most_special; i++)
    rows->kind[i] |= SPECIAL;
  for (int i = 0; i < N_SPECIALS; i++)
    memset(rows->specials[i], specials[i], SLACK);
  mark(rows, specials, SPECIAL);
  mark(rows, " \t\r\n\v\f", EDGE);
  if (!rows->raw)
    mark(rows, "'=+-@", EDGE);
}

#ifdef __SSE2__
static inline __m128i load(const void *at) {
  return _mm_loadu_si128(at);
}

/* Copy a value as it is, up to SLACK - 1 bytes too many; says whether none of
 * its bytes is special. */
static bool copy_plain(const struct icrm_rows *rows, char *out,
                       const struct icrm_span *value) {
  const __m128i most = load(rows->most_special);
  unsigned found = 0;
  for (size_t i = 0; i < value->len; i += SLACK) {
    const size_t left = value->len - i;
    const char *at = value->bytes + i;
    const __m128i block = load(at);
    __m128i special = _mm_cmpeq_epi8(_mm_min_epu8(block, most), block);
    for (int k = 0; k < N_SPECIALS; k++)
      special =
          _mm_or_si128(special, _mm_cmpeq_epi8(block, load(rows->specials[k])));
    _mm_storeu_si128((__m128i *)(void *)(out + i), block);
    unsigned mask = (unsigned)_mm_movemask_epi8(special);
    found |= left < SLACK ? mask & ((1u << left) - 1) : mask;
  }
  return found == 0;
}
#else
static bool copy_plain(const struct icrm_rows *rows, char *out,
                       const struct icrm_span *value) {
  int kinds = 0;
  for (size_t i = 0; i < value->len; i++) {
    kinds |= rows->kind[(unsigned char)value->bytes[i]];
    out[i] = value->bytes[i];
  }
  return !(kinds & SPECIAL);
}
#endif

static char *put(char *out, const struct icrm_span *span) {
  memcpy(out, span->bytes, span->len);
  return out + span->len;
}

/* ---- JSONL ---- */

static char *put_json(const struct icrm_rows *rows, char *out,
                      const struct icrm_span *value) {
  if (!copy_plain(rows, out + 1, value))
    return icrm_json_put_string(out, value->bytes, value->len);
  out[0] = out[value->len + 1] = '"';
  return out + value->len + 2;
}

static char *put_object(const struct icrm_rows *rows, char *out) {
  char *begin = out;
  *out++ = '{';
  for (int i = 0; i < rows->n_columns; i++) {
    if (!rows->values[i].bytes)
      continue;
    if (out > begin + 1)
      *out++ = ',';
    out = put_json(rows, put(out, &rows->labels[i]), &rows->values[i]);
  }
  *out++ = '}';
  *out++ = '\n';
  return out;
}

/* ---- CSV: cells as icrm.csv writes and reads them ---- */

/* [+-] digits, then perhaps a point or comma and digits. */
static bool is_number(const struct icrm_span *value) {
  const char *at = value->bytes, *end = at + value->len;
  if (at < end && (*at == '+' || *at == '-'))
    at++;
  const char *digits = at;
  while (at < end && *at >= '0' && *at <= '9')
    at++;
  if (at == digits)
    return false;
  if (at < end && (*at == '.' || *at == ','))
    at++;
  while (at < end && *at >= '0' && *at <= '9')
    at++;
  return at == end;
}

/* Whether a table program may take the text for a formula, perhaps behind
 * apostrophes of which it drops one. */
static bool is_formula(const struct icrm_span *value) {
  size_t i = 0;
  while (i < value->len && value->bytes[i] == '\'')
    i++;
  return i < value->len && memchr("=+-@\t\r", value->bytes[i], 6) &&
         !is_number(value);
}

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static char *put_quoted(char *out, bool formula,
                        const struct icrm_span *value) {
  *out++ = '"';
  if (formula)
    *out++ = '\'';
  for (size_t i = 0; i < value->len; i++) {
    if (value->bytes[i] == '"')
      *out++ = '"';
    *out++ = value->bytes[i];
  }
  *out++ = '"';
  return out;
}

static char *put_cell(const struct icrm_rows *rows, char *out,
                      const struct icrm_span *value) {
  if (value->len == 0)
    return out;
  char first = value->bytes[0], last = value->bytes[value->len - 1];
  char *begin = out;
  bool formula = false, quoted = false;
  if ((rows->kind[(unsigned char)first] | rows->kind[(unsigned char)last]) &
      EDGE) {
    formula = !rows->raw && is_formula(value);
    quoted = (!formula && is_space(first)) || is_space(last);
  }
  if (formula)
    *out++ = '\'';
  if (quoted || !copy_plain(rows, out, value))
    return put_quoted(begin, formula, value);
  return out + value->len;
}

static char *put_cells(const struct icrm_rows *rows, char *out) {
  char *begin = out;
  for (int i = 0; i < rows->n_columns; i++) {
    if (i > 0)
      *out++ = rows->delimiter;
    if (rows->values[i].bytes)
      out = put_cell(rows, out, &rows->values[i]);
  }
  if (out == begin && rows->n_columns == 1) {
    *out++ = '"'; /* an empty line would be no record */
    *out++ = '"';
  }
  *out++ = '\r';
  *out++ = '\n';
  return out;
}

/* ---- Pages ---- */

static int find_column(const struct icrm_rows *rows,
                       const struct icrm_span *key) {
  for (int i = 0; i < rows->n_columns; i++)
    if (rows->names[i].len == key->len &&
        memcmp(rows->names[i].bytes, key->bytes, key->len) == 0)
      return i;
  return UNWANTED;
}

static void note_id(struct icrm_rows_page *facts, const struct icrm_span *id) {
  if (id->len >= sizeof facts->last_id)
    return;
  memcpy(facts->last_id, id->bytes, id->len);
  facts->last_id[id->len] = '\0';
  if (facts->n_records == 1)
    memcpy(facts->first_id, facts->last_id, sizeof facts->first_id);
}

/* The number in an id such as 17x42, 0 where it is none. */
static uint64_t number_in(const char *id) {
  const size_t prefix = strspn(id, "0123456789");
  const size_t digits =
      id[prefix] == 'x' ? strspn(id + prefix + 1, "0123456789") : 0;
  if (prefix == 0 || digits == 0 || id[prefix + 1 + digits] != '\0')
    return 0;
  return strtoull(id + prefix + 1, NULL, 10);
}

static bool is_id(const struct icrm_span *key) {
  return key->len == 2 && key->bytes[0] == 'i' && key->bytes[1] == 'd';
}

/* Whether a value cannot be copied from where it stands: it has escapes, or too
 * little behind it that may be read. */
static bool is_apart(const struct icrm_records *page,
                     const struct icrm_field *field) {
  return field->is_escaped ||
         page->len - field->at < (size_t)field->len + SLACK;
}

/* The value of a field. One that is apart goes to `*scratch`, which moves on.
 */
static struct icrm_span value_of(const struct icrm_records *page,
                                 const struct icrm_field *field,
                                 char **scratch) {
  if (!is_apart(page, field))
    return (struct icrm_span){page->text + field->at, field->len};
  struct icrm_span value = {*scratch,
                            icrm_records_unescape(page, field, *scratch)};
  *scratch += value.len;
  return value;
}

/* Collect the values of the record at `head`; returns the next one's. */
static const struct icrm_field *read_values(struct icrm_rows *rows,
                                            const struct icrm_records *page,
                                            const struct icrm_field *head) {
  const struct icrm_field *next = head + 1 + head->len;
  char *scratch = rows->scratch;
  memset(rows->values, 0, sizeof *rows->values * (size_t)rows->n_columns);
  for (const struct icrm_field *field = head + 1; field < next; field++) {
    const int column = rows->column_of[field->key];
    const bool is_id_field = field->key == rows->id_key;
    if (column == UNWANTED && !is_id_field)
      continue;
    struct icrm_span value = value_of(page, field, &scratch);
    if (column != UNWANTED)
      rows->values[column] = value;
    if (is_id_field)
      note_id(&rows->facts, &value);
  }
  return next;
}

/* What the line of this record cannot exceed; CSV grows less than JSON. */
static size_t most_bytes(const struct icrm_rows *rows) {
  size_t bytes = 4 + SLACK;
  for (int i = 0; i < rows->n_columns; i++)
    bytes +=
        ICRM_JSON_STRING_MOST(rows->values[i].len) + rows->labels[i].len + 4;
  return bytes;
}

static bool write_records(struct icrm_rows *rows,
                          const struct icrm_records *page,
                          struct icrm_buf *out) {
  const struct icrm_field *head = page->fields;
  uint64_t last = 0;
  rows->facts.in_order = true;
  for (int i = 0; i < page->n_records; i++) {
    rows->facts.n_records++;
    rows->facts.last_id[0] = '\0';
    head = read_values(rows, page, head);
    const uint64_t number = number_in(rows->facts.last_id);
    if (number != 0 && number <= last)
      rows->facts.in_order = false;
    last = number != 0 ? number : last;
    char *at = icrm_buf_room(out, most_bytes(rows));
    if (!at)
      return false;
    char *end = rows->jsonl ? put_object(rows, at) : put_cells(rows, at);
    icrm_buf_wrote(out, (size_t)(end - at));
  }
  return true;
}

static bool reserve_scratch(struct icrm_rows *rows, size_t size) {
  if (rows->scratch_size >= size)
    return true;
  free(rows->scratch);
  rows->scratch = malloc(size);
  rows->scratch_size = rows->scratch ? size : 0;
  return rows->scratch != NULL;
}

static bool prepare(struct icrm_rows *rows, const struct icrm_records *page) {
  size_t apart = SLACK;
  for (size_t i = 0; i < page->n_fields; i++)
    if (is_apart(page, &page->fields[i]))
      apart += page->fields[i].len; /* escapes only become shorter */
  rows->id_key = UNWANTED;
  for (int i = 0; i < page->n_keys; i++) {
    rows->column_of[i] = find_column(rows, &page->keys[i]);
    if (is_id(&page->keys[i]))
      rows->id_key = i;
  }
  memset(&rows->facts, 0, sizeof rows->facts);
  return reserve_scratch(rows, apart);
}

int icrm_rows_write(struct icrm_rows *rows, const struct icrm_records *page,
                    struct icrm_buf *out, struct icrm_rows_page *facts) {
  if (page->alone)
    return 0;
  if (!prepare(rows, page) || !write_records(rows, page, out))
    return -1;
  *facts = rows->facts;
  return 1;
}

/* Copy the names, and behind each its JSONL label. */
static bool copy_columns(struct icrm_rows *rows,
                         const struct icrm_rows_options *options) {
  struct icrm_buf *text = &rows->text;
  for (int i = 0; i < options->n_columns; i++) {
    icrm_buf_add(text, options->columns[i].bytes, options->columns[i].len);
    rows->names[i].len = options->columns[i].len;
    char *label =
        icrm_buf_room(text, ICRM_JSON_STRING_MOST(options->columns[i].len) + 1);
    if (!label)
      return false;
    char *end = icrm_json_put_string(label, options->columns[i].bytes,
                                     options->columns[i].len);
    *end++ = ':';
    rows->labels[i].len = (size_t)(end - label);
    icrm_buf_wrote(text, rows->labels[i].len);
  }
  if (text->failed)
    return false;
  const char *at = text->data;
  for (int i = 0; i < options->n_columns; i++) {
    rows->names[i].bytes = at;
    rows->labels[i].bytes = at + rows->names[i].len;
    at += rows->names[i].len + rows->labels[i].len;
  }
  return true;
}

struct icrm_rows *icrm_rows_new(const struct icrm_rows_options *options) {
  struct icrm_rows *rows = calloc(1, sizeof *rows);
  if (!rows)
    return NULL;
  size_t n = (size_t)options->n_columns;
  rows->jsonl = options->jsonl;
  rows->raw = options->raw;
  rows->delimiter = options->delimiter;
  rows->n_columns = options->n_columns;
  rows->names = calloc(n + 1, sizeof *rows->names);
  rows->labels = calloc(n + 1, sizeof *rows->labels);
  rows->values = calloc(n + 1, sizeof *rows->values);
  mark_kinds(rows);
  if (rows->names && rows->labels && rows->values &&
      copy_columns(rows, options))
    return rows;
  icrm_rows_free(rows);
  return NULL;
}

void icrm_rows_free(struct icrm_rows *rows) {
  if (!rows)
    return;
  icrm_buf_free(&rows->text);
  free(rows->names);
  free(rows->labels);
  free(rows->values);
  free(rows->scratch);
  free(rows);
}
