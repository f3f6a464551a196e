/* Replies: the envelope and its records. The oracle is Jansson, which reads the
 * same bytes into a tree. */
#include "fuzz.h"

#include "lanes/envelope.h"

#include <jansson.h>
#include <string.h>

static void same_text(const struct icrm_page *page,
                      const struct icrm_field *field, const json_t *value) {
  char *text = malloc(field->len + 1);
  MUST(text);
  size_t len = field->len;
  if (field->is_escaped)
    len = icrm_page_unescape(page, field, text);
  else
    memcpy(text, page->text + field->at, len);
  MUST(json_is_string(value));
  MUST(json_string_length(value) == len);
  MUST(memcmp(json_string_value(value), text, len) == 0);
  free(text);
}

/* A name that comes twice counts once in a tree: its last value. */
static bool has_twins(const struct icrm_field *fields, size_t n) {
  for (size_t i = 0; i < n; i++)
    for (size_t j = i + 1; j < n; j++)
      if (fields[i].key == fields[j].key)
        return true;
  return false;
}

static void same_record(const struct icrm_page *page,
                        const struct icrm_field *fields, size_t n,
                        const json_t *object) {
  MUST(json_is_object(object));
  if (has_twins(fields, n))
    return;
  MUST(json_object_size(object) == n);
  for (size_t i = 0; i < n; i++) {
    const struct icrm_span *key = &page->keys[fields[i].key];
    char *name = strndup(key->bytes, key->len);
    MUST(name);
    same_text(page, &fields[i], json_object_get(object, name));
    free(name);
  }
}

static void same_page(const struct icrm_page *page, const json_t *result) {
  const struct icrm_field *at = page->fields;
  if (!page->alone)
    MUST(json_array_size(result) == (size_t)page->n_records);
  for (int i = 0; i < page->n_records; i++) {
    size_t n = at->len;
    same_record(page, at + 1, n,
                page->alone ? result : json_array_get(result, (size_t)i));
    at += n + 1;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *body = (const char *)data;
  struct icrm_page page = {0};
  struct icrm_envelope envelope, found;
  struct icrm_error err;
  int rc = icrm_envelope_read(body, size, &page, &envelope, &err);
  if (rc == 0) {
    json_error_t jansson;
    json_t *tree = json_loadb(
        body, size, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
        &jansson);
    if (!tree && json_error_code(&jansson) == json_error_null_byte_in_key) {
      icrm_page_free(&page);
      return 0; /* Jansson keeps none in the name of a field */
    }
    MUST(json_is_object(tree));
    MUST(json_is_true(json_object_get(tree, "success")) == envelope.success);
    if (envelope.success) {
      MUST(envelope.result_at + envelope.result_len <= size);
      if (envelope.is_page)
        same_page(&page, json_object_get(tree, "result"));
    }
    json_decref(tree);
  }
  icrm_envelope_find(body, size, &found, &err);
  icrm_page_free(&page);
  return 0;
}
