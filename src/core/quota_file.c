#include "core/quota_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[16] = "icrm quota 1\n";

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

/* Whoever spends writes at once, so a window in the file is never behind ours.
 * One from the future was written under a clock that was wrong. */
static void take_window(struct icrm_quota_window *own,
                        const struct icrm_quota *stored, int64_t now_ms) {
  const int64_t newest = icrm_quota_slice(own, now_ms) + 1;
  for (int i = 0; i < stored->n_windows; i++) {
    const struct icrm_quota_window *window = &stored->windows[i];
    if (window->length_ms != own->length_ms || window->slice < 0 ||
        window->slice > newest)
      continue;
    own->slice = window->slice;
    memcpy(own->spent, window->spent, sizeof own->spent);
  }
}

/* What the server has told this process itself counts more. */
static void take_header(struct icrm_quota_header *own,
                        const struct icrm_quota_header *stored,
                        int64_t now_ms) {
  if (stored->reset_ms <= now_ms || stored->left < 0 ||
      stored->length_ms <= 0 || stored->reset_ms - now_ms > stored->length_ms ||
      (own->left >= 0 && own->reset_ms > now_ms))
    return;
  *own = *stored;
}

static void take(struct icrm_quota *own, const struct icrm_quota *stored,
                 int64_t now_ms) {
  if (stored->n_windows < 0 || stored->n_windows > ICRM_QUOTA_WINDOWS)
    return;
  for (int i = 0; i < own->n_windows; i++)
    take_window(&own->windows[i], stored, now_ms);
  take_header(&own->flood, &stored->flood, now_ms);
  take_header(&own->rate, &stored->rate, now_ms);
  const int64_t latest_ms = now_ms + ICRM_RETRY_AFTER_MAX_S * (int64_t)1000;
  if (stored->pause_until_ms > own->pause_until_ms &&
      stored->pause_until_ms <= latest_ms)
    own->pause_until_ms = stored->pause_until_ms;
}

static void read_file(const struct icrm_quota_file *file,
                      struct icrm_quota *quota, int64_t now_ms) {
  struct content content;
  ssize_t len = pread(file->fd, &content, sizeof content, 0);
  if (len == (ssize_t)sizeof content &&
      memcmp(content.magic, magic, sizeof magic) == 0)
    take(quota, &content.quota, now_ms);
}

void icrm_quota_file_load(struct icrm_quota_file *file,
                          struct icrm_quota *quota, int64_t now_ms) {
  if (!open_file(file, 0))
    return;
  lock(file, LOCK_SH);
  read_file(file, quota, now_ms);
  lock(file, LOCK_UN);
}

void icrm_quota_file_spend(struct icrm_quota_file *file,
                           struct icrm_quota *quota, int64_t calls,
                           int64_t now_ms) {
  struct content content;
  /* Without a stated quota only a long closing is worth a file. */
  if ((calls > 0 && quota->n_windows == 0) || !open_file(file, O_CREAT)) {
    icrm_quota_spend(quota, calls, now_ms);
    return;
  }
  lock(file, LOCK_EX);
  read_file(file, quota, now_ms);
  icrm_quota_spend(quota, calls, now_ms);
  memset(&content, 0, sizeof content);
  memcpy(content.magic, magic, sizeof magic);
  content.quota = *quota;
  bool is_kept =
      pwrite(file->fd, &content, sizeof content, 0) == (ssize_t)sizeof content;
  lock(file, LOCK_UN);
  if (!is_kept) { /* a full disk: from now on this process counts alone */
    icrm_quota_file_close(file);
    file->path[0] = '\0';
  }
}
