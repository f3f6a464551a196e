/*
 * core.client{...}: a dispatcher as a userdata. All clients of a state share
 * one transport, kept in the registry, so that a step of one moves them all.
 */
#include "lanes/dispatcher.h"
#include "lua/core.h"
#include "lua/credentials.h"
#include "lua/download.h"
#include "lua/form.h"
#include "lua/reply.h"
#include "net/form.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CLIENT_TYPE "icrm.core.Client"
#define NETWORK_TYPE "icrm.core.Network"
#define LONGEST_STEP_S 86400
#define MOST_FORECAST 10000000

/* What the clients of a state have in common. */
struct network {
  struct icrm_transport *transport; /* made with the first client */
  int open_clients;
};

enum { NETWORK_VALUE = 1 }; /* user value of a client: keeps the network */

struct client {
  struct icrm_dispatcher *dispatcher; /* NULL: closed */
  struct icrml_form form;             /* of the submit under way */
};

static const char network_key = 0;

static struct network *get_network(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &network_key);
  struct network *network = luaL_checkudata(L, -1, NETWORK_TYPE);
  return network; /* network */
}

static struct client *check_client(lua_State *L) {
  struct client *client = luaL_checkudata(L, 1, CLIENT_TYPE);
  if (!client->dispatcher)
    luaL_error(L, "attempt to use a closed icrm.Client");
  return client;
}

/* ---- options ---- */

static const char *text_option(lua_State *L, const char *name, bool required) {
  int type = lua_getfield(L, 1, name); /* stays on the stack, so alive */
  if (type == LUA_TNIL && !required)
    return NULL;
  if (type != LUA_TSTRING)
    luaL_error(L, "option %s must be a string, not %s", name,
               luaL_typename(L, -1));
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  if (strlen(text) != len)
    luaL_error(L, "option %s has a NUL byte", name);
  return text;
}

static double number_option(lua_State *L, int index, const char *name,
                            double least, double most) {
  int type = lua_getfield(L, index, name);
  double value = lua_tonumber(L, -1);
  lua_pop(L, 1);
  if (type == LUA_TNIL)
    return 0;
  if (type != LUA_TNUMBER || !(value >= least && value <= most))
    luaL_error(L, "option %s must be a number from %f to %f", name, least,
               most);
  return value;
}

static bool flag_option(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static int seconds_option(lua_State *L, int index, const char *name) {
  return (int)(number_option(L, index, name, 0.001, LONGEST_STEP_S) * 1000);
}

/* 0 seconds is a wait that nobody waits, and no default. */
static int max_wait_option(lua_State *L) {
  bool is_given = lua_getfield(L, 1, "max_wait") != LUA_TNIL;
  lua_pop(L, 1);
  int ms = (int)(number_option(L, 1, "max_wait", 0, LONGEST_STEP_S) * 1000);
  return is_given && ms == 0 ? 1 : ms;
}

static void read_options(lua_State *L, struct icrm_dispatcher_options *out) {
  *out = (struct icrm_dispatcher_options){
      .url = text_option(L, "url", true),
      .username = text_option(L, "username", true),
      .rate = text_option(L, "rate", false),
      .quota_file = text_option(L, "quota_file", false),
      .site = {.ca_file = text_option(L, "ca_file", false),
               .proxy = text_option(L, "proxy", false),
               .user_agent = text_option(L, "user_agent", false)}};
  lua_getfield(L, 1, "key");
  out->credentials = icrml_check_credentials(L, lua_gettop(L));
  out->lanes = (int)number_option(L, 1, "lanes", 1, ICRM_DISPATCHER_MAX_LANES);
  out->timeout_ms = seconds_option(L, 1, "timeout");
  out->patience_ms = seconds_option(L, 1, "patience");
  out->max_wait_ms = max_wait_option(L);
  out->site.connect_timeout_ms = seconds_option(L, 1, "connect_timeout");
  out->site.max_reply_bytes =
      (size_t)number_option(L, 1, "max_reply_bytes", 1024, 1 << 30);
  out->site.insecure = flag_option(L, 1, "insecure");
}

static int new_client(lua_State *L) {
  struct icrm_error err;
  struct icrm_dispatcher_options options;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  read_options(L, &options);
  struct client *client = lua_newuserdatauv(L, sizeof *client, 1);
  memset(client, 0, sizeof *client);
  luaL_setmetatable(L, CLIENT_TYPE);
  struct network *network = get_network(L); /* client, network */
  lua_setiuservalue(L, -2, NETWORK_VALUE);
  if (network->transport &&
      icrm_transport_check_process(network->transport, NULL) < 0) {
    icrm_transport_release(
        network->transport); /* the parent's, before a fork */
    network->transport = NULL;
  }
  if (!network->transport)
    network->transport = icrm_transport_new(&err);
  if (network->transport)
    client->dispatcher =
        icrm_dispatcher_new(network->transport, &options, &err);
  if (!client->dispatcher)
    return icrml_fail(L, &err);
  network->open_clients++;
  return 1;
}

/* core.check_url(url) -> true | nil, err */
static int check_url(lua_State *L) {
  struct icrm_form_endpoint endpoint;
  struct icrm_error err;
  if (icrm_form_endpoint_parse(luaL_checkstring(L, 1), &endpoint, &err) < 0)
    return icrml_fail(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* close, __close and __gc: idempotent, and nothing is waited for. */
static int close_client(lua_State *L) {
  struct client *client = luaL_checkudata(L, 1, CLIENT_TYPE);
  icrml_free_form(&client->form);
  if (!client->dispatcher)
    return 0;
  icrm_dispatcher_free(client->dispatcher);
  client->dispatcher = NULL;
  lua_getiuservalue(L, 1, NETWORK_VALUE);
  struct network *network = lua_touserdata(L, -1);
  if (network)
    network->open_clients--;
  return 0;
}

/* ---- submit ---- */

static bool is_post(lua_State *L) {
  lua_getfield(L, 2, "method");
  const char *method = lua_isnil(L, -1) ? "POST" : lua_tostring(L, -1);
  bool post = method && strcasecmp(method, "POST") == 0;
  if (!post && (!method || strcasecmp(method, "GET") != 0))
    luaL_error(L, "method must be \"GET\" or \"POST\"");
  lua_pop(L, 1);
  return post;
}

static bool is_write(lua_State *L, bool post) {
  bool write =
      lua_getfield(L, 2, "write") == LUA_TNIL ? post : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return write;
}

/* The draft that a reply's file goes to, if any; only a read has one, for it
 * may come again. */
static struct icrm_download *download_option(lua_State *L, bool write) {
  struct icrm_download *download = NULL;
  if (lua_getfield(L, 2, "into") != LUA_TNIL) {
    luaL_argcheck(L, !write, 2, "into is for reads");
    download = icrml_check_download(L, lua_gettop(L));
  }
  lua_pop(L, 1); /* stays alive in the options */
  return download;
}

/* client:submit{...} -> id | nil, err */
static int submit(lua_State *L) {
  struct client *client = check_client(L);
  struct icrm_error err;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  bool post = is_post(L);
  struct icrm_call_options call = {
      .post = post,
      .write = is_write(L, post),
      .hold = flag_option(L, 2, "hold"),
      .timeout_ms = seconds_option(L, 2, "timeout"),
      .session = (uint64_t)number_option(L, 2, "session", 1, 1e15),
      .form = &client->form.text,
      .files = &client->form.files};
  call.download = download_option(L, call.write);
  lua_getfield(L, 2, "operation"); /* self, options, operation */
  luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, 2, "operation is missing");
  call.operation = lua_tostring(L, -1);
  if (icrml_fill_form(L, &client->form, post, &err) != 0)
    return icrml_fail(L, &err);
  if (client->form.boundary[0])
    call.boundary = client->form.boundary;
  uint64_t id = icrm_dispatcher_submit(client->dispatcher, &call, &err);
  if (id == 0)
    return icrml_fail(L, &err);
  lua_pushinteger(L, (lua_Integer)id);
  return 1;
}

/* client:login() -> id: done when a lane has a session. */
static int login(lua_State *L) {
  struct icrm_error err;
  uint64_t id = icrm_dispatcher_login(check_client(L)->dispatcher, &err);
  if (id == 0)
    return icrml_fail(L, &err);
  lua_pushinteger(L, (lua_Integer)id);
  return 1;
}

/* ---- results ---- */

/* client:step(seconds|nil) -> number of results and held calls ready */
static int step(lua_State *L) {
  struct client *client = check_client(L);
  struct icrm_error err;
  lua_Number seconds = luaL_optnumber(L, 2, -1);
  int timeout_ms = seconds < 0                ? -1
                   : seconds > LONGEST_STEP_S ? LONGEST_STEP_S * 1000
                                              : (int)(seconds * 1000 + 0.5);
  int count = icrm_dispatcher_step(client->dispatcher, timeout_ms, &err);
  if (count < 0)
    return icrml_fail(L, &err);
  lua_pushinteger(L, count);
  return 1;
}

/* client:expect(calls): so many will be submitted when a reply has come. */
static int expect(lua_State *L) {
  struct client *client = check_client(L);
  lua_Integer calls = luaL_checkinteger(L, 2);
  luaL_argcheck(L, calls >= 0 && calls <= INT_MAX, 2, "a number of calls");
  icrm_dispatcher_expect(client->dispatcher, (int)calls);
  return 0;
}

/* client:kick(): while long work is under way, let the other lanes go on. */
static int kick(lua_State *L) {
  struct client *client = check_client(L);
  struct icrm_error err;
  if (icrm_dispatcher_kick(client->dispatcher, &err) != 0)
    return icrml_fail(L, &err);
  lua_pushboolean(L, true);
  return 1;
}

static void set_integer(lua_State *L, const char *name, int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

/* client:next() -> id, reply | id, nil, err, status | nothing */
static int next_result(lua_State *L) {
  struct client *client = check_client(L);
  const struct icrm_result *result = icrm_dispatcher_next(client->dispatcher);
  if (!result)
    return 0;
  lua_pushinteger(L, (lua_Integer)result->id);
  if (result->ok) {
    icrml_push_reply(L, client->dispatcher, result);
    return 2;
  }
  icrml_fail(L, &result->err);
  icrml_push_status(L, icrml_status_of(result));
  return 4;
}

/* ---- two-phase writes ---- */

/* client:held() -> id, session | nothing */
static int held(lua_State *L) {
  uint64_t id, session;
  if (!icrm_dispatcher_held(check_client(L)->dispatcher, &id, &session))
    return 0;
  lua_pushinteger(L, (lua_Integer)id);
  lua_pushinteger(L, (lua_Integer)session);
  return 2;
}

/* client:release(id) -> whether it was held */
static int release(lua_State *L) {
  struct client *client = check_client(L);
  uint64_t id = (uint64_t)luaL_checkinteger(L, 2);
  lua_pushboolean(L, icrm_dispatcher_release(client->dispatcher, id));
  return 1;
}

/* client:cancel(id) -> whether it had not been sent */
static int cancel(lua_State *L) {
  struct client *client = check_client(L);
  uint64_t id = (uint64_t)luaL_checkinteger(L, 2);
  lua_pushboolean(L, icrm_dispatcher_cancel(client->dispatcher, id));
  return 1;
}

/* client:session_secret(session) -> the server's name for it, a secret that
 * only the journal of a change set may keep. */
static int session_secret(lua_State *L) {
  struct client *client = check_client(L);
  const struct icrm_buf *name = icrm_dispatcher_session_name(
      client->dispatcher, (uint64_t)luaL_checkinteger(L, 2));
  if (!name)
    return luaL_argerror(L, 2, "no such session");
  lua_pushlstring(L, name->data, name->len);
  return 1;
}

/* client:import_session(secret) -> session */
static int import_session(lua_State *L) {
  struct client *client = check_client(L);
  size_t len;
  const char *name = luaL_checklstring(L, 2, &len);
  luaL_argcheck(L, len > 0 && len < 512, 2, "no session name");
  uint64_t session =
      icrm_dispatcher_import_session(client->dispatcher, name, len);
  if (session == 0)
    return luaL_error(L, "not enough memory");
  lua_pushinteger(L, (lua_Integer)session);
  return 1;
}

/* ---- facts ---- */

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

/* client:session() -> table | nil before the first login */
static int session(lua_State *L) {
  const struct icrm_session *found =
      icrm_dispatcher_session(check_client(L)->dispatcher);
  if (!found)
    return 0;
  lua_createtable(L, 0, 4);
  set_text(L, "user_id", found->user_id);
  set_text(L, "version", found->version);
  set_text(L, "vtiger_version", found->vtiger_version);
  set_integer(L, "server_time_offset", found->server_time_offset_s);
  return 1;
}

static void set_seconds(lua_State *L, const char *name, int64_t ms) {
  lua_pushnumber(L, (lua_Number)ms / 1000);
  lua_setfield(L, -2, name);
}

static int stats(lua_State *L) {
  struct icrm_dispatcher_stats s;
  icrm_dispatcher_get_stats(check_client(L)->dispatcher, &s);
  lua_createtable(L, 0, 16);
  set_integer(L, "lanes", s.lanes);
  set_integer(L, "limit", s.limit);
  set_integer(L, "in_flight", s.in_flight);
  set_integer(L, "held", s.held);
  set_integer(L, "queued", (int64_t)s.queued);
  set_integer(L, "calls", s.calls);
  set_integer(L, "retries", s.retries);
  set_integer(L, "renewals", s.renewals);
  set_integer(L, "logins", s.logins);
  set_integer(L, "unknown", s.unknown);
  set_integer(L, "bytes_out", s.bytes_sent);
  set_integer(L, "bytes_in", s.bytes_received);
  set_seconds(L, "wait", s.wait_ms);
  set_seconds(L, "away", s.away_ms);
  lua_pushnumber(L, (lua_Number)s.mean_us / 1e6);
  lua_setfield(L, -2, "mean");
  set_text(L, "session_in", s.session_in);
  return 1;
}

/* client:forecast(calls, calls_per_s|0) -> table: see icrm_quota_forecast */
static int forecast(lua_State *L) {
  struct client *client = check_client(L);
  struct icrm_quota_forecast f;
  lua_Integer calls = luaL_checkinteger(L, 2);
  lua_Number calls_per_s = luaL_optnumber(L, 3, 0);
  luaL_argcheck(L, calls >= 0 && calls <= MOST_FORECAST, 2, "out of range");
  luaL_argcheck(L, calls_per_s >= 0, 3, "must not be negative");
  icrm_dispatcher_forecast(client->dispatcher, calls, calls_per_s, &f);
  lua_createtable(L, 0, 6);
  set_seconds(L, "seconds", f.ms);
  set_seconds(L, "longest_wait", f.longest_ms);
  set_integer(L, "first_calls", f.first_calls);
  set_seconds(L, "first_seconds", f.first_ms);
  set_seconds(L, "first_wait", f.first_wait_ms);
  set_integer(L, "stops", f.stops);
  return 1;
}

/* client:waits() -> seconds until a call may start, and why | 0 */
static int waits(lua_State *L) {
  struct client *client = check_client(L);
  struct icrm_dispatcher_stats s;
  char cause[80];
  icrm_dispatcher_get_stats(client->dispatcher, &s);
  lua_pushnumber(L, (lua_Number)s.wait_ms / 1000);
  if (s.wait_ms == 0)
    return 1;
  icrm_dispatcher_cause(client->dispatcher, cause, sizeof cause);
  lua_pushstring(L, cause);
  return 2;
}

/* client:logout(seconds|1): end the idle lanes' sessions politely. */
static int logout(lua_State *L) {
  struct client *client = check_client(L);
  lua_Number seconds = luaL_optnumber(L, 2, 1);
  luaL_argcheck(L, seconds >= 0 && seconds <= 60, 2, "0 to 60 seconds");
  icrm_dispatcher_logout(client->dispatcher, (int)(seconds * 1000));
  return 0;
}

/* core.open_count() -> clients that are open in this state */
static int open_count(lua_State *L) {
  lua_pushinteger(L, get_network(L)->open_clients);
  return 1;
}

/* core.network_version() -> libcurl and what it was built with */
static int network_version(lua_State *L) {
  lua_pushstring(L, icrm_transport_version());
  return 1;
}

static int close_network(lua_State *L) {
  struct network *network = luaL_checkudata(L, 1, NETWORK_TYPE);
  icrm_transport_release(network->transport);
  network->transport = NULL;
  return 0;
}

static void open_network(lua_State *L) {
  struct network *network = lua_newuserdatauv(L, sizeof *network, 0);
  memset(network, 0, sizeof *network);
  if (luaL_newmetatable(L, NETWORK_TYPE)) { /* network, metatable */
    lua_pushcfunction(L, close_network);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &network_key);
}

void icrml_open_client(lua_State *L) {
  static const luaL_Reg functions[] = {{"check_url", check_url},
                                       {"client", new_client},
                                       {"open_count", open_count},
                                       {"network_version", network_version},
                                       {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", close_client}, {"__close", close_client}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"submit", submit},
      {"login", login},
      {"step", step},
      {"expect", expect},
      {"kick", kick},
      {"next", next_result},
      {"held", held},
      {"release", release},
      {"cancel", cancel},
      {"session_secret", session_secret},
      {"import_session", import_session},
      {"session", session},
      {"stats", stats},
      {"forecast", forecast},
      {"waits", waits},
      {"logout", logout},
      {"close", close_client},
      {NULL, NULL},
  };
  open_network(L);
  luaL_newmetatable(L, CLIENT_TYPE); /* core, metatable */
  luaL_setfuncs(L, meta, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
