/*
 * URLs and application/x-www-form-urlencoded text. Every byte outside the
 * unreserved set of RFC 3986 leaves as %XX, so that no value can become
 * another parameter, whatever bytes it holds.
 */
#ifndef ICRM_NET_FORM_H
#define ICRM_NET_FORM_H

#include "core/buf.h"
#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Longest path and query that are sent; front servers commonly stop at 8 kB
 * for the whole request line (observed: 4 kB passed, 20 kB was refused). */
#define ICRM_FORM_MAX_TARGET 7500

/* Where a CRM answers, taken apart. */
struct icrm_form_endpoint {
  char url[1024];   /* complete, with user info when the user gave some */
  char origin[320]; /* host:port, for messages */
  char host[256];   /* without brackets */
  size_t path_len;  /* bytes of `url` after the authority */
  bool is_tls;      /* https */
  bool is_loopback; /* 127.0.0.0/8, ::1 or localhost */
};

/* One file or field of a multipart body. The caller owns the memory. */
struct icrm_form_part {
  const char *name;
  const char *filename;     /* NULL for a plain field */
  const char *content_type; /* NULL for none */
  const char *data;         /* its content */
  size_t data_len;
};

/* Append `name=value`, percent-encoded, with `&` before it unless `out` is
 * empty. */
void icrm_form_add(struct icrm_buf *out, const char *name, size_t name_len,
                   const char *value, size_t value_len);

/* Refuse (kind input) a parameter name that belongs to the protocol:
 * `operation` and `sessionName` in any case, and the empty name. */
int icrm_form_check_name(const char *name, size_t len, struct icrm_error *err);

/* Take a CRM address apart: `https://host[:port][/path]`, with or without the
 * file (`/wstiger.php`, `/webservice.php`): /wstiger.php is added when the
 * path does not end in .php. Refused with kind config: other schemes, a query
 * or fragment, odd bytes, and http:// to anything but the loopback. */
int icrm_form_endpoint_parse(const char *url, struct icrm_form_endpoint *out,
                             struct icrm_error *err);

/* Append the beginning of a multipart part, up to its content. Quotes and line
 * ends in names leave as %22, %0D and %0A, as browsers write them. */
void icrm_form_begin_part(struct icrm_buf *out, const char *boundary,
                          const struct icrm_form_part *part);

/* Append what stands behind the content. Fails with kind input when the whole
 * is larger than `out->limit`. */
int icrm_form_end_part(struct icrm_buf *out, struct icrm_error *err);

/* Append one whole part. */
int icrm_form_add_part(struct icrm_buf *out, const char *boundary,
                       const struct icrm_form_part *part,
                       struct icrm_error *err);

/* Append the closing boundary line. */
void icrm_form_end_parts(struct icrm_buf *out, const char *boundary);

#endif
