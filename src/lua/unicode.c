#include "text/unicode.h"
#include "lua/core.h"
#include "text/json_numbers.h"

/* What `convert` makes of the text; nil when it makes nothing. */
static int converted(lua_State *L,
                     bool (*convert)(const char *, size_t, struct icrm_buf *)) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  struct icrm_buf out = {0};
  bool ok = convert(text, len, &out) && !out.failed;
  if (ok)
    lua_pushlstring(L, out.data ? out.data : "", out.len);
  else
    luaL_pushfail(L);
  icrm_buf_free(&out);
  return 1;
}

/* core.unicode.compose(text) -> text in its composed form | nil */
static int compose(lua_State *L) {
  return converted(L, icrm_unicode_compose);
}

/* core.unicode.fold(text) -> text without case, accents, unseen signs | nil */
static int fold(lua_State *L) {
  return converted(L, icrm_unicode_fold);
}

/* core.unicode.trim(text) -> text without outer blanks */
static int trim(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  size_t all = len;
  text = icrm_unicode_trim(text, &len);
  if (len == all)
    lua_settop(L, 1);
  else
    lua_pushlstring(L, text, len);
  return 1;
}

/* core.quote_numbers(json) -> json whose numbers are all held by a double, the
 * others as strings | nil when there are no others */
static int quote_numbers(lua_State *L) {
  return converted(L, icrm_json_quote_numbers);
}

/* core.unicode, core.quote_numbers */
void icrml_open_unicode(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"compose", compose}, {"fold", fold}, {"trim", trim}, {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "unicode");
  lua_pushcfunction(L, quote_numbers);
  lua_setfield(L, -2, "quote_numbers");
}
