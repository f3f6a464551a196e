/*
 * What the binding files share. The module `icrm.core` is private to the Lua
 * layer: it returns `nil, err` on failure and never raises but for misuse.
 */
#ifndef ICRM_LUA_CORE_H
#define ICRM_LUA_CORE_H

#include "core/error.h"

#include <lauxlib.h>
#include <lua.h>

#define ICRML_ERROR_TYPE "icrm.Error"

/* Push nil and an icrm.Error made from `err`; returns 2. [-0, +2, m] */
int icrml_fail(lua_State *L, const struct icrm_error *err);

/* Each binding file adds its part to the module. [core -> core] */
void icrml_open_base64(lua_State *L);
void icrml_open_unicode(lua_State *L);
void icrml_open_client(lua_State *L);
void icrml_open_credentials(lua_State *L);
void icrml_open_csv(lua_State *L);
void icrml_open_digest(lua_State *L);
void icrml_open_download(lua_State *L);
void icrml_open_files(lua_State *L);
void icrml_open_decode(lua_State *L);
void icrml_open_element(lua_State *L);
void icrml_open_error(lua_State *L);
void icrml_open_interrupt(lua_State *L);
void icrml_open_nearest(lua_State *L);
void icrml_open_settings(lua_State *L);
void icrml_open_sandbox(lua_State *L);
void icrml_open_reply(lua_State *L);
void icrml_open_page_writer(lua_State *L);
void icrml_open_terminal(lua_State *L);
void icrml_open_vtql(lua_State *L);
void icrml_open_workbook(lua_State *L);

/* The module's entry point. */
__attribute__((visibility("default"))) int luaopen_icrm_core(lua_State *L);

#endif
