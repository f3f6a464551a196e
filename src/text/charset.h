/*
 * A text file of unknown encoding, read as UTF-8, block by block. What it
 * hands out is always valid UTF-8; the first bytes that are not text of the
 * encoding end the reading.
 */
#ifndef ICRM_TEXT_CHARSET_H
#define ICRM_TEXT_CHARSET_H

#include "text/guess.h"

struct icrm_charset;

/* Open `path`, "-" for standard input, in the encoding `wanted`, or in the one
 * that is guessed. A byte order mark is never part of the text; it decides
 * between the two orders of UTF-16 or UTF-32, whichever is wanted. Free with
 * _close. */
int icrm_charset_open(struct icrm_charset **out, const char *path,
                      const struct icrm_encoding *wanted,
                      struct icrm_error *err);

/* Append the next block, at most about 200 kB of UTF-8, to `text`. Returns 1,
 * or 0 at the end of the file, or -1. After bytes that are no text, what came
 * before them has been appended and _bad() is true: the caller, who knows the
 * line, words the error. Any other failure fills `err`. */
int icrm_charset_read(struct icrm_charset *charset, struct icrm_buf *text,
                      struct icrm_error *err);

/* Whether reading ended at bytes that are no text; then `bytes` (when not
 * NULL) gets them in hex, such as "E9 20". */
bool icrm_charset_bad(const struct icrm_charset *charset, char bytes[16]);

/* The encoding, guessed or wanted, and what there is to say of a guess. */
const struct icrm_guess *icrm_charset_guess(const struct icrm_charset *charset);

/* See icrm_encoding_is_8bit. */
bool icrm_charset_is_8bit(const struct icrm_charset *charset);

/* Whether the file can be opened and read once more: a pipe and standard input
 * cannot. */
bool icrm_charset_is_file(const struct icrm_charset *charset);

/* Close the file and free. NULL is allowed. */
void icrm_charset_close(struct icrm_charset *charset);

#endif
