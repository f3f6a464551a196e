#include "sandbox/http.h"

#include "sandbox/faults.h"
#include "sandbox/listener.h"
#include "sandbox/log.h"
#include "sandbox/operations.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

enum {
  URL_LIMIT = 8000, /* what the observed front server took */
  POOL_SIZE = 64 * 1024,
  MAX_CONNECTIONS = 512
};

struct sb_http {
  struct icrm_sandbox *sandbox;
  size_t most_bytes; /* of a body; above it PHP drops the parameters */
  struct MHD_Daemon *daemon;
  struct sb_listener *listener;
};

/* One request and its reply. */
struct exchange {
  struct sb_request request;
  struct icrm_buf body; /* of a form, as it comes */
  bool is_form;         /* urlencoded */
  char *boundary;       /* of a multipart body, NULL for none */
  size_t url_len;
  bool started;
  int64_t log_n; /* 0 when no operation ran */
};

/* The first sight of a request; what it returns is the exchange. */
static void *begin(void *context, const char *url,
                   struct MHD_Connection *unused) {
  (void)unused;
  const struct sb_http *http = context;
  struct exchange *exchange = calloc(1, sizeof *exchange);
  if (!exchange)
    return NULL;
  exchange->url_len = strlen(url);
  exchange->body.limit = http->most_bytes;
  const char *query = strchr(url, '?');
  if (query)
    sb_params_parse(&exchange->request.url, query + 1, strlen(query + 1));
  return exchange;
}

static void end(void *context, struct MHD_Connection *unused, void **state,
                enum MHD_RequestTerminationCode how) {
  (void)unused;
  struct sb_http *http = context;
  struct exchange *exchange = *state;
  if (!exchange)
    return;
  if (exchange->log_n && how == MHD_REQUEST_TERMINATED_COMPLETED_OK)
    sb_log_replied(http->sandbox, exchange->log_n);
  sb_request_free(&exchange->request);
  icrm_buf_free(&exchange->body);
  free(exchange->boundary);
  free(exchange);
  *state = NULL;
}

/* Lines of "Name: value", taken apart in place. */
static void add_headers(struct MHD_Response *response,
                        struct icrm_buf *headers) {
  char *rest = NULL;
  icrm_buf_add_byte(headers, '\0');
  char *line = headers->data ? strtok_r(headers->data, "\n", &rest) : NULL;
  for (; line; line = strtok_r(NULL, "\n", &rest)) {
    char *colon = strstr(line, ": ");
    if (!colon)
      continue;
    *colon = '\0';
    MHD_add_response_header(response, line, colon + 2);
  }
  icrm_buf_free(headers);
}

static enum MHD_Result send_reply(struct MHD_Connection *connection,
                                  struct sb_reply *reply) {
  struct MHD_Response *response =
      reply->body.len
          ? MHD_create_response_from_buffer(reply->body.len, reply->body.data,
                                            MHD_RESPMEM_MUST_FREE)
          : MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
  if (!response) {
    icrm_buf_free(&reply->body);
    return MHD_NO;
  }
  if (!reply->body.len)
    icrm_buf_free(&reply->body);
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
  add_headers(response, &reply->headers);
  enum MHD_Result queued =
      MHD_queue_response(connection, (unsigned)reply->status, response);
  MHD_destroy_response(response);
  return queued;
}

static enum MHD_Result send_page(struct MHD_Connection *connection, int status,
                                 const char *page) {
  struct sb_reply reply = {.status = status, .type = "text/html"};
  icrm_buf_add_text(&reply.body, page);
  return send_reply(connection, &reply);
}

/* Only a client that means this machine is answered, so that a web page whose
 * name was made to resolve to 127.0.0.1 gets nothing. */
static bool is_own_host(struct MHD_Connection *connection) {
  const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                                 MHD_HTTP_HEADER_HOST);
  if (!host)
    return false;
  size_t len = strcspn(host, ":");
  return (len == 9 && memcmp(host, "127.0.0.1", 9) == 0) ||
         (len == 9 && strncasecmp(host, "localhost", 9) == 0);
}

static bool is_entry_point(const struct icrm_sandbox *sandbox,
                           const char *path) {
  size_t len = strlen(sandbox->token);
  if (path[0] != '/' || strncmp(path + 1, sandbox->token, len) != 0)
    return false;
  const char *page = path + 1 + len;
  return strcmp(page, "/wstiger.php") == 0 ||
         strcmp(page, "/webservice.php") == 0;
}

static bool starts_with(const char *text, const char *prefix) {
  return text && strncasecmp(text, prefix, strlen(prefix)) == 0;
}

/* Bodies are read from POST alone, as PHP does, and of two types. */
static void start_body(struct exchange *exchange,
                       struct MHD_Connection *connection, const char *method) {
  const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                                 MHD_HTTP_HEADER_CONTENT_TYPE);
  const char *cookie =
      MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, "PHPSESSID");
  if (cookie)
    exchange->request.cookie_session = strdup(cookie);
  exchange->request.post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
  if (!exchange->request.post || !type)
    return;
  exchange->is_form = starts_with(type, "application/x-www-form-urlencoded");
  const char *boundary = strcasestr(type, "boundary=");
  if (starts_with(type, "multipart/form-data") && boundary)
    exchange->boundary = strdup(boundary + strlen("boundary="));
}

static void finish_body(struct exchange *exchange) {
  struct icrm_buf *body = &exchange->body;
  if (body->failed || body->len == 0)
    return;
  if (exchange->is_form)
    sb_params_parse_in_place(&exchange->request.body, body->data, body->len);
  else if (exchange->boundary)
    sb_request_parse_multipart(&exchange->request, exchange->boundary,
                               body->data, body->len);
  icrm_buf_free(body);
}

static int socket_of(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

static enum MHD_Result answer(struct sb_http *http,
                              struct MHD_Connection *connection,
                              struct exchange *exchange, const char *path) {
  if (!is_own_host(connection))
    return send_page(connection, MHD_HTTP_FORBIDDEN,
                     "This sandbox answers only as 127.0.0.1 or localhost.\n");
  if (exchange->url_len > URL_LIMIT)
    return send_page(connection, MHD_HTTP_URI_TOO_LONG,
                     "<html>\r\n<head><title>414 Request-URI Too "
                     "Large</title></head>\r\n<body>\r\n<center><h1>414 "
                     "Request-URI Too Large</h1></center>\r\n</body>\r\n"
                     "</html>\r\n");
  if (!is_entry_point(http->sandbox, path))
    return send_page(connection, MHD_HTTP_NOT_FOUND,
                     "No such page. The sandbox's URL holds a secret.\n");
  finish_body(exchange);
  struct sb_reply reply = {.status = 0};
  const struct sb_fault *fault = NULL;
  sb_operations_answer(http->sandbox, &exchange->request, &reply,
                       &exchange->log_n, &fault);
  if (sb_faults_is_raw(fault))
    sb_faults_send(http->sandbox, fault, &reply, socket_of(connection));
  else if (!reply.body.failed)
    return send_reply(connection, &reply);
  icrm_buf_free(&reply.body);
  icrm_buf_free(&reply.headers);
  return MHD_NO;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection,
                              const char *path, const char *method,
                              const char *version, const char *data,
                              size_t *size, void **state) {
  (void)version;
  struct exchange *exchange = *state;
  if (!exchange)
    return MHD_NO;
  if (!exchange->started) {
    exchange->started = true;
    start_body(exchange, connection, method);
    return MHD_YES;
  }
  if (*size) {
    if (exchange->is_form || exchange->boundary)
      icrm_buf_add(&exchange->body, data, *size);
    *size = 0;
    return MHD_YES;
  }
  return answer(context, connection, exchange, path);
}

static void take(void *context, int fd, const struct sockaddr *address,
                 socklen_t len) {
  struct sb_http *http = context;
  MHD_add_connection(http->daemon, fd, address, len); /* closes it on failure */
}

struct sb_http *sb_http_start(struct icrm_sandbox *sandbox, int port,
                              size_t most_bytes, struct icrm_error *err) {
  struct sb_http *http = calloc(1, sizeof *http);
  if (!http) {
    icrm_error_set(err, ICRM_ERROR_CONFIG, "out of memory");
    return NULL;
  }
  http->sandbox = sandbox;
  http->most_bytes = most_bytes;
  http->daemon = MHD_start_daemon(
      MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
          MHD_USE_AUTO | MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET,
      0, NULL, NULL, handle, http, MHD_OPTION_URI_LOG_CALLBACK, begin, http,
      MHD_OPTION_NOTIFY_COMPLETED, end, http,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_SIZE,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS, MHD_OPTION_END);
  if (!http->daemon)
    icrm_error_set(err, ICRM_ERROR_CONFIG, "the sandbox's server cannot start");
  else
    http->listener = sb_listener_start(port, sandbox->faults, take, http, err);
  if (http->listener)
    return http;
  if (http->daemon)
    MHD_stop_daemon(http->daemon);
  free(http);
  return NULL;
}

int sb_http_port(const struct sb_http *http) {
  return sb_listener_port(http->listener);
}

void sb_http_stop(struct sb_http *http) {
  if (!http)
    return;
  sb_listener_stop(http->listener);
  MHD_stop_daemon(http->daemon);
  free(http);
}
