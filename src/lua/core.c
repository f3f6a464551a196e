#include "lua/core.h"

int luaopen_icrm_core(lua_State *L) {
  static const luaL_Reg functions[] = {{NULL, NULL}};
  luaL_checkversion(L);
  luaL_newlib(L, functions);
  icrml_open_error(L);
  icrml_open_base64(L);
  icrml_open_unicode(L);
  icrml_open_interrupt(L);
  icrml_open_nearest(L);
  icrml_open_settings(L);
  icrml_open_terminal(L);
  icrml_open_client(L);
  icrml_open_credentials(L);
  icrml_open_csv(L);
  icrml_open_digest(L);
  icrml_open_download(L);
  icrml_open_files(L);
  icrml_open_decode(L);
  icrml_open_element(L);
#ifdef ICRM_SANDBOX
  icrml_open_sandbox(L);
#endif
  icrml_open_reply(L);
  icrml_open_page_writer(L);
  icrml_open_vtql(L);
  icrml_open_workbook(L);
  return 1;
}
