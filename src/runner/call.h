/*
 * Running Lua code and reporting how it failed, as lua.c does. Every function
 * returns a status of lua_pcall and has reported what is not LUA_OK.
 */
#ifndef ICRM_RUNNER_CALL_H
#define ICRM_RUNNER_CALL_H

#include <lua.h>

/* Call a function with `narg` arguments on the stack. With a traceback in the
 * message, and Ctrl-C caught. Reports nothing. */
int call_protected(lua_State *L, int narg, int nresults);

/* Report the error on the stack, if `status` says that there is one, and
 * choose the exit code. Returns `status`. */
int call_report(lua_State *L, int status);

/* Print one message to standard error. */
void call_print_message(const char *progname, const char *message);

/* Run a file (standard input for NULL), a text, a library. */
int call_file(lua_State *L, const char *name);
int call_string(lua_State *L, const char *text, const char *chunkname);
int call_library(lua_State *L, char *option);

/* Run a script from `path` (NULL: standard input) with the strings of the
 * global table `arg` as its arguments. */
int call_script(lua_State *L, const char *path);

#endif
