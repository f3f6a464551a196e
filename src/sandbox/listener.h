/*
 * The listening socket, accepted from by a thread of its own, so that a plan of
 * faults may reset, close and refuse connections.
 */
#ifndef ICRM_SANDBOX_LISTENER_H
#define ICRM_SANDBOX_LISTENER_H

#include "core/error.h"

#include <sys/socket.h>

struct sb_faults;
struct sb_listener;

/* Listen on 127.0.0.1, on a free port when `port` is 0, and give each
 * connection to `take`, which owns it then. NULL with `err` (kind `config`)
 * when the port is taken. `faults` may be NULL. */
struct sb_listener *
sb_listener_start(int port, struct sb_faults *faults,
                  void (*take)(void *context, int fd,
                               const struct sockaddr *address, socklen_t len),
                  void *context, struct icrm_error *err);

int sb_listener_port(const struct sb_listener *listener);

/* Accept nothing more and free. NULL is allowed. */
void sb_listener_stop(struct sb_listener *listener);

#endif
