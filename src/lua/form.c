#include "lua/form.h"

#include "core/digest.h"
#include "net/form.h"

#include <stdlib.h>
#include <string.h>

#define MAX_FORM_BYTES (64u << 20) /* in memory */
#define MAX_NAMED_PARAMS 128

/* The text at `index`: a string, or a number as Lua writes it. */
static const char *value_text(lua_State *L, int index, const char *name,
                              size_t *len) {
  int type = lua_type(L, index);
  if (type != LUA_TSTRING && type != LUA_TNUMBER)
    luaL_error(L, "parameter %s must be a string, not %s", name,
               luaL_typename(L, index));
  return lua_tolstring(L, index, len);
}

static int add_param(lua_State *L, struct icrml_form *form, int name_index,
                     int value_index, struct icrm_error *err) {
  size_t name_len, len;
  luaL_argcheck(L, lua_type(L, name_index) == LUA_TSTRING, 2,
                "params need names that are strings");
  const char *name = lua_tolstring(L, name_index, &name_len);
  if (icrm_form_check_name(name, name_len, err) != 0)
    return -1;
  const char *value = value_text(L, value_index, name, &len);
  if (!form->boundary[0]) {
    icrm_form_add(&form->text, name, name_len, value, len);
    return 0;
  }
  struct icrm_form_part part = {.name = name, .data = value, .data_len = len};
  return icrm_form_add_part(&form->text, form->boundary, &part, err);
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* params at the top of the stack: { name = value }, in the order of names. */
static int add_sorted(lua_State *L, struct icrml_form *form,
                      struct icrm_error *err) {
  const char *names[MAX_NAMED_PARAMS]; /* kept alive by params */
  const int params = lua_gettop(L);
  size_t n = 0;
  lua_pushnil(L);
  while (lua_next(L, params)) {
    luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING, 2,
                  "params need names that are strings");
    luaL_argcheck(L, n < MAX_NAMED_PARAMS, 2, "too many params");
    names[n++] = lua_tostring(L, -2);
    lua_pop(L, 1);
  }
  qsort(names, n, sizeof *names, compare_names);
  for (size_t i = 0; i < n; i++) {
    lua_pushstring(L, names[i]);
    lua_pushvalue(L, -1);
    lua_rawget(L, params); /* name, value */
    if (add_param(L, form, -2, -1, err) != 0)
      return -1;
    lua_settop(L, params);
  }
  return 0;
}

/* params at the top of the stack: { {name, value}, ... } or { name = value }.
 */
static int add_params(lua_State *L, struct icrml_form *form,
                      struct icrm_error *err) {
  const int params = lua_gettop(L);
  const lua_Integer count = luaL_len(L, params);
  for (lua_Integer i = 1; i <= count; i++) {
    if (lua_geti(L, params, i) != LUA_TTABLE)
      return luaL_argerror(L, 2, "a list of params holds {name, value} pairs");
    lua_geti(L, -1, 1);
    lua_geti(L, -2, 2); /* pair, name, value */
    if (add_param(L, form, -2, -1, err) != 0)
      return -1;
    lua_settop(L, params);
  }
  if (count > 0)
    return 0;
  return add_sorted(L, form, err);
}

/* Without `len` the text may have no NUL byte: it would end there. */
static const char *part_text(lua_State *L, int part, const char *name,
                             size_t *len) {
  size_t all;
  if (lua_getfield(L, part, name) == LUA_TNIL)
    return NULL;
  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "%s of a part must be a string", name);
  const char *text = lua_tolstring(L, -1, &all);
  if (len)
    *len = all;
  else if (strlen(text) != all)
    luaL_error(L, "%s of a part has a NUL byte", name);
  return text;
}

/* The path and what is known of the file: the part at `part`. */
static int add_file(lua_State *L, struct icrml_form *form, int part,
                    bool base64, struct icrm_error *err) {
  struct icrm_body_file_options options = {
      .path = part_text(L, part, "path", NULL), .base64 = base64, .size = -1};
  options.sha256 = part_text(L, part, "sha256", NULL);
  if (lua_getfield(L, part, "size") != LUA_TNIL)
    options.size = luaL_checkinteger(L, -1);
  return icrm_body_add_file(&form->files, form->text.len, &options, err);
}

static int add_part(lua_State *L, struct icrml_form *form, int at,
                    struct icrm_error *err) {
  struct icrm_form_part part = {.name = part_text(L, at, "name", NULL),
                                .filename = part_text(L, at, "filename", NULL),
                                .content_type =
                                    part_text(L, at, "content_type", NULL)};
  part.data = part_text(L, at, "data", &part.data_len);
  const bool is_file = part_text(L, at, "path", NULL) != NULL;
  luaL_argcheck(L, part.name && (is_file || part.data), 2,
                "a part needs a name, and path or data");
  if (icrm_form_check_name(part.name, strlen(part.name), err) != 0)
    return -1;
  icrm_form_begin_part(&form->text, form->boundary, &part);
  if (!is_file)
    icrm_buf_add(&form->text, part.data, part.data_len);
  else if (add_file(L, form, at, false, err) != 0)
    return -1;
  return icrm_form_end_part(&form->text, err);
}

/* A parameter whose value is a file's content in base64. */
static int add_encoded(lua_State *L, struct icrml_form *form, int at,
                       struct icrm_error *err) {
  size_t len = 0;
  const char *name = part_text(L, at, "name", &len);
  luaL_argcheck(L, name && part_text(L, at, "path", NULL), 2,
                "a file needs a name and a path");
  if (icrm_form_check_name(name, len, err) != 0)
    return -1;
  icrm_form_add(&form->text, name, len, "", 0);
  return add_file(L, form, at, true, err);
}

/* Each table of the list at the top of the stack, if there is one. */
static int add_each(lua_State *L, struct icrml_form *form,
                    int (*add)(lua_State *L, struct icrml_form *form, int at,
                               struct icrm_error *err),
                    struct icrm_error *err) {
  const int list = lua_gettop(L);
  const lua_Integer count = lua_istable(L, list) ? luaL_len(L, list) : 0;
  for (lua_Integer i = 1; i <= count; i++) {
    if (lua_geti(L, list, i) != LUA_TTABLE)
      return luaL_argerror(L, 2, "parts and files are lists of tables");
    if (add(L, form, list + 1, err) != 0)
      return -1;
    lua_settop(L, list);
  }
  return 0;
}

int icrml_fill_form(lua_State *L, struct icrml_form *form, bool post,
                    struct icrm_error *err) {
  icrm_buf_clear(&form->text);
  form->text.limit = MAX_FORM_BYTES;
  icrm_body_free_files(form->files);
  form->files = NULL;
  form->boundary[0] = '\0';
  bool has_parts = lua_getfield(L, 2, "parts") == LUA_TTABLE;
  bool has_files = lua_getfield(L, 2, "files") == LUA_TTABLE;
  luaL_argcheck(L, post || !(has_parts || has_files), 2,
                "parts and files need the method POST");
  luaL_argcheck(L, !(has_parts && has_files), 2,
                "either parts or files, not both");
  if (has_parts)
    icrm_digest_random_hex(form->boundary, 16);
  if (lua_getfield(L, 2, "params") == LUA_TTABLE &&
      add_params(L, form, err) != 0)
    return -1;
  lua_pop(L, 1); /* parts, files */
  if (add_each(L, form, add_encoded, err) != 0)
    return -1;
  lua_pop(L, 1); /* parts */
  if (!has_parts)
    return 0;
  if (add_each(L, form, add_part, err) != 0)
    return -1;
  icrm_form_end_parts(&form->text, form->boundary);
  return 0;
}

void icrml_free_form(struct icrml_form *form) {
  icrm_buf_free(&form->text);
  icrm_body_free_files(form->files);
  form->files = NULL;
}
