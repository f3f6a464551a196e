/* What can go wrong between two machines, as a sentence with its cure. */
#ifndef ICRM_NET_FAULT_H
#define ICRM_NET_FAULT_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

enum icrm_fault {
  ICRM_FAULT_NO_HOST,       /* its name is not found */
  ICRM_FAULT_NO_PROXY,      /* the proxy does not lead there */
  ICRM_FAULT_NO_CONNECTION, /* refused, or the network is down */
  ICRM_FAULT_SLOW_CONNECT,  /* no connection in time */
  ICRM_FAULT_SLOW_ANSWER,   /* no whole answer in time */
  ICRM_FAULT_STALLED,       /* nothing moved for too long */
  ICRM_FAULT_UNTRUSTED,     /* its certificate does not verify */
  ICRM_FAULT_NO_TLS,        /* the handshake failed */
  ICRM_FAULT_TOO_LARGE,     /* the answer */
  ICRM_FAULT_NO_ANSWER,     /* closed before it */
  ICRM_FAULT_CUT_ANSWER,    /* closed in its middle */
  ICRM_FAULT_NO_WEB_SERVER, /* something else answers */
  ICRM_FAULT_NO_PROTOCOL,   /* not built in */
  ICRM_FAULT_OTHER
};

/* Where, and what is known of it. */
struct icrm_fault_place {
  const char *origin; /* host:port */
  const char *detail; /* the network library's words, "" for none */
  double seconds;     /* that it took */
  size_t bytes;       /* that an answer may have */
  bool is_tls;
};

/* Fill `err`. */
void icrm_fault_explain(enum icrm_fault fault,
                        const struct icrm_fault_place *place,
                        struct icrm_error *err);

#endif
