#include "text/charset.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES 65536

struct icrm_charset {
  int fd;
  enum icrm_encoding encoding;
  bool bom;
  bool file;         /* a regular file, opened by its name */
  bool end;          /* the file has no more bytes */
  bool bad;          /* raw[0] starts bytes that are no text */
  iconv_t converter; /* (iconv_t)-1 for UTF-8 */
  size_t len;        /* bytes in raw */
  char raw[BLOCK_BYTES];
};

static const char *const names[] = {
#define ICRM_ENCODING_NAME(id, name) name,
    ICRM_ENCODINGS(ICRM_ENCODING_NAME)
#undef ICRM_ENCODING_NAME
};

const char *icrm_charset_name(enum icrm_encoding encoding) {
  return names[encoding];
}

int icrm_charset_find(const char *name, enum icrm_encoding *out,
                      struct icrm_error *err) {
  static const struct {
    const char *name;
    enum icrm_encoding encoding;
  } aliases[] = {
      {"utf8", ICRM_ENCODING_UTF_8},
      {"cp1252", ICRM_ENCODING_WINDOWS_1252},
      {"windows1252", ICRM_ENCODING_WINDOWS_1252},
      {"ansi", ICRM_ENCODING_WINDOWS_1252},
      /* Windows-1252 gives a meaning to bytes that Latin-1 files lack. */
      {"latin1", ICRM_ENCODING_WINDOWS_1252},
      {"iso-8859-1", ICRM_ENCODING_WINDOWS_1252},
      {"utf-16", ICRM_ENCODING_UTF_16LE},
      {"utf16", ICRM_ENCODING_UTF_16LE},
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcasecmp(names[i], name) == 0) {
      *out = (enum icrm_encoding)i;
      return 0;
    }
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    if (strcasecmp(aliases[i].name, name) == 0) {
      *out = aliases[i].encoding;
      return 0;
    }
  return icrm_error_set(err, ICRM_ERROR_INPUT,
                        "unknown encoding \"%.40s\": use auto, utf-8, "
                        "windows-1252, utf-16le or utf-16be",
                        name);
}

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

static void drop(struct icrm_charset *c, size_t n) {
  c->len -= n;
  memmove(c->raw, c->raw + n, c->len);
}

/* Bytes at the start of `text` that are valid UTF-8 without NUL. */
static size_t utf8_prefix(const char *text, size_t len) {
  size_t i = 0;
  while (i < len) {
    uint64_t eight;
    if (len - i >= sizeof eight) {
      memcpy(&eight, text + i, sizeof eight);
      /* No byte above 7F, none below 1: eight characters at once. */
      uint64_t zero = (eight - UINT64_C(0x0101010101010101)) & ~eight;
      if (((zero | eight) & UINT64_C(0x8080808080808080)) == 0) {
        i += sizeof eight;
        continue;
      }
    }
    size_t n = text[i] == '\0' ? 0 : icrm_utf8_sequence(text + i, len - i);
    if (n == 0)
      break;
    i += n;
  }
  return i;
}

/* Whether `rest` may be the start of a sequence that the next block ends. */
static bool utf8_may_go_on(const char *rest, size_t len) {
  char full[4] = {'\x80', '\x80', '\x80', '\x80'};
  if (len == 0 || len >= sizeof full)
    return len == 0;
  unsigned char lead = (unsigned char)rest[0];
  if (len == 1)
    return lead >= 0xC2 && lead <= 0xF4;
  memcpy(full, rest, len);
  for (size_t want = len + 1; want <= sizeof full; want++)
    if (icrm_utf8_sequence(full, want) == want)
      return true;
  return false;
}

/* Look at the whole of a regular file, else at the first block. */
static bool is_utf8(struct icrm_charset *c) {
  size_t good = utf8_prefix(c->raw, c->len);
  if (!utf8_may_go_on(c->raw + good, c->len - good))
    return false;
  if (c->end)
    return good == c->len;
  if (!is_regular(c->fd))
    return true;
  char block[BLOCK_BYTES];
  off_t at = lseek(c->fd, 0, SEEK_CUR) - (off_t)(c->len - good);
  for (;;) {
    ssize_t n = pread(c->fd, block, sizeof block, at);
    if (n <= 0)
      return n == 0;
    size_t ok = utf8_prefix(block, (size_t)n);
    if (ok == 0 || !utf8_may_go_on(block + ok, (size_t)n - ok))
      return false;
    at += (off_t)ok;
  }
}

/* UTF-16 without a mark: text of our countries has NUL in every other byte. */
static enum icrm_encoding guess_utf16(const char *raw, size_t len) {
  size_t nul[2] = {0, 0}, pairs = len / 2;
  for (size_t i = 0; i < pairs * 2; i++)
    nul[i & 1] += raw[i] == '\0';
  if (nul[1] * 2 > pairs && nul[0] * 8 < pairs)
    return ICRM_ENCODING_UTF_16LE;
  if (nul[0] * 2 > pairs && nul[1] * 8 < pairs)
    return ICRM_ENCODING_UTF_16BE;
  return ICRM_ENCODING_AUTO;
}

static enum icrm_encoding read_mark(const struct icrm_charset *c,
                                    size_t *mark_len) {
  static const struct {
    enum icrm_encoding encoding;
    size_t len;
    const char *bytes;
  } marks[] = {{ICRM_ENCODING_UTF_8, 3, "\xEF\xBB\xBF"},
               {ICRM_ENCODING_UTF_16LE, 2, "\xFF\xFE"},
               {ICRM_ENCODING_UTF_16BE, 2, "\xFE\xFF"}};
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    if (c->len >= marks[i].len &&
        memcmp(c->raw, marks[i].bytes, marks[i].len) == 0) {
      *mark_len = marks[i].len;
      return marks[i].encoding;
    }
  *mark_len = 0;
  return ICRM_ENCODING_AUTO;
}

static void detect(struct icrm_charset *c, enum icrm_encoding wanted) {
  size_t mark_len;
  enum icrm_encoding marked = read_mark(c, &mark_len);
  if (marked != ICRM_ENCODING_AUTO &&
      (wanted == ICRM_ENCODING_AUTO || wanted == marked)) {
    c->bom = true;
    c->encoding = marked;
    drop(c, mark_len);
    return;
  }
  if (wanted == ICRM_ENCODING_AUTO)
    wanted = guess_utf16(c->raw, c->len);
  if (wanted == ICRM_ENCODING_AUTO)
    wanted = is_utf8(c) ? ICRM_ENCODING_UTF_8 : ICRM_ENCODING_WINDOWS_1252;
  c->encoding = wanted;
}

static iconv_t open_converter(enum icrm_encoding to, enum icrm_encoding from,
                              struct icrm_error *err) {
  const char *to_name = icrm_charset_name(to);
  const char *from_name = icrm_charset_name(from);
  iconv_t converter = iconv_open(to_name, from_name);
  if (converter == (iconv_t)-1)
    icrm_error_set(err, ICRM_ERROR_CONFIG, "iconv here lacks %s to %s: %s",
                   from_name, to_name, strerror(errno));
  return converter;
}

/* Convert all, or what comes before bytes that cannot be: `*text` and `*len`
 * say where they are. Returns 0 or an errno. */
static int convert(iconv_t converter, char **text, size_t *len,
                   struct icrm_buf *out) {
  int why = 0;
  while (*len > 0 && (why == 0 || why == E2BIG)) {
    char part[8192], *to = part;
    size_t room = sizeof part;
    why = iconv(converter, text, len, &to, &room) == (size_t)-1 ? errno : 0;
    icrm_buf_add(out, part, (size_t)(to - part));
  }
  return why;
}

/* The bytes of the first character of a text that cannot be converted. */
static size_t character_len(const char *text, size_t len,
                            enum icrm_encoding encoding) {
  size_t n =
      encoding == ICRM_ENCODING_UTF_16LE || encoding == ICRM_ENCODING_UTF_16BE
          ? 2
          : 1;
  while (encoding == ICRM_ENCODING_UTF_8 && n < len && (text[n] & 0xC0) == 0x80)
    n++;
  return n < len ? n : len;
}

static void add_question_mark(iconv_t converter, enum icrm_encoding encoding,
                              struct icrm_buf *out) {
  char bytes[] = {0, '?', 0};
  char *mark = encoding == ICRM_ENCODING_UTF_16BE ? bytes : bytes + 1;
  size_t len = character_len(mark, 2, encoding);
  convert(converter, &mark, &len, out);
}

int icrm_charset_convert(const char *text, size_t len, enum icrm_encoding from,
                         enum icrm_encoding to, struct icrm_buf *out,
                         struct icrm_error *err) {
  iconv_t converter = open_converter(to, from, err);
  if (converter == (iconv_t)-1)
    return -1;
  char *rest = (char *)(uintptr_t)text; /* iconv only reads it */
  while (convert(converter, &rest, &len, out) != 0) {
    const size_t n = character_len(rest, len, from);
    rest += n;
    len -= n;
    add_question_mark(converter, from, out);
  }
  iconv_close(converter);
  return out->failed ? icrm_error_set(err, ICRM_ERROR_STORE, "out of memory")
                     : 0;
}

int icrm_charset_open(struct icrm_charset **out, const char *path,
                      enum icrm_encoding wanted, struct icrm_error *err) {
  struct icrm_charset *c = malloc(sizeof *c);
  if (!c)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  memset(c, 0, offsetof(struct icrm_charset, raw));
  c->converter = (iconv_t)-1;
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
  detect(c, wanted);
  if (c->encoding != ICRM_ENCODING_UTF_8) {
    c->converter = open_converter(ICRM_ENCODING_UTF_8, c->encoding, err);
    if (c->converter == (iconv_t)-1)
      goto fail;
  }
  *out = c;
  return 0;
fail:
  icrm_charset_close(c);
  return -1;
}

static void take_utf8(struct icrm_charset *c, struct icrm_buf *text) {
  size_t good = utf8_prefix(c->raw, c->len);
  icrm_buf_add(text, c->raw, good);
  drop(c, good);
  c->bad = c->len > 0 && (c->end || !utf8_may_go_on(c->raw, c->len));
}

static void take_converted(struct icrm_charset *c, struct icrm_buf *text) {
  char *from = c->raw;
  size_t left = c->len;
  const int why = convert(c->converter, &from, &left, text);
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
  if (c->encoding == ICRM_ENCODING_UTF_8)
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
  bool one = c->len == 1 || c->encoding == ICRM_ENCODING_WINDOWS_1252 ||
             (c->encoding == ICRM_ENCODING_UTF_8 && c->raw[0] == '\0');
  snprintf(bytes, 16, one ? "%02X" : "%02X %02X", (unsigned char)c->raw[0],
           (unsigned char)c->raw[1]);
  return true;
}

enum icrm_encoding icrm_charset_encoding(const struct icrm_charset *c) {
  return c->encoding;
}

bool icrm_charset_has_bom(const struct icrm_charset *c) {
  return c->bom;
}

bool icrm_charset_is_file(const struct icrm_charset *c) {
  return c->file;
}

void icrm_charset_close(struct icrm_charset *c) {
  if (!c)
    return;
  if (c->converter != (iconv_t)-1)
    iconv_close(c->converter);
  if (c->fd >= 0)
    close(c->fd);
  free(c);
}
