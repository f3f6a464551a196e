/* core.download, for the files that use one. */
#ifndef ICRM_LUA_DOWNLOAD_H
#define ICRM_LUA_DOWNLOAD_H

#include "lua/core.h"
#include "net/download.h"

/* The open download at `index`; raises when there is none. */
struct icrm_download *icrml_check_download(lua_State *L, int index);

#endif
