#include "sandbox/request.h"

#include <stdlib.h>
#include <string.h>

static void free_params(struct sb_params *params) {
  for (size_t i = 0; i < params->n; i++) {
    free(params->items[i].name);
    free(params->items[i].value);
  }
  free(params->items);
}

void sb_request_free(struct sb_request *request) {
  free_params(&request->url);
  free_params(&request->body);
  for (size_t i = 0; i < request->n_uploads; i++) {
    struct sb_upload *upload = &request->uploads[i];
    free(upload->part);
    free(upload->name);
    free(upload->type);
    icrm_buf_free(&upload->data);
  }
  free(request->uploads);
  free(request->cookie_session);
}

static char *copy(const char *text, size_t len) {
  char *made = malloc(len + 1);
  if (!made)
    return NULL;
  memcpy(made, text, len);
  made[len] = '\0';
  return made;
}

struct sb_param *sb_params_add(struct sb_params *params, const char *name,
                               size_t name_len, const char *value, size_t len) {
  if (params->n == params->cap) {
    size_t cap = params->cap ? params->cap * 2 : 8;
    struct sb_param *items = realloc(params->items, cap * sizeof *items);
    if (!items)
      return NULL;
    params->items = items;
    params->cap = cap;
  }
  struct sb_param *param = &params->items[params->n];
  param->array = name_len > 2 && memcmp(name + name_len - 2, "[]", 2) == 0;
  param->name = copy(name, param->array ? name_len - 2 : name_len);
  param->value = copy(value, len);
  param->len = len;
  if (!param->name || !param->value) {
    free(param->name);
    free(param->value);
    return NULL;
  }
  params->n++;
  return param;
}

static int hex_digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/* Undo form coding in place; returns the new length. */
static size_t decode(char *text, size_t len) {
  size_t out = 0;
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    if (c == '+') {
      c = ' ';
    } else if (c == '%' && i + 2 < len && hex_digit(text[i + 1]) >= 0 &&
               hex_digit(text[i + 2]) >= 0) {
      c = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    }
    text[out++] = c;
  }
  return out;
}

static void parse_pair(struct sb_params *params, char *pair, size_t len) {
  char *equals = memchr(pair, '=', len);
  size_t name_len = equals ? (size_t)(equals - pair) : len;
  char *value = equals ? equals + 1 : pair + len;
  size_t value_len = decode(value, len - (size_t)(value - pair));
  name_len = decode(pair, name_len);
  if (name_len)
    sb_params_add(params, pair, name_len, value, value_len);
}

void sb_params_parse(struct sb_params *params, const char *text, size_t len) {
  char *work = copy(text, len);
  if (!work)
    return;
  for (char *at = work, *end = work + len; at < end;) {
    char *next = memchr(at, '&', (size_t)(end - at));
    next = next ? next : end;
    parse_pair(params, at, (size_t)(next - at));
    at = next + 1;
  }
  free(work);
}

struct sb_upload *sb_request_upload(struct sb_request *request,
                                    const char *part, const char *name,
                                    const char *type) {
  struct sb_upload *uploads =
      realloc(request->uploads, (request->n_uploads + 1) * sizeof *uploads);
  if (!uploads)
    return NULL;
  request->uploads = uploads;
  struct sb_upload *upload = &uploads[request->n_uploads];
  memset(upload, 0, sizeof *upload);
  type = type ? type : "application/octet-stream";
  upload->part = copy(part, strlen(part));
  upload->name = copy(name, strlen(name));
  upload->type = copy(type, strlen(type));
  request->n_uploads++;
  return upload->part && upload->name && upload->type ? upload : NULL;
}

const struct sb_param *sb_params_find(const struct sb_params *params,
                                      const char *name) {
  for (size_t i = params->n; i-- > 0;)
    if (strcmp(params->items[i].name, name) == 0)
      return &params->items[i];
  return NULL;
}

const char *sb_params_text(const struct sb_params *params, const char *name) {
  const struct sb_param *param = sb_params_find(params, name);
  return param ? param->value : "";
}
