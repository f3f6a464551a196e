#include "lua/core.h"

#include <lualib.h>
#include <stdlib.h>

int main(void) {
  lua_State *L = luaL_newstate();
  if (!L)
    return EXIT_FAILURE;
  luaL_openlibs(L);
  luaL_requiref(L, "icrm.core", luaopen_icrm_core, 0);
  lua_close(L);
  return EXIT_SUCCESS;
}
