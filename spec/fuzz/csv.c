/* CSV files: what was read, written again with every cell in quotes, reads the
 * same. */
#include "fuzz.h"

#include "core/buf.h"
#include "text/csv.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file in memory, to be opened by its path. Returns its descriptor. */
static int memory_file(const void *bytes, size_t size, char path[64]) {
  int fd = memfd_create("csv", MFD_CLOEXEC);
  MUST(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
  snprintf(path, 64, "/proc/self/fd/%d", fd);
  return fd;
}

static void add_cell(struct icrm_buf *out, const char *text, size_t len) {
  icrm_buf_add_byte(out, '"');
  for (size_t i = 0; i < len; i++) {
    if (text[i] == '"')
      icrm_buf_add_byte(out, '"');
    icrm_buf_add_byte(out, text[i]);
  }
  icrm_buf_add_byte(out, '"');
}

/* Reads a file to its end; its records go to `out` in quotes, and to `plain`
 * with their lengths. Returns false when the file is at fault. */
static bool read_all(struct icrm_csv *csv, struct icrm_buf *out,
                     struct icrm_buf *plain, bool *is_odd) {
  struct icrm_error err;
  int rc;
  while ((rc = icrm_csv_next(csv, &err)) == 1) {
    size_t n = icrm_csv_cells(csv);
    MUST(n > 0);
    for (size_t i = 0; i < n; i++) {
      size_t len;
      const char *text = icrm_csv_cell(csv, i, &len);
      MUST(text[len] == '\0' && icrm_csv_line(csv, i) >= 1);
      *is_odd |= memchr(text, '\0', len) || (n == 1 && len == 0);
      add_cell(out, text, len);
      icrm_buf_add_byte(out, i + 1 < n ? ';' : '\n');
      icrm_buf_addf(plain, "%zu:", len);
      icrm_buf_add(plain, text, len);
    }
    icrm_buf_add_byte(plain, '\n');
  }
  return rc == 0;
}

static void reads_the_same(const struct icrm_buf *quoted,
                           const struct icrm_buf *plain) {
  struct icrm_csv_options options = {
      .encoding = ICRM_ENCODING_UTF_8, .delimiter = ';', .is_skip_known = true};
  struct icrm_buf out = {0}, again = {0};
  struct icrm_csv *csv;
  struct icrm_error err;
  bool is_odd = false;
  char path[64];
  int fd = memory_file(quoted->data, quoted->len, path);
  MUST(icrm_csv_open(&csv, path, &options, &err) == 0);
  MUST(read_all(csv, &out, &again, &is_odd));
  MUST(again.len == plain->len);
  MUST(plain->len == 0 || memcmp(again.data, plain->data, plain->len) == 0);
  icrm_csv_close(csv);
  icrm_buf_free(&out);
  icrm_buf_free(&again);
  close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct icrm_csv_options detect;
  struct icrm_buf quoted = {0}, plain = {0};
  struct icrm_csv *csv;
  struct icrm_error err;
  bool is_odd = false;
  char path[64];
  int fd = memory_file(data, size, path);
  if (icrm_csv_open(&csv, path, &detect, &err) == 0) {
    if (read_all(csv, &quoted, &plain, &is_odd) && !is_odd)
      reads_the_same(&quoted, &plain);
    icrm_csv_close(csv);
  }
  icrm_buf_free(&quoted);
  icrm_buf_free(&plain);
  close(fd);
  return 0;
}
