/*
 * What the files of icrm-lua share. There is one runner in a process; a Lua
 * state finds it through its extra space.
 */
#ifndef ICRM_RUNNER_RUNNER_H
#define ICRM_RUNNER_RUNNER_H

#include "runner/paths.h"

#include <lua.h>
#include <stdbool.h>

enum {
  RUNNER_EXIT_USAGE = 2,
  RUNNER_EXIT_AUTH = 6,         /* error kind auth */
  RUNNER_EXIT_QUOTA = 7,        /* error kind rate_limited */
  RUNNER_EXIT_OUTPUT = 74,      /* standard output could not be written */
  RUNNER_EXIT_CONFIG = 77,      /* error kind config */
  RUNNER_EXIT_INTERRUPTED = 130 /* Ctrl-C, as shells number it */
};

struct runner {
  int argc;
  char **argv;
  const char *progname; /* prefix of messages, NULL in the interactive mode */
  bool named;           /* runs a script by its name: no traceback on Ctrl-C */
  int exit_code;        /* of the last error reported, 0 when none */
  struct paths paths;
};

/* The runner of this state. */
static inline struct runner *runner_of(lua_State *L) {
  return *(struct runner **)lua_getextraspace(L);
}

#endif
