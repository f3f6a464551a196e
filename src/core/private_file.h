/*
 * Files that only their owner may read: change sets hold the data of a CRM and,
 * while a write is in flight, a session. (Laws 20 and 31.)
 */
#ifndef ICRM_CORE_PRIVATE_FILE_H
#define ICRM_CORE_PRIVATE_FILE_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Create `path` empty, mode 0600. Fails (kind store) when it exists, when it
 * is a symbolic link, when its folder may be written by everyone without the
 * sticky bit, or when it lies on a network file system and `any_filesystem` is
 * false: locks and fsync cannot be trusted there. */
int icrm_private_file_create(const char *path, bool any_filesystem,
                             struct icrm_error *err);

/* Open `path` and take the exclusive lock on it without waiting. It must be a
 * regular file, no symbolic link, owned by this user, mode 0600 or less.
 * Returns a descriptor that the caller closes, which releases the lock; -1 on
 * failure (kind store; code LOCKED when another process holds it). The caller
 * closes any SQLite connection to the file first: closing a descriptor of a
 * file drops the process's own POSIX locks on it. */
int icrm_private_file_lock(const char *path, bool any_filesystem,
                           struct icrm_error *err);

/* Make an empty file, 0600, beside `target`: a file that must not exist (code
 * EXISTS), or a folder with its slash. It has no name, where the file
 * system can do that, so that nothing is left of it whatever ends this process;
 * else its name is written to `draft`, which has room for PATH_MAX. Returns a
 * descriptor that the caller closes, -1 on failure (kind store). */
int icrm_private_file_draft(const char *target, char *draft,
                            struct icrm_error *err);

/* Give a draft its name, which must not exist (code EXISTS). File and name are
 * on the disk when this returns 0; on failure the draft stays. */
int icrm_private_file_publish(int fd, const char *draft, const char *path,
                              struct icrm_error *err);

/* The folder for what this user's programs must remember: $XDG_STATE_HOME/icrm
 * or ~/.local/state/icrm, 0700, made if need be. False when there is none that
 * only this user can write. */
bool icrm_private_state_folder(char *out, size_t size);

#endif
