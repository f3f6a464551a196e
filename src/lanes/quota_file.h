/*
 * What was spent of a quota, kept in a file for the processes of one user: the
 * next one does not think that the day begins anew, and two at the same time do
 * not each spend the whole. A file that cannot be had or read is done without.
 *
 * A Retry-After that another process met binds this one for an hour after it
 * was told: then somebody asks the server again, for one absurd reply must not
 * lock the user out. (What headers say of a quota is known with its window, and
 * stands.)
 *
 * The times of a quota that is shared are milliseconds since 1970.
 */
#ifndef ICRM_LANES_QUOTA_FILE_H
#define ICRM_LANES_QUOTA_FILE_H

#include "lanes/quota.h"

struct icrm_quota_file {
  char path[512]; /* "": nothing is kept */
  int fd;         /* -1: not open yet */
};

/* Note where the file is, or is to be; `path` may be NULL. */
void icrm_quota_file_init(struct icrm_quota_file *file, const char *path);

/* Take over what the file knows, if there is one. */
void icrm_quota_file_load(struct icrm_quota_file *file,
                          struct icrm_quota *quota, int64_t now_ms);

/* Count `calls` that are sent now, here and in the file, which is made if need
 * be; with 0 only what the server asked for is written down. */
void icrm_quota_file_spend(struct icrm_quota_file *file,
                           struct icrm_quota *quota, int64_t calls,
                           int64_t now_ms);

void icrm_quota_file_close(struct icrm_quota_file *file);

#endif
