/* core.download: the draft of a file that comes in a reply. */
#include "lua/download.h"

#define DOWNLOAD_TYPE "icrm.core.Download"

struct download {
  struct icrm_download *p; /* NULL: closed */
};

struct icrm_download *icrml_check_download(lua_State *L, int index) {
  struct download *download = luaL_checkudata(L, index, DOWNLOAD_TYPE);
  if (!download->p)
    luaL_error(L, "attempt to use a closed %s", DOWNLOAD_TYPE);
  return download->p;
}

/* core.download(target [, most_bytes [, member]]) -> draft | nil, err
 * `member` is "filecontents" or "attachment". */
static int new_download(lua_State *L) {
  static const char *const members[] = {"filecontents", "attachment", NULL};
  const char *target = luaL_checkstring(L, 1);
  const lua_Integer most = luaL_optinteger(L, 2, -1);
  const int member = luaL_checkoption(L, 3, members[0], members);
  struct icrm_error err;
  struct download *download = lua_newuserdatauv(L, sizeof *download, 0);
  download->p = NULL;
  luaL_setmetatable(L, DOWNLOAD_TYPE);
  download->p = icrm_download_new(target, members[member], most, &err);
  return download->p ? 1 : icrml_fail(L, &err);
}

/* draft:size() -> bytes that came | nil when the reply had no content */
static int size(lua_State *L) {
  const int64_t bytes = icrm_download_size(icrml_check_download(L, 1));
  if (bytes < 0)
    return luaL_pushfail(L), 1;
  lua_pushinteger(L, bytes);
  return 1;
}

/* draft:save(path) -> true | nil, err */
static int save(lua_State *L) {
  struct icrm_error err;
  if (icrm_download_save(icrml_check_download(L, 1), luaL_checkstring(L, 2),
                         &err) != 0)
    return icrml_fail(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* close, __close and __gc: what was not saved is removed, whoever else still
 * holds the draft. */
static int close_download(lua_State *L) {
  struct download *download = luaL_checkudata(L, 1, DOWNLOAD_TYPE);
  struct icrm_download *p = download->p;
  download->p = NULL;
  if (p)
    icrm_download_close(p);
  icrm_download_release(p);
  return 0;
}

void icrml_open_download(lua_State *L) {
  static const luaL_Reg methods[] = {{"size", size},
                                     {"save", save},
                                     {"close", close_download},
                                     {"__close", close_download},
                                     {"__gc", close_download},
                                     {NULL, NULL}};
  luaL_newmetatable(L, DOWNLOAD_TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, new_download);
  lua_setfield(L, -2, "download");
}
