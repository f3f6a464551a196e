#include "net/site.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_CONNECT_TIMEOUT_MS 10000
#define DEFAULT_MAX_REPLY_BYTES (16u << 20)

static char *copy(const char *text, bool *failed) {
  char *out = text ? strdup(text) : NULL;
  *failed = *failed || (text && !out);
  return out;
}

struct icrm_site *icrm_site_new(const struct icrm_site_options *options,
                                struct icrm_error *err) {
  const struct icrm_form_endpoint *endpoint = options->endpoint;
  if (options->insecure && !endpoint->is_loopback) {
    icrm_error_set(err, ICRM_ERROR_CONFIG,
                   "`insecure` is for servers on this machine, not for %s; "
                   "name its certificate authority with ca_file",
                   endpoint->origin);
    return NULL;
  }
  if (options->ca_file && access(options->ca_file, R_OK) != 0) {
    icrm_error_set(err, ICRM_ERROR_CONFIG, "cannot read ca_file %s: %s",
                   options->ca_file, strerror(errno));
    return NULL;
  }
  struct icrm_site *out = calloc(1, sizeof *out);
  bool failed = !out;
  if (out) {
    out->origin = copy(endpoint->origin, &failed);
    out->ca_file = copy(options->ca_file, &failed);
    out->proxy = copy(endpoint->is_loopback ? NULL : options->proxy, &failed);
    out->user_agent = copy(options->user_agent, &failed);
  }
  if (failed) {
    icrm_site_free(out);
    icrm_error_set(err, ICRM_ERROR_CONFIG, "out of memory");
    return NULL;
  }
  out->is_tls = endpoint->is_tls;
  out->is_insecure = options->insecure;
  out->connect_timeout_ms = options->connect_timeout_ms > 0
                                ? options->connect_timeout_ms
                                : DEFAULT_CONNECT_TIMEOUT_MS;
  out->max_reply_bytes = options->max_reply_bytes ? options->max_reply_bytes
                                                  : DEFAULT_MAX_REPLY_BYTES;
  return out;
}

void icrm_site_free(struct icrm_site *site) {
  if (!site)
    return;
  free(site->origin);
  free(site->ca_file);
  free(site->proxy);
  free(site->user_agent);
  free(site);
}
