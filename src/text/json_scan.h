/*
 * Finding the end of a string in JSON, and of a run of plain bytes in it: bytes
 * that stand for themselves and need no look, that is ASCII without quotes,
 * backslashes and control characters. Sixteen at a time where the processor
 * can (SSE2, which every x86-64 has), else eight.
 */
#ifndef ICRM_TEXT_JSON_SCAN_H
#define ICRM_TEXT_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool icrm_json_is_special(char c) {
  unsigned char byte = (unsigned char)c;
  return byte == '"' || byte == '\\' || byte < 0x20 || byte >= 0x80;
}

/* How many of eight bytes are plain before the first that is not. The classic
 * tests for a zero byte and for a byte less than n; a false yes can only stand
 * behind a true one. */
static inline size_t icrm_json_plain_of_eight(const char *at) {
  const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
  uint64_t word;
  memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  uint64_t quote = word ^ (ones * '"');
  uint64_t backslash = word ^ (ones * '\\');
  uint64_t special =
      (word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) &
      highs;
  return special ? (size_t)__builtin_ctzll(special) / 8 : 8;
}

/* The first byte from `at` on that is not plain, or `end`. */
static inline const char *icrm_json_skip_plain(const char *at,
                                               const char *end) {
#ifdef __SSE2__
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i slashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    /* As signed numbers, bytes above 7F are less than a space, too. */
    const __m128i others = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
    const int found =
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, slashes), others));
    if (found)
      return at + __builtin_ctz((unsigned)found);
    at += 16;
  }
#endif
  while (end - at >= 8) {
    size_t n = icrm_json_plain_of_eight(at);
    at += n;
    if (n < 8)
      return at;
  }
  while (at < end && !icrm_json_is_special(*at))
    at++;
  return at;
}

/* Behind the string whose opening quote is at `at`, whatever stands in it;
 * `end` when it is not closed. */
const char *icrm_json_skip_string(const char *at, const char *end);

/* Four hexadecimal digits, -1 when they are not. */
int icrm_json_hex4(const char *at, const char *end);

/* The end of an escape, `at` behind its backslash; NULL when it is none, and
 * `*why` says so. Both halves of a surrogate pair are one escape. */
const char *icrm_json_skip_escape(const char *at, const char *end,
                                  const char **why);

#endif
