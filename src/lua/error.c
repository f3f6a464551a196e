/* Errors as values: icrm.Error, whose methods are in lua/icrm/error.lua. */
#include "lua/core.h"

static void set_text(lua_State *L, const char *name, const char *text) {
  if (text[0] == '\0')
    return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

int icrml_fail(lua_State *L, const struct icrm_error *err) {
  lua_pushnil(L);
  lua_createtable(L, 0, 8); /* nil, err */
  set_text(L, "kind", icrm_error_kind_name(err->kind));
  set_text(L, "message", err->message);
  set_text(L, "code", err->code);
  set_text(L, "operation", err->operation);
  set_text(L, "reason", err->reason);
  if (err->is_answered) {
    lua_pushboolean(L, true);
    lua_setfield(L, -2, "answered");
  }
  if (err->status > 0) {
    lua_pushinteger(L, err->status);
    lua_setfield(L, -2, "status");
  }
  if (err->retry_after_s >= 0) {
    lua_pushinteger(L, err->retry_after_s);
    lua_setfield(L, -2, "retry_after");
  }
  /* The Lua layer fills this metatable; see lua/icrm/error.lua. */
  luaL_setmetatable(L, ICRML_ERROR_TYPE);
  return 2;
}

/* The kinds in order, for lua/icrm/error.lua and its spec. */
static void push_error_kinds(lua_State *L) {
  static const char *const names[] = {
#define NAME(id, name) name,
      ICRM_ERROR_KINDS(NAME)
#undef NAME
  };
  const int n = (int)(sizeof names / sizeof *names);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_pushstring(L, names[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

void icrml_open_error(lua_State *L) {
  push_error_kinds(L);
  lua_setfield(L, -2, "error_kinds");
  luaL_newmetatable(L, ICRML_ERROR_TYPE);
  lua_setfield(L, -2, "Error");
}
