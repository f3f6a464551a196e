/* Replies that are no HTTP, or less than a whole one: bytes on a socket. */
#include "sandbox/faults.h"

#include "sandbox/call.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { WRITE_TIMEOUT_MS = 5000 };

bool sb_faults_is_raw(const struct sb_fault *fault) {
  if (!fault)
    return false;
  switch (fault->kind) {
  case SB_FAULT_RESET:
  case SB_FAULT_CLOSE:
  case SB_FAULT_SLOW:
  case SB_FAULT_HALF_HEADERS:
  case SB_FAULT_HALF_REPLY:
  case SB_FAULT_LENGTH:
  case SB_FAULT_CHUNKS:
  case SB_FAULT_HUGE:
    return true;
  case SB_FAULT_STALL:
    return fault->moment == SB_MID_REPLY;
  default:
    return false;
  }
}

/* The socket does not block; a client that reads nothing is given up. */
static bool write_all(int fd, const char *bytes, size_t len) {
  while (len) {
    ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
    if (n > 0) {
      bytes += n;
      len -= (size_t)n;
      continue;
    }
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    if ((n < 0 && errno != EAGAIN && errno != EINTR) ||
        poll(&writable, 1, WRITE_TIMEOUT_MS) == 0)
      return false;
  }
  return true;
}

/* An open connection that is connected to nothing is reset at once. */
static void reset(int fd) {
  struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
  connect(fd, &nowhere, sizeof nowhere);
}

static void add_length(struct icrm_buf *out, const struct sb_fault *fault,
                       size_t len) {
  long long honest = (long long)len;
  const char *how = fault->kind == SB_FAULT_LENGTH ? fault->value : "";
  if (strcmp(how, "short") == 0)
    icrm_buf_addf(out, "Content-Length: %lld\r\n", honest / 2);
  else if (strcmp(how, "long") == 0)
    icrm_buf_addf(out, "Content-Length: %lld\r\n", honest + 100);
  else if (strcmp(how, "negative") == 0)
    icrm_buf_addf(out, "Content-Length: -%lld\r\n", honest);
  else
    icrm_buf_addf(out, "Content-Length: %lld\r\n", honest);
  if (strcmp(how, "twice") == 0)
    icrm_buf_addf(out, "Content-Length: %lld\r\n", honest / 2);
}

static void add_head(struct icrm_buf *out, const struct sb_fault *fault,
                     const struct sb_reply *reply) {
  icrm_buf_addf(out, "HTTP/1.1 %d OK\r\nContent-Type: %s\r\n", reply->status,
                reply->type);
  if (fault->kind == SB_FAULT_CHUNKS)
    icrm_buf_add_text(out, "Transfer-Encoding: chunked\r\n");
  else if (fault->kind == SB_FAULT_HUGE)
    icrm_buf_addf(out, "Content-Length: %lld\r\n", (long long)fault->number);
  else
    add_length(out, fault, reply->body.len);
  icrm_buf_add_text(out, "\r\n");
}

static void drip(struct icrm_sandbox *sandbox, int fd,
                 const struct icrm_buf *bytes, int64_t pause_ms) {
  for (size_t i = 0; i < bytes->len; i++) {
    if (!write_all(fd, bytes->data + i, 1) ||
        sb_sessions_wait(sandbox->sessions, (int)pause_ms))
      return;
  }
}

static void flood(int fd, int64_t size) {
  static const char spaces[4096] = {' '};
  for (int64_t left = size; left > 0; left -= (int64_t)sizeof spaces)
    if (!write_all(fd, spaces, sizeof spaces))
      return;
}

/* All of the reply, as the fault has it; `head_len` gets the headers' part. */
static void compose(struct icrm_buf *out, const struct sb_fault *fault,
                    const struct sb_reply *reply, size_t *head_len) {
  add_head(out, fault, reply);
  *head_len = out->len;
  if (fault->kind == SB_FAULT_CHUNKS)
    icrm_buf_add_text(out, "zz\r\n");
  if (fault->kind != SB_FAULT_HUGE && reply->body.len)
    icrm_buf_add(out, reply->body.data, reply->body.len);
}

static size_t part(const struct sb_fault *fault, const struct icrm_buf *bytes,
                   size_t head_len) {
  if (fault->kind == SB_FAULT_HALF_HEADERS)
    return head_len / 2;
  bool cuts = fault->kind == SB_FAULT_HALF_REPLY ||
              fault->kind == SB_FAULT_RESET || fault->kind == SB_FAULT_CLOSE ||
              fault->kind == SB_FAULT_STALL;
  if (fault->moment == SB_MID_REPLY && cuts)
    return head_len + (bytes->len - head_len) / 2;
  return fault->moment < SB_MID_REPLY ? 0 : bytes->len;
}

void sb_faults_send(struct icrm_sandbox *sandbox, const struct sb_fault *fault,
                    const struct sb_reply *reply, int fd) {
  struct icrm_buf bytes = {0};
  size_t head_len;
  compose(&bytes, fault, reply, &head_len);
  if (bytes.failed)
    return icrm_buf_free(&bytes);
  size_t len = part(fault, &bytes, head_len);
  if (fault->kind == SB_FAULT_SLOW)
    drip(sandbox, fd, &bytes, fault->number);
  else
    write_all(fd, bytes.data, len);
  if (fault->kind == SB_FAULT_HUGE)
    flood(fd, fault->number);
  if (fault->kind == SB_FAULT_STALL) {
    sb_sessions_wait(sandbox->sessions, (int)fault->number);
    write_all(fd, bytes.data + len, bytes.len - len);
  }
  if (fault->kind == SB_FAULT_RESET)
    reset(fd);
  icrm_buf_free(&bytes);
}
