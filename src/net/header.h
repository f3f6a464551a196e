/* What the values of HTTP headers say: numbers, dates, waits. */
#ifndef ICRM_NET_HEADER_H
#define ICRM_NET_HEADER_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970 of "Tue, 24 Nov 2026 08:49:37 GMT", -1 when it is not of
 * that form. Month names are English whatever the locale. */
int64_t icrm_header_date_s(const char *text);

/* A decimal number, huge ones as INT64_MAX, fractions cut; false when `text`
 * is none. */
bool icrm_header_number(const char *text, int64_t *number);

/* The seconds of a Retry-After header, in either form: a number of seconds or
 * an HTTP date seen from `wall_s`. Never below 0 nor above
 * ICRM_HEADER_RETRY_AFTER_MAX_S; -1 when the text is neither. */
enum { ICRM_HEADER_RETRY_AFTER_MAX_S = 24 * 60 * 60 };
int64_t icrm_header_retry_after_s(const char *value, int64_t wall_s);

#endif
