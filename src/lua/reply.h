/*
 * The result of a call, as next() of a client gives it and as the decoder, the
 * row writers and tostring take it: the reply itself, moved out of the core,
 * with its records where the core found them.
 */
#ifndef ICRM_LUA_REPLY_H
#define ICRM_LUA_REPLY_H

#include "lanes/dispatcher.h"
#include "lua/core.h"

/* Push the reply of a result that has just been handed out. [-0, +1, m] */
void icrml_push_reply(lua_State *L, struct icrm_dispatcher *dispatcher,
                      const struct icrm_result *result);

/* How a call went. */
struct icrml_status {
  int lane, attempts, http;
  uint64_t session;
  int64_t time_us;
};

struct icrml_status icrml_status_of(const struct icrm_result *result);

/* Push it as a table: lane, session, attempts, status (of HTTP), seconds.
 * [-0, +1, m] */
void icrml_push_status(lua_State *L, struct icrml_status status);

/* The records of the reply or text at `index`, which stays on the stack while
 * they are used; NULL when it is not plain. Those of a text are read into
 * `own`. [-0, +0, v] */
const struct icrm_page *icrml_check_page(lua_State *L, int index,
                                         struct icrm_page *own);

/* A reply at `index` is not wanted any more: free it before the collector
 * comes. Only its length stays. [-0, +0, -] */
void icrml_end_reply(lua_State *L, int index);

#endif
