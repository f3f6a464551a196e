#include "net/body.h"

#include "core/base64.h"
#include "core/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 12288, ESCAPED_BYTES = 3 };

/* What a block becomes on its way. */
struct block {
  char raw[BLOCK_BYTES];
  char base64[ICRM_BASE64_LEN(BLOCK_BYTES)];
  char coded[ICRM_BASE64_LEN(BLOCK_BYTES) * ESCAPED_BYTES];
};

struct icrm_body_file {
  struct icrm_body_file *next;
  size_t at; /* in the text */
  char *path;
  int fd;
  bool base64;
  int64_t size, len; /* of the file, and of what it becomes */
  struct timespec changed;
  char sha256[65];
  struct icrm_digest *digest; /* of what was read */
  int64_t read;               /* bytes of the file */
  struct block *block;        /* of a base64 file that is being read */
  size_t coded_len, coded_at; /* in block->coded */
};

static int fail(struct icrm_error *err, const char *path, int number) {
  return icrm_error_set(err, ICRM_ERROR_INPUT, "cannot read %s: %s", path,
                        strerror(number));
}

static int fail_changed(struct icrm_error *err, const char *path,
                        const char *how) {
  icrm_error_set(err, ICRM_ERROR_INPUT, "%s %s", path, how);
  if (err)
    snprintf(err->code, sizeof err->code, "FILE_CHANGED");
  return -1;
}

/* A regular file. O_NONBLOCK: a pipe without a writer must not hang. */
static int open_regular(const char *path, struct stat *st,
                        struct icrm_error *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return fail(err, path, errno);
  const int number =
      fstat(fd, st) == 0 ? S_ISDIR(st->st_mode) ? EISDIR : 0 : errno;
  if (number == 0 && S_ISREG(st->st_mode))
    return fd;
  close(fd);
  if (number != 0)
    return fail(err, path, number);
  return icrm_error_set(err, ICRM_ERROR_INPUT,
                        "cannot attach %s: it is not a regular file", path);
}

int64_t icrm_body_file_size(const char *path, struct icrm_error *err) {
  struct stat st;
  int fd = open_regular(path, &st, err);
  if (fd < 0)
    return -1;
  close(fd);
  return st.st_size;
}

/* Percent-encode base64 text; of its characters + / and = need it. */
static char *escape(char *to, const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    const char c = text[i];
    if (c != '+' && c != '/' && c != '=') {
      *to++ = c;
      continue;
    }
    memcpy(to, c == '+' ? "%2B" : c == '/' ? "%2F" : "%3D", ESCAPED_BYTES);
    to += ESCAPED_BYTES;
  }
  return to;
}

/* Encode what stands in block->raw; returns the length of block->coded. */
static size_t code_block(struct block *block, size_t len) {
  const char *end = icrm_base64_put(block->base64, block->raw, len);
  return (size_t)(escape(block->coded, block->base64,
                         (size_t)(end - block->base64)) -
                  block->coded);
}

static bool is_as_it_was(const struct icrm_body_file *file) {
  struct stat st;
  return fstat(file->fd, &st) == 0 && st.st_size == file->size &&
         st.st_mtim.tv_sec == file->changed.tv_sec &&
         st.st_mtim.tv_nsec == file->changed.tv_nsec;
}

static int begin_file(struct icrm_body_file *file, struct icrm_error *err) {
  if (!is_as_it_was(file))
    return fail_changed(err, file->path,
                        "changed after it was looked at; nothing of it was "
                        "sent");
  file->read = 0;
  file->coded_len = file->coded_at = 0;
  file->digest = icrm_digest_begin(file->digest);
  if (file->base64 && !file->block)
    file->block = malloc(sizeof *file->block);
  if (!file->digest || (file->base64 && !file->block))
    return icrm_error_set(err, ICRM_ERROR_INPUT, "out of memory");
  return 0;
}

/* Read `n` bytes that must be there. */
static int read_whole(struct icrm_body_file *file, char *out, size_t n,
                      struct icrm_error *err) {
  for (size_t have = 0; have < n;) {
    ssize_t got = pread(file->fd, out + have, n - have,
                        (off_t)(file->read + (int64_t)have));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return fail(err, file->path, errno);
    if (got == 0)
      return fail_changed(err, file->path, "became shorter while it was read");
    have += (size_t)got;
  }
  icrm_digest_add(file->digest, out, n);
  file->read += (int64_t)n;
  return 0;
}

/* The next bytes of the file itself, the last ones only when all of it is
 * proven to be what was measured. */
static int next_bytes(struct icrm_body_file *file, char *out, size_t n,
                      struct icrm_error *err) {
  static const char how[] =
      "changed while it was sent, so it was not sent to its end";
  char sha256[65];
  if (!is_as_it_was(file))
    return fail_changed(err, file->path, how);
  if (read_whole(file, out, n, err) != 0)
    return -1;
  if (file->read < file->size)
    return 0;
  if (icrm_digest_end(file->digest, sha256, err) != 0)
    return -1;
  return strcmp(sha256, file->sha256) == 0 && is_as_it_was(file)
             ? 0
             : fail_changed(err, file->path, how);
}

static size_t bytes_left(const struct icrm_body_file *file, size_t most) {
  const int64_t left = file->size - file->read;
  return left < (int64_t)most ? (size_t)left : most;
}

/* 0 at its end. */
static ssize_t read_file(struct icrm_body_file *file, char *out, size_t room,
                         struct icrm_error *err) {
  if (!file->base64) {
    const size_t n = bytes_left(file, room);
    return n == 0 || next_bytes(file, out, n, err) == 0 ? (ssize_t)n : -1;
  }
  if (file->coded_at == file->coded_len) {
    const size_t n = bytes_left(file, BLOCK_BYTES);
    if (n > 0 && next_bytes(file, file->block->raw, n, err) != 0)
      return -1;
    file->coded_len = code_block(file->block, n);
    file->coded_at = 0;
  }
  size_t n = file->coded_len - file->coded_at;
  n = n < room ? n : room;
  memcpy(out, file->block->coded + file->coded_at, n);
  file->coded_at += n;
  return (ssize_t)n;
}

/* Read it once: its sha256, and the length of what it becomes. */
static int measure(struct icrm_body_file *file, struct icrm_error *err) {
  struct block *block = malloc(sizeof *block);
  file->digest = icrm_digest_begin(NULL);
  int rc = block && file->digest
               ? 0
               : icrm_error_set(err, ICRM_ERROR_INPUT, "out of memory");
  size_t n;
  while (rc == 0 && (n = bytes_left(file, BLOCK_BYTES)) > 0) {
    rc = read_whole(file, block->raw, n, err);
    if (rc == 0)
      file->len += (int64_t)(file->base64 ? code_block(block, n) : n);
  }
  if (rc == 0)
    rc = icrm_digest_end(file->digest, file->sha256, err);
  free(block);
  return rc;
}

static int check_expected(const struct icrm_body_file *file,
                          const struct icrm_body_file_options *options,
                          struct icrm_error *err) {
  if ((options->size < 0 || options->size == file->size) &&
      (!options->sha256 || strcmp(options->sha256, file->sha256) == 0))
    return 0;
  return fail_changed(err, file->path,
                      "is not as it was when it was looked at; nothing of it "
                      "was sent");
}

int icrm_body_add_file(struct icrm_body_file **list, size_t at,
                       const struct icrm_body_file_options *options,
                       struct icrm_error *err) {
  struct stat st;
  int fd = open_regular(options->path, &st, err);
  if (fd < 0)
    return -1;
  struct icrm_body_file *file = calloc(1, sizeof *file);
  char *path = strdup(options->path);
  if (!file || !path) {
    close(fd);
    free(file);
    free(path);
    return icrm_error_set(err, ICRM_ERROR_INPUT, "out of memory");
  }
  *file = (struct icrm_body_file){.at = at,
                                  .path = path,
                                  .fd = fd,
                                  .base64 = options->base64,
                                  .size = st.st_size,
                                  .changed = st.st_mtim};
  if (measure(file, err) != 0 || check_expected(file, options, err) != 0) {
    icrm_body_free_files(file);
    return -1;
  }
  while (*list)
    list = &(*list)->next;
  *list = file;
  return 0;
}

void icrm_body_free_files(struct icrm_body_file *list) {
  while (list) {
    struct icrm_body_file *file = list;
    list = file->next;
    close(file->fd);
    icrm_digest_free(file->digest);
    free(file->block);
    free(file->path);
    free(file);
  }
}

static size_t text_len(const struct icrm_buf *text) {
  return text ? text->len : 0;
}

bool icrm_body_is_none(const struct icrm_body *body) {
  return !body->head && !body->text;
}

int64_t icrm_body_len(const struct icrm_body *body) {
  int64_t len = (int64_t)(text_len(body->head) + text_len(body->text));
  for (const struct icrm_body_file *file = body->files; file; file = file->next)
    len += file->len;
  return len;
}

int icrm_body_begin(struct icrm_body_reader *reader,
                    const struct icrm_body *body, struct icrm_error *err) {
  *reader = (struct icrm_body_reader){.body = *body, .file = body->files};
  for (struct icrm_body_file *file = body->files; file; file = file->next)
    if (begin_file(file, err) != 0)
      return -1;
  return 0;
}

/* Bytes of the texts up to `end`, counted over both. */
static size_t read_texts(struct icrm_body_reader *reader, size_t end, char *out,
                         size_t room) {
  const struct icrm_body *body = &reader->body;
  const size_t head_len = text_len(body->head);
  const bool in_head = reader->at < head_len;
  const char *from = in_head ? body->head->data + reader->at
                             : body->text->data + (reader->at - head_len);
  size_t n = (in_head && head_len < end ? head_len : end) - reader->at;
  n = n < room ? n : room;
  memcpy(out, from, n);
  reader->at += n;
  return n;
}

ssize_t icrm_body_read(struct icrm_body_reader *reader, char *out, size_t room,
                       struct icrm_error *err) {
  const size_t head_len = text_len(reader->body.head);
  const size_t len = head_len + text_len(reader->body.text);
  size_t n = 0;
  while (n < room) {
    const size_t end = reader->file ? head_len + reader->file->at : len;
    if (reader->at < end) {
      n += read_texts(reader, end, out + n, room - n);
      continue;
    }
    if (!reader->file)
      break;
    const ssize_t got = read_file(reader->file, out + n, room - n, err);
    if (got < 0)
      return -1;
    if (got == 0)
      reader->file = reader->file->next;
    n += (size_t)got;
  }
  return (ssize_t)n;
}
