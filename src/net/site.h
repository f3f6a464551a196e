/* How one CRM is reached and whom to trust there. */
#ifndef ICRM_NET_SITE_H
#define ICRM_NET_SITE_H

#include "core/error.h"
#include "net/form.h"

#include <stdbool.h>
#include <stddef.h>

/* How one CRM is reached. Texts are copied; NULL or 0 takes the default. */
struct icrm_site_options {
  const struct icrm_form_endpoint *endpoint;
  const char *ca_file; /* PEM bundle that replaces the system's */
  const char *proxy;   /* URL; "env" follows the environment; NULL for none */
  const char *user_agent;
  int connect_timeout_ms; /* 10,000 */
  size_t max_reply_bytes; /* 16 MiB, counted after decompression */
  bool insecure;          /* no certificate check; loopback only */
};

/* Read by the transport. */
struct icrm_site {
  char *origin, *ca_file, *proxy, *user_agent;
  bool is_tls, is_insecure, is_proxied;
  /* libcurl keeps one parsed CA store for all connections, but only when no
   * CA folder is set. So the folder is left out at first and tried, once for
   * the site, when a certificate does not verify: nothing that the system
   * trusts is lost, and lanes open cheaply. */
  bool uses_ca_folder;
  long connect_timeout_ms;
  size_t max_reply_bytes;
};

/* How to reach a CRM; outlives the exchanges that use it. NULL on failure. */
struct icrm_site *icrm_site_new(const struct icrm_site_options *options,
                                struct icrm_error *err);
void icrm_site_free(struct icrm_site *site);

#endif
