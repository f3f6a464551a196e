/* Change sets from anywhere: the Lua module opens what it is given, shows it,
 * and goes through its rows; spec/fuzz/change_set.lua does it and judges. */
#include "fuzz.h"

#include "lua/core.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static lua_State *new_state(void) {
  lua_State *L = luaL_newstate();
  MUST(L);
  luaL_openlibs(L);
  luaL_requiref(L, "icrm.core", luaopen_icrm_core, 0);
  lua_pop(L, 1);
  if (luaL_dostring(L,
                    "package.path = '" ICRM_SOURCE_DIR "/lua/?.lua;"
                    "" ICRM_SOURCE_DIR "/lua/?/init.lua;' .. package.path") ||
      luaL_dofile(L, ICRM_SOURCE_DIR "/spec/fuzz/change_set.lua"))
    FINDING("%s", lua_tostring(L, -1));
  return L; /* with the function that takes an input on its stack */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lua_State *L;
  if (!L)
    L = new_state();
  lua_pushvalue(L, 1);
  lua_pushlstring(L, (const char *)data, size);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK)
    FINDING("%s", lua_tostring(L, -1));
  return 0;
}
