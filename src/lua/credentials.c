/* core.credentials*: an access key that Lua can pass on but not read. */
#include "lua/credentials.h"

#include <stddef.h>
#include <stdlib.h>

/* Time enough for a person to type a passphrase. */
enum { COMMAND_TIMEOUT_MS = 120 * 1000 };

struct box {
  struct icrm_credentials *credentials; /* NULL: closed */
};

static struct box *new_box(lua_State *L) {
  struct box *box = lua_newuserdatauv(L, sizeof *box, 0);
  box->credentials = NULL;
  luaL_setmetatable(L, ICRML_CREDENTIALS_TYPE);
  return box;
}

struct icrm_credentials *icrml_check_credentials(lua_State *L, int index) {
  struct box *box = luaL_checkudata(L, index, ICRML_CREDENTIALS_TYPE);
  luaL_argcheck(L, box->credentials, index, "closed icrm.Credentials");
  return box->credentials;
}

int icrml_push_credentials(lua_State *L, struct icrm_credentials *credentials) {
  new_box(L)->credentials = credentials;
  return 1;
}

/* core.credentials(key): for keys that are Lua strings already. */
static int from_text(lua_State *L) {
  size_t len;
  struct icrm_error err;
  const char *key = luaL_checklstring(L, 1, &len);
  struct box *box = new_box(L);
  box->credentials = icrm_credentials_new(key, len, &err);
  return box->credentials ? 1 : icrml_fail(L, &err);
}

/* Push the table of what was read from the environment: name -> credentials,
 * or the error that they gave. [-0, +1, m] */
static void push_known(lua_State *L) {
  static const char address;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &address) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &address);
}

/* name, known -> ..., credentials or error, which is noted; nil when the
 * variable is not set or empty. */
static void read_from_env(lua_State *L, const char *name) {
  struct icrm_error err;
  const char *value = getenv(name);
  if (!value || value[0] == '\0') {
    lua_pushnil(L);
    return;
  }
  struct box *box = new_box(L);
  if (icrm_credentials_from_env(name, &box->credentials, &err) != 0)
    icrml_fail(L, &err);
  lua_pushvalue(L, -1);
  lua_setfield(L, 2, name);
}

/* core.credentials_from_env(name): nil when the variable is not set. Later
 * calls give the same, also when the runner has removed the variable meanwhile.
 */
static int from_env(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  push_known(L);
  if (lua_getfield(L, 2, name) == LUA_TNIL)
    read_from_env(L, name);
  if (!lua_istable(L, -1))
    return 1;
  lua_pushnil(L);
  lua_insert(L, -2); /* nil, err */
  return 2;
}

/* core.credentials_from_command(command) */
static int from_command(lua_State *L) {
  struct icrm_error err;
  const char *command = luaL_checkstring(L, 1);
  struct box *box = new_box(L);
  box->credentials =
      icrm_credentials_from_command(command, COMMAND_TIMEOUT_MS, &err);
  return box->credentials ? 1 : icrml_fail(L, &err);
}

/* core.credentials_from_fd(fd): the first line of an open descriptor. */
static int from_fd(lua_State *L) {
  struct icrm_error err;
  lua_Integer fd = luaL_checkinteger(L, 1);
  luaL_argcheck(L, fd >= 0 && fd < 1 << 20, 1, "no descriptor");
  struct box *box = new_box(L);
  box->credentials = icrm_credentials_from_fd((int)fd, &err);
  return box->credentials ? 1 : icrml_fail(L, &err);
}

static int release(lua_State *L) {
  struct box *box = luaL_checkudata(L, 1, ICRML_CREDENTIALS_TYPE);
  icrm_credentials_release(box->credentials);
  box->credentials = NULL;
  return 0;
}

static int to_text(lua_State *L) {
  lua_pushliteral(L, "icrm.Credentials");
  return 1;
}

void icrml_open_credentials(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"credentials", from_text},
      {"credentials_from_env", from_env},
      {"credentials_from_command", from_command},
      {"credentials_from_fd", from_fd},
      {NULL, NULL},
  };
  static const luaL_Reg methods[] = {
      {"__gc", release},
      {"__close", release},
      {"__tostring", to_text},
      {NULL, NULL},
  };
  luaL_newmetatable(L, ICRML_CREDENTIALS_TYPE); /* core, metatable */
  luaL_setfuncs(L, methods, 0);
  lua_pushliteral(L, "icrm.Credentials");
  lua_setfield(L, -2, "__metatable"); /* no script reaches the methods */
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
