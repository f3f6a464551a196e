#include "sandbox/zones.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

enum { HOUR = 3600, DAY = 86400 };

/* When the clocks go forward and back. */
enum rule { NEVER, EUROPE, AMERICA };

static const struct zone {
  const char *name;
  int minutes; /* ahead of UTC, in winter */
  enum rule rule;
} zones[] = {
    {"UTC", 0, NEVER},
    {"Europe/London", 0, EUROPE},
    {"Europe/Paris", 60, EUROPE},
    {"Europe/Brussels", 60, EUROPE},
    {"Europe/Berlin", 60, EUROPE},
    {"Europe/Madrid", 60, EUROPE},
    {"Europe/Athens", 120, EUROPE},
    {"America/New_York", -300, AMERICA},
    {"America/Los_Angeles", -480, AMERICA},
    {"Asia/Kolkata", 330, NEVER},
    {"Asia/Tokyo", 540, NEVER},
};

/* Days since 1970 of a date of the Gregorian calendar. Years begin in March,
 * so that a leap day is the last of its year. */
static int64_t days(int year, int month, int day) {
  int64_t y = year - (month <= 2);
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t of_era = y - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
         719468;
}

int64_t sb_zones_seconds(int year, int month, int day, int seconds_of_day) {
  return days(year, month, day) * DAY + seconds_of_day;
}

/* The first Sunday on or after a date, at an hour. 1970 began on a Thursday. */
static int64_t sunday(int year, int month, int day, int seconds) {
  int64_t at = days(year, month, day);
  return (at + (10 - at % 7) % 7) * DAY + seconds;
}

static int is_summer(const struct zone *zone, int64_t utc) {
  time_t moment = (time_t)utc;
  struct tm civil;
  gmtime_r(&moment, &civil);
  int year = civil.tm_year + 1900;
  int winter = zone->minutes * 60;
  switch (zone->rule) {
  case EUROPE: /* last Sundays of March and October, 01:00 UTC */
    return utc >= sunday(year, 3, 25, HOUR) && utc < sunday(year, 10, 25, HOUR);
  case AMERICA: /* second of March, first of November, 02:00 by the clock */
    return utc >= sunday(year, 3, 8, 2 * HOUR) - winter &&
           utc < sunday(year, 11, 1, HOUR) - winter;
  default:
    return 0;
  }
}

int sb_zones_ahead(const char *name, int64_t utc) {
  for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
    if (strcmp(zones[i].name, name) == 0)
      return zones[i].minutes * 60 + HOUR * is_summer(&zones[i], utc);
  return 0;
}

int64_t sb_zones_utc(const char *zone, int64_t local) {
  int64_t utc = local - sb_zones_ahead(zone, local);
  return local - sb_zones_ahead(zone, utc);
}
