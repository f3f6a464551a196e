/* core.vtql: the query language for lua/icrm/query.lua. */
#include "lua/core.h"

#include "vtql/vtql.h"

#include <string.h>

#define QUERY_TYPE "icrm.core.query"

struct query {
  struct icrm_vtql_query *parsed;
};

static const struct icrm_vtql_query *check_query(lua_State *L) {
  struct query *query = luaL_checkudata(L, 1, QUERY_TYPE);
  return query->parsed;
}

static void push_slice(lua_State *L, struct icrm_vtql_slice slice) {
  lua_pushlstring(L, slice.data, slice.len);
}

static void push_slices(lua_State *L, const struct icrm_vtql_slice *slices,
                        size_t n) {
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    push_slice(L, slices[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* vtql.parse(text) -> query | nil, err (kind query) */
static int parse(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  struct icrm_error err;
  struct query *query = lua_newuserdatauv(L, sizeof *query, 0);
  query->parsed = NULL;
  luaL_setmetatable(L, QUERY_TYPE);
  query->parsed = icrm_vtql_parse(text, len, &err);
  return query->parsed ? 1 : icrml_fail(L, &err);
}

static int query_gc(lua_State *L) {
  struct query *query = luaL_checkudata(L, 1, QUERY_TYPE);
  icrm_vtql_free(query->parsed);
  query->parsed = NULL;
  return 0;
}

static void set_slices(lua_State *L, const char *name,
                       const struct icrm_vtql_slice *slices, size_t n) {
  push_slices(L, slices, n);
  lua_setfield(L, -2, name);
}

static void push_conditions(lua_State *L, const struct icrm_vtql_query *query) {
  lua_createtable(L, (int)query->n_terms, 0);
  for (size_t i = 0; i < query->n_terms; i++) {
    const struct icrm_vtql_term *term = &query->terms[i];
    lua_createtable(L, 0, 4); /* conditions, condition */
    push_slice(L, term->column);
    lua_setfield(L, -2, "field");
    lua_pushstring(L, icrm_vtql_op_text(term->op));
    lua_setfield(L, -2, "operator");
    set_slices(L, "values", query->values + term->first_value, term->n_values);
    lua_pushboolean(L, term->after_or);
    lua_setfield(L, -2, "after_or");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* query:facts() -> { module, select = "star"|"columns"|"count", columns,
 * conditions = list of { field, operator, values, after_or }, order,
 * descending, offset, rows | nil }; values as they are written, quotes and
 * all */
static int facts(lua_State *L) {
  static const char *const selects[] = {"star", "columns", "count"};
  const struct icrm_vtql_query *query = check_query(L);
  int64_t offset, rows;
  icrm_vtql_limit(query, &offset, &rows);
  lua_createtable(L, 0, 8);
  push_slice(L, query->module);
  lua_setfield(L, -2, "module");
  lua_pushstring(L, selects[query->select]);
  lua_setfield(L, -2, "select");
  set_slices(L, "columns", query->columns, query->n_columns);
  set_slices(L, "order", query->order, query->n_order);
  push_conditions(L, query);
  lua_setfield(L, -2, "conditions");
  lua_pushboolean(L, query->descending);
  lua_setfield(L, -2, "descending");
  lua_pushinteger(L, offset);
  lua_setfield(L, -2, "offset");
  if (rows >= 0) {
    lua_pushinteger(L, rows);
    lua_setfield(L, -2, "rows");
  }
  return 1;
}

static bool flag(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  bool set = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return set;
}

static int64_t integer(lua_State *L, const char *name, int64_t fallback) {
  lua_getfield(L, 2, name);
  int64_t value = luaL_optinteger(L, -1, fallback);
  lua_pop(L, 1);
  return value;
}

static int push_buf(lua_State *L, struct icrm_buf *buf) {
  bool failed = buf->failed;
  if (!failed)
    lua_pushlstring(L, buf->data ? buf->data : "", buf->len);
  icrm_buf_free(buf);
  return failed ? luaL_error(L, "not enough memory") : 1;
}

/* An option that is a record id or absent; stays on the stack. */
static struct icrm_vtql_slice id_option(lua_State *L, const char *name) {
  struct icrm_vtql_slice id = {0};
  if (lua_getfield(L, 2, name) == LUA_TNIL)
    return id;
  id.data = luaL_checklstring(L, -1, &id.len);
  luaL_argcheck(L, icrm_vtql_is_id(id.data, id.len), 2, "no record id");
  return id;
}

/* query:write{ count, after_id, until_id, by_id, then_id, offset, rows } ->
 * text; see struct icrm_vtql_rewrite. */
static int write_query(lua_State *L) {
  const struct icrm_vtql_query *query = check_query(L);
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    lua_newtable(L);
    lua_replace(L, 2);
  }
  struct icrm_vtql_rewrite change = {.count = flag(L, "count"),
                                     .by_id = flag(L, "by_id"),
                                     .then_id = flag(L, "then_id"),
                                     .offset = integer(L, "offset", 0),
                                     .rows = integer(L, "rows", -1)};
  change.after_id = id_option(L, "after_id");
  change.until_id = id_option(L, "until_id");
  struct icrm_buf out = {0};
  icrm_vtql_write(query, &change, &out);
  return push_buf(L, &out);
}

/* vtql.outline(text) -> list of { kind = "column"|"module"|"condition"|"value"|
 * "order", from, to (bytes, as for string.sub), name, operator }; see
 * icrm_vtql_outline_next */
static int outline(lua_State *L) {
  static const char *const kinds[] = {"column", "module", "condition", "value",
                                      "order"};
  struct icrm_vtql_outline outline = {0};
  struct icrm_vtql_mention mention;
  outline.text = luaL_checklstring(L, 1, &outline.len);
  lua_newtable(L);
  for (lua_Integer i = 1; icrm_vtql_outline_next(&outline, &mention); i++) {
    lua_Integer from = mention.span.data - outline.text + 1;
    lua_createtable(L, 0, 5); /* list, mention */
    lua_pushstring(L, kinds[mention.kind]);
    lua_setfield(L, -2, "kind");
    lua_pushinteger(L, from);
    lua_setfield(L, -2, "from");
    lua_pushinteger(L, from + (lua_Integer)mention.span.len - 1);
    lua_setfield(L, -2, "to");
    push_slice(L, mention.name);
    lua_setfield(L, -2, "name");
    if (mention.op.len > 0) {
      push_slice(L, mention.op);
      lua_setfield(L, -2, "operator");
    }
    lua_rawseti(L, -2, i);
  }
  return 1;
}

/* ---- literals ---- */

static int add_value(lua_State *L, struct icrm_buf *out, int depth,
                     struct icrm_error *err);

static int add_list(lua_State *L, struct icrm_buf *out, int depth,
                    struct icrm_error *err) {
  lua_Integer n = luaL_len(L, -1);
  if (n == 0)
    return icrm_error_set(err, ICRM_ERROR_QUERY,
                          "an empty list matches nothing and cannot be "
                          "written; leave the query out");
  for (lua_Integer i = 1; i <= n; i++) {
    if (i > 1)
      icrm_buf_add_text(out, ", ");
    lua_geti(L, -1, i);
    int rc = add_value(L, out, depth + 1, err);
    lua_pop(L, 1);
    if (rc != 0)
      return -1;
  }
  return 0;
}

/* The id, at the top of the stack, of a record. */
static int add_id(lua_State *L, struct icrm_buf *out, struct icrm_error *err) {
  size_t len = 0;
  const char *id =
      lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : "";
  if (icrm_vtql_is_id(id, len))
    return icrm_vtql_add_text(out, id, len, err);
  return icrm_error_set(err, ICRM_ERROR_QUERY,
                        "the id of a record is a number, x and a number, such "
                        "as 12x345");
}

/* A record stands for its id. */
static int add_table(lua_State *L, struct icrm_buf *out, int depth,
                     struct icrm_error *err) {
  bool record = lua_getfield(L, -1, "id") != LUA_TNIL; /* value, id */
  int rc = record ? add_id(L, out, err) : 0;
  lua_pop(L, 1);
  if (record)
    return rc;
  if (depth == 0)
    return add_list(L, out, depth, err);
  return icrm_error_set(err, ICRM_ERROR_QUERY, "a list inside a list");
}

/* Append the value at the top of the stack as a literal. */
static int add_value(lua_State *L, struct icrm_buf *out, int depth,
                     struct icrm_error *err) {
  size_t len;
  const char *text;
  luaL_checkstack(L, 4, NULL);
  switch (lua_type(L, -1)) {
  case LUA_TSTRING:
    text = lua_tolstring(L, -1, &len);
    return icrm_vtql_add_text(out, text, len, err);
  case LUA_TNUMBER:
    if (!lua_isinteger(L, -1))
      return icrm_vtql_add_number(out, lua_tonumber(L, -1), err);
    icrm_vtql_add_integer(out, lua_tointeger(L, -1));
    return 0;
  case LUA_TBOOLEAN:
    icrm_vtql_add_boolean(out, lua_toboolean(L, -1));
    return 0;
  case LUA_TTABLE:
    return add_table(L, out, depth, err);
  default:
    return icrm_error_set(err, ICRM_ERROR_QUERY, "a %s is no value",
                          luaL_typename(L, -1));
  }
}

/* Push the value for a hole: by name, or the next in order. */
static int push_value(lua_State *L, const struct icrm_vtql_hole *hole,
                      lua_Integer *used, struct icrm_error *err) {
  if (hole->name.len > 0) {
    push_slice(L, hole->name);
    if (lua_gettable(L, 2) != LUA_TNIL)
      return 0;
    return icrm_error_set(err, ICRM_ERROR_QUERY, "no value was given for :%.*s",
                          (int)hole->name.len, hole->name.data);
  }
  if (lua_geti(L, 2, ++*used) != LUA_TNIL)
    return 0;
  return icrm_error_set(err, ICRM_ERROR_QUERY,
                        "no value was given for placeholder %d", (int)*used);
}

/* Name the placeholder in front of what is wrong with its value. */
static int blame(struct icrm_error *err, const struct icrm_vtql_hole *hole,
                 lua_Integer used) {
  struct icrm_error cause = *err;
  if (hole->name.len > 0)
    return icrm_error_set(err, ICRM_ERROR_QUERY, ":%.*s: %.900s",
                          (int)hole->name.len, hole->name.data, cause.message);
  return icrm_error_set(err, ICRM_ERROR_QUERY, "placeholder %d: %.900s",
                        (int)used, cause.message);
}

static int fill_holes(lua_State *L, const char *text, size_t len,
                      struct icrm_buf *out, lua_Integer *used,
                      struct icrm_error *err) {
  struct icrm_vtql_hole hole;
  size_t from = 0;
  int found;
  while ((found = icrm_vtql_next_hole(text, len, from, &hole, err)) == 1) {
    icrm_buf_add(out, text + from, hole.at - from);
    if (push_value(L, &hole, used, err) != 0)
      return -1;
    if (add_value(L, out, 0, err) != 0)
      return blame(err, &hole, *used);
    lua_pop(L, 1);
    from = hole.at + hole.len;
  }
  icrm_buf_add(out, text + from, len - from);
  return found;
}

/* vtql.bind(text, values) -> text | nil, err. `values`: a list for `?`, names
 * for `:name`; each a string, number, boolean, a record, or a list of them. */
static int bind(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  struct icrm_buf out = {0};
  struct icrm_error err;
  lua_Integer used = 0, given = luaL_len(L, 2);
  int rc = fill_holes(L, text, len, &out, &used, &err);
  if (rc == 0 && used < given)
    rc = icrm_error_set(&err, ICRM_ERROR_QUERY,
                        "%d values were given for %d placeholders", (int)given,
                        (int)used);
  if (rc != 0) {
    icrm_buf_free(&out);
    return icrml_fail(L, &err);
  }
  return push_buf(L, &out);
}

/* vtql.escape_like(text) -> text that LIKE takes literally */
static int escape_like(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  struct icrm_buf out = {0};
  icrm_vtql_escape_like(&out, text, len);
  return push_buf(L, &out);
}

/* vtql.is_name(text) -> whether it may name a module or a field */
static int is_name(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  lua_pushboolean(L, icrm_vtql_is_name(text, len));
  return 1;
}

void icrml_open_vtql(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"parse", parse},     {"bind", bind},
      {"outline", outline}, {"escape_like", escape_like},
      {"is_name", is_name}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"facts", facts},
                                     {"write", write_query},
                                     {"__gc", query_gc},
                                     {NULL, NULL}};
  luaL_newmetatable(L, QUERY_TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions); /* core, vtql */
  lua_setfield(L, -2, "vtql");
}
