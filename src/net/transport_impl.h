/* What transport.c (exchanges) and loop.c (waiting) share. Private. */
#ifndef ICRM_NET_TRANSPORT_IMPL_H
#define ICRM_NET_TRANSPORT_IMPL_H

#include "net/transport.h"

#include <sys/types.h>

struct icrm_transport {
  void *multi; /* libcurl's */
  unsigned references;
  pid_t process;
  int running;        /* exchanges under way */
  uint64_t ended;     /* counts exchanges that have ended */
  uint64_t news;      /* counts icrm_transport_notify */
  bool awaits_step;   /* nothing new may leave before */
  int64_t latency_us; /* moving average over exchanges */
  struct icrm_transport_member *members;
};

/* Let libcurl work, then hand over what ended. */
int icrm_transport_perform(struct icrm_transport *transport,
                           struct icrm_error *err);

/* Wait for activity. Returns the number of descriptors with news: 0 also when
 * a signal came; -1 on an interrupt. */
int icrm_transport_wait(struct icrm_transport *transport, int timeout_ms);

#endif
