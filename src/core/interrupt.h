/*
 * A request to stop (Ctrl-C) that wakes whoever waits for the network. The
 * signal handler belongs to the host program (icrm-lua); this file installs
 * none, so a host without one simply never raises. One per process, like
 * signals.
 */
#ifndef ICRM_CORE_INTERRUPT_H
#define ICRM_CORE_INTERRUPT_H

#include "core/error.h"

#include <stdbool.h>

/* Make the descriptor that wakes waiters. Called once, by the host, before it
 * installs its handler. Returns 0 or -1 (kind transport). */
int icrm_interrupt_open(struct icrm_error *err);

/* A descriptor that is readable after a raise, for poll; -1 before open. */
int icrm_interrupt_fd(void);

/* Note the request and wake the waiter. Async-signal-safe. */
void icrm_interrupt_raise(void);

/* Make the descriptor unreadable again; the request stays pending. To be
 * called by a waiter that was woken. */
void icrm_interrupt_drain(void);

/* Whether a request was raised and not cleared since. */
bool icrm_interrupt_pending(void);
void icrm_interrupt_clear(void);

/* Sleep until a raise, at most `timeout_ms`. For a pause with nothing under
 * way at the network. */
void icrm_interrupt_wait(int timeout_ms);

/* While held, the host must not stop the running code: that code looks at
 * icrm_interrupt_pending and stops by itself. Nested holds are counted.
 * Async-signal-safe: is_held. */
void icrm_interrupt_hold(void);
void icrm_interrupt_release(void);
bool icrm_interrupt_is_held(void);

#endif
