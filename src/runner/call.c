#include "runner/call.h"

#include "lua/core.h"
#include "runner/runner.h"
#include "runner/signals.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether the value on top is an error of icrm. */
static bool is_icrm_error(lua_State *L) {
  if (!lua_istable(L, -1) || !lua_getmetatable(L, -1))
    return false;
  luaL_getmetatable(L, ICRML_ERROR_TYPE); /* err, its metatable, ours */
  const bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

/* An icrm.Error says all that a user needs; a traceback is for developers. */
static int handle_icrm_error(lua_State *L) {
  if (getenv("ICRM_TRACEBACK")) {
    luaL_traceback(L, L, NULL, 2);
    lua_setfield(L, 1, "traceback");
  }
  return 1;
}

static int handle_message(lua_State *L) {
  const char *message = lua_tostring(L, 1);
  if (!message) {
    lua_settop(L, 1);
    if (is_icrm_error(L))
      return handle_icrm_error(L);
    if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING)
      return 1;
    message =
        lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  if (signals_interrupted() && runner_of(L)->named)
    lua_pushstring(L, "interrupted");
  else
    luaL_traceback(L, L, message, 1);
  return 1;
}

int call_protected(lua_State *L, int narg, int nresults) {
  const int base = lua_gettop(L) - narg;
  lua_pushcfunction(L, handle_message);
  lua_insert(L, base);
  signals_catch(L);
  const int status = lua_pcall(L, narg, nresults, base);
  signals_restore();
  lua_remove(L, base);
  return status;
}

void call_print_message(const char *progname, const char *message) {
  fflush(stdout);
  if (progname)
    fprintf(stderr, "%s: ", progname);
  fprintf(stderr, "%s\n", message);
  fflush(stderr);
}

static int exit_code_of_kind(const char *kind) {
  if (strcmp(kind, "config") == 0)
    return RUNNER_EXIT_CONFIG;
  if (strcmp(kind, "auth") == 0)
    return RUNNER_EXIT_AUTH;
  if (strcmp(kind, "rate_limited") == 0)
    return RUNNER_EXIT_QUOTA;
  return EXIT_FAILURE;
}

/* The error's text stays on the stack, above the error. */
static const char *describe_icrm_error(lua_State *L, struct runner *runner) {
  lua_getfield(L, -1, "kind"); /* err, kind */
  if (lua_isstring(L, -1))
    runner->exit_code = exit_code_of_kind(lua_tostring(L, -1));
  lua_getfield(L, -2, "traceback"); /* err, kind, traceback */
  const char *traceback = lua_tostring(L, -1);
  const char *text = luaL_tolstring(L, -3, NULL);
  return traceback ? lua_pushfstring(L, "%s\n%s", text, traceback) : text;
}

int call_report(lua_State *L, int status) {
  if (status == LUA_OK)
    return status;
  struct runner *runner = runner_of(L);
  const int base = lua_gettop(L) - 1;
  const char *message = lua_tostring(L, -1);
  runner->exit_code = EXIT_FAILURE;
  if (!message && is_icrm_error(L))
    message = describe_icrm_error(L, runner);
  if (signals_interrupted())
    runner->exit_code = RUNNER_EXIT_INTERRUPTED;
  call_print_message(runner->progname,
                     message ? message : "(error message not a string)");
  lua_settop(L, base);
  return status;
}

static int run_chunk(lua_State *L, int status) {
  if (status == LUA_OK)
    status = call_protected(L, 0, 0);
  return call_report(L, status);
}

int call_file(lua_State *L, const char *name) {
  return run_chunk(L, luaL_loadfile(L, name));
}

int call_string(lua_State *L, const char *text, const char *chunkname) {
  return run_chunk(L, luaL_loadbuffer(L, text, strlen(text), chunkname));
}

/* "mod" or "global=mod"; `option` is cut in two at the sign. */
int call_library(lua_State *L, char *option) {
  char *module = strchr(option, '=');
  if (module)
    *module++ = '\0';
  else
    module = option;
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  const int status = call_protected(L, 1, 1);
  if (status == LUA_OK)
    lua_setglobal(L, option);
  return call_report(L, status);
}

/* The strings of the global table `arg`, as the script's arguments. */
static int push_arguments(lua_State *L) {
  if (lua_getglobal(L, "arg") != LUA_TTABLE)
    luaL_error(L, "'arg' is not a table");
  const int count = (int)luaL_len(L, -1);
  luaL_checkstack(L, count + 3, "too many arguments to script");
  for (int i = 1; i <= count; i++)
    lua_rawgeti(L, -i, i);
  lua_remove(L, -count - 1);
  return count;
}

int call_script(lua_State *L, const char *path) {
  int status = luaL_loadfile(L, path);
  if (status == LUA_OK)
    status = call_protected(L, push_arguments(L), LUA_MULTRET);
  return call_report(L, status);
}
