#include "core/interrupt.h"
#include "lua/core.h"

/* core.interrupt.hold(): Ctrl-C only sets pending() until release(). */
static int hold(lua_State *L) {
  (void)L;
  icrm_interrupt_hold();
  return 0;
}

static int release(lua_State *L) {
  (void)L;
  icrm_interrupt_release();
  return 0;
}

static int pending(lua_State *L) {
  lua_pushboolean(L, icrm_interrupt_pending());
  return 1;
}

static int clear(lua_State *L) {
  (void)L;
  icrm_interrupt_clear();
  return 0;
}

/* core.interrupt.wait(seconds): sleep, or until Ctrl-C. */
static int wait_seconds(lua_State *L) {
  lua_Number seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds >= 0 && seconds <= 3600, 1, "0 to 3600 seconds");
  icrm_interrupt_wait((int)(seconds * 1000 + 0.5));
  return 0;
}

void icrml_open_interrupt(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"hold", hold},   {"release", release},   {"pending", pending},
      {"clear", clear}, {"wait", wait_seconds}, {NULL, NULL},
  };
  luaL_newlib(L, functions); /* core, interrupt */
  lua_setfield(L, -2, "interrupt");
}
