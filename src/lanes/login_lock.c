#include "lanes/login_lock.h"

#include "core/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder that only we can write, made if need be. */
static bool is_private_folder(const char *path) {
  struct stat st;
  if (mkdir(path, 0700) != 0 && errno != EEXIST)
    return false;
  return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
         st.st_uid == geteuid() && (st.st_mode & 077) == 0;
}

static bool choose_folder(char *out, size_t size) {
  const char *runtime = getenv("XDG_RUNTIME_DIR");
  const char *home = getenv("HOME");
  if (runtime && runtime[0] == '/') {
    snprintf(out, size, "%s/icrm", runtime);
    if (is_private_folder(out))
      return true;
  }
  if (home && home[0] == '/') {
    snprintf(out, size, "%s/.cache", home);
    mkdir(out, 0700);
    snprintf(out, size, "%s/.cache/icrm", home);
    if (is_private_folder(out))
      return true;
  }
  snprintf(out, size, "/tmp/icrm-%lu", (unsigned long)geteuid());
  return is_private_folder(out);
}

/* FNV-1a; the name only has to differ between users and servers. */
static uint64_t add_hash(uint64_t hash, const char *text) {
  for (; *text; text++)
    hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
  return (hash ^ 0xFF) * 0x100000001B3u;
}

void icrm_login_lock_init(struct icrm_login_lock *lock, const char *url,
                          const char *username) {
  char folder[400];
  lock->fd = -1;
  lock->path[0] = '\0';
  if (!choose_folder(folder, sizeof folder))
    return;
  uint64_t hash = add_hash(add_hash(0xCBF29CE484222325u, url), username);
  snprintf(lock->path, sizeof lock->path, "%s/login-%016" PRIx64 ".lock",
           folder, hash);
}

bool icrm_login_lock_try(struct icrm_login_lock *lock) {
  if (lock->path[0] == '\0' || lock->fd >= 0)
    return true;
  int fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return true;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
    lock->fd = fd;
    return true;
  }
  bool is_taken = errno == EWOULDBLOCK;
  close(fd);
  return !is_taken;
}

void icrm_login_lock_mark(struct icrm_login_lock *lock) {
  lock->mark[0] = getpid();
  lock->mark[1] = icrm_clock_us();
  /* Unwritten, the next login of this user asks anew: slower, and right. */
  if (lock->fd >= 0 && pwrite(lock->fd, lock->mark, sizeof lock->mark, 0) < 0)
    lock->mark[0] = 0;
}

bool icrm_login_lock_is_ours(const struct icrm_login_lock *lock) {
  int64_t found[2];
  if (lock->fd < 0)
    return true; /* there is no file: the server's refusal is the witness */
  return pread(lock->fd, found, sizeof found, 0) == sizeof found &&
         memcmp(found, lock->mark, sizeof found) == 0;
}

void icrm_login_lock_release(struct icrm_login_lock *lock) {
  if (lock->fd >= 0)
    close(lock->fd);
  lock->fd = -1;
}
