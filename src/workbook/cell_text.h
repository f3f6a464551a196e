/*
 * The numbers of a workbook as text: decimals without an exponent, moments in
 * the form of the API. Nothing here depends on the process's locale.
 */
#ifndef ICRM_WORKBOOK_CELL_TEXT_H
#define ICRM_WORKBOOK_CELL_TEXT_H

#include "workbook/number_format.h"

#include <stdbool.h>
#include <stddef.h>

enum { ICRM_CELL_TEXT_MAX = 400 };

/* Read a decimal number that is the whole of `text`; false when it is none. */
bool icrm_cell_text_number(const char *text, double *out);

/* Write a number as the shortest decimal that gives it again. */
void icrm_cell_text_decimal(double number, char out[ICRM_CELL_TEXT_MAX]);

/* Write a serial number under a DATE, TIME or DURATION format: "2026-03-31",
 * "2026-03-31 14:30:00", "14:30:00" (".136" where it is not zero), for a
 * duration "36:05:00". `is_1904`: days are counted from 1904. False when there
 * is no such moment; then `out` says why, such as "1900-02-29". */
bool icrm_cell_text_moment(double serial, enum icrm_format_kind kind,
                           bool is_1904, char out[ICRM_CELL_TEXT_MAX]);

/* Write an ISO 8601 date or date and time in the same form; false when `iso`
 * is none. A zone's letter is dropped. */
bool icrm_cell_text_iso(const char *iso, char out[ICRM_CELL_TEXT_MAX]);

/* Write an ISO 8601 duration (PT36H05M00S) as hours, minutes and seconds;
 * false when `iso` is none. */
bool icrm_cell_text_iso_duration(const char *iso, char out[ICRM_CELL_TEXT_MAX]);

#endif
