#include "core/settings.h"
#include "lua/core.h"
#include "lua/credentials.h"

#include <unistd.h>

static int close_settings(lua_State *L) {
  icrm_settings_free(lua_touserdata(L, 1));
  return 0;
}

/* core.settings(path) -> text, { credentials... } | nil, err
 * The text has the number of a key where the file has the key. */
static int settings(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct icrm_error err;
  struct icrm_settings *read = lua_newuserdatauv(L, sizeof *read, 0);
  *read = (struct icrm_settings){0};
  lua_createtable(L, 0, 1); /* read, metatable: frees it, whatever raises */
  lua_pushcfunction(L, close_settings);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  if (icrm_settings_read(path, read, &err) != 0)
    return icrml_fail(L, &err);
  lua_pushlstring(L, read->text, read->len);
  lua_createtable(L, (int)read->key_count, 0);
  for (size_t i = 0; i < read->key_count; i++) {
    icrml_push_credentials(L, icrm_credentials_retain(read->keys[i]));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  icrm_settings_free(read);
  return 2;
}

/* core.credentials_from_file(path) -> credentials | nil, err: the first line
 * of a file that only this user may read. */
static int credentials_from_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct icrm_error err;
  int fd = icrm_settings_open(path, &err);
  if (fd < 0)
    return icrml_fail(L, &err);
  struct icrm_credentials *key = icrm_credentials_from_fd(fd, &err);
  close(fd);
  if (!key)
    return icrml_fail(L, &err);
  return icrml_push_credentials(L, key);
}

void icrml_open_settings(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"settings", settings},
      {"credentials_from_file", credentials_from_file},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
