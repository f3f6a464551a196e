/* The HTTP side: libmicrohttpd, one thread per connection, loopback only. */
#ifndef ICRM_SANDBOX_HTTP_H
#define ICRM_SANDBOX_HTTP_H

#include "core/error.h"

#include <stddef.h>

struct icrm_sandbox;
struct sb_http;

/* Listen on 127.0.0.1, on a free port when `port` is 0. Of a body of more than
 * `most_bytes` the parameters are dropped. NULL with `err` (kind `config`) when
 * the port is taken. */
struct sb_http *sb_http_start(struct icrm_sandbox *sandbox, int port,
                              size_t most_bytes, struct icrm_error *err);

/* The port it listens on. */
int sb_http_port(const struct sb_http *http);

/* Close all connections and wait for their threads. The sessions must have
 * been stopped before. NULL is allowed. */
void sb_http_stop(struct sb_http *http);

#endif
