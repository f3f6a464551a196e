#include "core/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int wake_fd = -1;
static volatile sig_atomic_t raised;
static volatile sig_atomic_t holds;

int icrm_interrupt_open(struct icrm_error *err) {
  if (wake_fd >= 0)
    return 0;
  wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0)
    return icrm_error_set(err, ICRM_ERROR_TRANSPORT, "eventfd: %s",
                          strerror(errno));
  return 0;
}

int icrm_interrupt_fd(void) {
  return wake_fd;
}

void icrm_interrupt_raise(void) {
  const int saved = errno;
  const uint64_t one = 1;
  raised = 1;
  if (wake_fd >= 0 && write(wake_fd, &one, sizeof one) < 0) {
    /* Only a full counter fails, and then the descriptor is readable. */
  }
  errno = saved;
}

void icrm_interrupt_drain(void) {
  uint64_t count;
  if (wake_fd >= 0 && read(wake_fd, &count, sizeof count) < 0) {
    /* Not readable: nothing to drain. */
  }
}

bool icrm_interrupt_pending(void) {
  return raised != 0;
}

void icrm_interrupt_clear(void) {
  raised = 0;
  icrm_interrupt_drain();
}

void icrm_interrupt_wait(int timeout_ms) {
  struct pollfd wake = {.fd = wake_fd, .events = POLLIN};
  if (!icrm_interrupt_pending())
    poll(&wake, wake_fd >= 0 ? 1 : 0, timeout_ms);
}

void icrm_interrupt_hold(void) {
  holds = holds + 1;
}

void icrm_interrupt_release(void) {
  if (holds > 0)
    holds = holds - 1;
}

bool icrm_interrupt_is_held(void) {
  return holds > 0;
}
