/*
 * The reference server of the benchmarks: the CRM's protocol with prepared
 * replies, one thread, epoll. It does as little as possible per request, so
 * that the client under test is what is measured.
 *
 *   server [--latency-ms N] [--lock] [--rows N]
 *
 * prints its URL, then serves until its standard input is closed. --lock makes
 * each session run one request at a time, as PHP's session files do. Rows have
 * ids from 17x1000001 on; a query answers the hundred after `id > '17x…'`.
 * operation=bench.stats tells how many calls were served for how much CPU.
 */
#include "replies.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 512, SESSIONS = 4096, IN_BYTES = 1 << 16 };

struct connection {
  int fd; /* 0 when free */
  size_t in_len, out_len, out_at;
  int64_t due_us; /* when the reply may leave, 0 for none waiting */
  char in[IN_BYTES];
  char out[REPLY_BYTES];
};

struct server {
  int epoll_fd;
  int listen_fd;
  int64_t latency_us;
  bool lock;
  int waiting; /* connections whose reply is not due yet */
  long calls;
  int64_t free_us[SESSIONS]; /* when a session has finished its calls */
  struct replies replies;
  struct connection connections[CONNECTIONS];
};

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static void watch(struct server *server, int op, int fd, uint32_t events,
                  void *data) {
  struct epoll_event event = {.events = events, .data.ptr = data};
  if (epoll_ctl(server->epoll_fd, op, fd, &event) != 0) {
    perror("epoll_ctl");
    exit(EXIT_FAILURE);
  }
}

static void hang_up(struct server *server, struct connection *connection) {
  close(connection->fd);
  server->waiting -= connection->due_us != 0;
  connection->fd = 0;
  connection->due_us = 0;
}

static void flush(struct server *server, struct connection *connection) {
  while (connection->out_at < connection->out_len) {
    ssize_t n = send(connection->fd, connection->out + connection->out_at,
                     connection->out_len - connection->out_at, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) {
      watch(server, EPOLL_CTL_MOD, connection->fd, EPOLLOUT, connection);
      return;
    }
    if (n < 0) {
      hang_up(server, connection);
      return;
    }
    connection->out_at += (size_t)n;
  }
  connection->out_at = connection->out_len = 0;
}

/* The text after `name` in the request, or "". */
static const char *parameter(const char *request, const char *name) {
  const char *at = strstr(request, name);
  return at ? at + strlen(name) : "";
}

static size_t stats_reply(const struct server *server, char *out) {
  struct rusage use;
  char result[128];
  getrusage(RUSAGE_SELF, &use);
  long cpu_us = (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000L +
                use.ru_utime.tv_usec + use.ru_stime.tv_usec;
  snprintf(result, sizeof result, "{\"calls\":%ld,\"cpu_us\":%ld}",
           server->calls, cpu_us);
  return reply_write(out, result);
}

/* When the reply to a request may leave; a locked session has to finish its
 * earlier calls first. */
static int64_t due_time(struct server *server, const char *request) {
  int64_t begin_us = now_us();
  if (server->lock) {
    const char *session = parameter(request, "sessionName=");
    int64_t *free_us =
        &server->free_us[atoi(session + (*session == 's')) % SESSIONS];
    if (*session && *free_us > begin_us)
      begin_us = *free_us;
    if (*session)
      *free_us = begin_us + server->latency_us;
  }
  return begin_us + server->latency_us;
}

static void answer(struct server *server, struct connection *connection) {
  const char *operation = parameter(connection->in, "operation=");
  if (strncmp(operation, "bench.stats", 11) == 0) {
    connection->out_len = stats_reply(server, connection->out);
    flush(server, connection);
    return;
  }
  server->calls++;
  connection->out_len =
      reply_to(&server->replies, operation, connection->in, connection->out);
  if (server->latency_us == 0) {
    flush(server, connection);
    return;
  }
  connection->due_us = due_time(server, connection->in);
  server->waiting++;
}

/* Whether the whole request is there: its head and what Content-Length says. */
static bool is_complete(const struct connection *connection) {
  const char *body = strstr(connection->in, "\r\n\r\n");
  if (!body)
    return false;
  const char *length = strcasestr(connection->in, "\r\nContent-Length:");
  size_t head = (size_t)(body + 4 - connection->in);
  size_t wanted = length && length < body ? strtoul(length + 17, NULL, 10) : 0;
  return connection->in_len >= head + wanted;
}

static void receive(struct server *server, struct connection *connection) {
  ssize_t n = recv(connection->fd, connection->in + connection->in_len,
                   IN_BYTES - 1 - connection->in_len, 0);
  if (n < 0 && errno == EAGAIN)
    return;
  if (n <= 0) {
    hang_up(server, connection);
    return;
  }
  connection->in_len += (size_t)n;
  connection->in[connection->in_len] = '\0';
  if (!is_complete(connection))
    return;
  connection->in_len = 0;
  answer(server, connection);
}

static void accept_all(struct server *server) {
  int fd;
  while ((fd = accept4(server->listen_fd, NULL, NULL,
                       SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct connection *connection = server->connections;
    while (connection->fd && connection < server->connections + CONNECTIONS - 1)
      connection++;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->fd = fd;
    connection->in_len = connection->out_len = connection->out_at = 0;
    watch(server, EPOLL_CTL_ADD, fd, EPOLLIN, connection);
  }
}

/* Send what is due; returns the time of the next, 0 when none waits. */
static int64_t send_due(struct server *server) {
  int64_t next_us = 0, at_us = now_us();
  int seen = server->waiting;
  for (int i = 0; seen > 0 && i < CONNECTIONS; i++) {
    struct connection *connection = &server->connections[i];
    if (!connection->due_us)
      continue;
    seen--;
    if (connection->due_us <= at_us) {
      connection->due_us = 0;
      server->waiting--;
      flush(server, connection);
    } else if (!next_us || connection->due_us < next_us) {
      next_us = connection->due_us;
    }
  }
  return next_us;
}

static int wait_for_events(struct server *server, struct epoll_event *events,
                           int64_t until_us) {
  int64_t left_us = until_us ? until_us - now_us() : -1;
  if (until_us && left_us < 0)
    left_us = 0;
  struct timespec left = {left_us / 1000000, left_us % 1000000 * 1000};
  return epoll_pwait2(server->epoll_fd, events, 64, until_us ? &left : NULL,
                      NULL);
}

static void serve(struct server *server) {
  struct epoll_event events[64];
  for (;;) {
    int n = wait_for_events(server, events, send_due(server));
    for (int i = 0; i < n; i++) {
      struct connection *connection = events[i].data.ptr;
      if (!connection)
        return;
      if (events[i].data.ptr == server) {
        accept_all(server);
      } else if (connection->fd && events[i].events & EPOLLOUT) {
        watch(server, EPOLL_CTL_MOD, connection->fd, EPOLLIN, connection);
        flush(server, connection);
      } else if (connection->fd) {
        receive(server, connection);
      }
    }
  }
}

static void start_listening(struct server *server) {
  struct sockaddr_in at = {.sin_family = AF_INET,
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) != 0 ||
      listen(fd, 128) != 0 ||
      getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
    perror("listen");
    exit(EXIT_FAILURE);
  }
  server->listen_fd = fd;
  server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  watch(server, EPOLL_CTL_ADD, fd, EPOLLIN, server);
  watch(server, EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, NULL);
  printf("http://127.0.0.1:%d/wstiger.php\n", ntohs(at.sin_port));
  fflush(stdout);
}

int main(int argc, char **argv) {
  static struct server server;
  long rows = 100000;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--lock") == 0)
      server.lock = true;
    else if (strcmp(argv[i], "--latency-ms") == 0 && i + 1 < argc)
      server.latency_us = atol(argv[++i]) * 1000;
    else if (strcmp(argv[i], "--rows") == 0 && i + 1 < argc)
      rows = atol(argv[++i]);
    else
      return fprintf(stderr, "unknown option %s\n", argv[i]), EXIT_FAILURE;
  }
  replies_prepare(&server.replies, rows);
  start_listening(&server);
  serve(&server);
  return 0;
}
