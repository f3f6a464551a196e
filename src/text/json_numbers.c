#include "text/json_numbers.h"

#include "text/json_scan.h"

#define EXACT_DIGITS 15 /* that any double holds */

static const char *skip_digits(const char *at, const char *end) {
  while (at < end && *at >= '0' && *at <= '9')
    at++;
  return at;
}

/* Behind the number at `at`, by the grammar of JSON; `at` when it is none. */
static const char *skip_number(const char *at, const char *end) {
  const char *digits = at + (*at == '-'), *to = skip_digits(digits, end);
  if (to == digits || (*digits == '0' && to > digits + 1))
    return at;
  if (end - to > 1 && *to == '.') {
    const char *past = skip_digits(to + 1, end);
    to = past > to + 1 ? past : to;
  }
  if (end - to > 1 && (*to == 'e' || *to == 'E')) {
    const char *exponent = to + 1 + (to[1] == '+' || to[1] == '-');
    const char *past = skip_digits(exponent, end);
    to = past > exponent ? past : to;
  }
  return to;
}

static bool is_held(const char *number, const char *end) {
  const char *point = memchr(number, '.', (size_t)(end - number));
  size_t digits = 0;
  for (const char *at = number; at < end; at++) {
    if (*at == 'e' || *at == 'E')
      return true; /* an amount, no text of somebody's */
    digits += *at >= '0' && *at <= '9';
  }
  if (point && end[-1] == '0')
    return end - point == 2; /* 2.0 is how PHP writes a whole float */
  bool is_minus_zero = end - number == 2 && memcmp(number, "-0", 2) == 0;
  return digits <= EXACT_DIGITS && !is_minus_zero;
}

bool icrm_json_quote_numbers(const char *text, size_t len,
                             struct icrm_buf *out) {
  const char *at = text, *end = text + len, *copied = text;
  while (at < end) {
    if (*at == '"') {
      at = icrm_json_skip_string(at, end);
      continue;
    }
    const char *number = at;
    at = skip_number(at, end);
    if (at == number) {
      at++;
    } else if (!is_held(number, at)) {
      icrm_buf_add(out, copied, (size_t)(number - copied));
      icrm_buf_add_byte(out, '"');
      icrm_buf_add(out, number, (size_t)(at - number));
      icrm_buf_add_byte(out, '"');
      copied = at;
    }
  }
  if (copied == text)
    return false;
  icrm_buf_add(out, copied, (size_t)(end - copied));
  return true;
}
