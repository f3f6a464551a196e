#include "runner/paths.h"

#include <lauxlib.h>
#include <limits.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of the running executable, symbolic links resolved. */
static int find_bin(char dir[PATH_MAX]) {
  const ssize_t len = readlink("/proc/self/exe", dir, PATH_MAX - 1);
  if (len <= 0)
    return -1;
  dir[len] = '\0';
  char *slash = strrchr(dir, '/');
  if (!slash)
    return -1;
  *slash = '\0';
  return 0;
}

static bool holds_icrm(const struct icrm_buf *lua_dir) {
  struct icrm_buf file = {0};
  icrm_buf_addf(&file, "%s/icrm/init.lua", lua_dir->data);
  const bool found = file.data && access(file.data, R_OK) == 0;
  icrm_buf_free(&file);
  return found;
}

/* The part of a path before its last component. */
static int parent_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (int)(slash - path) : 0;
}

static void find_lua(struct paths *paths, const char *bin) {
  const int parent = parent_length(bin);
  icrm_buf_addf(&paths->lua, "%.*s/lua", parent, bin);
  icrm_buf_addf(&paths->scripts, "%.*s/scripts", parent, bin);
  if (holds_icrm(&paths->lua))
    return; /* the build tree, where CMake puts links to the sources */
  icrm_buf_clear(&paths->lua);
  icrm_buf_clear(&paths->scripts);
  icrm_buf_addf(&paths->lua, "%.*s/share/lua/5.4", parent, bin);
  icrm_buf_addf(&paths->lib, "%.*s/lib/lua/5.4", parent, bin);
  if (!holds_icrm(&paths->lua)) {
    icrm_buf_clear(&paths->lua);
    icrm_buf_add_text(&paths->lua, ICRM_LUADIR);
  }
  icrm_buf_addf(&paths->scripts, "%s/icrm/scripts", paths->lua.data);
}

static void find_own_scripts(struct paths *paths) {
  const char *config = getenv("XDG_CONFIG_HOME");
  const char *home = getenv("HOME");
  if (config && config[0] == '/')
    icrm_buf_addf(&paths->own_scripts, "%s/icrm/scripts", config);
  else if (home && home[0] == '/')
    icrm_buf_addf(&paths->own_scripts, "%s/.config/icrm/scripts", home);
}

void paths_find(struct paths *paths) {
  char bin[PATH_MAX];
  *paths = (struct paths){0};
  if (find_bin(bin) == 0)
    find_lua(paths, bin);
  find_own_scripts(paths);
}

void paths_free(struct paths *paths) {
  icrm_buf_free(&paths->lua);
  icrm_buf_free(&paths->lib);
  icrm_buf_free(&paths->scripts);
  icrm_buf_free(&paths->own_scripts);
}

/* Put the templates on top first in a field of package. [-1, +0, e] */
static void prepend(lua_State *L, const char *field) {
  const char *templates = lua_tostring(L, -1);
  lua_getglobal(L, LUA_LOADLIBNAME);
  lua_getfield(L, -1, field); /* templates, package, old */
  const char *old = lua_tostring(L, -1);
  if (old && !strstr(old, templates)) {
    lua_pushfstring(L, "%s;%s", templates, old);
    lua_setfield(L, -3, field);
  }
  lua_pop(L, 3);
}

void paths_set_package(lua_State *L, const struct paths *paths) {
  if (paths->lua.len > 0) {
    const char *dir = paths->lua.data;
    lua_pushfstring(L, "%s/?.lua;%s/?/init.lua", dir, dir);
    prepend(L, "path");
  }
  if (paths->lib.len > 0) {
    lua_pushfstring(L, "%s/?.so", paths->lib.data);
    prepend(L, "cpath");
  }
}
