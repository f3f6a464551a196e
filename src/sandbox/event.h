/* What the sandbox's log tells of a request. */
#ifndef ICRM_SANDBOX_EVENT_H
#define ICRM_SANDBOX_EVENT_H

#include <stdbool.h>
#include <stdint.h>

/* One request that the server took, as it happened. */
struct icrm_sandbox_event {
  int64_t n;             /* from 1, in the order of starting */
  double time_s;         /* since 1970, the server's clock */
  const char *session;   /* a hash; "" before login. Never the name */
  const char *operation; /* lower case */
  const char *module;    /* "" when none is known */
  const char *record;    /* record id, "" when none is known */
  const char *code;      /* of the error in the reply, "" when none */
  bool committed;        /* a change became durable */
  bool replied;          /* the whole reply was handed to the socket */
  const char *fault;     /* what the plan of faults did, "" for nothing */
};

#endif
