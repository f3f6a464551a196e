/* Workbooks as rows of typed cells; see workbook/workbook.h. */
#include "workbook/workbook.h"

#include "lua/core.h"
#include "workbook/package.h"

#define WORKBOOK_TYPE "icrm.Workbook"

struct handle {
  struct icrm_workbook *workbook; /* NULL when closed */
};

static struct icrm_workbook *check_workbook(lua_State *L) {
  struct handle *handle = luaL_checkudata(L, 1, WORKBOOK_TYPE);
  if (!handle->workbook)
    luaL_error(L, "attempt to use a closed %s", WORKBOOK_TYPE);
  return handle->workbook;
}

/* open(path) -> workbook | nil, err */
static int workbook_open(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct icrm_error err;
  struct handle *handle = lua_newuserdatauv(L, sizeof *handle, 0);
  handle->workbook = NULL;
  luaL_setmetatable(L, WORKBOOK_TYPE);
  if (icrm_workbook_open(&handle->workbook, path, &err) < 0)
    return icrml_fail(L, &err);
  return 1;
}

/* is_claimed(path) -> whether the file is a workbook, or something else that
 * open refuses with a sentence: no text */
static int workbook_is_claimed(lua_State *L) {
  lua_pushboolean(L, icrm_package_is_claimed(luaL_checkstring(L, 1)));
  return 1;
}

/* workbook:format() -> "xlsx" | "ods" */
static int workbook_format(lua_State *L) {
  lua_pushstring(L, icrm_workbook_format(check_workbook(L)));
  return 1;
}

/* workbook:sheets() -> { { name=, state= }, ... } */
static int workbook_sheets(lua_State *L) {
  const struct icrm_workbook *workbook = check_workbook(L);
  size_t count = icrm_workbook_sheets(workbook);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    const struct icrm_workbook_sheet *sheet = icrm_workbook_sheet(workbook, i);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, sheet->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, sheet->state);
    lua_setfield(L, -2, "state");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* workbook:select(number) -> true | nil, err */
static int workbook_select(lua_State *L) {
  struct icrm_workbook *workbook = check_workbook(L);
  lua_Integer number = luaL_checkinteger(L, 2);
  struct icrm_error err;
  luaL_argcheck(L,
                number >= 1 && (size_t)number <= icrm_workbook_sheets(workbook),
                2, "no such sheet");
  if (icrm_workbook_select(workbook, (size_t)number - 1, &err) < 0)
    return icrml_fail(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

static const char *const kind_names[] = {
    [ICRM_CELL_EMPTY] = "empty",     [ICRM_CELL_TEXT] = "text",
    [ICRM_CELL_NUMBER] = "number",   [ICRM_CELL_MOMENT] = "moment",
    [ICRM_CELL_BOOLEAN] = "boolean", [ICRM_CELL_ERROR] = "error",
    [ICRM_CELL_FORMULA] = "formula"};

/* Push what is typed about a cell: { kind, text }. */
static void push_typed(lua_State *L, const struct icrm_cell *cell) {
  lua_createtable(L, 2, 0);
  lua_pushstring(L, kind_names[cell->kind]);
  lua_rawseti(L, -2, 1);
  lua_pushlstring(L, cell->text, cell->len);
  lua_rawseti(L, -2, 2);
}

/* workbook:next() -> { text, ... }, row, { [column] = { kind, value } }, hidden
 * | nil at the end | nil, err
 * The texts are what a table shows; the second table has the cells that are no
 * text, with their value. */
static int workbook_next(lua_State *L) {
  struct icrm_workbook *workbook = check_workbook(L);
  struct icrm_error err;
  int got = icrm_workbook_next(workbook, &err);
  if (got < 0)
    return icrml_fail(L, &err);
  if (got == 0)
    return 0;
  const struct icrm_sheet_row *row = icrm_workbook_row(workbook);
  lua_createtable(L, (int)row->count, 0);
  lua_pushinteger(L, row->number);
  lua_newtable(L); /* cells, row, typed */
  for (size_t i = 0; i < row->count; i++) {
    struct icrm_cell cell = icrm_sheet_row_cell(row, i);
    if (cell.shown)
      lua_pushstring(L, cell.shown);
    else
      lua_pushlstring(L, cell.text, cell.len);
    lua_rawseti(L, -4, (lua_Integer)i + 1);
    if (cell.kind != ICRM_CELL_TEXT && cell.kind != ICRM_CELL_EMPTY) {
      push_typed(L, &cell);
      lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
  }
  lua_pushboolean(L, row->is_hidden);
  return 4;
}

/* workbook:close(), __close, __gc */
static int workbook_close(lua_State *L) {
  struct handle *handle = luaL_checkudata(L, 1, WORKBOOK_TYPE);
  icrm_workbook_close(handle->workbook);
  handle->workbook = NULL;
  return 0;
}

/* core.workbook */
void icrml_open_workbook(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"format", workbook_format}, {"sheets", workbook_sheets},
      {"select", workbook_select}, {"next", workbook_next},
      {"close", workbook_close},   {"__close", workbook_close},
      {"__gc", workbook_close},    {NULL, NULL}};
  static const luaL_Reg functions[] = {{"open", workbook_open},
                                       {"is_claimed", workbook_is_claimed},
                                       {NULL, NULL}};
  luaL_newmetatable(L, WORKBOOK_TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "workbook"); /* core */
}
