/* What can go wrong between two machines, as a sentence with its cure. */
#ifndef ICRM_NET_FAILURE_H
#define ICRM_NET_FAILURE_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

enum icrm_failure {
  ICRM_FAILURE_NO_HOST,       /* its name is not found */
  ICRM_FAILURE_NO_PROXY,      /* the proxy does not lead there */
  ICRM_FAILURE_NO_CONNECTION, /* refused, or the network is down */
  ICRM_FAILURE_SLOW_CONNECT,  /* no connection in time */
  ICRM_FAILURE_SLOW_ANSWER,   /* no whole answer in time */
  ICRM_FAILURE_STALLED,       /* nothing moved for too long */
  ICRM_FAILURE_UNTRUSTED,     /* its certificate does not verify */
  ICRM_FAILURE_NO_TLS,        /* the handshake failed */
  ICRM_FAILURE_TOO_LARGE,     /* the answer */
  ICRM_FAILURE_NO_ANSWER,     /* closed before it */
  ICRM_FAILURE_CUT_ANSWER,    /* closed in its middle */
  ICRM_FAILURE_NO_WEB_SERVER, /* something else answers */
  ICRM_FAILURE_NO_PROTOCOL,   /* not built in */
  ICRM_FAILURE_OTHER
};

/* Where, and what is known of it. */
struct icrm_failure_place {
  const char *origin; /* host:port */
  const char *detail; /* the network library's words, "" for none */
  double seconds;     /* that it took */
  size_t bytes;       /* that an answer may have */
  bool is_tls;
};

/* Fill `err`. */
void icrm_failure_explain(enum icrm_failure failure,
                          const struct icrm_failure_place *place,
                          struct icrm_error *err);

#endif
