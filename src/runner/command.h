/*
 * `icrm-lua NAME`: scripts that are run by their name. Shipped ones come
 * first, so that a file in the user's folder cannot silently replace one; then
 * the user's own; then, as in lua.c, a file of that name where one stands.
 */
#ifndef ICRM_RUNNER_COMMAND_H
#define ICRM_RUNNER_COMMAND_H

#include "core/buf.h"
#include "runner/paths.h"

#include <stdbool.h>
#include <stdio.h>

/* Whether a word names a script: it has no slash and does not end in .lua. */
bool command_is_name(const char *word);

/* Append the path of the script `name` to `path`; false when there is none.
 * Says on standard error when one of the user's is left aside. */
bool command_find(const struct paths *paths, const char *name,
                  struct icrm_buf *path);

/* Print every script with its first comment line. */
void command_list(FILE *file, const struct paths *paths);

/* Say that `name` is unknown, which one may have been meant, and the list, on
 * standard error. */
void command_print_unknown(const struct paths *paths, const char *name);

#endif
