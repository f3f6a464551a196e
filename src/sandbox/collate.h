/*
 * How the observed server's database compares text: utf8mb3_general_ci,
 * without case and accents, trailing spaces ignored in comparisons.
 */
#ifndef ICRM_SANDBOX_COLLATE_H
#define ICRM_SANDBOX_COLLATE_H

#include <stdbool.h>
#include <stddef.h>

/* Negative, 0 or positive as `a` sorts before, with or after `b`. */
int sb_collate_compare(const char *a, size_t a_len, const char *b,
                       size_t b_len);

/* LIKE: `%` any text, `_` one character, backslash takes the next as it is.
 * Trailing spaces count. */
bool sb_collate_like(const char *pattern, size_t pattern_len, const char *text,
                     size_t text_len);

/* The number at the start of a text, 0 when there is none: what the database
 * makes of a text that meets a number. */
double sb_collate_number(const char *text);

#endif
