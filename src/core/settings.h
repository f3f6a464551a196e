/*
 * The user's settings file, read so that nobody else could have read or
 * written it, and so that the access keys in it never become text for Lua.
 * (Law 31.)
 */
#ifndef ICRM_CORE_SETTINGS_H
#define ICRM_CORE_SETTINGS_H

#include "core/credentials.h"
#include "core/error.h"

#include <stddef.h>

#define ICRM_SETTINGS_KEYS 64
#define ICRM_SETTINGS_MAX_BYTES 1048576

struct icrm_settings {
  char *text; /* the file, NUL-terminated, keys replaced by their numbers */
  size_t len;
  struct icrm_credentials *keys[ICRM_SETTINGS_KEYS];
  size_t key_count;
};

/* Open a file that must be regular, no symbolic link, owned by this user and
 * closed to everyone else; looked at after opening, so that it cannot be
 * exchanged in between. Returns a descriptor that the caller closes; -1 with
 * kind config and a message that names the cure, with code ENOENT when there
 * is no such file. */
int icrm_settings_open(const char *path, struct icrm_error *err);

/* Read `path`. Each `access_key = "..."` becomes `access_key = N`, N counting
 * `keys` from 1, padded with blanks so that lines and columns stay. Fails with
 * kind config. */
int icrm_settings_read(const char *path, struct icrm_settings *settings,
                       struct icrm_error *err);

/* Release what the structure holds. */
void icrm_settings_free(struct icrm_settings *settings);

#endif
