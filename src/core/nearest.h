/*
 * The word that a person probably meant: for "did you mean" in messages.
 */
#ifndef ICRM_CORE_NEAREST_H
#define ICRM_CORE_NEAREST_H

#include <stddef.h>

/* The candidate with the fewest edits (insert, delete, replace, swap of
 * neighbours; ASCII case does not count) from `word`, or NULL when even the
 * best needs more than a third of the word's length, at least 1. The first of
 * equals wins. Words over 63 bytes match nothing. The result is one of
 * `candidates`. */
const char *icrm_nearest(const char *word, const char *const *candidates,
                         size_t count);

#endif
