#include "core/clock.h"
#include "lua/core.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_WHEN_UNKNOWN 80

/* core.terminal_columns(fd) -> columns | nil when it is no terminal */
static int terminal_columns(lua_State *L) {
  const int fd = (int)luaL_checkinteger(L, 1);
  struct winsize size;
  if (!isatty(fd))
    return 0;
  if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
    size.ws_col = COLUMNS_WHEN_UNKNOWN;
  lua_pushinteger(L, size.ws_col);
  return 1;
}

/* core.clock() -> seconds of the monotonic clock; only differences count */
static int clock_seconds(lua_State *L) {
  lua_pushnumber(L, (lua_Number)icrm_clock_us() / 1e6);
  return 1;
}

/* core.terminal_columns, core.clock */
void icrml_open_terminal(lua_State *L) {
  lua_pushcfunction(L, terminal_columns); /* core, function */
  lua_setfield(L, -2, "terminal_columns");
  lua_pushcfunction(L, clock_seconds); /* core, function */
  lua_setfield(L, -2, "clock");
}
