#include "lanes/envelope.h"

#include "lanes/culprit.h"
#include "text/json_scan.h"

#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define QUOTED_BYTES 200

/* A place in the text. `why` is set when the scan stops. */
struct scan {
  const char *start, *at, *end;
  const char *why;
};

static bool stop(struct scan *s, const char *why) {
  if (!s->why)
    s->why = why;
  return false;
}

static inline void skip_space(struct scan *s) {
  while (s->at < s->end &&
         (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
    s->at++;
}

/* After the opening quote. */
static bool scan_string(struct scan *s) {
  for (;;) {
    s->at = icrm_json_skip_plain(s->at, s->end);
    if (s->at >= s->end)
      return stop(s, "ends inside a string");
    unsigned char c = (unsigned char)*s->at;
    if (c == '"') {
      s->at++;
      return true;
    }
    if (c == '\\') {
      const char *why, *next = icrm_json_skip_escape(s->at + 1, s->end, &why);
      if (!next)
        return stop(s, why);
      s->at = next;
      continue;
    }
    if (c < 0x20)
      return stop(s, "has a control character in a string");
    size_t n = icrm_utf8_sequence(s->at, (size_t)(s->end - s->at));
    if (n == 0)
      return stop(s, "is not UTF-8");
    s->at += n;
  }
}

static size_t scan_digits(struct scan *s) {
  const char *from = s->at;
  while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
    s->at++;
  return (size_t)(s->at - from);
}

/* A number in JSON's grammar; only those that could be too large for a double
 * are converted. */
static bool scan_number(struct scan *s) {
  const char *from = s->at;
  bool has_exponent = false;
  if (*s->at == '-')
    s->at++;
  bool leads_with_zero = s->at < s->end && *s->at == '0';
  size_t digits = scan_digits(s);
  if (digits == 0 || (leads_with_zero && digits > 1))
    return stop(s, "has a malformed number");
  if (s->at < s->end && *s->at == '.') {
    s->at++;
    if (scan_digits(s) == 0)
      return stop(s, "has a malformed number");
  }
  if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
    has_exponent = true;
    s->at++;
    if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
      s->at++;
    if (scan_digits(s) == 0)
      return stop(s, "has a malformed number");
  }
  /* strtod stops by itself: a byte that ends the number follows it. */
  if ((has_exponent || digits > 300) && isinf(strtod(from, NULL)))
    return stop(s, "has a number too large for a double");
  return true;
}

static bool scan_word(struct scan *s, const char *word, size_t len) {
  if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
    return stop(s, "is not JSON");
  s->at += len;
  return true;
}

static bool scan_scalar(struct scan *s) {
  switch (*s->at) {
  case '"':
    s->at++;
    return scan_string(s);
  case 't':
    return scan_word(s, "true", 4);
  case 'f':
    return scan_word(s, "false", 5);
  case 'n':
    return scan_word(s, "null", 4);
  default:
    if (*s->at == '-' || (*s->at >= '0' && *s->at <= '9'))
      return scan_number(s);
    return stop(s, "is not JSON");
  }
}

static bool scan_key(struct scan *s) {
  skip_space(s);
  if (s->at >= s->end || *s->at != '"')
    return stop(s, s->at >= s->end ? "is cut short" : "is not JSON");
  s->at++;
  if (!scan_string(s))
    return false;
  skip_space(s);
  if (s->at >= s->end || *s->at != ':')
    return stop(s, s->at >= s->end ? "is cut short" : "is not JSON");
  s->at++;
  return true;
}

/* Bits of `objects` tell which of the open brackets are braces. */
static bool scan_value(struct scan *s, unsigned depth) {
  uint64_t objects = 0;
  unsigned open = 0;
  for (;;) {
    skip_space(s);
    if (s->at >= s->end)
      return stop(s, "is cut short");
    char c = *s->at;
    if (c == '{' || c == '[') {
      if (++open + depth > ICRM_ENVELOPE_MAX_DEPTH)
        return stop(s, "is nested deeper than 64");
      objects = objects << 1 | (c == '{');
      s->at++;
      skip_space(s);
      bool is_empty = s->at < s->end && *s->at == (c == '{' ? '}' : ']');
      if (!is_empty) {
        if (c == '{' && !scan_key(s))
          return false;
        continue;
      }
    } else if (!scan_scalar(s)) {
      return false;
    }
    /* After a value, or at the end of an empty container: close what ends. */
    for (;;) {
      if (open == 0)
        return true;
      skip_space(s);
      if (s->at >= s->end)
        return stop(s, "is cut short");
      if (*s->at == ',') {
        s->at++;
        if ((objects & 1) && !scan_key(s))
          return false;
        break;
      }
      if (*s->at != ((objects & 1) ? '}' : ']'))
        return stop(s, "is not JSON");
      s->at++;
      objects >>= 1;
      open--;
    }
  }
}

void icrm_envelope_quote(struct icrm_buf *out, const char *body, size_t len) {
  if (len == 0) {
    icrm_buf_add_text(out, "an empty body");
    return;
  }
  icrm_buf_add_byte(out, '"');
  icrm_buf_add_escaped(out, body, len, QUOTED_BYTES);
  icrm_buf_add_text(out, len > QUOTED_BYTES ? "\"\u2026" : "\"");
}

static bool is_web_page(const char *body, size_t len) {
  while (len > 0 && *body && strchr(" \t\r\n", *body)) {
    body++;
    len--;
  }
  return len > 0 && *body == '<';
}

/* A text of a record that cannot be read: which record, and what stands there.
 */
static bool blame_record(struct icrm_error *err, const char *why,
                         const char *body, size_t len, size_t at) {
  enum { BEFORE = 60, AROUND = 90 };
  char id[40];
  if (at >= len || !icrm_culprit_find(body, len, at, id))
    return false;
  struct icrm_buf place = {0};
  const size_t from = at > BEFORE ? at - BEFORE : 0;
  const size_t n = len - from < AROUND ? len - from : AROUND;
  icrm_buf_add_escaped(&place, body + from, n, n);
  icrm_error_set(
      err, ICRM_ERROR_DECODE,
      "the CRM's answer %s in the record %s, at \"…%s…\" "
      "(byte %zu); mend that record in the CRM, or leave it out of a "
      "query: WHERE id != '%s'",
      why, id, place.data ? place.data : "", at + 1, id);
  icrm_buf_free(&place);
  return true;
}

static int fail(struct icrm_error *err, const char *why, const char *body,
                size_t len, size_t at) {
  struct icrm_buf quoted = {0};
  icrm_envelope_quote(&quoted, body, len);
  if (len == 0)
    icrm_error_set(err, ICRM_ERROR_DECODE,
                   "the CRM answered with an empty body; its log says why");
  else if (is_web_page(body, len))
    icrm_error_set(err, ICRM_ERROR_DECODE,
                   "the CRM answered with a web page, not JSON; check its URL, "
                   "and whether it is closed for maintenance: %s",
                   quoted.data ? quoted.data : "");
  else if (!blame_record(err, why, body, len, at))
    icrm_error_set(err, ICRM_ERROR_DECODE, "the CRM's answer %s (byte %zu): %s",
                   why, at + 1, quoted.data ? quoted.data : "");
  icrm_buf_free(&quoted);
  return -1;
}

static bool is_key(const char *at, size_t len, const char *name) {
  return len == strlen(name) && memcmp(at, name, len) == 0;
}

/* An object, text behind it allowed; `seen_success` tells whether it had the
 * member. */
static bool scan_object(struct scan *s, struct icrm_envelope *out,
                        bool *seen_success, bool *seen_result) {
  skip_space(s);
  if (s->at >= s->end || *s->at != '{')
    return stop(s, "is not JSON");
  s->at++;
  skip_space(s);
  bool is_empty = s->at < s->end && *s->at == '}';
  while (!is_empty) {
    skip_space(s);
    const char *key = s->at + 1;
    if (!scan_key(s))
      return false;
    size_t key_len =
        (size_t)((const char *)memchr(key, '"', (size_t)(s->at - key)) - key);
    skip_space(s);
    const char *value = s->at;
    if (!scan_value(s, 1))
      return false;
    if (is_key(key, key_len, "success")) {
      if (*seen_success || (*value != 't' && *value != 'f'))
        return stop(s, "has no single true or false `success`");
      *seen_success = true;
      out->success = *value == 't';
    } else if (is_key(key, key_len, "result")) {
      if (*seen_result)
        return stop(s, "has `result` twice");
      *seen_result = true;
      out->result_at = (size_t)(value - s->start);
      out->result_len = (size_t)(s->at - value);
    }
    skip_space(s);
    if (s->at >= s->end)
      return stop(s, "is cut short");
    if (*s->at == '}')
      break;
    if (*s->at != ',')
      return stop(s, "is not JSON");
    s->at++;
  }
  s->at++;
  return true;
}

static bool scan_envelope(struct scan *s, struct icrm_envelope *out,
                          bool *seen_success, bool *seen_result) {
  if (!scan_object(s, out, seen_success, seen_result))
    return false;
  skip_space(s);
  return s->at == s->end || stop(s, "has more text after its end");
}

static void copy_text(char *out, size_t size, const char *text) {
  struct icrm_buf buf = {.limit = size - 1};
  icrm_buf_add_escaped(&buf, text, strlen(text), size);
  memcpy(out, buf.data ? buf.data : "", buf.len + 1);
  icrm_buf_free(&buf);
}

static void add_member(struct icrm_buf *out, const json_t *value) {
  if (json_is_string(value))
    icrm_buf_add(out, json_string_value(value), json_string_length(value));
  else if (json_is_integer(value))
    icrm_buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

/* The members of a failed envelope; the scan has passed already. */
static void read_failure(const char *body, size_t len,
                         struct icrm_envelope *out) {
  struct icrm_buf code = {0};
  json_t *root = json_loadb(body, len, JSON_ALLOW_NUL, NULL);
  const json_t *error = json_object_get(root, "error");
  const char *message = json_string_value(json_object_get(error, "message"));
  add_member(&code, json_object_get(error, "code"));
  if (code.data)
    copy_text(out->code, sizeof out->code, code.data);
  copy_text(out->message, sizeof out->message,
            message ? message : "no reason given");
  icrm_buf_free(&code);
  json_decref(root);
}

/* A success whose result is plain records and the only other member, as nearly
 * all are: reading the records proves the whole. */
static bool read_page(const char *body, size_t len, struct icrm_page *page,
                      struct icrm_envelope *out) {
  static const char head[] = "{\"success\":true,\"result\":";
  struct scan s = {.at = body + sizeof head - 1, .end = body + len};
  if (len < sizeof head || memcmp(body, head, sizeof head - 1) != 0)
    return false;
  skip_space(&s);
  const char *begin = s.at;
  s.at = icrm_page_read(page, begin, (size_t)(s.end - begin));
  if (!s.at)
    return false;
  out->result_len = (size_t)(s.at - begin);
  skip_space(&s);
  if (s.at == s.end || *s.at++ != '}')
    return false;
  skip_space(&s);
  out->result_at = (size_t)(begin - body);
  out->success = out->is_page = s.at == s.end;
  return out->success;
}

int icrm_envelope_read(const char *body, size_t len, struct icrm_page *page,
                       struct icrm_envelope *out, struct icrm_error *err) {
  struct scan s = {.start = body, .at = body, .end = body + len};
  bool seen_success = false, seen_result = false;
  memset(out, 0, sizeof *out);
  if (len == 0)
    return fail(err, "", "", 0, 0);
  if (page && read_page(body, len, page, out))
    return 0;
  memset(out, 0, sizeof *out);
  if (!scan_envelope(&s, out, &seen_success, &seen_result))
    return fail(err, s.why, body, len, (size_t)(s.at - body));
  if (!seen_success || (out->success && !seen_result))
    return fail(err, seen_success ? "has no `result`" : "has no `success`",
                body, len, 0);
  if (!out->success)
    read_failure(body, len, out);
  return 0;
}

/* The first object that is whole JSON at or after `*at`; NULL for none, else
 * its first byte, and `*at` is behind it. */
static const char *next_object(const char **at, const char *end,
                               struct icrm_envelope *out, bool *is_envelope) {
  const char *brace = *at;
  while ((brace = memchr(brace, '{', (size_t)(end - brace))) != NULL) {
    struct scan s = {.start = brace, .at = brace, .end = end};
    bool seen_success = false, seen_result = false;
    memset(out, 0, sizeof *out);
    if (scan_object(&s, out, &seen_success, &seen_result)) {
      *is_envelope = seen_success && (!out->success || seen_result);
      *at = s.at;
      return brace;
    }
    brace++;
  }
  return NULL;
}

int icrm_envelope_find(const char *body, size_t len, struct icrm_envelope *out,
                       struct icrm_error *err) {
  enum { MOST_BYTES = 64 * 1024 };
  const char *at = body, *end = body + len, *begin, *found = NULL;
  struct icrm_envelope one;
  size_t n = 0, found_len = 0;
  bool is_envelope;
  if (len == 0)
    return fail(err, "", "", 0, 0);
  if (len > MOST_BYTES)
    end = body;
  while ((begin = next_object(&at, end, &one, &is_envelope)) != NULL) {
    if (!is_envelope)
      continue;
    n++;
    *out = one;
    found = begin;
    found_len = (size_t)(at - begin);
  }
  if (n != 1)
    return icrm_error_set(
        err, ICRM_ERROR_DECODE,
        "the CRM's answer to the login %s (%zu bytes, not shown for they may "
        "hold a secret); %s",
        n > 0                    ? "holds more than one reply"
        : is_web_page(body, len) ? "is a web page, not JSON"
                                 : "is no JSON of this API",
        len,
        is_web_page(body, len)
            ? "check its URL, and whether it is closed for maintenance"
            : "its log says why");
  if (out->success)
    out->result_at += (size_t)(found - body);
  else
    read_failure(found, found_len, out);
  return 0;
}

int icrm_envelope_members(const char *json, size_t len,
                          const char *const names[], struct icrm_buf outs[],
                          size_t count, struct icrm_error *err) {
  json_t *root = json_loadb(json, len, JSON_ALLOW_NUL, NULL);
  if (!json_is_object(root)) {
    json_decref(root);
    return icrm_error_set(err, ICRM_ERROR_DECODE,
                          "the CRM's answer to the login is no JSON object");
  }
  for (size_t i = 0; i < count; i++) {
    json_t *value = json_object_get(root, names[i]);
    add_member(&outs[i], value);
    if (json_is_string(value))
      explicit_bzero((char *)(uintptr_t)json_string_value(value),
                     json_string_length(value));
  }
  json_decref(root);
  return 0;
}
