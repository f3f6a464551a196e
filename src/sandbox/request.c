#include "sandbox/request.h"

#include <stdio.h>
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

void sb_params_parse_in_place(struct sb_params *params, char *text,
                              size_t len) {
  for (char *at = text, *end = text + len; at < end;) {
    char *next = memchr(at, '&', (size_t)(end - at));
    next = next ? next : end;
    parse_pair(params, at, (size_t)(next - at));
    at = next + 1;
  }
}

void sb_params_parse(struct sb_params *params, const char *text, size_t len) {
  char *work = copy(text, len);
  if (work)
    sb_params_parse_in_place(params, work, len);
  free(work);
}

/* The quoted value of an attribute in a part's head, as a new text; NULL when
 * there is none. */
static char *attribute(const char *head, const char *name) {
  const char *at = strcasestr(head, name);
  if (!at)
    return NULL;
  at += strlen(name);
  return copy(at, strcspn(at, "\""));
}

static void add_upload(struct sb_request *request, const char *head, char *part,
                       char *name, const char *data, size_t len) {
  struct sb_upload *uploads =
      realloc(request->uploads, (request->n_uploads + 1) * sizeof *uploads);
  if (!uploads) {
    free(part);
    free(name);
    return;
  }
  request->uploads = uploads;
  struct sb_upload *upload = &uploads[request->n_uploads++];
  const char *type = strcasestr(head, "Content-Type:");
  type = type ? type + strlen("Content-Type:") : "application/octet-stream";
  type += strspn(type, " ");
  *upload = (struct sb_upload){
      part, name, copy(type, strcspn(type, "\r\n")), {.data = NULL}};
  icrm_buf_add(&upload->data, data, len);
}

static void parse_part(struct sb_request *request, const char *part,
                       size_t len) {
  const char *end = memmem(part, len, "\r\n\r\n", 4);
  if (!end)
    return;
  char *head = copy(part, (size_t)(end - part));
  char *name = head ? attribute(head, " name=\"") : NULL;
  char *file = head ? attribute(head, " filename=\"") : NULL;
  const char *data = end + 4;
  size_t data_len = len - (size_t)(data - part);
  if (name && file) {
    add_upload(request, head, name, file, data, data_len);
    name = file = NULL; /* now the upload's */
  } else if (name) {
    sb_params_add(&request->body, name, strlen(name), data, data_len);
  }
  free(name);
  free(file);
  free(head);
}

void sb_request_parse_multipart(struct sb_request *request,
                                const char *boundary, const char *body,
                                size_t len) {
  char mark[80];
  boundary += *boundary == '"';
  int n = snprintf(mark, sizeof mark, "\r\n--%.*s",
                   (int)strcspn(boundary, "\";"), boundary);
  if (n < 5 || n >= (int)sizeof mark)
    return; /* a boundary has 1 to 70 characters */
  const size_t mark_len = (size_t)n;
  const char *end = body + len;
  if (len < mark_len || memcmp(body, mark + 2, mark_len - 2) != 0)
    return;
  const char *part = body + mark_len - 2;
  const char *next;
  while ((next = memmem(part, (size_t)(end - part), mark, mark_len))) {
    parse_part(request, part, (size_t)(next - part));
    part = next + mark_len;
  }
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
