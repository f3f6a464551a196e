#include "text/charset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES 65536

struct icrm_charset {
  int fd;
  struct icrm_guess guess;
  bool is_8bit;                     /* icrm_encoding_is_8bit */
  bool file;                        /* a regular file, opened by its name */
  bool end;                         /* the file has no more bytes */
  bool bad;                         /* raw[0] starts bytes that are no text */
  struct icrm_converter *converter; /* NULL for UTF-8 */
  size_t len;                       /* bytes in raw */
  char raw[BLOCK_BYTES];
};

static bool is_regular(int fd) {
  struct stat st;
  return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Fill raw as far as the file allows. */
static int fill(struct icrm_charset *c, struct icrm_error *err) {
  while (!c->end && c->len < sizeof c->raw) {
    ssize_t n = read(c->fd, c->raw + c->len, sizeof c->raw - c->len);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return icrm_error_set(err, ICRM_ERROR_STORE, "cannot read: %s",
                            strerror(errno));
    if (n == 0)
      c->end = true;
    c->len += (size_t)n;
  }
  return 0;
}

static bool is_utf8(const struct icrm_charset *c) {
  return icrm_encoding_is(&c->guess.encoding, "utf-8");
}

static void drop(struct icrm_charset *c, size_t n) {
  c->len -= n;
  memmove(c->raw, c->raw + n, c->len);
}

/* Whether a mark of one encoding may begin a text of the other: UTF-16 and
 * UTF-32 are wanted by a name that often leaves the order of bytes open. */
static bool is_mark_of(const struct icrm_encoding *marked,
                       const struct icrm_encoding *wanted) {
  const size_t unit = icrm_encoding_unit(wanted);
  return icrm_encoding_is(marked, wanted->name) ||
         (unit > 1 && unit == icrm_encoding_unit(marked));
}

/* The encoding that is wanted, or else guessed; a mark of it is dropped, and
 * decides the order of bytes. */
static int settle(struct icrm_charset *c, const struct icrm_encoding *wanted,
                  struct icrm_error *err) {
  struct icrm_encoding marked;
  if (icrm_encoding_is(wanted, "")) {
    if (icrm_guess(c->fd, c->raw, c->len, c->end, &c->guess, err) < 0)
      return -1;
  } else {
    size_t mark = icrm_guess_mark(c->raw, c->len, &marked);
    bool is_marked = mark > 0 && is_mark_of(&marked, wanted);
    c->guess.encoding = is_marked ? marked : *wanted;
    c->guess.mark = is_marked ? mark : 0;
  }
  c->is_8bit = icrm_encoding_is_8bit(&c->guess.encoding);
  drop(c, c->guess.mark);
  return 0;
}

int icrm_charset_open(struct icrm_charset **out, const char *path,
                      const struct icrm_encoding *wanted,
                      struct icrm_error *err) {
  const struct icrm_encoding utf8 = ICRM_ENCODING_UTF_8;
  struct icrm_charset *c = malloc(sizeof *c);
  if (!c)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  memset(c, 0, offsetof(struct icrm_charset, raw));
  c->fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                 : open(path, O_RDONLY | O_CLOEXEC);
  if (c->fd < 0) {
    icrm_error_set(err, ICRM_ERROR_INPUT, "cannot open the file: %s",
                   strerror(errno));
    goto fail;
  }
  if (fill(c, err) < 0)
    goto fail;
  c->file = is_regular(c->fd) && strcmp(path, "-") != 0;
  if (settle(c, wanted, err) < 0)
    goto fail;
  if (!is_utf8(c)) {
    c->converter = icrm_converter_open(&utf8, &c->guess.encoding, err);
    if (!c->converter)
      goto fail;
  }
  *out = c;
  return 0;
fail:
  icrm_charset_close(c);
  return -1;
}

static void take_utf8(struct icrm_charset *c, struct icrm_buf *text) {
  size_t good = icrm_guess_utf8_prefix(c->raw, c->len);
  icrm_buf_add(text, c->raw, good);
  drop(c, good);
  c->bad = c->len > 0 && (c->end || !icrm_guess_may_go_on(c->raw, c->len));
}

static void take_converted(struct icrm_charset *c, struct icrm_buf *text) {
  char *from = c->raw;
  size_t left = c->len;
  const int why = icrm_converter_run(c->converter, &from, &left, text);
  drop(c, c->len - left);
  c->bad = left > 0 && (why == EILSEQ || c->end);
}

/* No text has a NUL; what follows one here is not handed out. */
static void stop_at_nul(struct icrm_charset *c, struct icrm_buf *text,
                        size_t from) {
  char *nul = text->len > from
                  ? memchr(text->data + from, '\0', text->len - from)
                  : NULL;
  if (!nul)
    return;
  text->len = (size_t)(nul - text->data);
  c->raw[0] = '\0';
  c->len = 1;
  c->bad = true;
}

int icrm_charset_read(struct icrm_charset *c, struct icrm_buf *text,
                      struct icrm_error *err) {
  if (c->bad)
    return -1;
  if (fill(c, err) < 0)
    return -1;
  if (c->len == 0)
    return 0;
  size_t from = text->len;
  if (is_utf8(c))
    take_utf8(c, text);
  else
    take_converted(c, text);
  stop_at_nul(c, text, from);
  if (text->failed)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  return c->bad ? -1 : 1;
}

bool icrm_charset_bad(const struct icrm_charset *c, char bytes[16]) {
  if (!c->bad || !bytes)
    return c->bad;
  bool one = c->len == 1 || c->is_8bit || (is_utf8(c) && c->raw[0] == '\0');
  snprintf(bytes, 16, one ? "%02X" : "%02X %02X", (unsigned char)c->raw[0],
           (unsigned char)c->raw[1]);
  return true;
}

const struct icrm_guess *icrm_charset_guess(const struct icrm_charset *c) {
  return &c->guess;
}

bool icrm_charset_is_8bit(const struct icrm_charset *c) {
  return c->is_8bit;
}

bool icrm_charset_is_file(const struct icrm_charset *c) {
  return c->file;
}

void icrm_charset_close(struct icrm_charset *c) {
  if (!c)
    return;
  icrm_converter_close(c->converter);
  if (c->fd >= 0)
    close(c->fd);
  free(c);
}
