#include "net/form.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_unreserved(unsigned char c) {
  static const bool yes[256] = {['a' ... 'z'] = true, ['A' ... 'Z'] = true,
                                ['0' ... '9'] = true, ['-'] = true,
                                ['.'] = true,         ['_'] = true,
                                ['~'] = true};
  return yes[c];
}

static char *put_encoded(char *to, const char *text, size_t len) {
  static const char hex[] = "0123456789ABCDEF";
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (is_unreserved(c)) {
      *to++ = (char)c;
      continue;
    }
    *to++ = '%';
    *to++ = hex[c >> 4];
    *to++ = hex[c & 15];
  }
  return to;
}

/* In chunks, since room is taken for the worst case. */
static void add_encoded(struct icrm_buf *out, const char *text, size_t len) {
  enum { CHUNK = 1024 };
  for (size_t at = 0; at < len; at += CHUNK) {
    size_t n = len - at < CHUNK ? len - at : CHUNK;
    char *begin = icrm_buf_room(out, n * 3);
    if (!begin)
      return;
    char *end = put_encoded(begin, text + at, n);
    icrm_buf_wrote(out, (size_t)(end - begin));
  }
}

void icrm_form_add(struct icrm_buf *out, const char *name, size_t name_len,
                   const char *value, size_t value_len) {
  if (out->len > 0)
    icrm_buf_add_byte(out, '&');
  add_encoded(out, name, name_len);
  icrm_buf_add_byte(out, '=');
  add_encoded(out, value, value_len);
}

int icrm_form_check_name(const char *name, size_t len, struct icrm_error *err) {
  static const char *const reserved[] = {"operation", "sessionName"};
  if (len == 0)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "a parameter has an empty name");
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    if (len == strlen(reserved[i]) && strncasecmp(name, reserved[i], len) == 0)
      return icrm_error_set(err, ICRM_ERROR_INPUT,
                            "the parameter name %s belongs to the protocol; "
                            "leave it out",
                            reserved[i]);
  return 0;
}

static bool only_bytes(const char *text, size_t len, const char *extra) {
  for (size_t i = 0; i < len; i++)
    if (!is_unreserved((unsigned char)text[i]) &&
        (text[i] == '\0' || !strchr(extra, text[i])))
      return false;
  return true;
}

static bool host_is_loopback(const char *host) {
  struct in_addr v4;
  struct in6_addr v6;
  if (strcasecmp(host, "localhost") == 0)
    return true;
  if (inet_pton(AF_INET, host, &v4) == 1)
    return (ntohl(v4.s_addr) >> 24) == 127;
  return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* Read `host[:port]`; returns false when it is not of that form. */
static bool parse_authority(const char *text, size_t len,
                            struct icrm_form_endpoint *out) {
  const char *host = text;
  const char *end = text + len;
  const char *host_end;
  bool is_v6 = host < end && *host == '[';
  if (is_v6) {
    host++;
    host_end = memchr(host, ']', (size_t)(end - host));
    if (!host_end)
      return false;
  } else {
    host_end = memchr(host, ':', (size_t)(end - host));
    if (!host_end)
      host_end = end;
  }
  size_t host_len = (size_t)(host_end - host);
  if (host_len == 0 || host_len >= sizeof out->host ||
      !only_bytes(host, host_len, is_v6 ? ":" : ""))
    return false;
  memcpy(out->host, host, host_len);
  out->host[host_len] = '\0';
  const char *port = is_v6 ? host_end + 1 : host_end;
  long number = out->is_tls ? 443 : 80;
  if (port < end) {
    char *stop = NULL;
    if (*port != ':' || port + 1 == end || port[1] < '0' || port[1] > '9')
      return false;
    number = strtol(port + 1, &stop, 10);
    if (stop != end || number < 1 || number > 65535)
      return false;
  }
  snprintf(out->origin, sizeof out->origin, is_v6 ? "[%s]:%ld" : "%s:%ld",
           out->host, number);
  out->is_loopback = host_is_loopback(out->host);
  return true;
}

static int bad_url(struct icrm_error *err, const char *why) {
  return icrm_error_set(err, ICRM_ERROR_CONFIG,
                        "the CRM's URL %s; write it like "
                        "https://crm.example.fr",
                        why);
}

int icrm_form_endpoint_parse(const char *url, struct icrm_form_endpoint *out,
                             struct icrm_error *err) {
  memset(out, 0, sizeof *out);
  const char *rest;
  if (strncasecmp(url, "https://", 8) == 0) {
    out->is_tls = true;
    rest = url + 8;
  } else if (strncasecmp(url, "http://", 7) == 0) {
    rest = url + 7;
  } else {
    return bad_url(err, "does not begin with https://");
  }
  size_t authority_len = strcspn(rest, "/?#\\");
  const char *path = rest + authority_len;
  if (memchr(rest, '@', authority_len))
    return bad_url(err, "holds a user or a password, which would be stored and "
                        "shown with it; the login is the profile's username "
                        "and access key");
  if (!parse_authority(rest, authority_len, out))
    return bad_url(err, "has no valid host and port");
  if (strpbrk(path, "?#"))
    return bad_url(err, "has a query or fragment, which is not allowed");
  size_t path_len = strlen(path);
  if (!only_bytes(path, path_len, "/%:@!$&'()*+,;="))
    return bad_url(err, "has a byte that must be percent-encoded");
  if (!out->is_tls && !out->is_loopback)
    return icrm_error_set(err, ICRM_ERROR_CONFIG,
                          "http:// would send the login to %s unencrypted; "
                          "use https:// (http:// is for this machine only)",
                          out->origin);
  while (path_len > 0 && path[path_len - 1] == '/')
    path_len--;
  bool has_file =
      path_len > 4 && strncasecmp(path + path_len - 4, ".php", 4) == 0;
  int n = snprintf(out->url, sizeof out->url, "%s://%.*s%.*s%s",
                   out->is_tls ? "https" : "http", (int)authority_len, rest,
                   (int)path_len, path, has_file ? "" : "/wstiger.php");
  if (n < 0 || (size_t)n >= sizeof out->url)
    return bad_url(err, "is longer than 1,000 bytes");
  out->path_len = (size_t)n - authority_len - (out->is_tls ? 8u : 7u);
  return 0;
}

static void add_quoted(struct icrm_buf *out, const char *text) {
  for (; *text; text++) {
    if (*text == '"' || *text == '\r' || *text == '\n')
      icrm_buf_addf(out, "%%%02X", (unsigned char)*text);
    else
      icrm_buf_add_byte(out, *text);
  }
}

void icrm_form_begin_part(struct icrm_buf *out, const char *boundary,
                          const struct icrm_form_part *part) {
  icrm_buf_addf(out, "--%s\r\nContent-Disposition: form-data; name=\"",
                boundary);
  add_quoted(out, part->name);
  icrm_buf_add_byte(out, '"');
  if (part->filename) {
    icrm_buf_add_text(out, "; filename=\"");
    add_quoted(out, part->filename);
    icrm_buf_add_byte(out, '"');
  }
  if (part->content_type) {
    icrm_buf_add_text(out, "\r\nContent-Type: ");
    icrm_buf_add(out, part->content_type, strcspn(part->content_type, "\r\n"));
  }
  icrm_buf_add_text(out, "\r\n\r\n");
}

int icrm_form_end_part(struct icrm_buf *out, struct icrm_error *err) {
  icrm_buf_add_text(out, "\r\n");
  if (!out->failed)
    return 0;
  return icrm_error_set(err, ICRM_ERROR_INPUT,
                        "the call is larger than the %zu bytes that one call "
                        "may send from memory; a file that is named by its "
                        "path may have any size",
                        out->limit);
}

int icrm_form_add_part(struct icrm_buf *out, const char *boundary,
                       const struct icrm_form_part *part,
                       struct icrm_error *err) {
  icrm_form_begin_part(out, boundary, part);
  icrm_buf_add(out, part->data, part->data_len);
  return icrm_form_end_part(out, err);
}

void icrm_form_end_parts(struct icrm_buf *out, const char *boundary) {
  icrm_buf_addf(out, "--%s--\r\n", boundary);
}
