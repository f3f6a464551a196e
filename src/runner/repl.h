/*
 * The interactive mode, as in lua.c: an expression prints its values, a
 * statement may go over several lines, "=x" means "return x".
 */
#ifndef ICRM_RUNNER_REPL_H
#define ICRM_RUNNER_REPL_H

#include <lua.h>

/* Read, run and print until the end of input. */
void repl_run(lua_State *L);

#endif
