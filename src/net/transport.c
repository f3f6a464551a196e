#include "net/transport.h"

#include "core/clock.h"
#include "core/interrupt.h"
#include "net/failure.h"
#include "net/header.h"
#include "net/site.h"
#include "net/transport_impl.h"

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
#define MOST_RESERVED_BYTES (1 << 20)
#define BLOCK_BYTES 49152 /* libcurl joins up to 64 kB with the headers */

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
  struct icrm_body_reader body;
  int attempts; /* how often libcurl was about to send */
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

/* Whether files travel, whose size the timeout knows nothing of. */
static bool is_streamed(const struct icrm_request *request) {
  return request->body.files || request->download;
}

static long silence_s(const struct icrm_request *request) {
  return (request->timeout_ms + 999) / 1000;
}

/* Keep the headers that say when to come again and how many calls are left;
 * those of an interim reply are forgotten. */
static size_t read_header(char *bytes, size_t size, size_t count,
                          void *context) {
  struct icrm_exchange *x = context;
  const size_t len = size * count;
  char line[256];
  if (len == 0 || len >= sizeof line || !strchr("HhRrXx", bytes[0]))
    return len;
  memcpy(line, bytes, len);
  line[len] = '\0';
  line[strcspn(line, "\r\n")] = '\0';
  char *value = strchr(line, ':');
  if (strncasecmp(line, "HTTP/", 5) == 0) {
    x->reply.retry_after_s = -1;
    icrm_buf_clear(&x->reply.limits);
  }
  if (!value)
    return len;
  *value++ = '\0';
  value += strspn(value, " \t");
  if (strcasecmp(line, "Retry-After") == 0)
    x->reply.retry_after_s =
        (int)icrm_header_retry_after_s(value, icrm_clock_wall_s());
  else if (strncasecmp(line, "X-FloodControl-", 15) == 0 ||
           strncasecmp(line, "X-RateLimit-", 12) == 0)
    icrm_buf_addf(&x->reply.limits, "%s: %s\n", line, value);
  return len;
}

static size_t receive(char *bytes, size_t size, size_t count, void *context) {
  struct icrm_exchange *x = context;
  /* Silence counts once the reply has begun; before that the server may be
   * working, and the request's own timeout is the limit. */
  if (x->reply.body.len == 0) {
    curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_TIME, 30L);
    reserve_body(x);
  }
  if (!x->request.download) {
    icrm_buf_add(&x->reply.body, bytes, size * count);
  } else if (icrm_download_feed(x->request.download, bytes, size * count,
                                &x->reply.body, &x->reply.err) != 0) {
    x->reply.is_given_up = true;
    return 0;
  }
  return x->reply.body.failed ? 0 : size * count;
}

static size_t send_body(char *out, size_t size, size_t count, void *context) {
  struct icrm_exchange *x = context;
  ssize_t n = icrm_body_read(&x->body, out, size * count, &x->reply.err);
  x->reply.is_given_up = n < 0;
  return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
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
  return icrm_body_begin(&x->body, &x->request.body, NULL) == 0
             ? CURL_SEEKFUNC_OK
             : CURL_SEEKFUNC_FAIL;
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
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, read_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
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

/* A block leaves together with the headers, which halves the packets. A file
 * does not come through it. */
static bool make_block(struct icrm_exchange *x, int64_t len) {
  icrm_buf_clear(&x->block);
  if (x->request.body.files || len > BLOCK_BYTES)
    return false;
  char *room = icrm_buf_room(&x->block, (size_t)len);
  if (!room)
    return false;
  icrm_buf_wrote(&x->block,
                 (size_t)icrm_body_read(&x->body, room, (size_t)len, NULL));
  return true;
}

static int set_body(struct icrm_exchange *x, struct icrm_error *err) {
  const struct icrm_body *body = &x->request.body;
  CURL *easy = x->easy;
  if (icrm_body_is_none(body)) {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    return 0;
  }
  if (icrm_body_begin(&x->body, body, err) != 0)
    return -1;
  const int64_t len = icrm_body_len(body);
  const bool is_block = make_block(x, len);
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, is_block ? x->block.data : NULL);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
  return 0;
}

/* Pages are worth compressing, the short reply to a write is not. That must be
 * said: without a word a server may compress as it likes, and libcurl would
 * not undo it. */
static void set_compression(struct icrm_exchange *x) {
  curl_easy_setopt(x->easy, CURLOPT_ACCEPT_ENCODING,
                   x->request.write ? "identity" : "gzip");
}

/* A transfer of files takes the time it takes: only silence counts. */
static void set_timeouts(struct icrm_exchange *x) {
  const struct icrm_request *request = &x->request;
  const bool counts_silence = is_streamed(request);
  curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS,
                   counts_silence ? 0L : (long)request->timeout_ms);
  curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_TIME,
                   counts_silence ? silence_s(request) : 0L);
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
  x->attempts = 0;
  x->detail[0] = '\0';
  x->started_us = icrm_clock_us();
  if (request->download && icrm_download_begin(request->download, err) != 0)
    return -1;
  if (set_body(x, err) != 0)
    return -1;
  set_timeouts(x);
  set_compression(x);
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

static const char *os_reason(CURL *easy, char *out, size_t size) {
  long number = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
  if (number == 0)
    return "no answer";
  snprintf(out, size, "%s", strerror((int)number));
  out[0] = (char)(out[0] >= 'A' && out[0] <= 'Z' ? out[0] + 32 : out[0]);
  return out;
}

static enum icrm_failure timeout_failure(const struct icrm_exchange *x) {
  double connected_s = 0;
  curl_easy_getinfo(x->easy, CURLINFO_PRETRANSFER_TIME, &connected_s);
  return connected_s == 0           ? ICRM_FAILURE_SLOW_CONNECT
         : is_streamed(&x->request) ? ICRM_FAILURE_STALLED
                                    : ICRM_FAILURE_SLOW_ANSWER;
}

static enum icrm_failure failure_of(const struct icrm_exchange *x,
                                    CURLcode rc) {
  switch (rc) {
  case CURLE_COULDNT_RESOLVE_HOST:
    return ICRM_FAILURE_NO_HOST;
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_PROXY:
    return ICRM_FAILURE_NO_PROXY;
  case CURLE_COULDNT_CONNECT:
    return ICRM_FAILURE_NO_CONNECTION;
  case CURLE_OPERATION_TIMEDOUT:
    return timeout_failure(x);
  case CURLE_PEER_FAILED_VERIFICATION:
    return ICRM_FAILURE_UNTRUSTED;
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_ISSUER_ERROR:
    return ICRM_FAILURE_NO_TLS;
  case CURLE_WRITE_ERROR:
    return ICRM_FAILURE_TOO_LARGE;
  case CURLE_OK: /* a failed rewind was once reported as this */
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_FAIL_REWIND:
  case CURLE_ABORTED_BY_CALLBACK:
    return ICRM_FAILURE_NO_ANSWER;
  case CURLE_PARTIAL_FILE:
    return ICRM_FAILURE_CUT_ANSWER;
  case CURLE_UNSUPPORTED_PROTOCOL: /* also: an answer without a status line */
    return strstr(x->detail, "HTTP/0.9") ? ICRM_FAILURE_NO_WEB_SERVER
                                         : ICRM_FAILURE_NO_PROTOCOL;
  default:
    return ICRM_FAILURE_OTHER;
  }
}

/* How long was too long. */
static double failure_seconds(const struct icrm_exchange *x,
                              enum icrm_failure failure) {
  return failure == ICRM_FAILURE_SLOW_CONNECT
             ? (double)((x->site->connect_timeout_ms + 999) / 1000)
         : failure == ICRM_FAILURE_STALLED
             ? (double)silence_s(&x->request)
             : (double)(icrm_clock_us() - x->started_us) / 1e6;
}

static void set_error(struct icrm_exchange *x, CURLcode rc,
                      struct icrm_error *err) {
  char reason[128];
  const enum icrm_failure failure = failure_of(x, rc);
  struct icrm_failure_place place = {.origin = x->site->origin,
                                     .seconds = failure_seconds(x, failure),
                                     .bytes = x->site->max_reply_bytes,
                                     .is_tls = x->site->is_tls};
  place.detail = failure == ICRM_FAILURE_NO_CONNECTION
                     ? os_reason(x->easy, reason, sizeof reason)
                 : x->detail[0] ? x->detail
                                : curl_easy_strerror(rc);
  icrm_failure_explain(failure, &place, err);
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
  reply->is_nothing_sent = rc != CURLE_OK && reply->bytes_sent == 0;
  reply->is_complete = rc == CURLE_OK && reply->status > 0;
  if (!reply->is_complete && !reply->is_given_up)
    set_error(x, rc, &reply->err);
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

int icrm_transport_perform(struct icrm_transport *transport,
                           struct icrm_error *err) {
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

int icrm_transport_wait(struct icrm_transport *transport, int timeout_ms) {
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
