#include "core/base64.h"
#include "lua/core.h"

static int finish(lua_State *L, struct icrm_buf *out, int rc,
                  const struct icrm_error *err) {
  if (rc == 0 && !out->failed)
    lua_pushlstring(L, out->data ? out->data : "", out->len);
  const bool failed = out->failed;
  icrm_buf_free(out);
  if (failed)
    return luaL_error(L, "not enough memory");
  return rc == 0 ? 1 : icrml_fail(L, err);
}

/* core.base64.encode(bytes) -> text */
static int encode(lua_State *L) {
  size_t len;
  const char *bytes = luaL_checklstring(L, 1, &len);
  struct icrm_buf out = {0};
  icrm_base64_encode(&out, bytes, len);
  return finish(L, &out, 0, NULL);
}

/* core.base64.decode(text) -> bytes | nil, err */
static int decode(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  struct icrm_buf out = {0};
  struct icrm_error err;
  const int rc = icrm_base64_decode(&out, text, len, &err);
  return finish(L, &out, rc, &err);
}

void icrml_open_base64(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"encode", encode}, {"decode", decode}, {NULL, NULL}};
  luaL_newlib(L, functions); /* core, base64 */
  lua_setfield(L, -2, "base64");
}
