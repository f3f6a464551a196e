#include "net/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *skip_space(const char *text) {
  return text + strspn(text, " \t\n\v\f\r");
}

int64_t icrm_header_date_s(const char *text) {
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  char month[4];
  struct tm tm = {0};
  int end = 0;
  if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n",
             &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour, &tm.tm_min,
             &tm.tm_sec, &end) != 6 ||
      end == 0)
    return -1;
  const char *found = strstr(months, month);
  if (!found || strlen(month) != 3 || (found - months) % 3)
    return -1;
  tm.tm_mon = (int)(found - months) / 3;
  tm.tm_year -= 1900;
  return timegm(&tm);
}

bool icrm_header_number(const char *text, int64_t *number) {
  char *end;
  *number = strtoll(text, &end, 10);
  if (end != text && *end == '.')
    end += 1 + strspn(end + 1, "0123456789");
  return end != text && *skip_space(end) == '\0';
}

int64_t icrm_header_retry_after_s(const char *value, int64_t wall_s) {
  value = skip_space(value);
  int64_t seconds;
  if (!icrm_header_number(value, &seconds)) {
    int64_t date_s = icrm_header_date_s(value);
    if (date_s < 0)
      return -1;
    seconds = date_s - wall_s;
  }
  if (seconds < 0)
    return 0;
  return seconds < ICRM_HEADER_RETRY_AFTER_MAX_S
             ? seconds
             : ICRM_HEADER_RETRY_AFTER_MAX_S;
}
