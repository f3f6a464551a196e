#include "lua/core.h"

#include <stddef.h>

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

int luaopen_icrm_core(lua_State *L) {
  static const luaL_Reg functions[] = {{NULL, NULL}};
  luaL_checkversion(L);
  luaL_newmetatable(L, ICRML_ERROR_TYPE);
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  push_error_kinds(L);
  lua_setfield(L, -2, "error_kinds");
  luaL_getmetatable(L, ICRML_ERROR_TYPE);
  lua_setfield(L, -2, "Error");
  icrml_open_base64(L);
  icrml_open_interrupt(L);
  icrml_open_nearest(L);
  icrml_open_settings(L);
  icrml_open_terminal(L);
  icrml_open_client(L);
  icrml_open_credentials(L);
  icrml_open_csv(L);
  icrml_open_digest(L);
  icrml_open_download(L);
  icrml_open_files(L);
  icrml_open_decode(L);
  icrml_open_element(L);
#ifdef ICRM_SANDBOX
  icrml_open_sandbox(L);
#endif
  icrml_open_reply(L);
  icrml_open_rows(L);
  icrml_open_vtql(L);
  icrml_open_workbook(L);
  return 1;
}
