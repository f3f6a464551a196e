/*
 * The encoding of a file that does not say it. A byte order mark decides, then
 * NUL bytes in every other place (UTF-16), then whether it is UTF-8. What is
 * left has one byte a character, and only its words tell which: the encoding is
 * taken that leaves the fewest signs where no word of French or English has
 * them, as a capital behind a small letter is, or a control.
 */
#ifndef ICRM_TEXT_GUESS_H
#define ICRM_TEXT_GUESS_H

#include "text/encoding.h"

struct icrm_guess {
  struct icrm_encoding encoding;
  size_t mark; /* bytes of the byte order mark, 0 for none */

  /* Of a file that is UTF-8 but for some places: how many they are. */
  unsigned long broken;

  /* What else the file may be, "" when there is no doubt, and the first word
   * that tells them apart: its bytes, and in UTF-8 by each encoding. */
  struct icrm_encoding rival;
  char word[96], rival_word[96];
};

/* Guess by the first bytes of the file, which were read from `fd` last, and by
 * all of it when they are not all and `fd` is a regular file; its place is not
 * moved. Errors: store, when the file cannot be read; input, when no encoding
 * makes words of it. */
int icrm_guess(int fd, const char *first, size_t len, bool is_all,
               struct icrm_guess *out, struct icrm_error *err);

/* The byte order mark that `text` begins with: its encoding, and its length, 0
 * when there is none. */
size_t icrm_guess_mark(const char *text, size_t len,
                       struct icrm_encoding *encoding);

/* Bytes at the start of `text` that are valid UTF-8 without NUL. */
size_t icrm_guess_utf8_prefix(const char *text, size_t len);

/* Whether `rest` may be the start of a sequence that more bytes end. */
bool icrm_guess_may_go_on(const char *rest, size_t len);

#endif
