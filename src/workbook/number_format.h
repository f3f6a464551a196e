/*
 * What a number format of a workbook makes of a number: which kind of value it
 * shows, and, for formats that hold leading zeros or groups of digits (postal
 * codes, phones, registration numbers), the text that a person sees.
 *
 * Formats are the English ones of the file whatever the program's language.
 */
#ifndef ICRM_WORKBOOK_NUMBER_FORMAT_H
#define ICRM_WORKBOOK_NUMBER_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

enum icrm_format_kind {
  ICRM_FORMAT_NUMBER,
  ICRM_FORMAT_DATE,     /* a date, with or without a time */
  ICRM_FORMAT_TIME,     /* only parts of a time of day */
  ICRM_FORMAT_DURATION, /* [h], [m] or [s]: hours past 24 are kept */
  ICRM_FORMAT_PATTERN   /* digits in a pattern; see icrm_number_format_show */
};

/* The kind of a format code. */
enum icrm_format_kind icrm_number_format_kind(const char *code);

/* The kind of a format that has a number instead of a code, 0 to 163. */
enum icrm_format_kind icrm_number_format_builtin(int id);

/* Write what a PATTERN shows of `digits`, a whole number without sign, to
 * `out`. False, and nothing written, when the code is no pattern or the text
 * does not fit. */
bool icrm_number_format_show(const char *code, const char *digits, char *out,
                             size_t size);

#endif
