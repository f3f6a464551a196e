/*
 * A text file of unknown encoding, read as UTF-8, block by block. What it
 * hands out is always valid UTF-8; the first bytes that are not text of the
 * encoding end the reading.
 */
#ifndef ICRM_TEXT_CHARSET_H
#define ICRM_TEXT_CHARSET_H

#include "core/buf.h"
#include "core/error.h"

/* X(ENUM, name). AUTO is a wish, never the encoding of an open file. */
#define ICRM_ENCODINGS(X)                                                      \
  X(AUTO, "auto")                                                              \
  X(UTF_8, "utf-8")                                                            \
  X(WINDOWS_1252, "windows-1252")                                              \
  X(UTF_16LE, "utf-16le")                                                      \
  X(UTF_16BE, "utf-16be")

enum icrm_encoding {
#define ICRM_ENCODING_ENUM(id, name) ICRM_ENCODING_##id,
  ICRM_ENCODINGS(ICRM_ENCODING_ENUM)
#undef ICRM_ENCODING_ENUM
};

struct icrm_charset;

/* The name of an encoding, a static string. */
const char *icrm_charset_name(enum icrm_encoding encoding);

/* Find an encoding by name, in either case; also "cp1252", "utf8" and the
 * like. Returns -1 and an error that lists the names when there is none. */
int icrm_charset_find(const char *name, enum icrm_encoding *out,
                      struct icrm_error *err);

/* Append `text`, which is in the encoding `from`, to `out` in the encoding
 * `to`. What `to` lacks, and what is no text of `from`, becomes "?"; a byte
 * order mark is a character like others. Neither encoding is AUTO. Error:
 * config, when iconv has not got them. */
int icrm_charset_convert(const char *text, size_t len, enum icrm_encoding from,
                         enum icrm_encoding to, struct icrm_buf *out,
                         struct icrm_error *err);

/* Open `path`, "-" for standard input. With ICRM_ENCODING_AUTO a byte order
 * mark decides, then NUL bytes in every other place (UTF-16), then whether the
 * whole file is UTF-8 (of a pipe: its first 64 KiB), else Windows-1252.
 * A byte order mark is never part of the text. Free with _close. */
int icrm_charset_open(struct icrm_charset **out, const char *path,
                      enum icrm_encoding wanted, struct icrm_error *err);

/* Append the next block, at most about 200 kB of UTF-8, to `text`. Returns 1,
 * or 0 at the end of the file, or -1. After bytes that are no text, what came
 * before them has been appended and _bad() is true: the caller, who knows the
 * line, words the error. Any other failure fills `err`. */
int icrm_charset_read(struct icrm_charset *charset, struct icrm_buf *text,
                      struct icrm_error *err);

/* Whether reading ended at bytes that are no text; then `bytes` (when not
 * NULL) gets them in hex, such as "E9 20". */
bool icrm_charset_bad(const struct icrm_charset *charset, char bytes[16]);

enum icrm_encoding icrm_charset_encoding(const struct icrm_charset *charset);

/* Whether the file began with a byte order mark. */
bool icrm_charset_has_bom(const struct icrm_charset *charset);

/* Whether the file can be opened and read once more: a pipe and standard input
 * cannot. */
bool icrm_charset_is_file(const struct icrm_charset *charset);

/* Close the file and free. NULL is allowed. */
void icrm_charset_close(struct icrm_charset *charset);

#endif
