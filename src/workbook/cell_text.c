#include "workbook/cell_text.h"

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 24 * 60 * 60 };
enum { MS_PER_DAY = DAY_S * 1000 };
enum { LAST_SERIAL = 2958465 };    /* 9999-12-31 */
enum { LEAP_DAY_OF_1900 = 60 };    /* which that year had not */
enum { DAYS_1900_TO_1904 = 1462 }; /* between the two ways of counting */
enum { EPOCH_SERIAL = 25569 };     /* 1970-01-01 */

bool icrm_cell_text_number(const char *text, double *out) {
  char *end;
  locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!c)
    return false;
  *out = strtod_l(text, &end, c);
  freelocale(c);
  return end != text && *end == '\0' && isfinite(*out);
}

/* printf's number without the decimal mark of a locale. */
static void print_digits(double number, int digits, char *out, size_t size) {
  snprintf(out, size, "%.*e", digits - 1, number);
  for (char *at = out; *at; at++)
    if (!strchr("0123456789+-e", *at))
      *at = '.';
}

static bool is_same(const char *text, double number) {
  double again;
  return icrm_cell_text_number(text, &again) && again == number;
}

/* From "-1.2345e+06" to "-1234500". */
static void expand(const char *text, char *out) {
  char digits[32];
  int n = 0;
  const char *at = text + (*text == '-');
  for (; *at != 'e'; at++)
    if (*at != '.')
      digits[n++] = *at;
  int point = atoi(at + 1) + 1; /* digits before the decimal point */
  while (n > 1 && digits[n - 1] == '0')
    n--;
  size_t len = 0;
  if (*text == '-')
    out[len++] = '-';
  if (point <= 0) {
    out[len++] = '0';
    out[len++] = '.';
    for (int i = point; i < 0; i++)
      out[len++] = '0';
  }
  for (int i = 0; i < n || i < point; i++) {
    if (i == point && i > 0)
      out[len++] = '.';
    out[len++] = i < n ? digits[i] : '0';
  }
  out[len] = '\0';
}

void icrm_cell_text_decimal(double number, char out[ICRM_CELL_TEXT_MAX]) {
  char text[64];
  if (number == 0) {
    strcpy(out, "0");
    return;
  }
  for (int digits = 15; digits <= 17; digits++) {
    print_digits(number, digits, text, sizeof text);
    if (is_same(text, number))
      break;
  }
  expand(text, out);
}

/* Gregorian date of a day counted from 1970-01-01 (days from civil, turned
 * round: eras of 400 years that begin in March). */
static void date_of(int64_t day, int *year, int *month, int *date) {
  day += 719468;
  int64_t era = day / 146097;
  int64_t of_era = day % 146097;
  int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
  int64_t m = (5 * of_year + 2) / 153;
  *date = (int)(of_year - (153 * m + 2) / 5 + 1);
  *month = (int)(m < 10 ? m + 3 : m - 9);
  *year = (int)(y + era * 400 + (*month <= 2));
}

static int add_clock(char *out, size_t size, int64_t ms) {
  int n = snprintf(out, size, "%02d:%02d:%02d", (int)(ms / 3600000),
                   (int)(ms / 60000 % 60), (int)(ms / 1000 % 60));
  if (ms % 1000)
    n += snprintf(out + n, size - (size_t)n, ".%03d", (int)(ms % 1000));
  return n;
}

static bool no_moment(char *out, const char *why) {
  snprintf(out, ICRM_CELL_TEXT_MAX, "%s", why);
  return false;
}

static bool write_duration(int64_t ms, char *out) {
  size_t sign = 0;
  if (ms < 0) {
    out[sign++] = '-';
    ms = -ms;
  }
  add_clock(out + sign, ICRM_CELL_TEXT_MAX - sign, ms);
  return true;
}

static bool write_day(int64_t day, int64_t ms, char *out) {
  int year, month, date;
  date_of(day - EPOCH_SERIAL, &year, &month, &date);
  int n =
      snprintf(out, ICRM_CELL_TEXT_MAX, "%04d-%02d-%02d", year, month, date);
  if (ms) {
    out[n++] = ' ';
    add_clock(out + n, ICRM_CELL_TEXT_MAX - (size_t)n, ms);
  }
  return true;
}

bool icrm_cell_text_moment(double serial, enum icrm_format_kind kind,
                           bool is_1904, char out[ICRM_CELL_TEXT_MAX]) {
  if (fabs(serial) > LAST_SERIAL + 1.0)
    return no_moment(out, "date");
  int64_t all_ms = (int64_t)llround(serial * MS_PER_DAY);
  if (kind == ICRM_FORMAT_DURATION)
    return write_duration(all_ms, out);
  if (all_ms < 0)
    return no_moment(out, "date");
  int64_t day = all_ms / MS_PER_DAY, ms = all_ms % MS_PER_DAY;
  if (day == 0 && kind == ICRM_FORMAT_TIME) {
    add_clock(out, ICRM_CELL_TEXT_MAX, ms);
    return true;
  }
  if (is_1904)
    day += DAYS_1900_TO_1904;
  else if (day == LEAP_DAY_OF_1900)
    return no_moment(out, "1900-02-29");
  else if (day == 0)
    return no_moment(out, "1900-01-00");
  else if (day < LEAP_DAY_OF_1900)
    day++;
  if (day > LAST_SERIAL)
    return no_moment(out, "date");
  return write_day(day, ms, out);
}

static bool add_iso_clock(const char *clock, char *out, size_t size) {
  int hour, minute, used = 0;
  double second = 0;
  if (sscanf(clock, "%2d:%2d%n", &hour, &minute, &used) != 2 || used != 5)
    return false;
  char number[16] = "";
  if (clock[used] == ':') {
    size_t len = strspn(clock + used + 1, "0123456789.");
    if (len == 0 || len >= sizeof number)
      return false;
    memcpy(number, clock + used + 1, len);
    number[len] = '\0';
    if (!icrm_cell_text_number(number, &second))
      return false;
  }
  if (hour > 24 || minute > 59 || second >= 61)
    return false;
  int64_t ms = (hour * 60 + minute) * 60000 + (int64_t)llround(second * 1000);
  add_clock(out, size, ms);
  return true;
}

bool icrm_cell_text_iso(const char *iso, char out[ICRM_CELL_TEXT_MAX]) {
  int year, month, day, used = 0;
  bool has_date = sscanf(iso, "%4d-%2d-%2d%n", &year, &month, &day, &used) == 3;
  if (!has_date)
    return add_iso_clock(iso, out, ICRM_CELL_TEXT_MAX);
  if (used != 10 || month < 1 || month > 12 || day < 1 || day > 31)
    return false;
  memcpy(out, iso, (size_t)used);
  out[used] = '\0';
  if (iso[used] != 'T' && iso[used] != ' ')
    return iso[used] == '\0' || iso[used] == 'Z';
  const char *clock = iso + used + 1;
  if (!add_iso_clock(clock, out + used + 1, ICRM_CELL_TEXT_MAX - 11))
    return false;
  out[used] = ' ';
  if (strcmp(out + used, " 00:00:00") == 0)
    out[used] = '\0'; /* midnight: a whole day */
  return true;
}

/* The seconds that a unit of an ISO duration is worth, 0 for none. */
static double unit_s(char unit, bool in_time) {
  if (!in_time)
    return unit == 'D' ? DAY_S : 0;
  return unit == 'H' ? 3600 : unit == 'M' ? 60 : unit == 'S' ? 1 : 0;
}

bool icrm_cell_text_iso_duration(const char *iso,
                                 char out[ICRM_CELL_TEXT_MAX]) {
  bool is_negative = *iso == '-', in_time = false, any = false;
  const char *at = iso + is_negative;
  double total_s = 0;
  if (*at++ != 'P')
    return false;
  while (*at) {
    if (*at == 'T' && !in_time) {
      in_time = true;
      at++;
      continue;
    }
    char number[32];
    double value;
    size_t len = strspn(at, "0123456789.");
    if (len == 0 || len >= sizeof number || unit_s(at[len], in_time) == 0)
      return false;
    memcpy(number, at, len);
    number[len] = '\0';
    if (!icrm_cell_text_number(number, &value))
      return false;
    total_s += value * unit_s(at[len], in_time);
    any = true;
    at += len + 1;
  }
  if (!any || total_s > 1e10)
    return false;
  int64_t ms = (int64_t)llround(total_s * 1000);
  return write_duration(is_negative ? -ms : ms, out);
}
