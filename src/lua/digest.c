/* core.digest: what change sets need of hashing. */
#include "lua/core.h"

#include "core/digest.h"

/* digest.sha256(text) -> hexadecimal | nil, err */
static int digest_sha256(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  char hex[65];
  struct icrm_error err;
  if (icrm_digest_sha256(text, len, hex, &err) != 0)
    return icrml_fail(L, &err);
  lua_pushstring(L, hex);
  return 1;
}

/* digest.sha256_file(path) -> hexadecimal | nil, err */
static int digest_sha256_file(lua_State *L) {
  char hex[65];
  struct icrm_error err;
  if (icrm_digest_sha256_file(luaL_checkstring(L, 1), hex, &err) != 0)
    return icrml_fail(L, &err);
  lua_pushstring(L, hex);
  return 1;
}

/* digest.tag(input, module, key) -> 20 characters | nil, err */
static int digest_tag(lua_State *L) {
  char tag[ICRM_DIGEST_TAG_LEN + 1];
  struct icrm_error err;
  if (icrm_digest_tag(luaL_checkstring(L, 1), luaL_checkstring(L, 2),
                      luaL_checkstring(L, 3), tag, &err) != 0)
    return icrml_fail(L, &err);
  lua_pushstring(L, tag);
  return 1;
}

/* digest.random_hex(bytes) -> 2 * bytes hexadecimal digits */
static int digest_random_hex(lua_State *L) {
  char hex[129];
  lua_Integer bytes = luaL_checkinteger(L, 1);
  luaL_argcheck(L, bytes > 0 && bytes <= 64, 1, "1 to 64 bytes");
  icrm_digest_random_hex(hex, (size_t)bytes);
  lua_pushstring(L, hex);
  return 1;
}

void icrml_open_digest(lua_State *L) {
  static const luaL_Reg functions[] = {{"sha256", digest_sha256},
                                       {"sha256_file", digest_sha256_file},
                                       {"tag", digest_tag},
                                       {"random_hex", digest_random_hex},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "digest");
}
