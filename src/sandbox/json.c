#include "sandbox/json.h"

#include "core/base64.h"

#include <inttypes.h>
#include <string.h>

static unsigned code_point(const char *text, size_t len) {
  static const unsigned char lead[5] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  unsigned c = (unsigned char)text[0] & lead[len];
  for (size_t i = 1; i < len; i++)
    c = c << 6 | ((unsigned char)text[i] & 0x3F);
  return c;
}

static void add_escape(struct icrm_buf *out, unsigned c) {
  if (c >= 0x10000) {
    c -= 0x10000;
    icrm_buf_addf(out, "\\u%04x", 0xD800 + (c >> 10));
    c = 0xDC00 + (c & 0x3FF);
  }
  icrm_buf_addf(out, "\\u%04x", c);
}

static void add_ascii(struct icrm_buf *out, char c) {
  static const char plain[] = "\"\\/\b\f\n\r\t", letter[] = "\"\\/bfnrt";
  const char *at = c ? strchr(plain, c) : NULL;
  if (at) {
    icrm_buf_add_byte(out, '\\');
    icrm_buf_add_byte(out, letter[at - plain]);
  } else {
    add_escape(out, (unsigned char)c);
  }
}

static bool needs_escape(unsigned char c) {
  return c < 0x20 || c >= 0x7F || c == '"' || c == '\\' || c == '/';
}

void sb_json_add_text(struct icrm_buf *out, const char *text, size_t len) {
  icrm_buf_add_byte(out, '"');
  size_t start = 0;
  for (size_t i = 0; i < len;) {
    if (!needs_escape((unsigned char)text[i])) {
      i++;
      continue;
    }
    icrm_buf_add(out, text + start, i - start);
    size_t n = icrm_utf8_sequence(text + i, len - i);
    if (n == 1 && text[i] != 0x7F)
      add_ascii(out, text[i]);
    else if (n == 1)
      icrm_buf_add_byte(out, text[i]);
    else
      add_escape(out, n ? code_point(text + i, n) : 0xFFFD);
    i += n ? n : 1;
    start = i;
  }
  icrm_buf_add(out, text + start, len - start);
  icrm_buf_add_byte(out, '"');
}

void sb_json_add(struct icrm_buf *out, const char *text) {
  sb_json_add_text(out, text, strlen(text));
}

void sb_json_add_key(struct icrm_buf *out, const char *name) {
  if (out->len && out->data[out->len - 1] != '{')
    icrm_buf_add_byte(out, ',');
  sb_json_add(out, name);
  icrm_buf_add_byte(out, ':');
}

void sb_json_add_pair(struct icrm_buf *out, const char *name,
                      const char *text) {
  sb_json_add_key(out, name);
  sb_json_add(out, text);
}

static void add_object(struct icrm_buf *out, const json_t *object) {
  icrm_buf_add_byte(out, '{');
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)object, name, value) {
    sb_json_add_key(out, name);
    sb_json_add_value(out, value);
  }
  icrm_buf_add_byte(out, '}');
}

static void add_array(struct icrm_buf *out, const json_t *array) {
  icrm_buf_add_byte(out, '[');
  size_t i;
  json_t *value;
  json_array_foreach((json_t *)array, i, value) {
    if (i)
      icrm_buf_add_byte(out, ',');
    sb_json_add_value(out, value);
  }
  icrm_buf_add_byte(out, ']');
}

void sb_json_add_base64(struct icrm_buf *out, const char *data, size_t len) {
  enum { PIECE = 3 << 12 };
  char text[ICRM_BASE64_LEN(PIECE)];
  icrm_buf_add_byte(out, '"');
  for (size_t at = 0; at < len; at += PIECE) {
    const size_t n = len - at < PIECE ? len - at : PIECE;
    const char *end = icrm_base64_put(text, data + at, n);
    for (const char *from = text; from < end;) {
      const char *slash = memchr(from, '/', (size_t)(end - from));
      const char *stop = slash ? slash : end;
      icrm_buf_add(out, from, (size_t)(stop - from));
      if (slash)
        icrm_buf_add_text(out, "\\/");
      from = slash ? slash + 1 : end;
    }
  }
  icrm_buf_add_byte(out, '"');
}

void sb_json_add_value(struct icrm_buf *out, const json_t *value) {
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    add_object(out, value);
    break;
  case JSON_ARRAY:
    add_array(out, value);
    break;
  case JSON_STRING:
    sb_json_add_text(out, json_string_value(value), json_string_length(value));
    break;
  case JSON_INTEGER:
    icrm_buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    break;
  case JSON_REAL:
    icrm_buf_addf(out, "%.17g", json_real_value(value));
    break;
  default:
    icrm_buf_add_text(out, json_is_null(value)   ? "null"
                           : json_is_true(value) ? "true"
                                                 : "false");
  }
}

json_t *sb_json_parse(const char *text, size_t len) {
  return json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

json_t *sb_json_load(const char *path, struct icrm_error *err) {
  json_error_t why;
  json_t *value = json_load_file(path, 0, &why);
  if (!value)
    icrm_error_set(err, ICRM_ERROR_CONFIG, "%s:%d: %s", path, why.line,
                   why.text);
  return value;
}

const char *sb_json_text(const json_t *object, const char *name,
                         const char *absent) {
  const char *text = json_string_value(json_object_get(object, name));
  return text ? text : absent;
}

bool sb_json_flag(const json_t *object, const char *name, bool absent) {
  const json_t *value = json_object_get(object, name);
  return value ? json_is_true(value) : absent;
}

int64_t sb_json_integer(const json_t *object, const char *name,
                        int64_t absent) {
  const json_t *value = json_object_get(object, name);
  return json_is_integer(value) ? json_integer_value(value) : absent;
}
