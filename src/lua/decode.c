/* Records of a reply straight into Lua tables; see core/records.h. */
#include "core/records.h"
#include "lua/core.h"

#include <string.h>

/*
 * Room for unescaped values is kept between calls in upvalue 1. A call takes
 * it away while it works, because a finalizer may call in between, and brings
 * it back unless it became large.
 */
enum { KEPT_BYTES = 1 << 20 };

static char *take_scratch(lua_State *L, size_t size) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushnil(L);
  lua_replace(L, lua_upvalueindex(1));
  if (lua_rawlen(L, -1) >= size && !lua_isnil(L, -1))
    return lua_touserdata(L, -1);
  lua_pop(L, 1);
  return lua_newuserdatauv(L, size + size / 4, 0);
}

static void give_back_scratch(lua_State *L, int index) {
  if (lua_rawlen(L, index) > KEPT_BYTES)
    return;
  lua_pushvalue(L, index);
  lua_replace(L, lua_upvalueindex(1));
}

/* What a page has shown so far: from stack index `base` on, each key and, in
 * the slot above it, its value in the latest record. A column often repeats
 * itself, and comparing bytes is cheaper than hashing them again. */
struct columns {
  int base;
  int n;
  struct icrm_span latest[ICRM_RECORDS_KEYS];
};

static void add_column(lua_State *L, struct columns *columns,
                       const struct icrm_span *key) {
  luaL_checkstack(L, 8, "too many fields in a record");
  lua_pushlstring(L, key->bytes, key->len);
  lua_insert(L, -2);
  lua_pushliteral(L, "");
  lua_insert(L, -2); /* ..., key, value, record */
  columns->latest[columns->n++] = (struct icrm_span){"", 0};
}

static void push_value(lua_State *L, struct columns *columns, int key,
                       const struct icrm_records *records,
                       const struct icrm_span *value) {
  struct icrm_span *latest = &columns->latest[key];
  int slot = columns->base + 2 * key + 1;
  if (value->len == latest->len &&
      memcmp(value->bytes, latest->bytes, value->len) == 0) {
    lua_pushvalue(L, slot);
    return;
  }
  lua_pushlstring(L, value->bytes, value->len);
  if (icrm_records_is_unescaped(records, value))
    return; /* its bytes are gone with the next record */
  lua_copy(L, -1, slot);
  *latest = *value;
}

/* Replies tend to look like the one before, so the first record of a page gets
 * the size that the records of the page before had (upvalue 2). */
static int expected_fields(lua_State *L, const struct icrm_records *records) {
  if (records->n_records > 1)
    return records->n_keys;
  return (int)lua_tointeger(L, lua_upvalueindex(2));
}

static void remember_fields(lua_State *L, const struct icrm_records *records) {
  lua_pushinteger(L, records->n_keys);
  lua_replace(L, lua_upvalueindex(2));
}

/* Read the fields of one record into the table on top, above the columns. */
static int read_fields(lua_State *L, struct icrm_records *records,
                       struct columns *columns) {
  struct icrm_span value;
  int key, step;
  while ((step = icrm_records_field(records, &key, &value)) > 0) {
    if (key == columns->n)
      add_column(L, columns, &records->keys[key]);
    lua_pushvalue(L, columns->base + 2 * key);
    push_value(L, columns, key, records, &value);
    lua_rawset(L, -3);
  }
  return step;
}

/* core.decode_records(text): a list of records, or the one record that the text
 * is, or nil when it is not plain and needs a complete JSON parser. */
static int decode_records(lua_State *L) {
  enum { TEXT = 1, SCRATCH, ROWS, COLUMNS };
  struct icrm_records records;
  struct columns columns;
  size_t len;
  const char *text = luaL_checklstring(L, TEXT, &len);
  columns.base = COLUMNS;
  columns.n = 0;
  lua_settop(L, TEXT);
  icrm_records_begin(&records, text, len, take_scratch(L, len));
  lua_createtable(L, 0, 0);
  int step;
  while ((step = icrm_records_record(&records)) > 0) {
    lua_createtable(L, 0, expected_fields(L, &records));
    step = read_fields(L, &records, &columns);
    if (step < 0)
      break;
    lua_rawseti(L, ROWS, records.n_records);
  }
  give_back_scratch(L, SCRATCH);
  remember_fields(L, &records);
  if (step < 0)
    return luaL_pushfail(L), 1;
  if (records.alone)
    lua_rawgeti(L, ROWS, 1);
  else
    lua_settop(L, ROWS);
  return 1;
}

void icrml_open_decode(lua_State *L) {
  lua_pushnil(L);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, decode_records, 2);
  lua_setfield(L, -2, "decode_records");
}
