/* The fields of a record on their way to create and update. */
#include "core/buf.h"
#include "lua/core.h"
#include "text/json_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FIELDS = 512 };

struct field {
  const char *name, *value; /* strings of the table at index 1 */
  size_t name_len, value_len;
};

static int compare(const void *a, const void *b) {
  const struct field *one = a, *other = b;
  return strcmp(one->name, other->name);
}

/* The length of a run of ASCII without NUL at the beginning, in eights. */
static size_t skip_ascii(const char *text, size_t len) {
  const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
  size_t i = 0;
  for (uint64_t eight; len - i >= 8; i += 8) {
    memcpy(&eight, text + i, 8);
    if (((eight - ones) | eight) & highs)
      break;
  }
  return i;
}

static bool is_sendable(const char *text, size_t len) {
  for (size_t i = skip_ascii(text, len); i < len;) {
    size_t n = icrm_utf8_sequence(text + i, len - i);
    if (n == 0 || text[i] == '\0')
      return false;
    i += n;
  }
  return true;
}

/* Collect the fields of the table at index 1 in the order of their names.
 * Returns how many, or -1 when one is not a string that can be sent. */
static int collect(lua_State *L, struct field *fields) {
  int n = 0;
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    if (n == MOST_FIELDS || lua_type(L, -2) != LUA_TSTRING ||
        lua_type(L, -1) != LUA_TSTRING)
      return -1;
    struct field *field = &fields[n++];
    field->name = lua_tolstring(L, -2, &field->name_len);
    field->value = lua_tolstring(L, -1, &field->value_len);
    if (!is_sendable(field->name, field->name_len) ||
        !is_sendable(field->value, field->value_len))
      return -1;
    lua_pop(L, 1); /* the table keeps it */
  }
  qsort(fields, (size_t)n, sizeof *fields, compare);
  return n;
}

/* core.encode_element(fields) -> text, or nil when a value is no string that
 * can be sent as it is; icrm.json then converts it or says what is wrong. */
static int encode_element(lua_State *L) {
  struct field fields[MOST_FIELDS];
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  int n = collect(L, fields);
  if (n < 0)
    return luaL_pushfail(L), 1;
  size_t most = 2;
  for (int i = 0; i < n; i++)
    most += ICRM_JSON_STRING_MOST(fields[i].name_len) +
            ICRM_JSON_STRING_MOST(fields[i].value_len) + 2;
  luaL_Buffer text;
  char *begin = luaL_buffinitsize(L, &text, most), *out = begin;
  *out++ = '{';
  for (int i = 0; i < n; i++) {
    if (i > 0)
      *out++ = ',';
    out = icrm_json_put_string(out, fields[i].name, fields[i].name_len);
    *out++ = ':';
    out = icrm_json_put_string(out, fields[i].value, fields[i].value_len);
  }
  *out++ = '}';
  luaL_pushresultsize(&text, (size_t)(out - begin));
  return 1;
}

/* Whether the text at the top is right for a field of which the value below it
 * says what is: true, any text; a number, one of so many bytes at least; a
 * table, one of its keys. [known, text] */
static bool is_known_right(lua_State *L) {
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  switch (lua_type(L, -2)) {
  case LUA_TBOOLEAN:
    break;
  case LUA_TNUMBER:
    if ((lua_Integer)len < lua_tointeger(L, -2))
      return false;
    break;
  case LUA_TTABLE: {
    lua_pushvalue(L, -1);
    bool is_one = lua_rawget(L, -3) != LUA_TNIL;
    lua_pop(L, 1);
    return is_one;
  }
  default:
    return false;
  }
  return is_sendable(text, len);
}

/* core.doubtful(known, fields) -> the list of those names whose values are not
 * clearly right by `known` (see is_known_right), or nil for none */
static int doubtful(lua_State *L) {
  enum { KNOWN = 1, FIELDS, LIST };
  int n = 0;
  luaL_checktype(L, KNOWN, LUA_TTABLE);
  luaL_checktype(L, FIELDS, LUA_TTABLE);
  lua_settop(L, FIELDS);
  lua_pushnil(L); /* known, fields, list */
  for (lua_pushnil(L); lua_next(L, FIELDS); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_rawget(L, KNOWN);
    lua_insert(L, -2); /* ..., name, known, value */
    bool is_right = lua_type(L, -1) == LUA_TSTRING && is_known_right(L);
    lua_pop(L, 1);
    if (is_right)
      continue;
    if (n == 0) {
      lua_createtable(L, 4, 0);
      lua_replace(L, LIST);
    }
    lua_pushvalue(L, -2);
    lua_rawseti(L, LIST, ++n);
  }
  lua_settop(L, LIST);
  return 1;
}

/* core.is_sendable(value) -> whether it is a string of UTF-8 without NUL */
static int is_sendable_text(lua_State *L) {
  size_t len;
  bool fine = lua_type(L, 1) == LUA_TSTRING;
  if (fine) {
    const char *text = lua_tolstring(L, 1, &len);
    fine = is_sendable(text, len);
  }
  lua_pushboolean(L, fine);
  return 1;
}

/* core.copy(fields) -> a shallow copy, its size known from the start */
static int copy_fields(lua_State *L) {
  int n = 0;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1))
    n++;
  lua_createtable(L, 0, n);
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 2); /* fields, copy, name, value */
  }
  return 1;
}

void icrml_open_element(lua_State *L) {
  lua_pushcfunction(L, copy_fields);
  lua_setfield(L, -2, "copy");
  lua_pushcfunction(L, doubtful);
  lua_setfield(L, -2, "doubtful");
  lua_pushcfunction(L, is_sendable_text);
  lua_setfield(L, -2, "is_sendable");
  lua_pushcfunction(L, encode_element);
  lua_setfield(L, -2, "encode_element");
}
