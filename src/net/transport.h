/*
 * HTTP over libcurl's multi interface; the only file that includes curl.h.
 *
 * One transport serves every client of a Lua state, so that one wait covers
 * all of them. A client owns exchanges (one per lane); each is a reusable
 * handle that carries one request at a time. No callback reaches Lua: replies
 * collect in C buffers and are handed over when icrm_transport_step returns
 * from libcurl.
 *
 * Its promise: a request marked `write` leaves at most once. libcurl sends a
 * request again, without a word, when a kept-alive connection dies before a
 * reply byte. A callback that libcurl asks before each attempt stops it; a body
 * too large to leave with the headers cannot be rewound, either.
 */
#ifndef ICRM_NET_TRANSPORT_H
#define ICRM_NET_TRANSPORT_H

#include "core/buf.h"
#include "core/error.h"
#include "net/body.h"
#include "net/download.h"
#include "net/site.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct icrm_transport;
struct icrm_exchange;

/* Who takes part in a wait. The transport calls `turn` before it waits and
 * after each burst of activity; the member starts what may start and returns
 * the milliseconds after which it wants to be called again, -1 for never. */
struct icrm_transport_member {
  int (*turn)(struct icrm_transport_member *self, int64_t now_ms);
  struct icrm_transport_member *next;
};

/* What to send. Memory behind the pointers must live until the reply. */
struct icrm_request {
  const char *url;                /* complete; copied */
  const char *content_type;       /* NULL: application/x-www-form-urlencoded */
  struct icrm_body body;          /* none: GET */
  struct icrm_download *download; /* takes the file out of the reply, or NULL */
  int timeout_ms;                 /* of the whole; with files: of a silence */
  bool write;                     /* must not leave twice */
};

/* What came back. */
struct icrm_reply {
  bool is_complete;      /* a whole HTTP reply arrived */
  bool is_nothing_sent;  /* proven: no byte of the request left */
  bool is_given_up;      /* ended here: a file changed, or the disk is full */
  struct icrm_error err; /* why not, when !is_complete */
  int status;            /* HTTP status, 0 for none */
  int retry_after_s;     /* see icrm_header_retry_after_s; -1: not asked */
  char content_type[64];
  struct icrm_buf limits; /* `name: value` lines of X-FloodControl-* and
                             X-RateLimit-* headers */
  struct icrm_buf body;   /* decompressed, without what a download took; the
                             owner may take it */
  int64_t bytes_sent, bytes_received;
  int64_t time_us; /* from start to end */
};

/* libcurl and what it was built with, for reports: a static text like
 * `libcurl/7.88.1 OpenSSL/3.0.15 zlib/1.2.13`. */
const char *icrm_transport_version(void);

/* A transport with one reference; NULL on failure. */
struct icrm_transport *icrm_transport_new(struct icrm_error *err);
struct icrm_transport *icrm_transport_retain(struct icrm_transport *transport);
void icrm_transport_release(struct icrm_transport *transport);

/* Members are linked, not owned. */
void icrm_transport_join(struct icrm_transport *transport,
                         struct icrm_transport_member *member);
void icrm_transport_leave(struct icrm_transport *transport,
                          struct icrm_transport_member *member);

/* A member has something for its user: the step under way returns soon. */
void icrm_transport_notify(struct icrm_transport *transport);

/* Move all transfers on, waiting at most `timeout_ms` (negative: as long as it
 * takes). Returns early on news, on an interrupt (core/interrupt.h) or another
 * signal, and at once when nothing is under way. Fails with kind config in a
 * forked child. */
int icrm_transport_step(struct icrm_transport *transport, int timeout_ms,
                        struct icrm_error *err);

/* Between two long pieces of work: where the server takes its time, look for
 * replies and let the next calls out. Waits for nothing. Does nothing once
 * icrm_transport_await_step was called: something new may leave with the next
 * step only. */
int icrm_transport_kick(struct icrm_transport *transport,
                        struct icrm_error *err);
void icrm_transport_await_step(struct icrm_transport *transport);

/* 0, or -1 when this process is a fork of the one that made `transport`. */
int icrm_transport_check_process(const struct icrm_transport *transport,
                                 struct icrm_error *err);

/* An idle exchange. `done(owner, exchange)` is called, never from inside
 * libcurl, when a request has ended, however it ended. NULL on failure. */
struct icrm_exchange *
icrm_exchange_new(struct icrm_transport *transport, struct icrm_site *site,
                  void (*done)(void *owner, struct icrm_exchange *exchange),
                  void *owner, struct icrm_error *err);

/* Abandon what is under way and free the exchange; `done` is not called. */
void icrm_exchange_free(struct icrm_exchange *exchange);

/* Prepare an idle exchange to send `request`. Nothing leaves before the next
 * icrm_transport_step. */
int icrm_exchange_start(struct icrm_exchange *exchange,
                        const struct icrm_request *request,
                        struct icrm_error *err);

/* The reply, valid from `done` until the next start. */
struct icrm_reply *icrm_exchange_reply(struct icrm_exchange *exchange);

#endif
