#include "sandbox/collate.h"

#include "core/buf.h"

#include <stdlib.h>

/* Base letters of U+00C0 to U+017F; '.' where the character is its own. */
static const char base[] = "aaaaaa.ceeeeiiii.nooooo..uuuuy.s"
                           "aaaaaa.ceeeeiiii.nooooo..uuuuy.y"
                           "aaaaaaccccccccdd..eeeeeeeeeegggg"
                           "gggghh..iiiiiiiiii..jjkk.llllll."
                           "...nnnnnn...oooooo..rrrrrrssssss"
                           "sstttt..uuuuuuuuuuuuwwyyyzzzzzzs";

static unsigned decode(const char **text, size_t *len) {
  size_t n = icrm_utf8_sequence(*text, *len);
  unsigned c = (unsigned char)**text;
  if (n > 1) {
    c &= 0x7Fu >> n;
    for (size_t i = 1; i < n; i++)
      c = c << 6 | ((unsigned char)(*text)[i] & 0x3F);
  }
  n = n ? n : 1;
  *text += n;
  *len -= n;
  return c;
}

static unsigned fold(unsigned c) {
  if (c < 0x80)
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
  if (c >= 0xC0 && c - 0xC0 < sizeof base - 1 && base[c - 0xC0] != '.')
    return (unsigned char)base[c - 0xC0];
  if (c == 0xC6 || c == 0xD0 || c == 0xD8 || c == 0xDE)
    return c + 32;
  if (c == 0x152) /* the letter pair oe */
    return 0x153;
  if ((c >= 0x391 && c <= 0x3A9) || (c >= 0x410 && c <= 0x42F))
    return c + 32;
  return c >= 0x400 && c <= 0x40F ? c + 80 : c;
}

static unsigned next(const char **text, size_t *len) {
  unsigned char c = (unsigned char)**text;
  if (c >= 0x80)
    return fold(decode(text, len));
  ++*text;
  --*len;
  return fold(c);
}

static size_t without_trailing_spaces(const char *text, size_t len) {
  while (len && text[len - 1] == ' ')
    len--;
  return len;
}

int sb_collate_compare(const char *a, size_t a_len, const char *b,
                       size_t b_len) {
  a_len = without_trailing_spaces(a, a_len);
  b_len = without_trailing_spaces(b, b_len);
  while (a_len && b_len) {
    unsigned x = next(&a, &a_len), y = next(&b, &b_len);
    if (x != y)
      return x < y ? -1 : 1;
  }
  /* The shorter one is padded with spaces. */
  if (a_len)
    return next(&a, &a_len) < ' ' ? -1 : 1;
  return b_len ? (next(&b, &b_len) < ' ' ? 1 : -1) : 0;
}

bool sb_collate_like(const char *pattern, size_t pattern_len, const char *text,
                     size_t text_len) {
  const char *resume = NULL, *kept = NULL; /* after the last `%` */
  size_t resume_len = 0, kept_len = 0;
  while (text_len || pattern_len) {
    if (pattern_len && *pattern == '%') {
      resume = ++pattern;
      resume_len = --pattern_len;
      kept = text;
      kept_len = text_len;
      continue;
    }
    if (pattern_len && text_len) {
      bool any = *pattern == '_';
      if (*pattern == '\\' && pattern_len > 1)
        pattern++, pattern_len--;
      unsigned want = next(&pattern, &pattern_len);
      if (want == next(&text, &text_len) || any)
        continue;
    }
    if (!resume || kept_len == 0)
      return false;
    decode(&kept, &kept_len);
    pattern = resume;
    pattern_len = resume_len;
    text = kept;
    text_len = kept_len;
  }
  return true;
}

double sb_collate_number(const char *text) {
  size_t n = 0;
  while (text[n] == ' ')
    n++;
  size_t start = n;
  if (text[n] == '+' || text[n] == '-')
    n++;
  bool digit = false;
  while ((text[n] >= '0' && text[n] <= '9') || text[n] == '.')
    digit |= text[n++] != '.';
  return digit ? strtod(text + start, NULL) : 0; /* no hex, inf or nan */
}
