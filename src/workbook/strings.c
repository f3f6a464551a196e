#include "workbook/strings.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MEMORY_MAX = 64 * 1024 * 1024, COUNT_MAX = 5 * 1000 * 1000 };

void icrm_strings_init(struct icrm_strings *strings) {
  memset(strings, 0, sizeof *strings);
  strings->fd = -1;
}

static int out_of(const char *what, struct icrm_error *err) {
  return icrm_error_set(err, ICRM_ERROR_STORE, "%s", what);
}

/* An unlinked file in the folder for temporary ones. */
static int make_file(void) {
  const char *folder = getenv("TMPDIR");
  char path[4096] = "";
  strncat(path, folder && *folder ? folder : "/tmp", sizeof path - 32);
  strcat(path, "/icrm-strings-XXXXXX");
  int fd = mkstemp(path);
  if (fd >= 0)
    unlink(path);
  return fd;
}

/* Room on the disk is taken before it is mapped: writing to a page that the
 * disk has no room for would end the process. */
static int move_to_file(struct icrm_strings *strings, size_t cap,
                        struct icrm_error *err) {
  bool was_memory = strings->fd < 0;
  if (was_memory)
    strings->fd = make_file();
  if (strings->fd < 0)
    return out_of("no temporary file for the texts of a workbook", err);
  int failure = posix_fallocate(strings->fd, 0, (off_t)cap);
  if (failure)
    return icrm_error_set(err, ICRM_ERROR_STORE,
                          "no room for the texts of a workbook: %s",
                          strerror(failure));
  char *bytes =
      mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_SHARED, strings->fd, 0);
  if (bytes == MAP_FAILED)
    return out_of("out of memory", err);
  if (was_memory) {
    memcpy(bytes, strings->bytes, strings->len);
    free(strings->bytes);
  } else {
    munmap(strings->bytes, strings->cap);
  }
  strings->bytes = bytes;
  strings->cap = cap;
  return 0;
}

static int grow(struct icrm_strings *strings, size_t need,
                struct icrm_error *err) {
  size_t cap = strings->cap ? strings->cap : 64 * 1024;
  while (cap < need)
    cap *= 2;
  if (cap > MEMORY_MAX)
    return move_to_file(strings, cap, err);
  char *bytes = realloc(strings->bytes, cap);
  if (!bytes)
    return out_of("out of memory", err);
  strings->bytes = bytes;
  strings->cap = cap;
  return 0;
}

int icrm_strings_add(struct icrm_strings *strings, const char *text, size_t len,
                     struct icrm_error *err) {
  if (strings->len + len > strings->cap &&
      grow(strings, strings->len + len, err) < 0)
    return -1;
  memcpy(strings->bytes + strings->len, text, len);
  strings->len += len;
  return 0;
}

int icrm_strings_end(struct icrm_strings *strings, struct icrm_error *err) {
  if (strings->count == COUNT_MAX)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "a workbook with more than 5,000,000 texts; split "
                          "it");
  if (strings->count == strings->ends_cap) {
    size_t cap = strings->ends_cap ? strings->ends_cap * 2 : 1024;
    uint64_t *ends = realloc(strings->ends, cap * sizeof *ends);
    if (!ends)
      return out_of("out of memory", err);
    strings->ends = ends;
    strings->ends_cap = cap;
  }
  strings->ends[strings->count++] = strings->len;
  return 0;
}

const char *icrm_strings_get(const struct icrm_strings *strings, size_t index,
                             size_t *len) {
  if (index >= strings->count)
    return NULL;
  uint64_t from = index ? strings->ends[index - 1] : 0;
  *len = (size_t)(strings->ends[index] - from);
  return strings->bytes ? strings->bytes + from : "";
}

void icrm_strings_free(struct icrm_strings *strings) {
  if (strings->fd >= 0) {
    munmap(strings->bytes, strings->cap);
    close(strings->fd);
  } else {
    free(strings->bytes);
  }
  free(strings->ends);
  icrm_strings_init(strings);
}
