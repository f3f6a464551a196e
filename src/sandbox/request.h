/*
 * A request as PHP would see it, and the reply to it. Nothing here knows HTTP.
 */
#ifndef ICRM_SANDBOX_REQUEST_H
#define ICRM_SANDBOX_REQUEST_H

#include "core/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct sb_param {
  char *name;
  char *value; /* NUL-terminated too */
  size_t len;
  bool array; /* written `name[]` */
};

struct sb_params {
  struct sb_param *items;
  size_t n, cap;
};

/* A file part of a multipart body. */
struct sb_upload {
  char *part; /* the part's name, "filename" where vtiger looks */
  char *name, *type;
  struct icrm_buf data;
};

struct sb_request {
  bool post;
  struct sb_params url, body;
  struct sb_upload *uploads;
  size_t n_uploads;
  char *cookie_session; /* PHPSESSID, NULL when absent */
};

struct sb_reply {
  int status;
  const char *type;
  struct icrm_buf headers; /* more of them, lines of "Name: value" */
  struct icrm_buf body;
};

void sb_request_free(struct sb_request *request);

/* Add a parameter; `name[]` is taken apart. Returns it, NULL without memory. */
struct sb_param *sb_params_add(struct sb_params *params, const char *name,
                               size_t name_len, const char *value, size_t len);

/* Add what an x-www-form-urlencoded text holds. */
void sb_params_parse(struct sb_params *params, const char *text, size_t len);

/* The same; the text, maybe a large one, is taken apart where it stands. */
void sb_params_parse_in_place(struct sb_params *params, char *text, size_t len);

/* Add the parts of a multipart/form-data body: parameters and uploads. */
void sb_request_parse_multipart(struct sb_request *request,
                                const char *boundary, const char *body,
                                size_t len);

/* The last parameter of that name, NULL when there is none. */
const struct sb_param *sb_params_find(const struct sb_params *params,
                                      const char *name);

/* Its text, "" when there is none. */
const char *sb_params_text(const struct sb_params *params, const char *name);

#endif
