/* Time zones that the sandbox's users may have, by rule and without the
 * system's data base, so that a store means the same everywhere. */
#ifndef ICRM_SANDBOX_ZONES_H
#define ICRM_SANDBOX_ZONES_H

#include <stdint.h>

/* Seconds since 1970 of a civil time, in UTC: a month of 13 or an hour of 25
 * is not checked. */
int64_t sb_zones_seconds(int year, int month, int day, int seconds_of_day);

/* Seconds that the clocks of a zone ("Europe/Paris") are ahead of UTC at a
 * moment. A zone that is not known counts as UTC. */
int sb_zones_ahead(const char *zone, int64_t utc);

/* The moment at which the clocks of a zone show `local`, which counts as if
 * it were UTC. */
int64_t sb_zones_utc(const char *zone, int64_t local);

#endif
