#include "net/download.h"

#include "core/base64.h"
#include "core/private_file.h"
#include "net/sieve.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 65536, SLICE_BYTES = 16384 };

struct icrm_download {
  unsigned references;
  int fd;               /* -1: closed or saved */
  char *target;         /* where it is to go, for messages */
  char draft[PATH_MAX]; /* its name until then, "" for none */
  const char *member;   /* of the reply, with the content */
  int64_t most, size;
  struct icrm_sieve sieve;
  struct icrm_base64_decoder decoder;
  size_t len; /* bytes in the buffer that are not written yet */
  unsigned char buffer[BUFFER_BYTES];
};

struct icrm_download *icrm_download_new(const char *target, const char *member,
                                        int64_t most, struct icrm_error *err) {
  struct icrm_download *out = calloc(1, sizeof *out);
  if (!out) {
    icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
    return NULL;
  }
  out->references = 1;
  out->most = most;
  out->member = member;
  out->target = strdup(target);
  out->fd = icrm_private_file_draft(target, out->draft, err);
  if (out->fd >= 0 && out->target)
    return out;
  if (out->fd >= 0)
    icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  icrm_download_release(out);
  return NULL;
}

struct icrm_download *icrm_download_retain(struct icrm_download *download) {
  if (download)
    download->references++;
  return download;
}

void icrm_download_release(struct icrm_download *download) {
  if (!download || --download->references > 0)
    return;
  icrm_download_close(download);
  free(download->target);
  free(download);
}

void icrm_download_close(struct icrm_download *download) {
  if (download->fd < 0)
    return;
  close(download->fd);
  if (download->draft[0])
    unlink(download->draft);
  download->fd = -1;
}

static int check_open(const struct icrm_download *download,
                      struct icrm_error *err) {
  if (download->fd >= 0)
    return 0;
  return icrm_error_set(err, ICRM_ERROR_CANCELED,
                        "the file was closed before it had come");
}

int icrm_download_begin(struct icrm_download *download,
                        struct icrm_error *err) {
  if (check_open(download, err) != 0)
    return -1;
  download->sieve =
      (struct icrm_sieve){.name = download->member, .number_name = "filesize"};
  download->decoder = (struct icrm_base64_decoder){0};
  download->size = 0;
  download->len = 0;
  if (ftruncate(download->fd, 0) == 0 && lseek(download->fd, 0, SEEK_SET) == 0)
    return 0;
  return icrm_error_set(err, ICRM_ERROR_STORE, "cannot write %s: %s",
                        download->target, strerror(errno));
}

static int flush(struct icrm_download *download, struct icrm_error *err) {
  for (size_t at = 0; at < download->len;) {
    ssize_t n = write(download->fd, download->buffer + at, download->len - at);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return icrm_error_set(
          err, ICRM_ERROR_STORE,
          "cannot write %s, after %lld bytes: %s; nothing of it is kept",
          download->target,
          (long long)(download->size - (int64_t)download->len),
          strerror(errno));
    at += (size_t)n;
  }
  download->len = 0;
  return 0;
}

/* The decoder made `n` bytes in the buffer, or failed for a `cause`. */
static int took(struct icrm_download *download, ssize_t n,
                const struct icrm_error *cause, struct icrm_error *err) {
  if (n < 0)
    return icrm_error_set(err, ICRM_ERROR_DECODE,
                          "the file in the CRM's answer is damaged: %s",
                          cause->message);
  const struct icrm_sieve *sieve = &download->sieve;
  const int64_t most = sieve->has_number ? sieve->number : download->most;
  download->len += (size_t)n;
  download->size += n;
  if (most < 0 || download->size <= most)
    return 0;
  return icrm_error_set(err, ICRM_ERROR_DECODE,
                        "the CRM sends more than the %lld bytes that it says "
                        "the file has",
                        (long long)most);
}

static int decode(struct icrm_download *download, const char *text, size_t len,
                  struct icrm_error *err) {
  struct icrm_error cause;
  while (len > 0) {
    const size_t n = len < SLICE_BYTES ? len : SLICE_BYTES;
    if (download->len + n + 3 > BUFFER_BYTES && flush(download, err) != 0)
      return -1;
    const ssize_t made = icrm_base64_piece(
        &download->decoder, text, n, download->buffer + download->len, &cause);
    if (took(download, made, &cause, err) != 0)
      return -1;
    text += n;
    len -= n;
  }
  return 0;
}

int icrm_download_feed(struct icrm_download *download, const char *bytes,
                       size_t len, struct icrm_buf *rest,
                       struct icrm_error *err) {
  struct icrm_sieve *sieve = &download->sieve;
  if (check_open(download, err) != 0)
    return -1;
  while (len > 0) {
    const char *value = NULL;
    size_t value_len;
    const size_t n =
        icrm_sieve_next(sieve, bytes, len, rest, &value, &value_len);
    if (sieve->why)
      return icrm_error_set(err, ICRM_ERROR_DECODE, "the CRM's answer %s",
                            sieve->why);
    if (value_len > 0 && decode(download, value, value_len, err) != 0)
      return -1;
    bytes += n;
    len -= n;
  }
  return 0;
}

int icrm_download_end(struct icrm_download *download, struct icrm_error *err) {
  struct icrm_error cause;
  if (check_open(download, err) != 0)
    return -1;
  if (download->len + 3 > BUFFER_BYTES && flush(download, err) != 0)
    return -1;
  const ssize_t n = icrm_base64_end(&download->decoder,
                                    download->buffer + download->len, &cause);
  return took(download, n, &cause, err) == 0 ? flush(download, err) : -1;
}

int64_t icrm_download_size(const struct icrm_download *download) {
  return download->sieve.was_found ? download->size : -1;
}

int icrm_download_save(struct icrm_download *download, const char *path,
                       struct icrm_error *err) {
  if (check_open(download, err) != 0 ||
      icrm_private_file_publish(download->fd, download->draft, path, err) != 0)
    return -1;
  const int fd = download->fd;
  download->fd = -1; /* it has its name */
  if (close(fd) == 0)
    return 0;
  return icrm_error_set(err, ICRM_ERROR_STORE, "cannot write %s: %s", path,
                        strerror(errno));
}
