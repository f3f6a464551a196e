/*
 * Preloaded into the client of a soak, it takes away what the client relies on:
 *
 *   ICRM_SHIM_POWER=SEED   The disk keeps of a file named *.icrm* what was
 *                          synced. Other writes are held in memory, as a disk's
 *                          cache would, and are lost when the process is
 *                          killed: all of them, or (chance, by SEED) some get
 *                          through early, out of order, or only in part.
 *   ICRM_SHIM_FULL=N       From the N-th write to such a file on the disk is
 *                          full; ICRM_SHIM_SYNC=N: from the N-th sync on it
 *                          fails.
 *   ICRM_SHIM_RESEND=1     libcurl is not told to ask before it sends, so that
 *                          it sends a request again when a kept connection
 *                          dies.
 *   ICRM_SHIM_SIGN=FILE    FILE is made when something was taken away, or stood
 *                          ready to be: a soak whose shim did nothing is none.
 */
#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void leave_sign(void) {
  static bool was_left;
  const char *path = getenv("ICRM_SHIM_SIGN");
  int fd = path && !was_left ? open(path, O_WRONLY | O_CREAT, 0600) : -1;
  was_left = was_left || fd >= 0;
  if (fd >= 0)
    close(fd);
}

#undef curl_easy_setopt
CURLcode curl_easy_setopt(CURL *handle, CURLoption option, ...) {
  CURLcode (*real)(CURL *, CURLoption, ...);
  *(void **)&real = dlsym(RTLD_NEXT, "curl_easy_setopt");
  va_list args;
  va_start(args, option);
  void *value = va_arg(args, void *); /* all types of an option are as wide */
  va_end(args);
  if (option == CURLOPT_PREREQFUNCTION && getenv("ICRM_SHIM_RESEND")) {
    leave_sign();
    return CURLE_OK;
  }
  return real(handle, option, value);
}

/* A write that is not on the disk. */
struct held {
  sqlite3_int64 at;
  int len;
  struct held *next;
  char bytes[];
};

struct file {
  sqlite3_file base;
  sqlite3_file *real;
  bool is_journal;
  struct held *first, **last;
};

static sqlite3_vfs *real_vfs;
static uint64_t state;
static bool loses_power;
static long writes_left = -1, syncs_left = -1; /* -1: no end */

/* True when the last one of its kind is used up. */
static bool is_last(long *left) {
  if (*left < 0)
    return false;
  if (*left > 0)
    --*left;
  return *left == 0;
}

static uint32_t draw(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33);
}

static int write_real(struct file *file, const struct held *held, int len) {
  return file->real->pMethods->xWrite(file->real, held->bytes, len, held->at);
}

static int flush(struct file *file) {
  int rc = SQLITE_OK;
  while (file->first) {
    struct held *held = file->first;
    if (rc == SQLITE_OK)
      rc = write_real(file, held, held->len);
    file->first = held->next;
    free(held);
  }
  file->last = &file->first;
  return rc;
}

static int x_close(sqlite3_file *base) {
  struct file *file = (struct file *)base;
  flush(file); /* an orderly end */
  int rc = file->real->pMethods->xClose(file->real);
  free(file->real);
  return rc;
}

static int x_size(sqlite3_file *base, sqlite3_int64 *size) {
  struct file *file = (struct file *)base;
  int rc = file->real->pMethods->xFileSize(file->real, size);
  for (struct held *at = file->first; at; at = at->next)
    if (at->at + at->len > *size)
      *size = at->at + at->len;
  return rc;
}

static void overlay(const struct held *held, char *out, int len,
                    sqlite3_int64 at) {
  sqlite3_int64 from = held->at > at ? held->at : at;
  sqlite3_int64 held_end = held->at + held->len, end = at + len;
  sqlite3_int64 to = held_end < end ? held_end : end;
  if (from < to)
    memcpy(out + (from - at), held->bytes + (from - held->at),
           (size_t)(to - from));
}

static int x_read(sqlite3_file *base, void *out, int len, sqlite3_int64 at) {
  struct file *file = (struct file *)base;
  int rc = file->real->pMethods->xRead(file->real, out, len, at);
  if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
    return rc;
  for (struct held *held = file->first; held; held = held->next)
    overlay(held, out, len, at);
  sqlite3_int64 size;
  if (rc == SQLITE_IOERR_SHORT_READ && x_size(base, &size) == SQLITE_OK &&
      at + len <= size)
    rc = SQLITE_OK;
  return rc;
}

static int x_write(sqlite3_file *base, const void *bytes, int len,
                   sqlite3_int64 at) {
  struct file *file = (struct file *)base;
  if (file->is_journal && is_last(&writes_left))
    return SQLITE_FULL;
  if (!file->is_journal || !loses_power)
    return file->real->pMethods->xWrite(file->real, bytes, len, at);
  struct held *held = malloc(sizeof *held + (size_t)len);
  if (!held)
    return SQLITE_IOERR_NOMEM;
  *held = (struct held){.at = at, .len = len};
  memcpy(held->bytes, bytes, (size_t)len);
  *file->last = held;
  file->last = &held->next;
  uint32_t chance = draw() % 8;
  if (chance == 0) /* the disk wrote it before those that came first */
    return write_real(file, held, len);
  if (chance == 1 && len > 512) /* or a part of it */
    return write_real(file, held, 512);
  return SQLITE_OK;
}

static int x_truncate(sqlite3_file *base, sqlite3_int64 size) {
  struct file *file = (struct file *)base;
  int rc = flush(file);
  return rc ? rc : file->real->pMethods->xTruncate(file->real, size);
}

static int x_sync(sqlite3_file *base, int flags) {
  struct file *file = (struct file *)base;
  if (file->is_journal && is_last(&syncs_left))
    return SQLITE_IOERR_FSYNC;
  int rc = flush(file);
  return rc ? rc : file->real->pMethods->xSync(file->real, flags);
}

#define PASS(name, parameters, ...)                                            \
  static int x_##name parameters {                                             \
    sqlite3_file *real = ((struct file *)base)->real;                          \
    return real->pMethods->__VA_ARGS__;                                        \
  }
PASS(lock, (sqlite3_file * base, int level), xLock(real, level))
PASS(unlock, (sqlite3_file * base, int level), xUnlock(real, level))
PASS(reserved, (sqlite3_file * base, int *out), xCheckReservedLock(real, out))
PASS(control, (sqlite3_file * base, int op, void *arg),
     xFileControl(real, op, arg))
PASS(sector, (sqlite3_file * base), xSectorSize(real))
PASS(shm_map,
     (sqlite3_file * base, int page, int size, int extend, void volatile **out),
     xShmMap(real, page, size, extend, out))
PASS(shm_lock, (sqlite3_file * base, int offset, int n, int flags),
     xShmLock(real, offset, n, flags))
PASS(shm_unmap, (sqlite3_file * base, int delete), xShmUnmap(real, delete))

/* No promise about what survives a loss of power. */
static int x_characteristics(sqlite3_file *base) {
  (void)base;
  return 0;
}

static void x_shm_barrier(sqlite3_file *base) {
  sqlite3_file *real = ((struct file *)base)->real;
  real->pMethods->xShmBarrier(real);
}

static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = x_close,
                                           .xRead = x_read,
                                           .xWrite = x_write,
                                           .xTruncate = x_truncate,
                                           .xSync = x_sync,
                                           .xFileSize = x_size,
                                           .xLock = x_lock,
                                           .xUnlock = x_unlock,
                                           .xCheckReservedLock = x_reserved,
                                           .xFileControl = x_control,
                                           .xSectorSize = x_sector,
                                           .xDeviceCharacteristics =
                                               x_characteristics,
                                           .xShmMap = x_shm_map,
                                           .xShmLock = x_shm_lock,
                                           .xShmBarrier = x_shm_barrier,
                                           .xShmUnmap = x_shm_unmap};

static int x_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base,
                  int flags, int *out_flags) {
  (void)vfs;
  struct file *file = (struct file *)base;
  *file = (struct file){.is_journal = path && strstr(path, ".icrm")};
  file->last = &file->first;
  if (file->is_journal)
    leave_sign();
  file->real = calloc(1, (size_t)real_vfs->szOsFile);
  if (!file->real)
    return SQLITE_NOMEM;
  int rc = real_vfs->xOpen(real_vfs, path, file->real, flags, out_flags);
  if (rc == SQLITE_OK)
    file->base.pMethods = &methods;
  else
    free(file->real);
  return rc;
}

static long number_of(const char *name) {
  const char *text = getenv(name);
  return text ? strtol(text, NULL, 10) : -1;
}

__attribute__((constructor)) static void install(void) {
  const char *seed = getenv("ICRM_SHIM_POWER");
  loses_power = seed != NULL;
  writes_left = number_of("ICRM_SHIM_FULL");
  syncs_left = number_of("ICRM_SHIM_SYNC");
  if (!loses_power && writes_left < 0 && syncs_left < 0)
    return;
  static sqlite3_vfs vfs;
  real_vfs = sqlite3_vfs_find(NULL);
  uint64_t number = seed ? strtoull(seed, NULL, 10) : 0;
  state = (number << 32) ^ (uint64_t)getpid();
  vfs = *real_vfs;
  vfs.zName = "icrm-soak";
  vfs.szOsFile = sizeof(struct file);
  vfs.xOpen = x_open;
  sqlite3_vfs_register(&vfs, 1);
}
