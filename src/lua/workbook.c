/* Workbooks as rows of typed cells; see workbook/workbook.h. */
#include "workbook/workbook.h"

#include "lua/core.h"
#include "workbook/package.h"
#include "workbook/writer.h"

#define WORKBOOK_TYPE "icrm.Workbook"
#define WRITER_TYPE "icrm.WorkbookWriter"

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

/* ---- Writing ----------------------------------------------------------- */

struct writer_handle {
  struct icrm_workbook_writer *writer; /* NULL when closed */
  size_t columns;
  bool is_finished;
};

static struct writer_handle *check_writer(lua_State *L) {
  struct writer_handle *handle = luaL_checkudata(L, 1, WRITER_TYPE);
  if (!handle->writer || handle->is_finished)
    luaL_error(L, "attempt to use a closed %s", WRITER_TYPE);
  return handle;
}

static int finish_call(lua_State *L, int rc, const struct icrm_error *err) {
  if (rc < 0)
    return icrml_fail(L, err);
  lua_pushboolean(L, 1);
  return 1;
}

static enum icrm_cell_style check_style(lua_State *L, int arg) {
  static const char *const names[] = {[ICRM_STYLE_TEXT] = "text",
                                      [ICRM_STYLE_NUMBER] = "number",
                                      [ICRM_STYLE_AMOUNT] = "amount",
                                      [ICRM_STYLE_DATE] = "date",
                                      [ICRM_STYLE_DATETIME] = "datetime",
                                      [ICRM_STYLE_TIME] = "time",
                                      [ICRM_STYLE_DURATION] = "duration",
                                      [ICRM_STYLE_BOOLEAN] = "boolean",
                                      [ICRM_STYLES] = NULL};
  return (enum icrm_cell_style)luaL_checkoption(L, arg, "text", names);
}

/* writer(sheet) -> writer | nil, err */
static int writer_open(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  struct icrm_error err;
  struct writer_handle *handle = lua_newuserdatauv(L, sizeof *handle, 0);
  *handle = (struct writer_handle){0};
  luaL_setmetatable(L, WRITER_TYPE);
  if (icrm_workbook_writer_open(&handle->writer, name, &err) < 0)
    return icrml_fail(L, &err);
  return 1;
}

/* writer:column(heading, style) -> true | nil, err */
static int writer_column(lua_State *L) {
  struct writer_handle *handle = check_writer(L);
  size_t len;
  const char *heading = luaL_checklstring(L, 2, &len);
  struct icrm_error err;
  int rc = icrm_workbook_writer_column(handle->writer, heading, len,
                                       check_style(L, 3), &err);
  handle->columns += rc == 0;
  return finish_call(L, rc, &err);
}

/* writer:cell(column, value [, style]) -> true | nil, err
 * A string is a text, a number is shown in its style, a boolean is one. */
static int writer_cell(lua_State *L) {
  struct writer_handle *handle = check_writer(L);
  lua_Integer at = luaL_checkinteger(L, 2);
  struct icrm_error err;
  size_t len;
  luaL_argcheck(L, at >= 1 && (size_t)at <= handle->columns, 2,
                "no such column");
  const size_t column = (size_t)at - 1;
  int rc = 0;
  if (lua_type(L, 3) == LUA_TNUMBER)
    rc = icrm_workbook_writer_number(handle->writer, column, lua_tonumber(L, 3),
                                     check_style(L, 4), &err);
  else if (lua_isboolean(L, 3))
    rc = icrm_workbook_writer_boolean(handle->writer, column,
                                      lua_toboolean(L, 3), &err);
  else {
    const char *text = luaL_checklstring(L, 3, &len);
    rc = icrm_workbook_writer_text(handle->writer, column, text, len, &err);
  }
  return finish_call(L, rc, &err);
}

/* writer:end_row() -> true | nil, err */
static int writer_end_row(lua_State *L) {
  struct icrm_error err;
  int rc = icrm_workbook_writer_end_row(check_writer(L)->writer, &err);
  return finish_call(L, rc, &err);
}

/* writer:finish() -> path of the file, there until close | nil, err
 * Whatever came of it, only close may follow. */
static int writer_finish(lua_State *L) {
  struct writer_handle *handle = check_writer(L);
  struct icrm_error err;
  handle->is_finished = true;
  if (icrm_workbook_writer_finish(handle->writer, &err) < 0)
    return icrml_fail(L, &err);
  lua_pushstring(L, icrm_workbook_writer_path(handle->writer));
  return 1;
}

/* writer:close(), __close, __gc */
static int writer_close(lua_State *L) {
  struct writer_handle *handle = luaL_checkudata(L, 1, WRITER_TYPE);
  icrm_workbook_writer_close(handle->writer);
  handle->writer = NULL;
  return 0;
}

static void add_type(lua_State *L, const char *name, const luaL_Reg *methods) {
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

/* core.workbook */
void icrml_open_workbook(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"format", workbook_format}, {"sheets", workbook_sheets},
      {"select", workbook_select}, {"next", workbook_next},
      {"close", workbook_close},   {"__close", workbook_close},
      {"__gc", workbook_close},    {NULL, NULL}};
  static const luaL_Reg writer_methods[] = {
      {"column", writer_column},   {"cell", writer_cell},
      {"end_row", writer_end_row}, {"finish", writer_finish},
      {"close", writer_close},     {"__close", writer_close},
      {"__gc", writer_close},      {NULL, NULL}};
  static const luaL_Reg functions[] = {{"open", workbook_open},
                                       {"is_claimed", workbook_is_claimed},
                                       {"writer", writer_open},
                                       {NULL, NULL}};
  add_type(L, WORKBOOK_TYPE, methods);
  add_type(L, WRITER_TYPE, writer_methods);
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "workbook"); /* core */
}
