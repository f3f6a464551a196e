#include "sandbox/listener.h"

#include "sandbox/faults.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BACKLOG = 128 };

struct sb_listener {
  int fd; /* -1 while connections are refused */
  int port;
  int stop_fd; /* readable: end */
  struct sb_faults *faults;
  void (*take)(void *context, int fd, const struct sockaddr *address,
               socklen_t len);
  void *context;
  pthread_t thread;
};

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int on = 1;
  if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
                  bind(fd, (struct sockaddr *)&address, sizeof address) ||
                  listen(fd, BACKLOG))) {
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
  }
  return fd;
}

static int port_of(int fd) {
  struct sockaddr_in address = {0};
  socklen_t len = sizeof address;
  getsockname(fd, (struct sockaddr *)&address, &len);
  return ntohs(address.sin_port);
}

/* True when the listener is to end. */
static bool wait_stop(struct sb_listener *listener, int timeout_ms) {
  struct pollfd stop = {.fd = listener->stop_fd, .events = POLLIN};
  return poll(&stop, 1, timeout_ms) > 0;
}

/* Nobody listens for a while. */
static bool refuse(struct sb_listener *listener, int64_t ms) {
  close(listener->fd);
  listener->fd = -1;
  if (wait_stop(listener, (int)ms))
    return false;
  while ((listener->fd = listen_on(listener->port)) < 0)
    if (wait_stop(listener, 10))
      return false;
  return true;
}

static bool accept_one(struct sb_listener *listener) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  int fd = accept4(listener->fd, (struct sockaddr *)&address, &len,
                   SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0)
    return true;
  const struct sb_fault *fault = sb_faults_next(listener->faults, "connect");
  if (!fault) {
    listener->take(listener->context, fd, (struct sockaddr *)&address, len);
    return true;
  }
  struct linger hard = {.l_onoff = fault->kind == SB_FAULT_RESET};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(fd);
  return fault->kind == SB_FAULT_REFUSE ? refuse(listener, fault->number)
                                        : true;
}

static void *run(void *context) {
  struct sb_listener *listener = context;
  for (;;) {
    struct pollfd fds[] = {{.fd = listener->stop_fd, .events = POLLIN},
                           {.fd = listener->fd, .events = POLLIN}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR)
      return NULL;
    if (fds[0].revents || (fds[1].revents && !accept_one(listener)))
      return NULL;
  }
}

struct sb_listener *
sb_listener_start(int port, struct sb_faults *faults,
                  void (*take)(void *context, int fd,
                               const struct sockaddr *address, socklen_t len),
                  void *context, struct icrm_error *err) {
  struct sb_listener *listener = calloc(1, sizeof *listener);
  if (!listener) {
    icrm_error_set(err, ICRM_ERROR_CONFIG, "out of memory");
    return NULL;
  }
  *listener =
      (struct sb_listener){.faults = faults, .take = take, .context = context};
  listener->stop_fd = eventfd(0, EFD_CLOEXEC);
  listener->fd = listen_on(port);
  if (listener->fd >= 0)
    listener->port = port_of(listener->fd);
  if (listener->fd >= 0 && listener->stop_fd >= 0 &&
      pthread_create(&listener->thread, NULL, run, listener) == 0)
    return listener;
  if (port)
    icrm_error_set(err, ICRM_ERROR_CONFIG,
                   "the sandbox cannot listen on port %d: %s; leave the port "
                   "out for a free one",
                   port, strerror(errno));
  else
    icrm_error_set(err, ICRM_ERROR_CONFIG, "the sandbox cannot listen: %s",
                   strerror(errno));
  if (listener->fd >= 0)
    close(listener->fd);
  if (listener->stop_fd >= 0)
    close(listener->stop_fd);
  free(listener);
  return NULL;
}

int sb_listener_port(const struct sb_listener *listener) {
  return listener->port;
}

void sb_listener_stop(struct sb_listener *listener) {
  if (!listener)
    return;
  eventfd_write(listener->stop_fd, 1);
  pthread_join(listener->thread, NULL);
  if (listener->fd >= 0)
    close(listener->fd);
  close(listener->stop_fd);
  free(listener);
}
