#include "text/csv.h"
#include "lua/core.h"

#include <string.h>

#define READER_TYPE "icrm.CsvReader"

struct reader {
  struct icrm_csv *csv; /* NULL when closed */
};

static struct icrm_csv *check_reader(lua_State *L) {
  struct reader *reader = luaL_checkudata(L, 1, READER_TYPE);
  if (!reader->csv)
    luaL_error(L, "attempt to use a closed %s", READER_TYPE);
  return reader->csv;
}

/* The text of an optional field of the options at index 1, or NULL. The
 * string stays on the stack. */
static const char *option(lua_State *L, const char *name) {
  if (lua_getfield(L, 1, name) == LUA_TNIL)
    return NULL;
  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "option '%s' must be a string", name);
  return lua_tostring(L, -1);
}

static int read_options(lua_State *L, struct icrm_csv_options *out,
                        struct icrm_error *err) {
  const char *encoding = option(L, "encoding");
  const char *delimiter = option(L, "delimiter");
  if (encoding && icrm_encoding_find(encoding, &out->encoding, err) < 0)
    return -1;
  if (!delimiter || strcmp(delimiter, "auto") == 0)
    return 0;
  if (strcmp(delimiter, "tab") == 0 || strcmp(delimiter, "\\t") == 0)
    delimiter = "\t";
  if (strlen(delimiter) != 1 || !strchr(";,\t|", delimiter[0]))
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "unknown delimiter \"%.20s\": use auto, ; , | or tab",
                          delimiter);
  out->delimiter = delimiter[0];
  return 0;
}

static void read_shape(lua_State *L, struct icrm_csv_options *out) {
  out->is_skip_known = lua_getfield(L, 1, "skip") != LUA_TNIL;
  if (out->is_skip_known)
    out->skip = (long)luaL_checkinteger(L, -1);
  lua_getfield(L, 1, "takes_short");
  out->takes_short = lua_toboolean(L, -1);
}

/* reader{ path=, encoding=, delimiter=, skip=, takes_short= } -> reader | nil,
 * err */
static int reader_open(lua_State *L) {
  struct icrm_csv_options options = {.delimiter = '\0'};
  struct icrm_error err;
  luaL_checktype(L, 1, LUA_TTABLE);
  const char *path = option(L, "path");
  luaL_argcheck(L, path != NULL, 1, "option 'path' is missing");
  if (read_options(L, &options, &err) < 0)
    return icrml_fail(L, &err);
  read_shape(L, &options);
  struct reader *reader = lua_newuserdatauv(L, sizeof *reader, 0);
  reader->csv = NULL;
  luaL_setmetatable(L, READER_TYPE);
  if (icrm_csv_open(&reader->csv, path, &options, &err) < 0)
    return icrml_fail(L, &err);
  return 1;
}

/* reader:next() -> { cell, ... }, line | nil at the end | nil, err */
static int reader_next(lua_State *L) {
  struct icrm_csv *csv = check_reader(L);
  struct icrm_error err;
  int got = icrm_csv_next(csv, &err);
  if (got < 0)
    return icrml_fail(L, &err);
  if (got == 0)
    return 0;
  size_t count = icrm_csv_cells(csv);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    size_t len;
    const char *text = icrm_csv_cell(csv, i, &len);
    lua_pushlstring(L, text, len);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pushinteger(L, icrm_csv_line(csv, 0));
  return 2;
}

/* reader:line(i) -> the line on which cell i of the current record begins */
static int reader_line(lua_State *L) {
  struct icrm_csv *csv = check_reader(L);
  lua_Integer i = luaL_checkinteger(L, 2);
  luaL_argcheck(L, i >= 1 && (size_t)i <= icrm_csv_cells(csv), 2,
                "no such cell");
  lua_pushinteger(L, icrm_csv_line(csv, (size_t)i - 1));
  return 1;
}

/* What else the encoding may be, as the field `doubt` of the table on top. */
static void set_doubt(lua_State *L, const struct icrm_guess *guess) {
  if (icrm_encoding_is(&guess->rival, ""))
    return;
  lua_createtable(L, 0, 3);
  lua_pushstring(L, guess->rival.name);
  lua_setfield(L, -2, "rival");
  lua_pushstring(L, guess->word);
  lua_setfield(L, -2, "word");
  lua_pushstring(L, guess->rival_word);
  lua_setfield(L, -2, "rival_word");
  lua_setfield(L, -2, "doubt");
}

/* reader:format() -> { encoding=, bom=, is_8bit=, file=, skip=, delimiter=,
 * newline=, doubt={ rival=, word=, rival_word= } where the encoding is a guess
 * that may be wrong } */
static int reader_format(lua_State *L) {
  struct icrm_csv_format format = icrm_csv_format(check_reader(L));
  lua_createtable(L, 0, 8);
  lua_pushstring(L, format.guess->encoding.name);
  lua_setfield(L, -2, "encoding");
  lua_pushboolean(L, format.guess->mark > 0);
  lua_setfield(L, -2, "bom");
  lua_pushboolean(L, format.is_8bit);
  lua_setfield(L, -2, "is_8bit");
  set_doubt(L, format.guess);
  lua_pushboolean(L, format.file);
  lua_setfield(L, -2, "file");
  lua_pushinteger(L, format.skip);
  lua_setfield(L, -2, "skip");
  lua_pushlstring(L, &format.delimiter, 1);
  lua_setfield(L, -2, "delimiter");
  lua_pushstring(L, format.newline);
  lua_setfield(L, -2, "newline");
  return 1;
}

/* reader:close(), __close, __gc */
static int reader_close(lua_State *L) {
  struct reader *reader = luaL_checkudata(L, 1, READER_TYPE);
  icrm_csv_close(reader->csv);
  reader->csv = NULL;
  return 0;
}

static struct icrm_encoding check_encoding(lua_State *L, int arg) {
  struct icrm_encoding encoding;
  if (icrm_encoding_find(luaL_checkstring(L, arg), &encoding, NULL) < 0 ||
      icrm_encoding_is(&encoding, ""))
    luaL_argerror(L, arg, "no encoding that is known");
  return encoding;
}

/* convert(text, from, to) -> text in the encoding `to` | nil, err */
static int convert(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  const struct icrm_encoding from = check_encoding(L, 2);
  const struct icrm_encoding to = check_encoding(L, 3);
  struct icrm_buf out = {0};
  struct icrm_error err;
  const int rc = icrm_encoding_convert(text, len, &from, &to, &out, &err);
  if (rc == 0)
    lua_pushlstring(L, out.data ? out.data : "", out.len);
  icrm_buf_free(&out);
  return rc == 0 ? 1 : icrml_fail(L, &err);
}

/* core.csv */
void icrml_open_csv(lua_State *L) {
  static const luaL_Reg methods[] = {{"next", reader_next},
                                     {"line", reader_line},
                                     {"format", reader_format},
                                     {"close", reader_close},
                                     {"__close", reader_close},
                                     {"__gc", reader_close},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"reader", reader_open}, {"convert", convert}, {NULL, NULL}};
  luaL_newmetatable(L, READER_TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "csv"); /* core */
}
