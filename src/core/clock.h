/* Time. Durations are measured with the monotonic clock only. */
#ifndef ICRM_CORE_CLOCK_H
#define ICRM_CORE_CLOCK_H

#include <stdint.h>

/* Milliseconds of the monotonic clock; only differences mean anything. */
int64_t icrm_clock_ms(void);

/* Microseconds of the monotonic clock. */
int64_t icrm_clock_us(void);

/* Seconds and milliseconds since 1970-01-01T00:00:00Z by the wall clock. */
int64_t icrm_clock_wall_s(void);
int64_t icrm_clock_wall_ms(void);

#endif
