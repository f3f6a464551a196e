#include "workbook/number_format.h"

#include <ctype.h>
#include <string.h>

/* One step through a format code. */
enum token {
  TOKEN_END,     /* of the section */
  TOKEN_LITERAL, /* text to show as it is: quoted or escaped */
  TOKEN_SPACING, /* _x and *x: room or filling, no text */
  TOKEN_ELAPSED, /* [h], [mm] and so on */
  TOKEN_BRACKET, /* colour, condition, locale */
  TOKEN_CHARACTER
};

struct walk {
  const char *at;   /* what comes next */
  const char *text; /* of the token: literal or character */
  size_t len;
};

static bool is_elapsed(const char *text, size_t len) {
  if (len == 0 || len > 2 || !strchr("hHmMsS", text[0]))
    return false;
  return len == 1 ||
         tolower((unsigned char)text[0]) == tolower((unsigned char)text[1]);
}

static size_t character_length(const char *text) {
  size_t len = *text ? 1 : 0;
  while (len && ((unsigned char)text[len] & 0xC0) == 0x80)
    len++;
  return len;
}

static enum token take(struct walk *w, enum token token, const char *text,
                       size_t len, const char *next) {
  w->text = text;
  w->len = len;
  w->at = next;
  return token;
}

static enum token next_token(struct walk *w) {
  const char *at = w->at, *end;
  switch (*at) {
  case '\0':
  case ';':
    return TOKEN_END;
  case '"':
    end = strchr(at + 1, '"');
    end = end ? end : at + strlen(at);
    return take(w, TOKEN_LITERAL, at + 1, (size_t)(end - at - 1),
                *end ? end + 1 : end);
  case '\\':
    return take(w, TOKEN_LITERAL, at + 1, character_length(at + 1),
                at + 1 + character_length(at + 1));
  case '_':
  case '*':
    return take(w, TOKEN_SPACING, at, 1, at + 1 + character_length(at + 1));
  case '[':
    end = strchr(at, ']');
    if (!end)
      return take(w, TOKEN_BRACKET, at, 0, at + strlen(at));
    return take(w,
                is_elapsed(at + 1, (size_t)(end - at - 1)) ? TOKEN_ELAPSED
                                                           : TOKEN_BRACKET,
                at + 1, (size_t)(end - at - 1), end + 1);
  default:
    return take(w, TOKEN_CHARACTER, at, character_length(at),
                at + character_length(at));
  }
}

/* ---- patterns of digits ---- */

static bool is_placeholder(char c) {
  return c == '0' || c == '#' || c == '?';
}

static bool is_plain_literal(char c) {
  return strchr(" -/()+:", c) != NULL;
}

struct pattern {
  int zeros, places, inner; /* inner: literals between two places */
};

/* Count what a section is made of; false when it shows more than whole
 * digits: decimals, thousands, percent, an exponent, General, text. */
static bool read_pattern(const char *code, struct pattern *p) {
  struct walk w = {.at = code};
  bool pending = false;
  enum token token;
  memset(p, 0, sizeof *p);
  while ((token = next_token(&w)) != TOKEN_END) {
    bool is_literal = token == TOKEN_LITERAL ||
                      (token == TOKEN_CHARACTER && is_plain_literal(*w.text));
    if (token == TOKEN_CHARACTER && is_placeholder(*w.text)) {
      p->inner += pending;
      pending = false;
      p->places++;
      p->zeros += *w.text == '0';
    } else if (is_literal && w.len > 0) {
      pending = p->places > 0;
    } else if (token == TOKEN_CHARACTER || token == TOKEN_ELAPSED) {
      return false;
    }
  }
  return p->places > 0;
}

static bool is_pattern(const char *code) {
  struct pattern p;
  return read_pattern(code, &p) && (p.zeros > 1 || p.inner > 0);
}

static size_t digits_before_first_place(size_t digits, int places) {
  return digits > (size_t)places ? digits - (size_t)places : 0;
}

bool icrm_number_format_show(const char *code, const char *digits, char *out,
                             size_t size) {
  struct pattern p;
  if (!is_pattern(code) || !read_pattern(code, &p))
    return false;
  while (*digits == '0' && digits[1])
    digits++;
  if (strcmp(digits, "0") == 0)
    digits++; /* a place shows nought only where it is a 0 */
  size_t count = strlen(digits), len = 0, used = 0;
  size_t surplus = digits_before_first_place(count, p.places);
  int place = 0;
  bool begun = false, seen_place = false;
  struct walk w = {.at = code};
  enum token token;
  while ((token = next_token(&w)) != TOKEN_END) {
    if (token == TOKEN_CHARACTER && is_placeholder(*w.text)) {
      size_t n = 1;
      bool has = (size_t)(p.places - place) <= count;
      if (!seen_place && surplus > 0)
        n += surplus;
      seen_place = true;
      place++;
      if (!has && *w.text == '#' && !begun)
        continue;
      if (len + n >= size)
        return false;
      if (has) {
        memcpy(out + len, digits + used, n);
        used += n;
      } else {
        out[len] = *w.text == '?' ? ' ' : '0';
      }
      len += n;
      begun = true;
    } else if (token == TOKEN_LITERAL || token == TOKEN_CHARACTER) {
      if (seen_place && !begun)
        continue; /* groups that are not reached show no blanks */
      if (len + w.len >= size)
        return false;
      memcpy(out + len, w.text, w.len);
      len += w.len;
    }
  }
  out[len] = '\0';
  return true;
}

/* ---- kinds ---- */

struct letters {
  bool date, time, months, number;
};

static bool begins_with(const char *text, const char *word) {
  for (; *word; text++, word++)
    if (tolower((unsigned char)*text) != *word)
      return false;
  return true;
}

static void note_letter(struct letters *seen, struct walk *w) {
  if (begins_with(w->text, "general")) {
    seen->number = true;
    w->at = w->text + strlen("general");
  } else if (begins_with(w->text, "am/pm")) {
    seen->time = true;
    w->at = w->text + strlen("am/pm");
  } else if (begins_with(w->text, "a/p")) {
    seen->time = true;
    w->at = w->text + strlen("a/p");
  } else if (begins_with(w->text, "e+") || begins_with(w->text, "e-")) {
    seen->number = true;
  } else if (strchr("yYdDeE", *w->text)) {
    seen->date = true;
  } else if (strchr("hHsS", *w->text)) {
    seen->time = true;
  } else if (strchr("mM", *w->text)) {
    seen->months = true;
  } else if (is_placeholder(*w->text)) {
    seen->number |= !seen->time; /* the fractions of a second are no number */
  }
}

enum icrm_format_kind icrm_number_format_kind(const char *code) {
  struct letters seen = {0};
  struct walk w = {.at = code};
  enum token token;
  while ((token = next_token(&w)) != TOKEN_END) {
    if (token == TOKEN_ELAPSED)
      return ICRM_FORMAT_DURATION;
    if (token == TOKEN_CHARACTER)
      note_letter(&seen, &w);
  }
  if (seen.number)
    return is_pattern(code) ? ICRM_FORMAT_PATTERN : ICRM_FORMAT_NUMBER;
  if (seen.date || (seen.months && !seen.time))
    return ICRM_FORMAT_DATE;
  return seen.time ? ICRM_FORMAT_TIME : ICRM_FORMAT_NUMBER;
}

enum icrm_format_kind icrm_number_format_builtin(int id) {
  if ((id >= 14 && id <= 17) || id == 22 || (id >= 27 && id <= 36) ||
      (id >= 50 && id <= 58))
    return ICRM_FORMAT_DATE;
  if ((id >= 18 && id <= 21) || id == 45 || id == 47)
    return ICRM_FORMAT_TIME;
  return id == 46 ? ICRM_FORMAT_DURATION : ICRM_FORMAT_NUMBER;
}
