#include "core/transport.h"

#include "core/clock.h"
#include "core/interrupt.h"
#include "core/quota.h"
#include "core/site.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECEIVE_BUFFER_BYTES 32768L
/* A server closes an idle connection after some seconds (Apache: 5). A write
 * takes a younger one or opens its own, so that few meet the closing door. */
#define WRITE_MAX_IDLE_S 4L
#define LONGEST_WAIT_MS 60000
#define MOST_RESERVED_BYTES (1 << 20)
#define BLOCK_BYTES 49152 /* libcurl joins up to 64 kB with the headers */
/* Below this the next request is not hurried out before results are handed
 * over: it costs a fifth of the throughput and there is no wait to hide. */
#define LATENCY_WORTH_HIDING_US 3000

struct icrm_transport {
  CURLM *multi;
  unsigned references;
  pid_t process;
  int running;        /* exchanges under way */
  uint64_t ended;     /* counts exchanges that have ended */
  uint64_t news;      /* counts icrm_transport_notify */
  bool awaits_step;   /* nothing new may leave before */
  int64_t latency_us; /* moving average over exchanges */
  struct icrm_transport_member *members;
};

struct icrm_exchange {
  CURL *easy;
  struct icrm_transport *transport;
  struct icrm_site *site;
  void (*done)(void *owner, struct icrm_exchange *exchange);
  void *owner;
  struct icrm_reply reply;
  struct icrm_request request;
  struct curl_slist *headers;
  bool has_plain_headers; /* `headers` name no content type */
  struct icrm_buf block;  /* a small body in one piece */
  size_t body_at;         /* bytes of a large body given to libcurl */
  int attempts;           /* how often libcurl was about to send */
  int64_t started_us;
  bool is_running;
  bool uses_ca_folder; /* see struct icrm_site */
  char detail[CURL_ERROR_SIZE];
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

/* Never undone: another part of the process may use libcurl too. */
static void init_curl(void) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

const char *icrm_transport_version(void) {
  pthread_once(&curl_once, init_curl);
  return curl_version();
}

/* Make libcurl's own wakeup sockets close-on-exec, which 7.88 does not do
 * itself. It takes the two lowest free descriptors, found by asking first. */
static CURLM *new_multi(void) {
  int pair[2];
  bool found = pipe2(pair, O_CLOEXEC) == 0;
  if (found) {
    close(pair[0]);
    close(pair[1]);
  }
  CURLM *multi = curl_multi_init();
  for (int i = 0; found && i < 2; i++) {
    struct stat st;
    if (fstat(pair[i], &st) == 0)
      fcntl(pair[i], F_SETFD, FD_CLOEXEC);
  }
  return multi;
}

struct icrm_transport *icrm_transport_new(struct icrm_error *err) {
  pthread_once(&curl_once, init_curl);
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  if (!(info->features & CURL_VERSION_ASYNCHDNS)) {
    icrm_error_set(err, ICRM_ERROR_CONFIG,
                   "this libcurl resolves names without a timeout; install "
                   "one built with a threaded resolver or c-ares");
    return NULL;
  }
  struct icrm_transport *out = calloc(1, sizeof *out);
  CURLM *multi = out ? new_multi() : NULL;
  if (!multi) {
    free(out);
    icrm_error_set(err, ICRM_ERROR_TRANSPORT, "libcurl could not start");
    return NULL;
  }
  out->multi = multi;
  out->references = 1;
  out->process = getpid();
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
  return out;
}

struct icrm_transport *icrm_transport_retain(struct icrm_transport *transport) {
  transport->references++;
  return transport;
}

void icrm_transport_release(struct icrm_transport *transport) {
  if (!transport || --transport->references > 0)
    return;
  /* In a forked child a polite TLS close would end the parent's connection. */
  if (transport->process == getpid())
    curl_multi_cleanup(transport->multi);
  free(transport);
}

void icrm_transport_join(struct icrm_transport *transport,
                         struct icrm_transport_member *member) {
  member->next = transport->members;
  transport->members = member;
}

void icrm_transport_leave(struct icrm_transport *transport,
                          struct icrm_transport_member *member) {
  struct icrm_transport_member **link = &transport->members;
  while (*link && *link != member)
    link = &(*link)->next;
  if (*link)
    *link = member->next;
}

void icrm_transport_notify(struct icrm_transport *transport) {
  transport->news++;
}

int icrm_transport_check_process(const struct icrm_transport *transport,
                                 struct icrm_error *err) {
  if (transport->process == getpid())
    return 0;
  return icrm_error_set(err, ICRM_ERROR_CONFIG,
                        "this client was opened before a fork; open a new one "
                        "in the child process");
}

static curl_socket_t open_socket(void *context, curlsocktype purpose,
                                 struct curl_sockaddr *address) {
  (void)context;
  (void)purpose;
  return socket(address->family, address->socktype | SOCK_CLOEXEC,
                address->protocol);
}

/* Take the room for a body of announced length at once. */
static void reserve_body(struct icrm_exchange *x) {
  curl_off_t length = -1;
  curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  if (length > 0 && length <= MOST_RESERVED_BYTES &&
      (size_t)length <= x->site->max_reply_bytes)
    icrm_buf_room(&x->reply.body, (size_t)length);
}

static size_t receive(char *bytes, size_t size, size_t count, void *context) {
  struct icrm_exchange *x = context;
  /* Silence counts once the reply has begun; before that the server may be
   * working, and the request's own timeout is the limit. */
  if (x->reply.body.len == 0) {
    curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_TIME, 30L);
    reserve_body(x);
  }
  icrm_buf_add(&x->reply.body, bytes, size * count);
  return x->reply.body.failed ? 0 : size * count;
}

static size_t body_len(const struct icrm_request *request) {
  return (request->head ? request->head->len : 0) +
         (request->tail ? request->tail->len : 0);
}

static size_t send_half(struct icrm_exchange *x, const struct icrm_buf *half,
                        size_t skip, char *out, size_t room) {
  if (!half || x->body_at < skip || x->body_at - skip >= half->len)
    return 0;
  size_t at = x->body_at - skip;
  size_t n = half->len - at < room ? half->len - at : room;
  memcpy(out, half->data + at, n);
  x->body_at += n;
  return n;
}

static size_t send_body(char *out, size_t size, size_t count, void *context) {
  struct icrm_exchange *x = context;
  size_t room = size * count;
  size_t head_len = x->request.head ? x->request.head->len : 0;
  size_t n = send_half(x, x->request.head, 0, out, room);
  return n + send_half(x, x->request.tail, head_len, out + n, room - n);
}

/* Called before each attempt, on a new connection as on a kept one: libcurl
 * sends a request again when a kept connection dies before a reply byte. A
 * write passes this door once. */
static int before_send(void *context, char *remote_ip, char *local_ip,
                       int remote_port, int local_port) {
  struct icrm_exchange *x = context;
  (void)remote_ip;
  (void)local_ip;
  (void)remote_port;
  (void)local_port;
  return x->attempts++ > 0 && x->request.write ? CURL_PREREQFUNC_ABORT
                                               : CURL_PREREQFUNC_OK;
}

/* libcurl rewinds a body in order to send it again. A write refuses. */
static int rewind_body(void *context, curl_off_t offset, int origin) {
  struct icrm_exchange *x = context;
  if (x->request.write || origin != SEEK_SET || offset != 0)
    return CURL_SEEKFUNC_FAIL;
  x->body_at = 0;
  return CURL_SEEKFUNC_OK;
}

static void set_tls(struct icrm_exchange *x) {
  CURL *easy = x->easy;
  const struct icrm_site *site = x->site;
  long verify = site->is_insecure ? 0 : 1;
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2 * verify);
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  if (site->ca_file) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, site->ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  } else if (info->cainfo && access(info->cainfo, R_OK) == 0) {
    curl_easy_setopt(easy, CURLOPT_CAPATH,
                     x->uses_ca_folder ? info->capath : NULL);
  }
}

/* What never changes between requests of one exchange. */
static void set_fixed_options(struct icrm_exchange *x) {
  CURL *easy = x->easy;
  const struct icrm_site *site = x->site;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, x);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->detail);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
                   site->is_tls ? "https" : "http");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(easy, CURLOPT_USERAGENT,
                   site->user_agent ? site->user_agent : "icrm");
  if (!site->proxy || strcmp(site->proxy, "env") != 0)
    curl_easy_setopt(easy, CURLOPT_PROXY, site->proxy ? site->proxy : "");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, site->connect_timeout_ms);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER_BYTES);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_send);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, x);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, send_body);
  curl_easy_setopt(easy, CURLOPT_READDATA, x);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, rewind_body);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, x);
  x->uses_ca_folder = site->uses_ca_folder;
  set_tls(x);
}

struct icrm_exchange *
icrm_exchange_new(struct icrm_transport *transport, struct icrm_site *site,
                  void (*done)(void *owner, struct icrm_exchange *exchange),
                  void *owner, struct icrm_error *err) {
  struct icrm_exchange *out = calloc(1, sizeof *out);
  if (out)
    out->easy = curl_easy_init();
  if (!out || !out->easy) {
    free(out);
    icrm_error_set(err, ICRM_ERROR_TRANSPORT, "out of memory");
    return NULL;
  }
  out->transport = transport;
  out->site = site;
  out->done = done;
  out->owner = owner;
  set_fixed_options(out);
  return out;
}

void icrm_exchange_free(struct icrm_exchange *exchange) {
  if (!exchange)
    return;
  struct icrm_transport *transport = exchange->transport;
  if (transport->process == getpid()) {
    if (exchange->is_running) {
      curl_multi_remove_handle(transport->multi, exchange->easy);
      transport->running--;
    }
    curl_easy_cleanup(exchange->easy);
  }
  curl_slist_free_all(exchange->headers);
  icrm_buf_wipe(&exchange->block); /* may hold the session's name */
  icrm_buf_wipe(&exchange->reply.body);
  icrm_buf_free(&exchange->reply.limits);
  free(exchange);
}

struct icrm_reply *icrm_exchange_reply(struct icrm_exchange *exchange) {
  return &exchange->reply;
}

/* `Expect: 100-continue` costs a second on servers that ignore it. */
static int set_headers(struct icrm_exchange *x) {
  char type[128];
  const char *content_type = x->request.content_type;
  if (!content_type && x->has_plain_headers)
    return 0;
  curl_slist_free_all(x->headers);
  x->has_plain_headers = !content_type;
  x->headers = curl_slist_append(NULL, "Expect:");
  if (x->headers && content_type) {
    snprintf(type, sizeof type, "Content-Type: %s", content_type);
    if (!curl_slist_append(x->headers, type))
      return -1;
  }
  return x->headers ? 0 : -1;
}

static void join_halves(struct icrm_exchange *x) {
  if (x->request.head)
    icrm_buf_add(&x->block, x->request.head->data, x->request.head->len);
  if (x->request.tail)
    icrm_buf_add(&x->block, x->request.tail->data, x->request.tail->len);
}

static void set_body(struct icrm_exchange *x) {
  const struct icrm_request *request = &x->request;
  CURL *easy = x->easy;
  if (!request->head && !request->tail) {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    return;
  }
  /* A block leaves together with the headers, which halves the packets. */
  icrm_buf_clear(&x->block);
  bool is_block = body_len(request) <= BLOCK_BYTES;
  if (is_block)
    join_halves(x);
  is_block = is_block && !x->block.failed;
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                   is_block ? (x->block.data ? x->block.data : "") : NULL);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                   (curl_off_t)body_len(request));
}

int icrm_exchange_start(struct icrm_exchange *x,
                        const struct icrm_request *request,
                        struct icrm_error *err) {
  if (icrm_transport_check_process(x->transport, err) != 0)
    return -1;
  x->request = *request;
  icrm_buf_wipe(&x->reply.body);
  icrm_buf_free(&x->reply.limits);
  memset(&x->reply, 0, sizeof x->reply);
  x->reply.body.limit = x->site->max_reply_bytes;
  x->reply.retry_after_s = -1;
  x->body_at = 0;
  x->attempts = 0;
  x->detail[0] = '\0';
  x->started_us = icrm_clock_us();
  set_body(x);
  curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
  curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_TIME, 0L);
  curl_easy_setopt(x->easy, CURLOPT_MAXAGE_CONN,
                   request->write ? WRITE_MAX_IDLE_S : 118L);
  if (set_headers(x) != 0 ||
      curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers) != CURLE_OK ||
      curl_easy_setopt(x->easy, CURLOPT_URL, request->url) != CURLE_OK ||
      curl_multi_add_handle(x->transport->multi, x->easy) != CURLM_OK)
    return icrm_error_set(err, ICRM_ERROR_TRANSPORT, "out of memory");
  x->is_running = true;
  x->transport->running++;
  return 0;
}

static int retry_after_s(CURL *easy) {
  struct curl_header *header = NULL;
  if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header) !=
      CURLHE_OK)
    return -1;
  return (int)icrm_retry_after_s(header->value, icrm_clock_wall_s());
}

/* Keep the headers that tell how many calls are left. */
static void keep_limits(CURL *easy, struct icrm_buf *out) {
  struct curl_header *header = NULL;
  while ((header = curl_easy_nextheader(easy, CURLH_HEADER, -1, header)) !=
         NULL)
    if (strncasecmp(header->name, "X-FloodControl-", 15) == 0 ||
        strncasecmp(header->name, "X-RateLimit-", 12) == 0)
      icrm_buf_addf(out, "%s: %s\n", header->name, header->value);
}

static const char *os_reason(CURL *easy, char *out, size_t size) {
  long number = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
  if (number == 0)
    return "no answer";
  snprintf(out, size, "%s", strerror((int)number));
  out[0] = (char)(out[0] >= 'A' && out[0] <= 'Z' ? out[0] + 32 : out[0]);
  return out;
}

static void set_timeout_error(struct icrm_exchange *x, struct icrm_error *err) {
  const char *origin = x->site->origin;
  double connected_s = 0;
  curl_easy_getinfo(x->easy, CURLINFO_PRETRANSFER_TIME, &connected_s);
  if (connected_s == 0)
    icrm_error_set(err, ICRM_ERROR_TIMEOUT,
                   "cannot reach %s: no connection within %ld s; check the "
                   "URL or the network",
                   origin, (x->site->connect_timeout_ms + 999) / 1000);
  else
    icrm_error_set(err, ICRM_ERROR_TIMEOUT,
                   "%s gave no complete answer within %.0f s; try again, or "
                   "allow more with `timeout`",
                   origin, (double)(icrm_clock_us() - x->started_us) / 1e6);
}

static void set_tls_error(struct icrm_exchange *x, CURLcode rc,
                          struct icrm_error *err) {
  const char *detail = x->detail[0] ? x->detail : curl_easy_strerror(rc);
  if (rc == CURLE_PEER_FAILED_VERIFICATION)
    icrm_error_set(err, ICRM_ERROR_TLS,
                   "the certificate of %s is not trusted (%s); name its "
                   "certificate authority with ca_file, or correct the URL",
                   x->site->origin, detail);
  else
    icrm_error_set(err, ICRM_ERROR_TLS,
                   "no encrypted connection to %s (%s); the server must "
                   "offer TLS 1.2 or later",
                   x->site->origin, detail);
}

static void set_error(struct icrm_exchange *x, CURLcode rc,
                      struct icrm_error *err) {
  char reason[128];
  const char *origin = x->site->origin;
  switch (rc) {
  case CURLE_COULDNT_RESOLVE_HOST:
    icrm_error_set(err, ICRM_ERROR_TRANSPORT,
                   "cannot find the host of %s; check the URL or the network",
                   origin);
    break;
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_PROXY:
    icrm_error_set(err, ICRM_ERROR_TRANSPORT,
                   "cannot reach %s through the proxy; check `proxy`", origin);
    break;
  case CURLE_COULDNT_CONNECT:
    icrm_error_set(err, ICRM_ERROR_TRANSPORT,
                   "cannot reach %s: %s; check the URL or the network", origin,
                   os_reason(x->easy, reason, sizeof reason));
    break;
  case CURLE_OPERATION_TIMEDOUT:
    set_timeout_error(x, err);
    break;
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_ISSUER_ERROR:
    set_tls_error(x, rc, err);
    break;
  case CURLE_WRITE_ERROR:
    icrm_error_set(err, ICRM_ERROR_DECODE,
                   "the answer of %s is larger than %zu bytes; ask for less, "
                   "or allow more with `max_reply_bytes`",
                   origin, x->site->max_reply_bytes);
    break;
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_FAIL_REWIND:
  case CURLE_ABORTED_BY_CALLBACK:
    icrm_error_set(err, ICRM_ERROR_TRANSPORT,
                   "%s closed the connection without an answer; if it goes "
                   "on, the server's log says why",
                   origin);
    break;
  case CURLE_PARTIAL_FILE:
    icrm_error_set(err, ICRM_ERROR_TRANSPORT,
                   "%s closed the connection in the middle of its answer; if "
                   "it goes on, the server's log says why",
                   origin);
    break;
  case CURLE_UNSUPPORTED_PROTOCOL:
    if (strstr(x->detail, "HTTP/0.9")) { /* an answer without a status line */
      icrm_error_set(err, ICRM_ERROR_TRANSPORT,
                     "what answers at %s is no web server; check the URL's "
                     "host and port",
                     origin);
      break;
    }
    icrm_error_set(err, ICRM_ERROR_CONFIG, "this libcurl has no support for %s",
                   x->site->is_tls ? "https" : "http");
    break;
  default:
    icrm_error_set(err, ICRM_ERROR_TRANSPORT,
                   "the connection to %s failed (%s)", origin,
                   x->detail[0] ? x->detail : curl_easy_strerror(rc));
  }
}

static void fill_reply(struct icrm_exchange *x, CURLcode rc) {
  struct icrm_reply *reply = &x->reply;
  long number = 0;
  curl_off_t uploaded = 0, downloaded = 0;
  char *type = NULL;
  curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &number);
  reply->status = (int)number;
  curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &number);
  curl_easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
  curl_easy_getinfo(x->easy, CURLINFO_SIZE_DOWNLOAD_T, &downloaded);
  curl_easy_getinfo(x->easy, CURLINFO_CONTENT_TYPE, &type);
  snprintf(reply->content_type, sizeof reply->content_type, "%s",
           type ? type : "");
  reply->bytes_sent = number + uploaded;
  reply->bytes_received = downloaded;
  reply->time_us = icrm_clock_us() - x->started_us;
  reply->retry_after_s = retry_after_s(x->easy);
  keep_limits(x->easy, &reply->limits);
  reply->is_nothing_sent = rc != CURLE_OK && reply->bytes_sent == 0;
  /* A failed rewind was once reported as success without an answer. */
  reply->is_complete = rc == CURLE_OK && reply->status > 0;
  if (!reply->is_complete)
    set_error(x, rc == CURLE_OK ? CURLE_GOT_NOTHING : rc, &reply->err);
  reply->err.status = reply->is_complete ? 0 : reply->status;
}

/* The certificate did not verify against the bundle: once per site, look into
 * the system's folder too. The handshake failed, so nothing was sent. */
static bool retry_with_ca_folder(struct icrm_exchange *x, CURLcode rc) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  if (rc != CURLE_PEER_FAILED_VERIFICATION || x->site->ca_file ||
      !info->capath || x->uses_ca_folder)
    return false;
  x->site->uses_ca_folder = x->uses_ca_folder = true;
  set_tls(x);
  return curl_multi_add_handle(x->transport->multi, x->easy) == CURLM_OK;
}

static void finish(struct icrm_transport *transport, CURL *easy, CURLcode rc) {
  struct icrm_exchange *x = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&x);
  curl_multi_remove_handle(transport->multi, easy);
  if (retry_with_ca_folder(x, rc))
    return;
  x->is_running = false;
  if (x->block.data)
    explicit_bzero(x->block.data, x->block.len);
  transport->running--;
  transport->ended++;
  fill_reply(x, rc);
  transport->latency_us += (x->reply.time_us - transport->latency_us) / 8;
  x->done(x->owner, x);
}

/* Let libcurl work, then hand over what ended. */
static int perform(struct icrm_transport *transport, struct icrm_error *err) {
  int running, left;
  CURLMcode rc = curl_multi_perform(transport->multi, &running);
  if (rc != CURLM_OK)
    return icrm_error_set(err, ICRM_ERROR_TRANSPORT, "libcurl: %s",
                          curl_multi_strerror(rc));
  CURLMsg *message;
  while ((message = curl_multi_info_read(transport->multi, &left)) != NULL)
    if (message->msg == CURLMSG_DONE)
      finish(transport, message->easy_handle, message->data.result);
  return 0;
}

/* Let each member start what it can; returns the nearest wish, -1 for none. */
static int turn_members(struct icrm_transport *transport) {
  int64_t now = icrm_clock_ms();
  int nearest = -1;
  for (struct icrm_transport_member *m = transport->members; m; m = m->next) {
    int wish = m->turn(m, now);
    if (wish >= 0 && (nearest < 0 || wish < nearest))
      nearest = wish;
  }
  return nearest;
}

/* Wait for activity. Returns the number of descriptors with news: 0 also when
 * a signal came; -1 on an interrupt. */
static int wait_activity(struct icrm_transport *transport, int timeout_ms) {
  int count = 0;
  struct curl_waitfd wakeup = {.fd = icrm_interrupt_fd(),
                               .events = CURL_WAIT_POLLIN};
  bool has_wakeup = wakeup.fd >= 0;
  curl_multi_poll(transport->multi, has_wakeup ? &wakeup : NULL,
                  has_wakeup ? 1 : 0, timeout_ms, &count);
  if (!has_wakeup || !wakeup.revents)
    return count;
  icrm_interrupt_drain();
  return -1;
}

void icrm_transport_await_step(struct icrm_transport *transport) {
  transport->awaits_step = true;
}

int icrm_transport_kick(struct icrm_transport *transport,
                        struct icrm_error *err) {
  if (icrm_transport_check_process(transport, err) != 0)
    return -1;
  if (transport->awaits_step || transport->latency_us < LATENCY_WORTH_HIDING_US)
    return 0;
  const uint64_t ended = transport->ended;
  if (perform(transport, err) != 0)
    return -1;
  if (transport->ended == ended)
    return 0;
  turn_members(transport);
  return perform(transport, err);
}

int icrm_transport_step(struct icrm_transport *transport, int timeout_ms,
                        struct icrm_error *err) {
  if (icrm_transport_check_process(transport, err) != 0)
    return -1;
  const uint64_t news = transport->news;
  const int64_t deadline = icrm_clock_ms() + timeout_ms;
  transport->awaits_step = false;
  int wish = turn_members(transport);
  for (;;) {
    const uint64_t ended = transport->ended;
    if (perform(transport, err) != 0)
      return -1;
    if (transport->ended != ended || wish == 0)
      wish = turn_members(transport);
    if (transport->news != news) {
      if (transport->latency_us < LATENCY_WORTH_HIDING_US)
        return 0;
      return perform(transport, err);
    }
    if (transport->running == 0 && wish < 0)
      return 0;
    int64_t left =
        timeout_ms < 0 ? LONGEST_WAIT_MS : deadline - icrm_clock_ms();
    if (left <= 0)
      return 0;
    if (left > LONGEST_WAIT_MS)
      left = LONGEST_WAIT_MS;
    bool is_timer = wish >= 0 && wish < left;
    int wait_ms = is_timer ? wish : (int)left;
    int64_t end_ms = icrm_clock_ms() + wait_ms;
    int count = wait_activity(transport, wait_ms);
    /* Ended before its time without activity: a signal, so let the caller's
     * language look at it. */
    if (count < 0 || (count == 0 && icrm_clock_ms() + 1 < end_ms))
      return perform(transport, err);
    if (is_timer)
      wish = 0;
  }
}
