#include "lua/reply.h"

#include <string.h>

#define REPLY_TYPE "icrm.core.Reply"

struct reply {
  struct icrm_buf body;
  struct icrm_page page; /* of the text, if it is plain records */
  bool is_page, is_over;
  const char *json; /* in the body */
  size_t json_len;
  struct icrml_status status;
};

static void set_integer(lua_State *L, const char *name, int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

struct icrml_status icrml_status_of(const struct icrm_result *result) {
  return (struct icrml_status){.lane = result->lane,
                               .attempts = result->attempts,
                               .http = result->status,
                               .session = result->session,
                               .time_us = result->time_us};
}

void icrml_push_status(lua_State *L, struct icrml_status status) {
  lua_createtable(L, 0, 5);
  set_integer(L, "lane", status.lane);
  set_integer(L, "session", (int64_t)status.session);
  set_integer(L, "attempts", status.attempts);
  set_integer(L, "status", status.http);
  lua_pushnumber(L, (lua_Number)status.time_us / 1e6);
  lua_setfield(L, -2, "seconds");
}

void icrml_push_reply(lua_State *L, struct icrm_dispatcher *dispatcher,
                      const struct icrm_result *result) {
  struct reply *reply = lua_newuserdatauv(L, sizeof *reply, 0);
  memset(reply, 0, sizeof *reply);
  luaL_setmetatable(L, REPLY_TYPE);
  reply->is_page = result->page != NULL;
  reply->json = result->json;
  reply->json_len = result->json_len;
  reply->status = icrml_status_of(result);
  icrm_dispatcher_take_reply(dispatcher, &reply->body, &reply->page);
}

static void end(struct reply *reply) {
  icrm_buf_free(&reply->body);
  icrm_page_free(&reply->page);
  reply->is_over = true;
}

static struct reply *check_reply(lua_State *L, struct reply *reply) {
  if (reply->is_over)
    luaL_error(L, "this reply was read before");
  return reply;
}

const struct icrm_page *icrml_check_page(lua_State *L, int index,
                                         struct icrm_page *own) {
  struct reply *reply = luaL_testudata(L, index, REPLY_TYPE);
  if (reply)
    return check_reply(L, reply)->is_page ? &reply->page : NULL;
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  const char *rest = icrm_page_read(own, text, len);
  return rest && rest + strspn(rest, " \n\r\t") == text + len ? own : NULL;
}

void icrml_end_reply(lua_State *L, int index) {
  struct reply *reply = luaL_testudata(L, index, REPLY_TYPE);
  if (reply)
    end(reply);
}

static int reply_gc(lua_State *L) {
  end(luaL_checkudata(L, 1, REPLY_TYPE));
  return 0;
}

/* #reply: bytes of its text */
static int reply_len(lua_State *L) {
  struct reply *reply = luaL_checkudata(L, 1, REPLY_TYPE);
  lua_pushinteger(L, (lua_Integer)reply->json_len);
  return 1;
}

/* tostring(reply): its text, JSON */
static int reply_text(lua_State *L) {
  struct reply *reply = check_reply(L, luaL_checkudata(L, 1, REPLY_TYPE));
  lua_pushlstring(L, reply->json, reply->json_len);
  return 1;
}

/* reply:status() -> table */
static int reply_status(lua_State *L) {
  struct reply *reply = luaL_checkudata(L, 1, REPLY_TYPE);
  icrml_push_status(L, reply->status);
  return 1;
}

void icrml_open_reply(lua_State *L) {
  static const luaL_Reg meta[] = {{"__gc", reply_gc},
                                  {"__len", reply_len},
                                  {"__tostring", reply_text},
                                  {NULL, NULL}};
  luaL_newmetatable(L, REPLY_TYPE); /* core, metatable */
  luaL_setfuncs(L, meta, 0);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, reply_status);
  lua_setfield(L, -2, "status");
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
