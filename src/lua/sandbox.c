#include "sandbox/sandbox.h"

#include "core/buf.h"
#include "core/interrupt.h"
#include "lua/core.h"
#include "sandbox/traits.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define SANDBOX_TYPE "icrm.Sandbox"

enum { MAX_FIELDS = 64 };

struct sandbox {
  struct icrm_sandbox *p; /* NULL when stopped */
};

static struct icrm_sandbox *check_sandbox(lua_State *L) {
  struct sandbox *sandbox = luaL_checkudata(L, 1, SANDBOX_TYPE);
  if (!sandbox->p)
    luaL_error(L, "attempt to use a closed %s", SANDBOX_TYPE);
  return sandbox->p;
}

/* The options are read from the table at index 1; what a text option needs
 * stays on the stack. */
static const char *text_option(lua_State *L, const char *name) {
  if (lua_getfield(L, 1, name) == LUA_TNIL)
    return NULL;
  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "option '%s' must be a string", name);
  return lua_tostring(L, -1);
}

static lua_Integer integer_option(lua_State *L, const char *name,
                                  lua_Integer most) {
  lua_Integer value = 0;
  int is_integer = 1;
  if (lua_getfield(L, 1, name) != LUA_TNIL)
    value = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || value < 0 || value > most)
    luaL_error(L, "option '%s' must be an integer from 0 to %I", name, most);
  lua_pop(L, 1);
  return value;
}

static bool flag_option(lua_State *L, const char *name, bool absent) {
  bool value =
      lua_getfield(L, 1, name) == LUA_TNIL ? absent : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* The list of extra fields; its strings live in the table. */
static const char *const *field_option(lua_State *L,
                                       const char *names[MAX_FIELDS + 1]) {
  if (lua_getfield(L, 1, "fields") == LUA_TNIL)
    return NULL;
  luaL_argexpected(L, lua_istable(L, -1), 1, "list of fields");
  lua_Integer n = luaL_len(L, -1);
  luaL_argcheck(L, n <= MAX_FIELDS, 1, "too many fields");
  for (lua_Integer i = 0; i < n; i++) {
    if (lua_geti(L, -1, i + 1) != LUA_TSTRING)
      luaL_error(L, "option 'fields' must be a list of strings");
    names[i] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  names[n] = NULL;
  return names;
}

/* start{ file=, profile=, traits=, port=, most_mb=, latency_ms=, session_lock=,
 * empty=, data=, now=, faults=, quota=, fields= } -> sandbox | nil, err */
static int sandbox_start(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  const char *names[MAX_FIELDS + 1];
  const struct icrm_sandbox_options options = {
      .file = text_option(L, "file"),
      .profile = text_option(L, "profile"),
      .traits = text_option(L, "traits"),
      .port = (int)integer_option(L, "port", 65535),
      .most_mb = (int)integer_option(L, "most_mb", 2000),
      .latency_ms = (int)integer_option(L, "latency_ms", 600000),
      .no_session_lock = !flag_option(L, "session_lock", true),
      .empty = flag_option(L, "empty", false),
      .data = text_option(L, "data"),
      .now_s = integer_option(L, "now", INT32_MAX * (lua_Integer)8),
      .faults = text_option(L, "faults"),
      .quota = text_option(L, "quota"),
      .fields = field_option(L, names)};
  struct icrm_error err;
  struct sandbox *sandbox = lua_newuserdatauv(L, sizeof *sandbox, 0);
  sandbox->p = NULL;
  luaL_setmetatable(L, SANDBOX_TYPE);
  sandbox->p = icrm_sandbox_start(&options, &err);
  return sandbox->p ? 1 : icrml_fail(L, &err);
}

static int sandbox_url(lua_State *L) {
  lua_pushstring(L, icrm_sandbox_url(check_sandbox(L)));
  return 1;
}

static int sandbox_username(lua_State *L) {
  lua_pushstring(L, icrm_sandbox_username(check_sandbox(L)));
  return 1;
}

/* sandbox:key(username?) -> access key | nil */
static int sandbox_key(lua_State *L) {
  struct icrm_sandbox *sandbox = check_sandbox(L);
  const char *user = luaL_optstring(L, 2, icrm_sandbox_username(sandbox));
  char *key = icrm_sandbox_user_key(sandbox, user);
  lua_pushstring(L, key);
  free(key);
  return 1;
}

static int sandbox_advance(lua_State *L) {
  icrm_sandbox_advance(check_sandbox(L), luaL_checkinteger(L, 2));
  return 0;
}

/* The log as the server's thread sees it, copied before Lua may run. */
struct events {
  struct icrm_buf texts; /* six NUL-terminated texts per event */
  struct icrm_buf fixed; /* struct icrm_sandbox_event, texts not set */
};

static void collect(void *context, const struct icrm_sandbox_event *event) {
  struct events *events = context;
  const char *texts[] = {event->session, event->operation, event->module,
                         event->record,  event->code,      event->fault};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    icrm_buf_add(&events->texts, texts[i], strlen(texts[i]) + 1);
  icrm_buf_add(&events->fixed, event, sizeof *event);
}

static const char *set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
  return text + strlen(text) + 1;
}

static const char *push_event(lua_State *L,
                              const struct icrm_sandbox_event *event,
                              const char *texts) {
  lua_createtable(L, 0, 10);
  lua_pushinteger(L, event->n);
  lua_setfield(L, -2, "n");
  lua_pushnumber(L, event->time_s);
  lua_setfield(L, -2, "time");
  lua_pushboolean(L, event->committed);
  lua_setfield(L, -2, "committed");
  lua_pushboolean(L, event->replied);
  lua_setfield(L, -2, "replied");
  texts = set_text(L, "session", texts);
  texts = set_text(L, "operation", texts);
  texts = set_text(L, "module", texts);
  texts = set_text(L, "record", texts);
  texts = set_text(L, "code", texts);
  return set_text(L, "fault", texts);
}

static void push_events(lua_State *L, const struct events *events) {
  const char *texts = events->texts.data;
  struct icrm_sandbox_event event;
  size_t n = events->fixed.len / sizeof event;
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    memcpy(&event, events->fixed.data + i * sizeof event, sizeof event);
    texts = push_event(L, &event, texts);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static int push_copies(lua_State *L) {
  push_events(L, lua_touserdata(L, 1));
  return 1;
}

/* sandbox:log(after?) -> list of events. The copies are freed even when Lua
 * runs out of memory. */
static int sandbox_log(lua_State *L) {
  struct events events = {{0}, {0}};
  struct icrm_sandbox *sandbox = check_sandbox(L);
  lua_Integer after = luaL_optinteger(L, 2, 0);
  lua_pushcfunction(L, push_copies);
  int rc = icrm_sandbox_log(sandbox, after, collect, &events);
  bool failed = rc || events.texts.failed || events.fixed.failed;
  lua_pushlightuserdata(L, &events);
  int status = failed ? LUA_OK : lua_pcall(L, 1, 1, 0);
  icrm_buf_free(&events.texts);
  icrm_buf_free(&events.fixed);
  if (failed) {
    struct icrm_error err;
    icrm_error_set(&err, ICRM_ERROR_STORE, "cannot read the sandbox's log");
    return icrml_fail(L, &err);
  }
  return status == LUA_OK ? 1 : lua_error(L);
}

/* sandbox:wait() -> serve until Ctrl-C. A host without a handler for it is
 * simply ended by it. */
static int sandbox_wait(lua_State *L) {
  check_sandbox(L);
  struct pollfd wake = {.fd = icrm_interrupt_fd(), .events = POLLIN};
  while (!icrm_interrupt_pending())
    poll(&wake, 1, -1);
  icrm_interrupt_drain();
  icrm_interrupt_clear();
  return 0;
}

/* sandbox:stop(), close, __close, __gc */
static int sandbox_stop(lua_State *L) {
  struct sandbox *sandbox = luaL_checkudata(L, 1, SANDBOX_TYPE);
  struct icrm_sandbox *p = sandbox->p;
  sandbox->p = NULL;
  icrm_sandbox_stop(p);
  return 0;
}

/* traits() -> list of { name, value when none is given | nil, sentence } */
static int sandbox_traits(lua_State *L) {
  lua_createtable(L, SB_N_TRAITS, 0);
  for (int i = 0; i < SB_N_TRAITS; i++) {
    const struct sb_trait_text *trait = &sb_trait_texts[i];
    lua_createtable(L, 0, 3);
    set_text(L, "name", trait->name);
    set_text(L, "sentence", trait->sentence);
    if (trait->value) {
      lua_pushinteger(L, trait->value);
      lua_setfield(L, -2, "value");
    }
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* profiles() -> list of { name, traits: what sets them } */
static int sandbox_profiles(lua_State *L) {
  const struct sb_profile *profile;
  lua_newtable(L);
  for (size_t i = 0; (profile = sb_profile_at(i)); i++) {
    lua_createtable(L, 0, 2);
    set_text(L, "name", profile->name);
    set_text(L, "traits", profile->traits);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

void icrml_open_sandbox(lua_State *L) {
  static const luaL_Reg methods[] = {{"url", sandbox_url},
                                     {"username", sandbox_username},
                                     {"key", sandbox_key},
                                     {"advance", sandbox_advance},
                                     {"log", sandbox_log},
                                     {"wait", sandbox_wait},
                                     {"stop", sandbox_stop},
                                     {"close", sandbox_stop},
                                     {"__close", sandbox_stop},
                                     {"__gc", sandbox_stop},
                                     {NULL, NULL}};
  luaL_newmetatable(L, SANDBOX_TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  static const luaL_Reg functions[] = {{"start", sandbox_start},
                                       {"traits", sandbox_traits},
                                       {"profiles", sandbox_profiles},
                                       {NULL, NULL}};
  luaL_newlib(L, functions); /* core, sandbox */
  lua_setfield(L, -2, "sandbox");
}
