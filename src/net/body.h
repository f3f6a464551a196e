/*
 * The body of a request: two texts, and files at places in the second one,
 * read in blocks while they leave. A file goes as it is (a part of a multipart
 * form) or in base64, percent-encoded (the value of a parameter).
 *
 * Its promise: a file leaves as it was when it was added, or the body does not
 * come to its end, so that no server sees a whole request. To know the length
 * of the encoded form beforehand it is read once, which also gives its sha256;
 * the bytes that leave must give the same, and size and time stay the same.
 */
#ifndef ICRM_NET_BODY_H
#define ICRM_NET_BODY_H

#include "core/buf.h"
#include "core/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct icrm_body_file;

struct icrm_body_file_options {
  const char *path;   /* a regular file; stays open until it is freed */
  bool base64;        /* as the value of a parameter */
  int64_t size;       /* what it must have, -1 for any */
  const char *sha256; /* what it must have, NULL for any */
};

/* Add a file to the end of `*list`, to be sent after `at` bytes of the text,
 * not before the files in the list. Fails with kind input, and with code
 * FILE_CHANGED when it is not as the options say. */
int icrm_body_add_file(struct icrm_body_file **list, size_t at,
                       const struct icrm_body_file_options *options,
                       struct icrm_error *err);
void icrm_body_free_files(struct icrm_body_file *list);

/* The size of a file that could be added, -1 (kind input) when it could not. */
int64_t icrm_body_file_size(const char *path, struct icrm_error *err);

/* Memory behind the pointers belongs to the caller. */
struct icrm_body {
  const struct icrm_buf *head, *text; /* NULL for none */
  struct icrm_body_file *files;       /* in `text` */
};

/* Whether there is none at all: a GET. */
bool icrm_body_is_none(const struct icrm_body *body);

/* Its bytes. */
int64_t icrm_body_len(const struct icrm_body *body);

/* Where reading has come to. */
struct icrm_body_reader {
  struct icrm_body body;
  size_t at;                   /* bytes read of both texts */
  struct icrm_body_file *file; /* the next */
};

/* Read `body` from its beginning. Fails with kind input and code FILE_CHANGED
 * when a file is not as it was. */
int icrm_body_begin(struct icrm_body_reader *reader,
                    const struct icrm_body *body, struct icrm_error *err);

/* The next bytes, at most `room`: their number, 0 at the end; -1 (kind input)
 * when a file cannot be read, or is not as it was. */
ssize_t icrm_body_read(struct icrm_body_reader *reader, char *out, size_t room,
                       struct icrm_error *err);

#endif
