#include "text/guess.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#define BLOCK_BYTES 65536
#define WORD_BYTES 40 /* that are looked at on each side of a byte */

/* ---- UTF-8 --------------------------------------------------------------- */

size_t icrm_guess_utf8_prefix(const char *text, size_t len) {
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

bool icrm_guess_may_go_on(const char *rest, size_t len) {
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

/* ---- What words hold ----------------------------------------------------- */

/* What stands beside a byte. */
enum beside { OTHER, SMALL, CAPITAL, BESIDES };

static enum beside beside(int byte) {
  if (byte >= 'a' && byte <= 'z')
    return SMALL;
  return byte >= 'A' && byte <= 'Z' ? CAPITAL : OTHER;
}

enum { GOOD = 0, ODD = 1, RARE = 3, STRANGE = 4, WRONG = 6, NO_TEXT = 8 };

static bool is_in(const wchar_t *set, wchar_t sign) {
  return sign != 0 && wcschr(set, sign) != NULL;
}

static int cost_of_small(wchar_t sign, enum beside left, enum beside right) {
  if (left == OTHER && right == OTHER)
    return sign == L'à' ? GOOD : is_in(L"œæž", sign) ? STRANGE : ODD;
  if (is_in(L"àâäæçéèêëîïôöœùûüÿñ", sign))
    return left == CAPITAL && right == CAPITAL ? ODD : GOOD;
  return is_in(L"šžðþ", sign) ? RARE : ODD;
}

static int cost_of_capital(wchar_t sign, enum beside left, enum beside right) {
  if (left == SMALL)
    return WRONG;
  if (left == OTHER && right == OTHER && sign != L'À')
    return ODD;
  if (is_in(L"ÀÂÄÆÇÉÈÊËÎÏÔÖŒÙÛÜŸ", sign))
    return GOOD;
  return is_in(L"ŠŽÐÞ", sign) ? RARE : ODD;
}

static int cost_of_sign(wchar_t sign, enum beside left, enum beside right) {
  if (is_in(L"’\u00A0\u202F\u00AD", sign))
    return GOOD;
  if (left != OTHER && right != OTHER)
    return is_in(L"–·/", sign) ? ODD : WRONG;
  if (is_in(L"«»°€“”…–—²³½¼¾®©™§£·•±×¿¡µªº", sign))
    return GOOD;
  if (sign == L'¤' || (left != OTHER && is_in(L"‘‚„", sign)))
    return STRANGE;
  return ODD;
}

static bool is_small(wchar_t sign) {
  return is_in(L"àâäæçéèêëîïôöœùûüÿñáãåìíðòóõøýþßšž", sign);
}

static bool is_capital(wchar_t sign) {
  return is_in(L"ÀÂÄÆÇÉÈÊËÎÏÔÖŒÙÛÜŸÁÃÅÌÍÑÒÓÕØÝÐÞŠŽ", sign);
}

/* How little a character belongs where it stands. */
static int cost_of(wchar_t sign, enum beside left, enum beside right) {
  if (sign < 0xA0 || (sign >= 0x2500 && sign < 0x25A0))
    return NO_TEXT;
  if (is_small(sign))
    return cost_of_small(sign, left, right);
  if (is_capital(sign))
    return cost_of_capital(sign, left, right);
  if (is_in(L"‘’‚“”„†‡•…‰‹›€™–—ˆ˜ƒ\u202F", sign) || sign <= 0xFF)
    return cost_of_sign(sign, left, right);
  return RARE;
}

/* ---- The encodings that are weighed -------------------------------------- */

static const char *const names[] = {"windows-1252", "iso-8859-15", "macintosh",
                                    "cp850"};
enum { CANDIDATES = 4, MACINTOSH = 2 };

struct weights {
  unsigned char cost[CANDIDATES][128][BESIDES][BESIDES];
  bool is_mark[CANDIDATES][128]; /* what may follow another in any number */
};

/* The character of a byte; 0 when it has none. */
static wchar_t sign_of(struct icrm_converter *converter, int byte) {
  char to[16];
  size_t len;
  wchar_t sign = 0;
  if (icrm_converter_byte(converter, (unsigned char)byte, to, &len) == 0 &&
      len == sizeof sign)
    memcpy(&sign, to, len);
  return sign;
}

static int weigh_signs(struct weights *weights, struct icrm_error *err) {
  const struct icrm_encoding wide = ICRM_ENCODING("wchar_t");
  for (int k = 0; k < CANDIDATES; k++) {
    struct icrm_encoding from = {{0}};
    snprintf(from.name, sizeof from.name, "%s", names[k]);
    struct icrm_converter *converter = icrm_converter_open(&wide, &from, err);
    if (!converter)
      return -1;
    for (int i = 0; i < 128; i++) {
      wchar_t sign = sign_of(converter, 128 + i);
      weights->is_mark[k][i] = is_in(L"\u00A0\u202F«»–—’“”…€", sign);
      for (enum beside left = OTHER; left < BESIDES; left++)
        for (enum beside right = OTHER; right < BESIDES; right++)
          weights->cost[k][i][left][right] =
              (unsigned char)cost_of(sign, left, right);
    }
    icrm_converter_close(converter);
  }
  return 0;
}

/* ---- One look at the file ------------------------------------------------ */

struct look {
  struct weights weights;
  unsigned long cost[CANDIDATES];
  unsigned long high;      /* bytes above 7F */
  unsigned long sequences; /* characters of UTF-8 that are no words otherwise */
  unsigned long bad;       /* places that are no UTF-8 */
  unsigned long lf, cr;
  size_t carry; /* bytes at the start of the next block that are told already */
  size_t word_len;
  /* Around the first byte that Windows-1252 dislikes. */
  char word[2 * WORD_BYTES];
};

/* Two bytes that are UTF-8 and may be two characters of a text as well: a
 * capital and a sign, as É and a no-break blank. What begins with Ã or Â may
 * not. */
static bool is_chance(const char *text, size_t n) {
  unsigned char lead = (unsigned char)text[0];
  return n == 2 &&
         (lead == 0xC4 || (lead >= 0xC6 && lead <= 0xCD) || lead >= 0xD2);
}

static bool is_of_word(char byte) {
  return (byte & 0x80) || beside((unsigned char)byte) != OTHER;
}

static void keep_word(struct look *look, const char *text, size_t len,
                      size_t at) {
  size_t from = at, to = at + 1;
  while (from > 0 && at - from < WORD_BYTES - 1 && is_of_word(text[from - 1]))
    from--;
  while (to < len && to - at < WORD_BYTES - 1 && is_of_word(text[to]))
    to++;
  look->word_len = to - from;
  memcpy(look->word, text + from, look->word_len);
}

/* Whether it is the third letter in a row that ASCII lacks. */
static bool is_third(const struct look *look, int k, const char *text,
                     size_t at) {
  for (size_t i = 0; i < 3; i++)
    if (i > at || !(text[at - i] & 0x80) ||
        look->weights.is_mark[k][(unsigned char)text[at - i] - 128])
      return false;
  return true;
}

static void look_at_byte(struct look *look, const char *text, size_t len,
                         size_t at) {
  int high = (unsigned char)text[at] - 128;
  enum beside left = at > 0 ? beside((unsigned char)text[at - 1]) : OTHER;
  enum beside right =
      at + 1 < len ? beside((unsigned char)text[at + 1]) : OTHER;
  look->high++;
  for (int k = 0; k < CANDIDATES; k++)
    look->cost[k] += look->weights.cost[k][high][left][right] +
                     (is_third(look, k, text, at) ? STRANGE : 0U);
  if (look->word_len == 0 && look->weights.cost[0][high][left][right] > ODD)
    keep_word(look, text, len, at);
}

/* The bytes from `from` to `to`, of a text whose others are what stands beside.
 */
static void look_at(struct look *look, const char *text, size_t len,
                    size_t from, size_t to) {
  size_t whole = from + look->carry; /* before it, all is told */
  for (size_t i = from; i < to; i++) {
    look->lf += text[i] == '\n';
    look->cr += text[i] == '\r';
    if (!(text[i] & 0x80))
      continue;
    look_at_byte(look, text, len, i);
    if (i < whole)
      continue;
    size_t n = icrm_utf8_sequence(text + i, len - i);
    look->sequences += n > 1 && !is_chance(text + i, n);
    look->bad += n == 0;
    whole = i + (n ? n : 1);
  }
  look->carry = whole > to ? whole - to : 0;
}

static int look_at_file(int fd, off_t at, struct look *look,
                        struct icrm_error *err) {
  enum { AROUND = WORD_BYTES };
  char block[BLOCK_BYTES + 2 * AROUND];
  size_t before = 0;
  for (;;) {
    ssize_t n = pread(fd, block, sizeof block, at);
    if (n < 0)
      return icrm_error_set(err, ICRM_ERROR_STORE, "cannot read: %s",
                            strerror(errno));
    size_t len = (size_t)n, to = len < sizeof block ? len : len - AROUND;
    look_at(look, block, len, before, to);
    if (len < sizeof block)
      return 0;
    before = AROUND;
    at += (off_t)(to - AROUND);
  }
}

/* ---- The verdict --------------------------------------------------------- */

static int cheapest(const struct look *look) {
  /* Only a Mac ends lines with CR alone. */
  unsigned long bias = look->cr > 0 && look->lf == 0 ? STRANGE - 1 : 0;
  int best = 0;
  for (int k = 1; k < CANDIDATES; k++) {
    unsigned long mine = look->cost[best] + (best == MACINTOSH ? 0 : bias);
    unsigned long other = look->cost[k] + (k == MACINTOSH ? 0 : bias);
    if (2 * other < mine && mine - other >= STRANGE)
      best = k;
  }
  return best;
}

static void say_word(const struct look *look, const char *name, char *to,
                     size_t size) {
  const struct icrm_encoding utf8 = ICRM_ENCODING_UTF_8;
  struct icrm_encoding from = {{0}};
  struct icrm_buf text = {0};
  snprintf(from.name, sizeof from.name, "%s", name);
  icrm_encoding_convert(look->word, look->word_len, &from, &utf8, &text, NULL);
  size_t len = text.len < size ? text.len : size - 1;
  len = text.data ? icrm_guess_utf8_prefix(text.data, len) : 0;
  memcpy(to, len > 0 ? text.data : "", len);
  to[len] = '\0';
  icrm_buf_free(&text);
}

static void doubt(const struct look *look, const char *rival,
                  struct icrm_guess *out) {
  snprintf(out->rival.name, sizeof out->rival.name, "%s", rival);
  say_word(look, out->encoding.name, out->word, sizeof out->word);
  say_word(look, rival, out->rival_word, sizeof out->rival_word);
}

/* Most of the signs stand where none does: the file has another encoding. */
static bool makes_no_words(const struct look *look, int best) {
  return look->high >= 3 && look->cost[best] >= 2 * look->high;
}

static int judge(const struct look *look, struct icrm_guess *out,
                 struct icrm_error *err) {
  if (look->sequences > 0 && look->sequences * 10 >= look->bad) {
    out->encoding = ICRM_ENCODING_UTF_8;
    out->broken = look->bad;
    return 0;
  }
  int best = cheapest(look);
  snprintf(out->encoding.name, sizeof out->encoding.name, "%s", names[best]);
  if (makes_no_words(look, best)) {
    char word[96];
    say_word(look, names[best], word, sizeof word);
    return icrm_error_set(
        err, ICRM_ERROR_INPUT,
        "its letters make no words in any encoding that is tried (in %s a word "
        "of it is \"%s\"); name its encoding, such as windows-1250 or gb18030",
        names[best], word);
  }
  if (look->sequences > 0)
    doubt(look, "utf-8", out);
  else if (best > 0)
    doubt(look, names[0], out);
  else if (look->cost[0] >= STRANGE && look->word_len > 0)
    doubt(look, look->cost[MACINTOSH] < look->cost[3] ? "macintosh" : "cp850",
          out);
  return 0;
}

size_t icrm_guess_mark(const char *text, size_t len,
                       struct icrm_encoding *encoding) {
  static const struct {
    struct icrm_encoding encoding;
    size_t len;
    const char *bytes;
  } marks[] = {{{"utf-8"}, 3, "\xEF\xBB\xBF"},
               {{"utf-32le"}, 4, "\xFF\xFE\0\0"},
               {{"utf-32be"}, 4, "\0\0\xFE\xFF"},
               {{"utf-16le"}, 2, "\xFF\xFE"},
               {{"utf-16be"}, 2, "\xFE\xFF"}};
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    if (len >= marks[i].len &&
        memcmp(text, marks[i].bytes, marks[i].len) == 0) {
      *encoding = marks[i].encoding;
      return marks[i].len;
    }
  return 0;
}

/* UTF-16 without a mark: text of our countries has NUL in every other byte. */
static bool is_utf16(const char *raw, size_t len, struct icrm_encoding *out) {
  size_t nul[2] = {0, 0}, pairs = len / 2;
  for (size_t i = 0; i < pairs * 2; i++)
    nul[i & 1] += raw[i] == '\0';
  bool is_little = nul[1] * 2 > pairs && nul[0] * 8 < pairs;
  bool is_big = nul[0] * 2 > pairs && nul[1] * 8 < pairs;
  if (is_little)
    *out = ICRM_ENCODING("utf-16le");
  else if (is_big)
    *out = ICRM_ENCODING("utf-16be");
  return is_little || is_big;
}

static bool is_regular(int fd) {
  struct stat st;
  return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Where the first bytes stand, which were read last. */
static off_t place_of(int fd, size_t len) {
  return lseek(fd, 0, SEEK_CUR) - (off_t)len;
}

/* Whether the first bytes, and what follows them in a regular file, are UTF-8.
 */
static bool is_utf8(int fd, const char *first, size_t len, bool is_all) {
  size_t good = icrm_guess_utf8_prefix(first, len);
  if (!icrm_guess_may_go_on(first + good, len - good))
    return false;
  if (is_all || !is_regular(fd))
    return good == len || !is_all;
  char block[BLOCK_BYTES];
  for (off_t at = place_of(fd, len) + (off_t)good;;) {
    ssize_t n = pread(fd, block, sizeof block, at);
    if (n <= 0)
      return n == 0;
    size_t ok = icrm_guess_utf8_prefix(block, (size_t)n);
    if (ok == 0 || !icrm_guess_may_go_on(block + ok, (size_t)n - ok))
      return false;
    at += (off_t)ok;
  }
}

int icrm_guess(int fd, const char *first, size_t len, bool is_all,
               struct icrm_guess *out, struct icrm_error *err) {
  memset(out, 0, sizeof *out);
  out->mark = icrm_guess_mark(first, len, &out->encoding);
  if (out->mark > 0 || is_utf16(first, len, &out->encoding))
    return 0;
  if (is_utf8(fd, first, len, is_all)) {
    out->encoding = ICRM_ENCODING_UTF_8;
    return 0;
  }
  struct look look = {0};
  if (weigh_signs(&look.weights, err) < 0)
    return -1;
  if (is_all || !is_regular(fd))
    look_at(&look, first, len, 0, len);
  else if (look_at_file(fd, place_of(fd, len), &look, err) < 0)
    return -1;
  return judge(&look, out, err);
}
