#include "net/scripted_server.h"

#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_REQUEST (32 << 20)
#define LARGE_REQUEST (1 << 17)
#define PIECE_BYTES (1 << 18)

struct connection {
  struct scripted_server *server;
  int fd;
};

static void send_all(int fd, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
    if (n <= 0)
      return;
    bytes += n;
    len -= (size_t)n;
  }
}

static void send_json(int fd, const char *body) {
  char head[200];
  int n = snprintf(head, sizeof head,
                   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   strlen(body));
  send_all(fd, head, (size_t)n);
  send_all(fd, body, strlen(body));
}

static void pause_ms(int ms) {
  struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
  nanosleep(&time, NULL);
}

/* The next piece of a request. A server that stalls waits for the end of the
 * connection, without reading. */
static ssize_t read_piece(struct scripted_server *s, int fd, char *to,
                          size_t room, size_t len) {
  struct pollfd end = {.fd = fd, .events = POLLRDHUP};
  if (s->stall_after && len >= s->stall_after)
    return poll(&end, 1, -1) * 0;
  if (s->slow_ms && len > LARGE_REQUEST)
    pause_ms(s->slow_ms);
  return recv(fd, to, room < PIECE_BYTES ? room : PIECE_BYTES, 0);
}

/* Read one request into `text`; its length, 0 at the end of the connection. */
static size_t read_request(struct scripted_server *s, int fd, char *text) {
  size_t len = 0, want = 0;
  for (;;) {
    ssize_t n = read_piece(s, fd, text + len, MAX_REQUEST - 1 - len, len);
    if (n <= 0)
      return 0;
    len += (size_t)n;
    text[len] = '\0';
    char *end = strstr(text, "\r\n\r\n");
    if (!end)
      continue;
    char *length = strcasestr(text, "content-length:");
    want = (size_t)(end + 4 - text);
    if (length && length < end)
      want += (size_t)strtol(length + 15, NULL, 10);
    if (len >= want)
      return want;
  }
}

static void answer_challenge(struct scripted_server *s, int fd) {
  if (s->login == SCRIPTED_LOGIN_UNKNOWN_USER)
    send_json(fd, "{\"success\":false,\"error\":{\"code\":\"ACCESS_DENIED\","
                  "\"message\":\"username does not exists\"}}");
  else
    send_json(fd, "{\"success\":true,\"result\":{\"token\":\"t0ken\","
                  "\"serverTime\":4102444800,\"expireTime\":4102445100}}");
}

static void answer_login(struct scripted_server *s, int fd, int number,
                         bool is_spent) {
  char body[200];
  switch (is_spent ? SCRIPTED_LOGIN_WRONG_KEY : s->login) {
  case SCRIPTED_LOGIN_SUPERSEDED:
    s->login = SCRIPTED_LOGIN_WORKS;
    /* fall through */
  case SCRIPTED_LOGIN_WRONG_KEY:
    send_json(fd, "{\"success\":false,\"error\":{\"code\":"
                  "\"INVALID_USER_CREDENTIALS\",\"message\":\"Invalid "
                  "username or password\"}}");
    return;
  case SCRIPTED_LOGIN_BROKEN:
    send_json(fd, "<html>Fatal error</html>");
    return;
  default:
    snprintf(body, sizeof body,
             "{\"success\":true,\"result\":{\"sessionName\":\"secret-%d\","
             "\"userId\":\"19x1\",\"version\":\"0.22\","
             "\"VtigerVersion\":\"6.0.0\"}}",
             number);
    send_json(fd, body);
  }
}

static bool take_step(struct scripted_server *s, const char *request,
                      struct scripted_step *out) {
  if (s->at_step >= s->n_steps)
    return false;
  const struct scripted_step *step = &s->steps[s->at_step];
  if (step->wants && !strstr(request, step->wants))
    return false;
  *out = *step;
  s->at_step++;
  return true;
}

void scripted_release(struct scripted_server *s) {
  pthread_mutex_lock(&s->mutex);
  s->is_released = true;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->mutex);
}

static void await_release(struct scripted_server *s) {
  pthread_mutex_lock(&s->mutex);
  while (!s->is_released && !s->is_stopping)
    pthread_cond_wait(&s->changed, &s->mutex);
  s->is_released = false;
  pthread_mutex_unlock(&s->mutex);
}

/* Answer one request; false when the connection is to be closed. */
static bool answer(struct scripted_server *s, int fd, const char *request) {
  struct scripted_step step = {0};
  bool is_challenge = strstr(request, "operation=getchallenge") != NULL;
  bool is_login = strstr(request, "operation=login") != NULL;
  pthread_mutex_lock(&s->mutex);
  s->requests++;
  icrm_buf_add_text(&s->log, request);
  s->challenges += is_challenge;
  s->in_login += is_challenge;
  if (s->in_login > s->max_in_login)
    s->max_in_login = s->in_login;
  s->creates += strstr(request, "operation=create") != NULL;
  int number = s->logins += is_login;
  bool is_spent = s->login == SCRIPTED_LOGIN_TOKEN_ONCE && s->in_login == 0;
  if (is_login) /* before the answer: the next challenge may follow at once */
    s->in_login = 0;
  bool has_step = !is_challenge && !is_login && take_step(s, request, &step);
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->mutex);
  if (is_challenge) {
    answer_challenge(s, fd);
  } else if (is_login) {
    answer_login(s, fd, number, is_spent);
  } else if (has_step) {
    if (step.is_held)
      await_release(s);
    if (step.delay_ms)
      pause_ms(step.delay_ms);
    send_all(fd, step.bytes, step.len);
    return !step.is_last;
  } else {
    send_json(fd, "{\"success\":true,\"result\":{\"id\":\"3x1\"}}");
  }
  return true;
}

static void forget_fd(struct scripted_server *s, int fd) {
  for (size_t i = 0; i < sizeof s->open_fds / sizeof *s->open_fds; i++)
    if (s->open_fds[i] == fd)
      s->open_fds[i] = -1;
}

static void *serve(void *context) {
  struct connection *connection = context;
  struct scripted_server *s = connection->server;
  int fd = connection->fd;
  char *text = malloc(MAX_REQUEST);
  free(connection);
  while (text && read_request(s, fd, text) > 0 && answer(s, fd, text))
    ;
  free(text);
  pthread_mutex_lock(&s->mutex);
  forget_fd(s, fd);
  close(fd);
  s->n_threads--;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->mutex);
  return NULL;
}

static void start_connection(struct scripted_server *s, int fd) {
  pthread_t thread;
  struct connection *connection = malloc(sizeof *connection);
  const int on = 1;
  CHECK(connection);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  *connection = (struct connection){s, fd};
  pthread_mutex_lock(&s->mutex);
  s->connections++;
  s->n_threads++;
  for (size_t i = 0; i < sizeof s->open_fds / sizeof *s->open_fds; i++)
    if (s->open_fds[i] < 0) {
      s->open_fds[i] = fd;
      break;
    }
  pthread_mutex_unlock(&s->mutex);
  CHECK(pthread_create(&thread, NULL, serve, connection) == 0);
  pthread_detach(thread);
}

static void *accept_all(void *context) {
  struct scripted_server *s = context;
  for (;;) {
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
      return NULL;
    start_connection(s, fd);
  }
}

void scripted_start(struct scripted_server *s) {
  scripted_start_at(s, 0);
}

void scripted_start_at(struct scripted_server *s, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  const int on = 1;
  socklen_t size = sizeof address;
  memset(s, 0, sizeof *s);
  for (size_t i = 0; i < sizeof s->open_fds / sizeof *s->open_fds; i++)
    s->open_fds[i] = -1;
  pthread_mutex_init(&s->mutex, NULL);
  pthread_cond_init(&s->changed, NULL);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons((uint16_t)port);
  s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  CHECK(bind(s->listener, (struct sockaddr *)&address, size) == 0);
  CHECK(listen(s->listener, 64) == 0);
  CHECK(getsockname(s->listener, (struct sockaddr *)&address, &size) == 0);
  s->port = ntohs(address.sin_port);
  CHECK(pthread_create(&s->thread, NULL, accept_all, s) == 0);
}

void scripted_stop(struct scripted_server *s) {
  shutdown(s->listener, SHUT_RDWR);
  pthread_join(s->thread, NULL);
  close(s->listener);
  pthread_mutex_lock(&s->mutex);
  for (size_t i = 0; i < sizeof s->open_fds / sizeof *s->open_fds; i++)
    if (s->open_fds[i] >= 0)
      shutdown(s->open_fds[i], SHUT_RDWR);
  while (s->n_threads > 0)
    pthread_cond_wait(&s->changed, &s->mutex);
  pthread_mutex_unlock(&s->mutex);
  for (int i = 0; i < s->n_steps; i++)
    free(s->steps[i].bytes);
  icrm_buf_free(&s->log);
}

struct scripted_step *scripted_raw(struct scripted_server *s, const char *bytes,
                                   size_t len) {
  CHECK(s->n_steps < SCRIPTED_MAX_STEPS);
  pthread_mutex_lock(&s->mutex);
  struct scripted_step *step = &s->steps[s->n_steps++];
  *step = (struct scripted_step){.len = len};
  step->bytes = malloc(len + 1);
  CHECK(step->bytes);
  memcpy(step->bytes, bytes, len);
  pthread_mutex_unlock(&s->mutex);
  return step;
}

struct scripted_step *scripted_reply(struct scripted_server *s,
                                     const char *status, const char *headers,
                                     const char *body) {
  char text[8192], length[64] = "";
  if (!strstr(headers, "Content-Length") && !strstr(headers, "chunked"))
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
  int n = snprintf(text, sizeof text,
                   "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                   "%s%s\r\n%s",
                   status, headers, length, body);
  CHECK(n > 0 && (size_t)n < sizeof text);
  return scripted_raw(s, text, (size_t)n);
}

struct scripted_step *scripted_refusal(struct scripted_server *s,
                                       const char *code) {
  char body[300];
  snprintf(body, sizeof body,
           "{\"success\":false,\"error\":{\"code\":\"%s\",\"message\":\"no\"}}",
           code);
  return scripted_reply(s, "200 OK", "", body);
}

int scripted_count(struct scripted_server *s, const char *text) {
  int count = 0;
  pthread_mutex_lock(&s->mutex);
  const char *at = s->log.data ? s->log.data : "";
  for (; (at = strstr(at, text)) != NULL; at++)
    count++;
  pthread_mutex_unlock(&s->mutex);
  return count;
}
