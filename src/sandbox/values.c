#include "sandbox/values.h"

#include "sandbox/target.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int normalise(struct icrm_buf *out, struct icrm_sandbox *sandbox,
                     const struct sb_field *field, const char *text);

int sb_values_init(struct sb_values *values, const struct sb_module *module) {
  values->module = module;
  values->text = calloc(module->n_fields, sizeof *values->text);
  values->given = calloc(module->n_fields, sizeof *values->given);
  if (!values->text || !values->given)
    return -1;
  for (size_t i = 0; i < module->n_fields; i++)
    if (normalise(&values->text[i], NULL, &module->fields[i],
                  module->fields[i].absent))
      return -1;
  return 0;
}

void sb_values_free(struct sb_values *values) {
  for (size_t i = 0; values->text && i < values->module->n_fields; i++)
    icrm_buf_free(&values->text[i]);
  free(values->text);
  free(values->given);
}

void sb_values_add_time(struct icrm_buf *out, int64_t seconds) {
  time_t time = (time_t)seconds;
  struct tm utc;
  gmtime_r(&time, &utc);
  icrm_buf_addf(out, "%04d-%02d-%02d %02d:%02d:%02d", utc.tm_year + 1900,
                utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                utc.tm_sec);
}

bool sb_values_is_empty(const json_t *value) {
  return !value || json_is_null(value) ||
         (json_is_string(value) && json_string_length(value) == 0);
}

void sb_values_text(struct icrm_buf *out, const json_t *value) {
  switch (value ? json_typeof(value) : JSON_NULL) {
  case JSON_STRING:
    icrm_buf_add(out, json_string_value(value), json_string_length(value));
    break;
  case JSON_INTEGER:
    icrm_buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    break;
  case JSON_REAL:
    icrm_buf_addf(out, "%.14g", json_real_value(value));
    break;
  case JSON_TRUE:
    icrm_buf_add_byte(out, '1');
    break;
  case JSON_ARRAY: /* of one value: parameters are flattened */
    if (json_array_size(value) == 1)
      sb_values_text(out, json_array_get(value, 0));
    break;
  case JSON_OBJECT:
    if (json_object_size(value) == 1)
      sb_values_text(out,
                     json_object_iter_value(json_object_iter((json_t *)value)));
    break;
  default:
    break;
  }
}

/* The length of a script tag at `text`, 0 when there is none. */
static size_t script_tag(const char *text) {
  const char *name = text + 1 + (text[1] == '/');
  const char *end = strchr(text, '>');
  return text[0] == '<' && end && strncasecmp(name, "script", 6) == 0
             ? (size_t)(end - text) + 1
             : 0;
}

/* Script tags are coded before they are stored; other markup is kept. */
static void disarm(struct icrm_buf *out, const char *text) {
  while (*text) {
    size_t tag = script_tag(text);
    if (tag)
      icrm_buf_addf(out, "&lt;%.*s&gt;", (int)tag - 2, text + 1);
    else
      icrm_buf_add_byte(out, *text);
    text += tag ? tag : 1;
  }
}

/* Cut to `length` characters; each of the four bytes of a character that
 * utf8mb3 cannot keep becomes a question mark. */
static void add_cut(struct icrm_buf *out, const char *text, size_t length) {
  size_t len = strlen(text), characters = 0;
  for (size_t i = 0; i < len;) {
    size_t n = icrm_utf8_sequence(text + i, len - i);
    size_t counted = n == 4 ? 4 : 1;
    if (length && characters + counted > length)
      break;
    if (n == 4)
      icrm_buf_add_text(out, "????");
    else
      icrm_buf_add(out, text + i, n ? n : 1);
    i += n ? n : 1;
    characters += counted;
  }
}

static void add_string(struct icrm_buf *out, const char *text, size_t length) {
  struct icrm_buf safe = {0};
  bool script = strchr(text, '<') != NULL;
  if (script)
    disarm(&safe, text);
  out->failed |= safe.failed;
  add_cut(out, safe.data ? safe.data : text, length);
  icrm_buf_free(&safe);
}

static void add_integer(struct icrm_buf *out, const char *text) {
  icrm_buf_addf(out, "%lld", strtoll(text, NULL, 10));
}

/* Add one to the last of some digits; a carry over all of them is put before
 * them. The dot is passed over. */
static void increment(struct icrm_buf *text, size_t first, size_t end) {
  for (size_t i = end; i-- > first;) {
    if (text->data[i] == '.')
      continue;
    if (text->data[i] != '9') {
      text->data[i]++;
      return;
    }
    text->data[i] = '0';
  }
  icrm_buf_add_byte(text, '0');
  if (text->failed)
    return;
  memmove(text->data + first + 1, text->data + first, text->len - first - 1);
  text->data[first] = '1';
}

void sb_values_round(struct icrm_buf *text, int decimals) {
  const char *dot = text->len ? strchr(text->data, '.') : NULL;
  size_t keep = dot ? (size_t)(dot - text->data) + 1 + (size_t)decimals : 0;
  if (!dot || keep >= text->len)
    return;
  bool up = text->data[keep] >= '5';
  memset(text->data + keep, '0', text->len - keep);
  if (up)
    increment(text, text->data[0] == '-', keep);
}

/* The decimal number at the start of a text, with a fixed number of decimals.
 * Done on the digits, because a double would not keep 25 of them. */
static void add_decimal(struct icrm_buf *out, const char *text, int decimals) {
  while (isspace((unsigned char)*text))
    text++;
  bool negative = *text == '-';
  if (*text == '-' || *text == '+')
    text++;
  while (*text == '0')
    text++;
  size_t whole = strspn(text, "0123456789");
  const char *fraction = text[whole] == '.' ? text + whole + 1 : "";
  size_t given = strspn(fraction, "0123456789");
  bool zero = whole == 0 && strspn(fraction, "0") == given;
  icrm_buf_addf(out, "%s%.*s.", negative && !zero ? "-" : "",
                whole ? (int)whole : 1, whole ? text : "0");
  for (int i = 0; i <= decimals; i++)
    icrm_buf_add_byte(out, (size_t)i < given ? fraction[i] : '0');
  if (out->failed)
    return;
  sb_values_round(out, decimals);
  out->data[--out->len] = '\0';
}

static void add_boolean(struct icrm_buf *out, const char *text) {
  bool on = strcmp(text, "on") == 0 || strcmp(text, "1") == 0;
  icrm_buf_add_byte(out, on ? '1' : '0');
}

static bool is_date(int year, int month, int day) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month >= 1 && month <= 12 && day >= 1 &&
         day <= days[month - 1] + (month == 2 && leap);
}

/* The number of `len` digits at `text`, -1 when they are not all digits. */
static int digits(const char *text, int len) {
  int number = 0;
  for (int i = 0; i < len; i++) {
    if (!isdigit((unsigned char)text[i]))
      return -1;
    number = number * 10 + (text[i] - '0');
  }
  return number;
}

static bool is_separator(char c) {
  return c == '-' || c == '/' || c == '.';
}

/* YYYY-MM-DD, or DD-MM-YYYY; with any of - / . between. */
static void add_date(struct icrm_buf *out, const char *text) {
  int year = 0, month = 0, day = 0;
  if (strlen(text) >= 10 && is_separator(text[4]) && is_separator(text[7])) {
    year = digits(text, 4);
    month = digits(text + 5, 2);
    day = digits(text + 8, 2);
  } else if (strlen(text) >= 10 && is_separator(text[2]) &&
             is_separator(text[5])) {
    day = digits(text, 2);
    month = digits(text + 3, 2);
    year = digits(text + 6, 4);
  }
  if (year > 0 && is_date(year, month, day))
    icrm_buf_addf(out, "%04d-%02d-%02d", year, month, day);
  else if (*text)
    icrm_buf_add_text(out, "0000-00-00");
}

static void add_datetime(struct icrm_buf *out, const char *text) {
  int hour = 0, minute = 0, second = 0;
  if (!*text)
    return;
  add_date(out, text);
  sscanf(text, "%*4d-%*2d-%*2d%*1[ T]%2d:%2d:%2d", &hour, &minute, &second);
  icrm_buf_addf(out, " %02d:%02d:%02d", hour, minute, second);
}

static void add_time_of_day(struct icrm_buf *out, const char *text) {
  int hour = 0, minute = 0, second = 0;
  if (!*text)
    return;
  sscanf(text, "%2d:%2d:%2d", &hour, &minute, &second);
  icrm_buf_addf(out, "%02d:%02d:%02d", hour, minute, second);
}

static int normalise(struct icrm_buf *out, struct icrm_sandbox *sandbox,
                     const struct sb_field *field, const char *text) {
  switch (field->kind) {
  case SB_INTEGER:
    if (*text || field->absent[0])
      add_integer(out, text);
    break;
  case SB_DECIMAL:
    add_decimal(out, text, field->decimals);
    break;
  case SB_BOOLEAN:
    if (*text || field->absent[0])
      add_boolean(out, text);
    break;
  case SB_DATE:
    add_date(out, text);
    break;
  case SB_DATETIME:
    add_datetime(out, text);
    break;
  case SB_TIME:
    add_time_of_day(out, text);
    break;
  case SB_OWNER:
    add_integer(out, strchr(text, 'x') ? strchr(text, 'x') + 1 : text);
    break;
  case SB_REFERENCE:
    icrm_buf_addf(out, "%lld",
                  sandbox ? (long long)sb_target_number(sandbox, text) : 0);
    break;
  default:
    add_string(out, text, field->length);
  }
  return out->failed ? -1 : 0;
}

void sb_values_trim(struct icrm_buf *text) {
  static const char blanks[] = " \t\r\n";
  size_t start = text->len ? strspn(text->data, blanks) : 0;
  while (text->len > start && strchr(blanks, text->data[text->len - 1]))
    text->data[--text->len] = '\0';
  if (start) {
    text->len -= start;
    memmove(text->data, text->data + start, text->len + 1);
  }
}

int sb_values_set(struct sb_values *values, struct icrm_sandbox *sandbox,
                  int field, const json_t *value) {
  struct icrm_buf given = {0};
  struct icrm_buf *text = &values->text[field];
  sb_values_text(&given, value);
  icrm_buf_clear(text);
  values->given[field] = true;
  int rc = given.failed
               ? -1
               : normalise(text, sandbox, &values->module->fields[field],
                           given.data ? given.data : "");
  icrm_buf_free(&given);
  return rc;
}
