/*
 * Which record of a reply holds a place that cannot be read.
 */
#ifndef ICRM_LANES_CULPRIT_H
#define ICRM_LANES_CULPRIT_H

#include <stdbool.h>
#include <stddef.h>

/* Find the id of the innermost object around the byte `at` of a JSON text,
 * which need not be whole. Returns false when it has none. */
bool icrm_culprit_find(const char *body, size_t len, size_t at, char id[40]);

#endif
