/*
 * Where icrm's own Lua files are, found from where the executable is: a build
 * tree (build/bin), an installation (<prefix>/bin and <prefix>/share/lua/5.4),
 * or the place given to CMake.
 */
#ifndef ICRM_RUNNER_PATHS_H
#define ICRM_RUNNER_PATHS_H

#include "core/buf.h"

#include <lua.h>

struct paths {
  struct icrm_buf lua;         /* folder that holds icrm/init.lua */
  struct icrm_buf lib;         /* folder for C modules beside it, or empty */
  struct icrm_buf scripts;     /* folder of the shipped scripts */
  struct icrm_buf own_scripts; /* the user's folder, empty without a home */
};

/* Fill `paths`, to be freed with paths_free. */
void paths_find(struct paths *paths);
void paths_free(struct paths *paths);

/* Put icrm's folders first in package.path and package.cpath, unless they are
 * there already. [-0, +0, e] */
void paths_set_package(lua_State *L, const struct paths *paths);

#endif
