/*
 * Encodings of text by name: all that iconv knows, and conversion between them.
 */
#ifndef ICRM_TEXT_ENCODING_H
#define ICRM_TEXT_ENCODING_H

#include "core/buf.h"
#include "core/error.h"

#include <stddef.h>

/* An encoding by a name that iconv knows, in lower case. The empty name is the
 * wish that it be detected, never the encoding of an open file. */
struct icrm_encoding {
  char name[32];
};

#define ICRM_ENCODING(text) ((struct icrm_encoding){.name = text})
#define ICRM_ENCODING_AUTO ICRM_ENCODING("")
#define ICRM_ENCODING_UTF_8 ICRM_ENCODING("utf-8")
#define ICRM_ENCODING_WINDOWS_1252 ICRM_ENCODING("windows-1252")

bool icrm_encoding_is(const struct icrm_encoding *encoding, const char *name);

/* Bytes of the smallest character: 4 for UTF-32, 2 for UTF-16, else 1. */
size_t icrm_encoding_unit(const struct icrm_encoding *encoding);

/* Whether each byte is a character, and those below 80 are ASCII's. */
bool icrm_encoding_is_8bit(const struct icrm_encoding *encoding);

/* Find an encoding by name, in either case: "auto", the names that `iconv -l`
 * lists, and some that people use ("ansi", "macroman"). Returns -1 and an error
 * (input) when there is none. */
int icrm_encoding_find(const char *name, struct icrm_encoding *out,
                       struct icrm_error *err);

struct icrm_converter;

/* A converter, to be closed; NULL and an error (config) when iconv has none. */
struct icrm_converter *icrm_converter_open(const struct icrm_encoding *to,
                                           const struct icrm_encoding *from,
                                           struct icrm_error *err);

/* Convert all of `*text`, or what comes before bytes that cannot be: `*text`
 * and `*len` say where those are. Returns 0 or the errno of iconv. */
int icrm_converter_run(struct icrm_converter *converter, char **text,
                       size_t *len, struct icrm_buf *out);

/* Convert one byte by itself. Returns 0 or the errno of iconv; `len` is how
 * many bytes came out, at most 16. */
int icrm_converter_byte(struct icrm_converter *converter, unsigned char byte,
                        char to[16], size_t *len);

/* NULL is allowed. */
void icrm_converter_close(struct icrm_converter *converter);

/* Append `text`, which is in the encoding `from`, to `out` in the encoding
 * `to`. What `to` lacks, and what is no text of `from`, becomes "?"; a byte
 * order mark is a character like others. Errors: config, when iconv lacks them;
 * store. */
int icrm_encoding_convert(const char *text, size_t len,
                          const struct icrm_encoding *from,
                          const struct icrm_encoding *to, struct icrm_buf *out,
                          struct icrm_error *err);

#endif
