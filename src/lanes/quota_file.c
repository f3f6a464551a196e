#include "lanes/quota_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[16] = "icrm quota 2\n";

/* The longest window that a header has: see quota.h. */
enum { LONGEST_HEADER_MS = 24 * 60 * 60 * 1000, LONGEST_HEARSAY_MS = 3600000 };

/* The file's whole content, of this machine alone. */
struct content {
  char magic[16];
  struct icrm_quota quota;
};

void icrm_quota_file_init(struct icrm_quota_file *file, const char *path) {
  file->fd = -1;
  int len = snprintf(file->path, sizeof file->path, "%s", path ? path : "");
  if (len >= (int)sizeof file->path)
    file->path[0] = '\0';
}

void icrm_quota_file_close(struct icrm_quota_file *file) {
  if (file->fd >= 0)
    close(file->fd);
  file->fd = -1;
}

static bool open_file(struct icrm_quota_file *file, int flags) {
  struct stat st;
  if (file->fd >= 0)
    return true;
  if (file->path[0] == '\0')
    return false;
  file->fd = open(file->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
  if (file->fd < 0)
    return false;
  if (fstat(file->fd, &st) == 0 && S_ISREG(st.st_mode) &&
      st.st_uid == geteuid())
    return true;
  icrm_quota_file_close(file);
  return false;
}

static void lock(const struct icrm_quota_file *file, int how) {
  while (flock(file->fd, how) != 0 && errno == EINTR)
    ;
}

/* What the server has told this process itself counts more. */
static void take_header(struct icrm_quota_header *own,
                        const struct icrm_quota_header *stored,
                        int64_t now_ms) {
  if (stored->reset_ms <= now_ms || stored->left < 0 ||
      stored->length_ms > LONGEST_HEADER_MS ||
      stored->reset_ms - now_ms > stored->length_ms ||
      (own->left >= 0 && own->reset_ms > now_ms))
    return;
  *own = *stored;
}

static void take_pause(struct icrm_quota *own, const struct icrm_quota *stored,
                       int64_t now_ms) {
  if (stored->pause_told_ms > now_ms ||
      stored->pause_told_ms <= now_ms - LONGEST_HEARSAY_MS)
    return;
  int64_t until_ms = stored->pause_told_ms + LONGEST_HEARSAY_MS;
  if (stored->pause_until_ms < until_ms)
    until_ms = stored->pause_until_ms;
  if (until_ms <= own->pause_until_ms)
    return;
  own->pause_until_ms = until_ms;
  own->pause_told_ms = stored->pause_told_ms;
}

static void take(struct icrm_quota *own, const struct icrm_quota *stored,
                 int64_t now_ms) {
  for (int i = 0; i < own->n_windows; i++)
    for (int j = 0; j < stored->n_windows; j++)
      icrm_quota_merge(&own->windows[i], &stored->windows[j], now_ms);
  take_header(&own->flood, &stored->flood, now_ms);
  take_header(&own->rate, &stored->rate, now_ms);
  take_pause(own, stored, now_ms);
}

static bool read_file(const struct icrm_quota_file *file, struct content *out) {
  ssize_t len = pread(file->fd, out, sizeof *out, 0);
  return len == (ssize_t)sizeof *out &&
         memcmp(out->magic, magic, sizeof magic) == 0 &&
         out->quota.n_windows >= 0 &&
         out->quota.n_windows <= ICRM_QUOTA_WINDOWS;
}

static bool has_window(const struct icrm_quota *quota, int64_t length_ms) {
  for (int i = 0; i < quota->n_windows; i++)
    if (quota->windows[i].length_ms == length_ms)
      return true;
  return false;
}

/* Windows that others state and this process does not: their counts stay. */
static void keep_others(struct icrm_quota *out,
                        const struct icrm_quota *stored) {
  for (int i = 0; i < stored->n_windows; i++)
    if (out->n_windows < ICRM_QUOTA_WINDOWS &&
        !has_window(out, stored->windows[i].length_ms))
      out->windows[out->n_windows++] = stored->windows[i];
}

void icrm_quota_file_load(struct icrm_quota_file *file,
                          struct icrm_quota *quota, int64_t now_ms) {
  struct content content;
  if (!open_file(file, 0))
    return;
  lock(file, LOCK_SH);
  bool is_known = read_file(file, &content);
  lock(file, LOCK_UN);
  if (is_known)
    take(quota, &content.quota, now_ms);
}

void icrm_quota_file_spend(struct icrm_quota_file *file,
                           struct icrm_quota *quota, int64_t calls,
                           int64_t now_ms) {
  struct content content, before;
  /* Without a stated quota only a long closing is worth a file. */
  if ((calls > 0 && quota->n_windows == 0) || !open_file(file, O_CREAT)) {
    icrm_quota_spend(quota, calls, now_ms);
    return;
  }
  lock(file, LOCK_EX);
  bool is_known = read_file(file, &before);
  if (is_known)
    take(quota, &before.quota, now_ms);
  icrm_quota_spend(quota, calls, now_ms);
  memset(&content, 0, sizeof content);
  memcpy(content.magic, magic, sizeof magic);
  content.quota = *quota;
  if (is_known)
    keep_others(&content.quota, &before.quota);
  bool is_kept =
      pwrite(file->fd, &content, sizeof content, 0) == (ssize_t)sizeof content;
  lock(file, LOCK_UN);
  if (!is_kept) { /* a full disk: from now on this process counts alone */
    icrm_quota_file_close(file);
    file->path[0] = '\0';
  }
}
