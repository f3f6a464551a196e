/* Records of a reply straight into Lua tables; see text/page.h. */
#include "lua/reply.h"
#include "text/page.h"

#include <stdbool.h>
#include <string.h>

#define PAGE_TYPE "icrm.core.Page"

/* Memory kept between calls is let go when one page made it larger. */
enum { KEPT_FIELDS = 20000 };

/* What a page has shown so far: from stack index `base` on, each key and, in
 * the slot above it, its value in the latest record. A column often repeats
 * itself, and comparing bytes is cheaper than hashing them again. */
struct columns {
  int base;
  struct icrm_span latest[ICRM_PAGE_KEYS];
};

static void push_columns(lua_State *L, const struct icrm_page *records,
                         struct columns *columns) {
  luaL_checkstack(L, 2 * records->n_keys + 8, "too many fields in a record");
  columns->base = lua_gettop(L) + 1;
  for (int i = 0; i < records->n_keys; i++) {
    lua_pushlstring(L, records->keys[i].bytes, records->keys[i].len);
    lua_pushliteral(L, "");
    columns->latest[i] = (struct icrm_span){"", 0};
  }
}

static void push_unescaped(lua_State *L, const struct icrm_page *records,
                           const struct icrm_field *field) {
  luaL_Buffer text;
  char *out = luaL_buffinitsize(L, &text, field->len);
  luaL_pushresultsize(&text, icrm_page_unescape(records, field, out));
}

static void push_value(lua_State *L, const struct icrm_page *records,
                       const struct icrm_field *field,
                       struct columns *columns) {
  struct icrm_span *latest = &columns->latest[field->key];
  const char *bytes = records->text + field->at;
  const int slot = columns->base + 2 * field->key + 1;
  if (field->len == latest->len &&
      memcmp(bytes, latest->bytes, field->len) == 0) {
    lua_pushvalue(L, slot);
    return;
  }
  if (field->is_escaped)
    push_unescaped(L, records, field);
  else
    lua_pushlstring(L, bytes, field->len);
  lua_copy(L, -1, slot);
  *latest = (struct icrm_span){bytes, field->len};
}

/* Push the table of the record at `head`; returns the next one's. */
static const struct icrm_field *push_record(lua_State *L,
                                            const struct icrm_page *records,
                                            const struct icrm_field *head,
                                            struct columns *columns) {
  const struct icrm_field *next = head + 1 + head->len;
  lua_createtable(L, 0, (int)head->len);
  for (const struct icrm_field *field = head + 1; field < next; field++) {
    lua_pushvalue(L, columns->base + 2 * field->key);
    push_value(L, records, field, columns);
    lua_rawset(L, -3);
  }
  return next;
}

static void push_records(lua_State *L, const struct icrm_page *records) {
  struct columns columns;
  const int top = lua_gettop(L);
  const struct icrm_field *head = records->fields;
  push_columns(L, records, &columns);
  if (records->alone) {
    push_record(L, records, head, &columns);
  } else {
    lua_createtable(L, records->n_records, 0);
    for (int i = 1; i <= records->n_records; i++) {
      head = push_record(L, records, head, &columns);
      lua_rawseti(L, -2, i);
    }
  }
  lua_copy(L, -1, top + 1);
  lua_settop(L, top + 1);
}

static struct icrm_page *new_page(lua_State *L) {
  struct icrm_page *page = lua_newuserdatauv(L, sizeof *page, 0);
  memset(page, 0, sizeof *page);
  luaL_setmetatable(L, PAGE_TYPE);
  return page;
}

static int free_page(lua_State *L) {
  icrm_page_free(luaL_checkudata(L, 1, PAGE_TYPE));
  return 0;
}

/* Leaves a page on the stack: the one in upvalue 1, or a new one when a
 * finalizer calls while that is in use. */
static struct icrm_page *take_page(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushnil(L);
  lua_replace(L, lua_upvalueindex(1));
  struct icrm_page *page = lua_touserdata(L, -1);
  if (page)
    return page;
  lua_pop(L, 1);
  return new_page(L);
}

static void give_back(lua_State *L, int index, struct icrm_page *page) {
  if (page->cap_fields > KEPT_FIELDS)
    icrm_page_free(page);
  lua_pushvalue(L, index);
  lua_replace(L, lua_upvalueindex(1));
}

/* core.decode_records(text or reply): a list of records, or the one record that
 * it is, or nil when it is not plain and needs a complete JSON parser. Else the
 * reply is used up. */
static int decode_records(lua_State *L) {
  enum { TEXT = 1, PAGE, RESULT };
  lua_settop(L, TEXT);
  struct icrm_page *own = take_page(L);
  const struct icrm_page *page = icrml_check_page(L, TEXT, own);
  if (page) {
    push_records(L, page);
    icrml_end_reply(L, TEXT);
  } else {
    luaL_pushfail(L);
  }
  give_back(L, PAGE, own);
  lua_settop(L, RESULT);
  return 1;
}

/* The id of the `i`th row, which the row keeps, bytes NULL where there is none.
 * `name` is the index of "id". */
static struct icrm_span id_at(lua_State *L, int rows, lua_Integer i, int name) {
  struct icrm_span id = {0};
  const int top = lua_gettop(L);
  if (lua_rawgeti(L, rows, i) == LUA_TTABLE) {
    lua_pushvalue(L, name);
    if (lua_rawget(L, top + 1) == LUA_TSTRING)
      id.bytes = lua_tolstring(L, -1, &id.len);
  }
  lua_settop(L, top);
  return id;
}

/* core.end_of_run(rows, i) -> index of the last row up to which, from the `i`th
 * on, each id is as long as the one before and follows it as a text. */
static int end_of_run(lua_State *L) {
  enum { ROWS = 1, FROM, NAME };
  luaL_checktype(L, ROWS, LUA_TTABLE);
  lua_Integer last = luaL_checkinteger(L, FROM);
  const lua_Integer n = (lua_Integer)lua_rawlen(L, ROWS);
  lua_settop(L, FROM);
  lua_pushliteral(L, "id");
  struct icrm_span before = id_at(L, ROWS, last, NAME);
  while (before.bytes && last < n) {
    struct icrm_span id = id_at(L, ROWS, last + 1, NAME);
    if (!id.bytes || id.len != before.len ||
        memcmp(id.bytes, before.bytes, id.len) <= 0)
      break;
    before = id;
    last++;
  }
  lua_pushinteger(L, last);
  return 1;
}

void icrml_open_decode(lua_State *L) {
  luaL_newmetatable(L, PAGE_TYPE); /* core, metatable */
  lua_pushcfunction(L, free_page);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  new_page(L);
  lua_pushcclosure(L, decode_records, 1);
  lua_setfield(L, -2, "decode_records");
  lua_pushcfunction(L, end_of_run);
  lua_setfield(L, -2, "end_of_run");
}
