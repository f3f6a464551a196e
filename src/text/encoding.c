#include "text/encoding.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

bool icrm_encoding_is(const struct icrm_encoding *encoding, const char *name) {
  return strcmp(encoding->name, name) == 0;
}

size_t icrm_encoding_unit(const struct icrm_encoding *encoding) {
  if (strncmp(encoding->name, "utf-32", 6) == 0 ||
      strncmp(encoding->name, "ucs-4", 5) == 0)
    return 4;
  return strncmp(encoding->name, "utf-16", 6) == 0 ||
                 strncmp(encoding->name, "ucs-2", 5) == 0
             ? 2
             : 1;
}

bool icrm_encoding_is_8bit(const struct icrm_encoding *encoding) {
  const struct icrm_encoding utf8 = ICRM_ENCODING_UTF_8;
  if (icrm_encoding_is(encoding, "utf-8"))
    return false;
  struct icrm_converter *converter = icrm_converter_open(&utf8, encoding, NULL);
  bool is_8bit = converter != NULL;
  for (int byte = 1; byte < 256 && is_8bit; byte++) {
    char to[16];
    size_t len;
    int why = icrm_converter_byte(converter, (unsigned char)byte, to, &len);
    is_8bit = byte < 0x80 ? why == 0 && len == 1 && to[0] == (char)byte
                          : why != EINVAL;
  }
  icrm_converter_close(converter);
  return is_8bit;
}

static const char *resolve(const char *name) {
  static const struct {
    const char *name, *means;
  } aliases[] = {
      {"auto", ""},
      {"utf8", "utf-8"},
      {"cp1252", "windows-1252"},
      {"windows1252", "windows-1252"},
      {"ansi", "windows-1252"},
      /* Windows-1252 gives a meaning to bytes that Latin-1 files lack. */
      {"latin1", "windows-1252"},
      {"iso-8859-1", "windows-1252"},
      {"latin9", "iso-8859-15"},
      {"utf-16", "utf-16le"},
      {"utf16", "utf-16le"},
      {"utf-32", "utf-32le"},
      {"utf32", "utf-32le"},
      {"macroman", "macintosh"},
      {"mac-roman", "macintosh"},
      {"x-mac-roman", "macintosh"},
  };
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    if (strcasecmp(aliases[i].name, name) == 0)
      return aliases[i].means;
  return name;
}

/* iconv_open takes "//TRANSLIT" behind a name, and no name for the locale's. */
static bool is_name(const char *name) {
  size_t len = strlen(name);
  return len > 0 && len < sizeof((struct icrm_encoding *)0)->name &&
         name[strspn(name,
                     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "0123456789_.:()+-")] == '\0';
}

int icrm_encoding_find(const char *name, struct icrm_encoding *out,
                       struct icrm_error *err) {
  const struct icrm_encoding utf8 = ICRM_ENCODING_UTF_8;
  const char *means = resolve(name);
  *out = ICRM_ENCODING_AUTO;
  if (means[0] == '\0' && name[0] != '\0')
    return 0;
  if (is_name(means)) {
    for (size_t i = 0; means[i] != '\0'; i++)
      out->name[i] = (char)tolower((unsigned char)means[i]);
    struct icrm_converter *converter = icrm_converter_open(&utf8, out, NULL);
    if (converter) {
      icrm_converter_close(converter);
      return 0;
    }
  }
  return icrm_error_set(
      err, ICRM_ERROR_INPUT,
      "unknown encoding \"%.40s\": use auto, utf-8, windows-1252, utf-16le, "
      "iso-8859-15, macintosh, cp850, or another name that `iconv -l` lists",
      name);
}

/* ---- Converters ---------------------------------------------------------- */

/* An iconv_t behind a name of our own. */
static iconv_t handle(struct icrm_converter *converter) {
  return (iconv_t)converter;
}

struct icrm_converter *icrm_converter_open(const struct icrm_encoding *to,
                                           const struct icrm_encoding *from,
                                           struct icrm_error *err) {
  iconv_t converter = iconv_open(to->name, from->name);
  if (converter != (iconv_t)-1)
    return (struct icrm_converter *)converter;
  icrm_error_set(err, ICRM_ERROR_CONFIG, "iconv here lacks %s to %s: %s",
                 from->name, to->name, strerror(errno));
  return NULL;
}

void icrm_converter_close(struct icrm_converter *converter) {
  if (converter)
    iconv_close(handle(converter));
}

int icrm_converter_run(struct icrm_converter *converter, char **text,
                       size_t *len, struct icrm_buf *out) {
  int why = 0;
  while (*len > 0 && (why == 0 || why == E2BIG)) {
    char part[8192], *to = part;
    size_t room = sizeof part;
    bool failed = iconv(handle(converter), text, len, &to, &room) == (size_t)-1;
    why = failed ? errno : 0;
    icrm_buf_add(out, part, (size_t)(to - part));
  }
  return why;
}

int icrm_converter_byte(struct icrm_converter *converter, unsigned char byte,
                        char to[16], size_t *len) {
  char text[1] = {(char)byte}, *from = text, *end = to;
  size_t left = 1, room = 16;
  iconv(handle(converter), NULL, NULL, NULL, NULL);
  bool failed =
      iconv(handle(converter), &from, &left, &end, &room) == (size_t)-1;
  *len = (size_t)(end - to);
  return failed ? errno : 0;
}

/* The bytes of the first character of a text that cannot be converted. */
static size_t character_len(const char *text, size_t len,
                            const struct icrm_encoding *encoding) {
  size_t n = icrm_encoding_unit(encoding);
  while (icrm_encoding_is(encoding, "utf-8") && n < len &&
         (text[n] & 0xC0) == 0x80)
    n++;
  return n < len ? n : len;
}

int icrm_encoding_convert(const char *text, size_t len,
                          const struct icrm_encoding *from,
                          const struct icrm_encoding *to, struct icrm_buf *out,
                          struct icrm_error *err) {
  const struct icrm_encoding utf8 = ICRM_ENCODING_UTF_8;
  struct icrm_converter *converter = icrm_converter_open(to, from, err);
  struct icrm_converter *marks = icrm_converter_open(to, &utf8, err);
  if (!converter || !marks) {
    icrm_converter_close(converter);
    icrm_converter_close(marks);
    return -1;
  }
  char *rest = (char *)(uintptr_t)text; /* iconv only reads it */
  while (icrm_converter_run(converter, &rest, &len, out) != 0) {
    const size_t n = character_len(rest, len, from);
    rest += n;
    len -= n;
    char question[] = "?", *mark = question;
    size_t one = 1;
    icrm_converter_run(marks, &mark, &one, out);
  }
  icrm_converter_close(marks);
  icrm_converter_close(converter);
  return out->failed ? icrm_error_set(err, ICRM_ERROR_STORE, "out of memory")
                     : 0;
}
