/*
 * Ctrl-C, as in lua.c: a hook raises "interrupted!" in the running code. It
 * wakes a waiting transfer as well, and leaves code alone that asked for it
 * (core/interrupt.h). The end of the terminal (SIGHUP) and of the machine
 * (SIGTERM) are the same wish. The second of one kind ends the process at
 * once.
 */
#ifndef ICRM_RUNNER_SIGNALS_H
#define ICRM_RUNNER_SIGNALS_H

#include <lua.h>
#include <stdbool.h>

/* Prepare the process: no SIGPIPE, a descriptor that wakes waiters. */
void signals_prepare(void);

/* Catch these signals for this state, until signals_restore. */
void signals_catch(lua_State *L);
void signals_restore(void);

/* Whether one of them came since the last forget. */
bool signals_interrupted(void);
void signals_forget(void);

#endif
