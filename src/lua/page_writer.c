/* Pages of records to lines of CSV or JSONL; see text/page_writer.h. */
#include "text/page_writer.h"
#include "lua/reply.h"

#include <string.h>

#define WRITER_TYPE "icrm.core.PageWriter"

struct writer {
  struct icrm_page_writer *lines; /* NULL until made */
  struct icrm_page page;
  struct icrm_buf out; /* the lines of the latest page */
};

/* writer(text or reply) -> lines, number of records, id of the first, of the
 * last; or nil when it is not plain and needs a complete JSON parser, or when
 * its ids are not in order and need a complete look. Else the reply is used
 * up. */
static int writer_call(lua_State *L) {
  struct writer *writer = luaL_checkudata(L, 1, WRITER_TYPE);
  struct icrm_page_facts facts;
  const struct icrm_page *page = icrml_check_page(L, 2, &writer->page);
  if (!page)
    return luaL_pushfail(L), 1;
  icrm_buf_clear(&writer->out);
  int step = icrm_page_writer_write(writer->lines, page, &writer->out, &facts);
  if (step < 0)
    return luaL_error(L, "not enough memory");
  if (step == 0 || !facts.in_order)
    return luaL_pushfail(L), 1;
  icrml_end_reply(L, 2);
  lua_pushlstring(L, writer->out.data ? writer->out.data : "", writer->out.len);
  lua_pushinteger(L, facts.n_records);
  lua_pushstring(L, facts.first_id);
  lua_pushstring(L, facts.last_id);
  return 4;
}

static int writer_gc(lua_State *L) {
  struct writer *writer = luaL_checkudata(L, 1, WRITER_TYPE);
  icrm_page_writer_free(writer->lines);
  writer->lines = NULL;
  icrm_page_free(&writer->page);
  icrm_buf_free(&writer->out);
  return 0;
}

/* Spans of the names in the list at index 2, in a userdata on top. */
static struct icrm_span *push_columns(lua_State *L, int n) {
  struct icrm_span *columns =
      lua_newuserdatauv(L, sizeof *columns * (size_t)(n + 1), 0);
  for (int i = 0; i < n; i++) {
    luaL_argcheck(L, lua_rawgeti(L, 2, i + 1) == LUA_TSTRING, 2,
                  "column names are strings");
    columns[i].bytes = lua_tolstring(L, -1, &columns[i].len);
    lua_pop(L, 1); /* the list keeps it */
  }
  return columns;
}

/* core.page_writer("csv"|"jsonl", columns [, delimiter [, raw]]) -> writer */
static int page_writer(lua_State *L) {
  static const char *const formats[] = {"csv", "jsonl", NULL};
  size_t len;
  struct icrm_page_writer_options options = {0};
  options.jsonl = luaL_checkoption(L, 1, NULL, formats) == 1;
  luaL_checktype(L, 2, LUA_TTABLE);
  const char *delimiter = luaL_optlstring(L, 3, ",", &len);
  luaL_argcheck(L, len == 1, 3, "a delimiter is one byte");
  options.delimiter = delimiter[0];
  options.raw = lua_toboolean(L, 4);
  options.n_columns = (int)lua_rawlen(L, 2);
  options.columns = push_columns(L, options.n_columns);
  struct writer *writer = lua_newuserdatauv(L, sizeof *writer, 0);
  memset(writer, 0, sizeof *writer);
  luaL_setmetatable(L, WRITER_TYPE);
  writer->lines = icrm_page_writer_new(&options);
  if (!writer->lines)
    return luaL_error(L, "not enough memory");
  return 1;
}

void icrml_open_page_writer(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"__call", writer_call}, {"__gc", writer_gc}, {NULL, NULL}};
  luaL_newmetatable(L, WRITER_TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 1);
  lua_pushcfunction(L, page_writer);
  lua_setfield(L, -2, "page_writer");
}
