#include "core/interrupt.h"

#include "check.h"

#include <poll.h>

static int readable(void) {
  struct pollfd pfd = {.fd = icrm_interrupt_fd(), .events = POLLIN};
  return poll(&pfd, 1, 0);
}

int main(void) {
  CHECK(icrm_interrupt_fd() == -1);
  icrm_interrupt_raise(); /* before open: noted, nothing to wake */
  CHECK(icrm_interrupt_pending());
  icrm_interrupt_clear();
  CHECK(icrm_interrupt_open(NULL) == 0);
  CHECK(!icrm_interrupt_pending() && readable() == 0);

  icrm_interrupt_raise();
  icrm_interrupt_raise();
  CHECK(icrm_interrupt_pending() && readable() == 1);
  icrm_interrupt_drain();
  CHECK(icrm_interrupt_pending() && readable() == 0);
  icrm_interrupt_clear();
  CHECK(!icrm_interrupt_pending());

  icrm_interrupt_hold();
  icrm_interrupt_hold();
  icrm_interrupt_release();
  CHECK(icrm_interrupt_is_held());
  icrm_interrupt_release();
  icrm_interrupt_release();
  CHECK(!icrm_interrupt_is_held());
  return EXIT_SUCCESS;
}
