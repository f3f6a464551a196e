#include "core/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAGIC_CIFS 0xFF534D42u
#define MAGIC_SMB2 0xFE534D42u
#define MAGIC_FUSE 0x65735546u

static const char *network_filesystem(int fd) {
  struct statfs fs;
  if (fstatfs(fd, &fs) != 0)
    return NULL;
  switch ((unsigned long)fs.f_type & 0xFFFFFFFFu) {
  case NFS_SUPER_MAGIC:
    return "NFS";
  case SMB_SUPER_MAGIC:
  case MAGIC_CIFS:
  case MAGIC_SMB2:
    return "SMB";
  case V9FS_MAGIC:
    return "9p";
  case MAGIC_FUSE:
    return "FUSE";
  default:
    return NULL;
  }
}

static int refuse_network(int fd, const char *path, bool any_filesystem,
                          struct icrm_error *err) {
  const char *name = any_filesystem ? NULL : network_filesystem(fd);
  if (!name)
    return 0;
  return icrm_error_set(err, ICRM_ERROR_STORE,
                        "%s is on a network file system (%s), where a lock or "
                        "a sync cannot be trusted; put it on a local disk",
                        path, name);
}

static int check_folder(const char *path, struct icrm_error *err) {
  char copy[PATH_MAX];
  struct stat st;
  if ((size_t)snprintf(copy, sizeof copy, "%s", path) >= sizeof copy)
    return icrm_error_set(err, ICRM_ERROR_STORE, "the path is too long: %.80s…",
                          path);
  const char *folder = dirname(copy);
  if (stat(folder, &st) != 0)
    return icrm_error_set(err, ICRM_ERROR_STORE, "cannot use folder %s: %s",
                          folder, strerror(errno));
  if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX))
    return icrm_error_set(err, ICRM_ERROR_STORE,
                          "folder %s may be written by everyone; chmod o-w %s",
                          folder, folder);
  return 0;
}

static int fail_exists(const char *path, struct icrm_error *err) {
  icrm_error_set(err, ICRM_ERROR_STORE,
                 "%s exists already; choose another name or remove it", path);
  if (err)
    snprintf(err->code, sizeof err->code, "EXISTS");
  return -1;
}

int icrm_private_file_create(const char *path, bool any_filesystem,
                             struct icrm_error *err) {
  if (check_folder(path, err) != 0)
    return -1;
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST)
    return fail_exists(path, err);
  if (fd < 0)
    return icrm_error_set(err, ICRM_ERROR_STORE, "cannot create %s: %s", path,
                          strerror(errno));
  int rc = refuse_network(fd, path, any_filesystem, err);
  close(fd);
  if (rc != 0)
    unlink(path);
  return rc;
}

static int check_owner(int fd, const char *path, struct icrm_error *err) {
  struct stat st;
  if (fstat(fd, &st) != 0)
    return icrm_error_set(err, ICRM_ERROR_STORE, "cannot look at %s: %s", path,
                          strerror(errno));
  if (!S_ISREG(st.st_mode))
    return icrm_error_set(err, ICRM_ERROR_STORE, "%s is not a regular file",
                          path);
  if (st.st_uid != geteuid())
    return icrm_error_set(err, ICRM_ERROR_STORE, "%s belongs to another user",
                          path);
  if (st.st_mode & 077)
    return icrm_error_set(err, ICRM_ERROR_STORE,
                          "%s can be read by others; chmod 600 %s", path, path);
  return 0;
}

int icrm_private_file_lock(const char *path, bool any_filesystem,
                           struct icrm_error *err) {
  if (check_folder(path, err) != 0)
    return -1;
  int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return icrm_error_set(err, ICRM_ERROR_STORE, "cannot open %s: %s", path,
                          errno == ELOOP ? "it is a symbolic link"
                                         : strerror(errno));
  if (check_owner(fd, path, err) != 0 ||
      refuse_network(fd, path, any_filesystem, err) != 0)
    goto fail;
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    icrm_error_set(err, ICRM_ERROR_STORE,
                   "%s is in use by another process; wait for it to end", path);
    if (err)
      snprintf(err->code, sizeof err->code, "LOCKED");
    goto fail;
  }
  return fd;

fail:
  close(fd);
  return -1;
}

/* A file that is gone when this process is, however it ends; -1 where the file
 * system has none, or where it could not get a name later. */
static int open_nameless(const char *target, int folder_len) {
  char folder[PATH_MAX];
  snprintf(folder, sizeof folder, "%.*s.", folder_len, target);
  if (access("/proc/self/fd", X_OK) != 0)
    return -1;
  return open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

int icrm_private_file_draft(const char *target, char *draft,
                            struct icrm_error *err) {
  struct stat st;
  const char *slash = strrchr(target, '/');
  const int folder_len = slash ? (int)(slash - target) + 1 : 0;
  if (snprintf(draft, PATH_MAX, "%.*s.icrm-XXXXXX", folder_len, target) >=
      PATH_MAX)
    return icrm_error_set(err, ICRM_ERROR_STORE, "the path is too long: %.80s…",
                          target);
  if (check_folder(draft, err) != 0)
    return -1;
  if (target[folder_len] != '\0' && lstat(target, &st) == 0)
    return fail_exists(target, err);
  int fd = open_nameless(target, folder_len);
  if (fd >= 0) {
    *draft = '\0';
    return fd;
  }
  fd = mkostemp(draft, O_CLOEXEC); /* 0600 */
  if (fd < 0)
    return icrm_error_set(err, ICRM_ERROR_STORE,
                          "cannot write to the folder of %s: %s", target,
                          strerror(errno));
  return fd;
}

/* Without replacing what is there: where the file system cannot rename so, a
 * second name that the first is taken from does the same. */
static int rename_new(const char *from, const char *to) {
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return -1;
  if (link(from, to) != 0)
    return -1;
  unlink(from);
  return 0;
}

static int name_draft(int fd, const char *draft, const char *path) {
  char own[32];
  if (*draft)
    return rename_new(draft, path);
  snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
  return linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* A new name is durable when its folder is. */
static void sync_folder(const char *path) {
  char copy[PATH_MAX];
  snprintf(copy, sizeof copy, "%s", path);
  int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return;
  fsync(fd);
  close(fd);
}

int icrm_private_file_publish(int fd, const char *draft, const char *path,
                              struct icrm_error *err) {
  if (fsync(fd) == 0 && name_draft(fd, draft, path) == 0) {
    sync_folder(path);
    return 0;
  }
  if (errno == EEXIST)
    return fail_exists(path, err);
  return icrm_error_set(err, ICRM_ERROR_STORE, "cannot write %s: %s", path,
                        strerror(errno));
}

/* Make `path` and the folders above it that are missing. */
static void make_folders(char *path) {
  for (char *at = path + 1; *at; at++) {
    if (*at != '/')
      continue;
    *at = '\0';
    mkdir(path, 0700);
    *at = '/';
  }
  mkdir(path, 0700);
}

bool icrm_private_state_folder(char *out, size_t size) {
  const char *state = getenv("XDG_STATE_HOME");
  const char *home = getenv("HOME");
  int len = -1;
  if (state && state[0] == '/')
    len = snprintf(out, size, "%s/icrm", state);
  else if (home && home[0] == '/')
    len = snprintf(out, size, "%s/.local/state/icrm", home);
  if (len < 0 || (size_t)len >= size)
    return false;
  make_folders(out);
  struct stat st;
  return lstat(out, &st) == 0 && S_ISDIR(st.st_mode) &&
         st.st_uid == geteuid() && (st.st_mode & 022) == 0;
}
