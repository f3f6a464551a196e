#include "text/page_writer.h"

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

struct icrm_page_writer {
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
  struct icrm_page_facts facts;  /* of the page */
  int column_of[ICRM_PAGE_KEYS]; /* of each key of the page */
  int id_key;                    /* among them */
};

static void mark(struct icrm_page_writer *writer, const char *bytes, int kind) {
  for (; *bytes; bytes++)
    writer->kind[(unsigned char)*bytes] |= (unsigned char)kind;
}

static void mark_kinds(struct icrm_page_writer *writer) {
  /* Of CSV what any table program may take for the end of a cell. */
  const char csv[] = {'"', ',', ';', writer->delimiter, '\0'};
  const char *specials = writer->jsonl ? "\"\\/\x7F" : csv;
  const int most_special = 0x1F;
  memset(writer->most_special, most_special, SLACK);
  for (int i = 0; i <= most_special; i++)
    writer->kind[i] |= SPECIAL;
  for (int i = 0; i < N_SPECIALS; i++)
    memset(writer->specials[i], specials[i], SLACK);
  mark(writer, specials, SPECIAL);
  mark(writer, " \t\r\n\v\f", EDGE);
  if (!writer->raw)
    mark(writer, "'=+-@", EDGE);
}

#ifdef __SSE2__
static inline __m128i load(const void *at) {
  return _mm_loadu_si128(at);
}

/* Copy a value as it is, up to SLACK - 1 bytes too many; says whether none of
 * its bytes is special. */
static bool copy_plain(const struct icrm_page_writer *writer, char *out,
                       const struct icrm_span *value) {
  const __m128i most = load(writer->most_special);
  unsigned found = 0;
  for (size_t i = 0; i < value->len; i += SLACK) {
    const size_t left = value->len - i;
    const char *at = value->bytes + i;
    const __m128i block = load(at);
    __m128i special = _mm_cmpeq_epi8(_mm_min_epu8(block, most), block);
    for (int k = 0; k < N_SPECIALS; k++)
      special = _mm_or_si128(special,
                             _mm_cmpeq_epi8(block, load(writer->specials[k])));
    _mm_storeu_si128((__m128i *)(void *)(out + i), block);
    unsigned mask = (unsigned)_mm_movemask_epi8(special);
    found |= left < SLACK ? mask & ((1u << left) - 1) : mask;
  }
  return found == 0;
}
#else
static bool copy_plain(const struct icrm_page_writer *writer, char *out,
                       const struct icrm_span *value) {
  int kinds = 0;
  for (size_t i = 0; i < value->len; i++) {
    kinds |= writer->kind[(unsigned char)value->bytes[i]];
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

static char *put_json(const struct icrm_page_writer *writer, char *out,
                      const struct icrm_span *value) {
  if (!copy_plain(writer, out + 1, value))
    return icrm_json_put_string(out, value->bytes, value->len);
  out[0] = out[value->len + 1] = '"';
  return out + value->len + 2;
}

static char *put_object(const struct icrm_page_writer *writer, char *out) {
  char *begin = out;
  *out++ = '{';
  for (int i = 0; i < writer->n_columns; i++) {
    if (!writer->values[i].bytes)
      continue;
    if (out > begin + 1)
      *out++ = ',';
    out = put_json(writer, put(out, &writer->labels[i]), &writer->values[i]);
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

static char *put_cell(const struct icrm_page_writer *writer, char *out,
                      const struct icrm_span *value) {
  if (value->len == 0)
    return out;
  char first = value->bytes[0], last = value->bytes[value->len - 1];
  char *begin = out;
  bool formula = false, quoted = false;
  if ((writer->kind[(unsigned char)first] | writer->kind[(unsigned char)last]) &
      EDGE) {
    formula = !writer->raw && is_formula(value);
    quoted = (!formula && is_space(first)) || is_space(last);
  }
  if (formula)
    *out++ = '\'';
  if (quoted || !copy_plain(writer, out, value))
    return put_quoted(begin, formula, value);
  return out + value->len;
}

static char *put_cells(const struct icrm_page_writer *writer, char *out) {
  char *begin = out;
  for (int i = 0; i < writer->n_columns; i++) {
    if (i > 0)
      *out++ = writer->delimiter;
    if (writer->values[i].bytes)
      out = put_cell(writer, out, &writer->values[i]);
  }
  if (out == begin && writer->n_columns == 1) {
    *out++ = '"'; /* an empty line would be no record */
    *out++ = '"';
  }
  *out++ = '\r';
  *out++ = '\n';
  return out;
}

/* ---- Pages ---- */

static int find_column(const struct icrm_page_writer *writer,
                       const struct icrm_span *key) {
  for (int i = 0; i < writer->n_columns; i++)
    if (writer->names[i].len == key->len &&
        memcmp(writer->names[i].bytes, key->bytes, key->len) == 0)
      return i;
  return UNWANTED;
}

static void note_id(struct icrm_page_facts *facts, const struct icrm_span *id) {
  if (id->len >= sizeof facts->last_id)
    return;
  memcpy(facts->last_id, id->bytes, id->len);
  facts->last_id[id->len] = '\0';
  if (facts->n_records == 1)
    memcpy(facts->first_id, facts->last_id, sizeof facts->first_id);
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* The number in an id such as 17x42, 0 where it is none; one that is too long
 * is as high as can be, and so never behind another. */
static uint64_t number_in(const char *id) {
  const char *at = id;
  while (is_digit(*at))
    at++;
  if (at == id || *at++ != 'x')
    return 0;
  const char *digits = at;
  uint64_t number = 0;
  for (; is_digit(*at); at++)
    number = number * 10 + (uint64_t)(*at - '0');
  if (*at != '\0')
    return 0;
  return at - digits < 20 ? number : UINT64_MAX;
}

static bool is_id(const struct icrm_span *key) {
  return key->len == 2 && key->bytes[0] == 'i' && key->bytes[1] == 'd';
}

/* Whether a value cannot be copied from where it stands: it has escapes, or too
 * little behind it that may be read. */
static bool is_apart(const struct icrm_page *page,
                     const struct icrm_field *field) {
  return field->is_escaped ||
         page->len - field->at < (size_t)field->len + SLACK;
}

/* The value of a field. One that is apart goes to `*scratch`, which moves on.
 */
static struct icrm_span value_of(const struct icrm_page *page,
                                 const struct icrm_field *field,
                                 char **scratch) {
  if (!is_apart(page, field))
    return (struct icrm_span){page->text + field->at, field->len};
  struct icrm_span value = {*scratch,
                            icrm_page_unescape(page, field, *scratch)};
  *scratch += value.len;
  return value;
}

/* Collect the values of the record at `head`; returns the next one's. */
static const struct icrm_field *read_values(struct icrm_page_writer *writer,
                                            const struct icrm_page *page,
                                            const struct icrm_field *head) {
  const struct icrm_field *next = head + 1 + head->len;
  char *scratch = writer->scratch;
  memset(writer->values, 0, sizeof *writer->values * (size_t)writer->n_columns);
  for (const struct icrm_field *field = head + 1; field < next; field++) {
    const int column = writer->column_of[field->key];
    const bool is_id_field = field->key == writer->id_key;
    if (column == UNWANTED && !is_id_field)
      continue;
    struct icrm_span value = value_of(page, field, &scratch);
    if (column != UNWANTED)
      writer->values[column] = value;
    if (is_id_field)
      note_id(&writer->facts, &value);
  }
  return next;
}

/* What the line of this record cannot exceed; CSV grows less than JSON. */
static size_t most_bytes(const struct icrm_page_writer *writer) {
  size_t bytes = 4 + SLACK;
  for (int i = 0; i < writer->n_columns; i++)
    bytes += ICRM_JSON_STRING_MOST(writer->values[i].len) +
             writer->labels[i].len + 4;
  return bytes;
}

static bool write_records(struct icrm_page_writer *writer,
                          const struct icrm_page *page, struct icrm_buf *out) {
  const struct icrm_field *head = page->fields;
  uint64_t last = 0;
  writer->facts.in_order = true;
  for (int i = 0; i < page->n_records; i++) {
    writer->facts.n_records++;
    writer->facts.last_id[0] = '\0';
    head = read_values(writer, page, head);
    const uint64_t number = number_in(writer->facts.last_id);
    if (number != 0 && number <= last)
      writer->facts.in_order = false;
    last = number != 0 ? number : last;
    char *at = icrm_buf_room(out, most_bytes(writer));
    if (!at)
      return false;
    char *end = writer->jsonl ? put_object(writer, at) : put_cells(writer, at);
    icrm_buf_wrote(out, (size_t)(end - at));
  }
  return true;
}

static bool reserve_scratch(struct icrm_page_writer *writer, size_t size) {
  if (writer->scratch_size >= size)
    return true;
  free(writer->scratch);
  writer->scratch = malloc(size);
  writer->scratch_size = writer->scratch ? size : 0;
  return writer->scratch != NULL;
}

static bool prepare(struct icrm_page_writer *writer,
                    const struct icrm_page *page) {
  size_t apart = SLACK;
  for (size_t i = 0; i < page->n_fields; i++)
    if (is_apart(page, &page->fields[i]))
      apart += page->fields[i].len; /* escapes only become shorter */
  writer->id_key = UNWANTED;
  for (int i = 0; i < page->n_keys; i++) {
    writer->column_of[i] = find_column(writer, &page->keys[i]);
    if (is_id(&page->keys[i]))
      writer->id_key = i;
  }
  memset(&writer->facts, 0, sizeof writer->facts);
  return reserve_scratch(writer, apart);
}

int icrm_page_writer_write(struct icrm_page_writer *writer,
                           const struct icrm_page *page, struct icrm_buf *out,
                           struct icrm_page_facts *facts) {
  if (page->alone)
    return 0;
  if (!prepare(writer, page) || !write_records(writer, page, out))
    return -1;
  *facts = writer->facts;
  return 1;
}

/* Copy the names, and behind each its JSONL label. */
static bool copy_columns(struct icrm_page_writer *writer,
                         const struct icrm_page_writer_options *options) {
  struct icrm_buf *text = &writer->text;
  for (int i = 0; i < options->n_columns; i++) {
    icrm_buf_add(text, options->columns[i].bytes, options->columns[i].len);
    writer->names[i].len = options->columns[i].len;
    char *label =
        icrm_buf_room(text, ICRM_JSON_STRING_MOST(options->columns[i].len) + 1);
    if (!label)
      return false;
    char *end = icrm_json_put_string(label, options->columns[i].bytes,
                                     options->columns[i].len);
    *end++ = ':';
    writer->labels[i].len = (size_t)(end - label);
    icrm_buf_wrote(text, writer->labels[i].len);
  }
  if (text->failed)
    return false;
  const char *at = text->data;
  for (int i = 0; i < options->n_columns; i++) {
    writer->names[i].bytes = at;
    writer->labels[i].bytes = at + writer->names[i].len;
    at += writer->names[i].len + writer->labels[i].len;
  }
  return true;
}

struct icrm_page_writer *
icrm_page_writer_new(const struct icrm_page_writer_options *options) {
  struct icrm_page_writer *writer = calloc(1, sizeof *writer);
  if (!writer)
    return NULL;
  size_t n = (size_t)options->n_columns;
  writer->jsonl = options->jsonl;
  writer->raw = options->raw;
  writer->delimiter = options->delimiter;
  writer->n_columns = options->n_columns;
  writer->names = calloc(n + 1, sizeof *writer->names);
  writer->labels = calloc(n + 1, sizeof *writer->labels);
  writer->values = calloc(n + 1, sizeof *writer->values);
  mark_kinds(writer);
  if (writer->names && writer->labels && writer->values &&
      copy_columns(writer, options))
    return writer;
  icrm_page_writer_free(writer);
  return NULL;
}

void icrm_page_writer_free(struct icrm_page_writer *writer) {
  if (!writer)
    return;
  icrm_buf_free(&writer->text);
  free(writer->names);
  free(writer->labels);
  free(writer->values);
  free(writer->scratch);
  free(writer);
}
