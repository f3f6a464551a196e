/*
 * A C host with two Lua states that both use the module, and a child process
 * made by fork: what FreeSWITCH, nginx or a daemon of one's own does.
 *   lua_host SOURCE_FOLDER BUILD_FOLDER
 */
#include "check.h"

#include <lauxlib.h>
#include <lualib.h>
#include <sys/wait.h>
#include <unistd.h>

static void run(lua_State *L, const char *chunk) {
  if (luaL_dostring(L, chunk)) {
    fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
    exit(EXIT_FAILURE);
  }
}

static lua_State *new_state(const char *source, const char *build) {
  lua_State *L = luaL_newstate();
  CHECK(L);
  luaL_openlibs(L);
  lua_pushstring(L, source);
  lua_setglobal(L, "source");
  lua_pushstring(L, build);
  lua_setglobal(L, "build");
  run(L, "package.path = source .. '/lua/?.lua;' .. source .. "
         "'/lua/?/init.lua;' .. package.path\n"
         "package.cpath = build .. '/lib/?.so;' .. package.cpath\n"
         "icrm = require 'icrm'");
  return L;
}

/* Start a sandbox in this state, and tell it by the environment. */
static void start_sandbox(lua_State *L) {
  run(L, "server = require('icrm.sandbox').start {}\n"
         "url, key = server:url(), server:key()");
  lua_getglobal(L, "url");
  lua_getglobal(L, "key");
  CHECK(lua_isstring(L, -2) && lua_isstring(L, -1));
  setenv("ICRM_URL", lua_tostring(L, -2), 1);
  setenv("ICRM_ACCESS_KEY", lua_tostring(L, -1), 1);
  setenv("ICRM_USERNAME", "admin", 1);
  lua_pop(L, 2);
}

static void in_child(lua_State *L) {
  run(L,
      "local ok, err = pcall(crm.list_types, crm, true)\n"
      "assert(not ok and tostring(err):find('before a fork', 1, true), err)\n"
      "crm:close()\n"
      "local child <close> = icrm.connect()\n"
      "assert(#child:query('SELECT id FROM Accounts;'):all() > 0)");
  _exit(EXIT_SUCCESS);
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  lua_State *first = new_state(argv[1], argv[2]);
  start_sandbox(first);
  lua_State *second = new_state(argv[1], argv[2]);
  run(first, "crm = icrm.connect()");
  run(second, "crm = icrm.connect()"); /* the key is still there for it */
  CHECK(getenv("ICRM_ACCESS_KEY"));
  pid_t child = fork();
  if (child == 0)
    in_child(second);
  int status;
  CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
  run(second, "assert(#crm:query('SELECT id FROM Accounts;'):all() > 0)\n"
              "crm:close()");
  lua_close(second);
  run(first, "crm:close() server:stop()");
  lua_close(first);
  return EXIT_SUCCESS;
}
