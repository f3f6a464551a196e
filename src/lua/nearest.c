#include "core/nearest.h"
#include "lua/core.h"

/* core.nearest(word, list) -> the list's word that was probably meant | nil */
static int nearest(lua_State *L) {
  const char *word = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  const lua_Integer count = luaL_len(L, 2);
  /* word, list, array; the strings stay alive in the list. */
  const char **words = lua_newuserdatauv(L, (size_t)count * sizeof *words, 0);
  for (lua_Integer i = 0; i < count; i++) {
    if (lua_geti(L, 2, i + 1) != LUA_TSTRING)
      return luaL_argerror(L, 2, "list of strings expected");
    words[i] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  lua_pushstring(L, icrm_nearest(word, words, (size_t)count));
  return 1;
}

void icrml_open_nearest(lua_State *L) {
  lua_pushcfunction(L, nearest); /* core, nearest */
  lua_setfield(L, -2, "nearest");
}
