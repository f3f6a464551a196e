/* core.files: private files and their locks. */
#include "lua/core.h"

#include "core/private_file.h"
#include "net/body.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_TYPE "icrm.core.lock"

struct lock {
  int fd;
  dev_t dev;
  ino_t ino;
};

/* The registry keeps "dev:ino" of the files this state has locked: opening a
 * second descriptor and closing it would drop SQLite's POSIX locks. */
static const char held_key = 'h';

static void push_held(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &held_key) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &held_key);
}

static void push_inode(lua_State *L, dev_t dev, ino_t ino) {
  lua_pushfstring(L, "%I:%I", (LUAI_UACINT)dev, (LUAI_UACINT)ino);
}

static int is_held(lua_State *L, const char *path) {
  struct stat st;
  if (stat(path, &st) != 0)
    return 0;
  push_held(L);
  push_inode(L, st.st_dev, st.st_ino);
  int held = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 2);
  return held;
}

static int lock_close(lua_State *L) {
  struct lock *lock = luaL_checkudata(L, 1, LOCK_TYPE);
  if (lock->fd < 0)
    return 0;
  close(lock->fd);
  lock->fd = -1;
  push_held(L);
  push_inode(L, lock->dev, lock->ino);
  lua_pushnil(L);
  lua_rawset(L, -3);
  return 0;
}

/* lock:is_at(path) -> whether the locked file still has this name */
static int lock_is_at(lua_State *L) {
  const struct lock *lock = luaL_checkudata(L, 1, LOCK_TYPE);
  struct stat st;
  lua_pushboolean(L, lstat(luaL_checkstring(L, 2), &st) == 0 &&
                         st.st_dev == lock->dev && st.st_ino == lock->ino);
  return 1;
}

/* files.lock(path [, any_filesystem]) -> lock | nil, err */
static int files_lock(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  bool any_filesystem = lua_toboolean(L, 2);
  struct icrm_error err;
  if (is_held(L, path)) {
    icrm_error_set(&err, ICRM_ERROR_STORE, "%s is open already in this program",
                   path);
    return icrml_fail(L, &err);
  }
  struct lock *lock = lua_newuserdatauv(L, sizeof *lock, 0);
  lock->fd = -1;
  luaL_setmetatable(L, LOCK_TYPE);
  lock->fd = icrm_private_file_lock(path, any_filesystem, &err);
  if (lock->fd < 0)
    return icrml_fail(L, &err);
  struct stat st;
  if (fstat(lock->fd, &st) == 0) {
    lock->dev = st.st_dev;
    lock->ino = st.st_ino;
  }
  push_held(L); /* lock, held */
  push_inode(L, lock->dev, lock->ino);
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  return 1;
}

/* files.exists(path) -> whether there is something of that name; nothing is
 * opened */
static int files_exists(lua_State *L) {
  struct stat st;
  lua_pushboolean(L, lstat(luaL_checkstring(L, 1), &st) == 0);
  return 1;
}

/* files.are_one(path, other) -> whether both lead to one file that is there, be
 * it by a link */
static int files_are_one(lua_State *L) {
  struct stat one, other;
  lua_pushboolean(L, stat(luaL_checkstring(L, 1), &one) == 0 &&
                         stat(luaL_checkstring(L, 2), &other) == 0 &&
                         one.st_dev == other.st_dev &&
                         one.st_ino == other.st_ino);
  return 1;
}

/* files.size(path) -> bytes of a file that can be attached | nil, err */
static int files_size(lua_State *L) {
  struct icrm_error err;
  const int64_t size = icrm_body_file_size(luaL_checkstring(L, 1), &err);
  if (size < 0)
    return icrml_fail(L, &err);
  lua_pushinteger(L, size);
  return 1;
}

/* files.create(path [, any_filesystem]) -> true | nil, err */
static int files_create(lua_State *L) {
  struct icrm_error err;
  if (icrm_private_file_create(luaL_checkstring(L, 1), lua_toboolean(L, 2),
                               &err) != 0)
    return icrml_fail(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* files.state_folder() -> path | nil */
static int files_state_folder(lua_State *L) {
  char path[PATH_MAX];
  if (icrm_private_state_folder(path, sizeof path))
    lua_pushstring(L, path);
  else
    lua_pushnil(L);
  return 1;
}

/* files.full_path(path) -> the path as it leads there from any folder; as it is
 * when the current folder is gone. PWD counts only where it is that folder: a
 * program may have gone elsewhere since a shell said it. */
static int files_full_path(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  char *here = path[0] == '/' ? NULL : get_current_dir_name();
  if (here)
    lua_pushfstring(L, "%s/%s", strcmp(here, "/") == 0 ? "" : here, path);
  free(here);
  return 1; /* the path itself where nothing was pushed */
}

/* files.process_id() -> number of this process, to be said of who has a lock */
static int files_process_id(lua_State *L) {
  lua_pushinteger(L, getpid());
  return 1;
}

void icrml_open_files(lua_State *L) {
  static const luaL_Reg functions[] = {{"are_one", files_are_one},
                                       {"create", files_create},
                                       {"exists", files_exists},
                                       {"full_path", files_full_path},
                                       {"lock", files_lock},
                                       {"process_id", files_process_id},
                                       {"size", files_size},
                                       {"state_folder", files_state_folder},
                                       {NULL, NULL}};
  static const luaL_Reg methods[] = {{"close", lock_close},
                                     {"is_at", lock_is_at},
                                     {"__close", lock_close},
                                     {"__gc", lock_close},
                                     {NULL, NULL}};
  luaL_newmetatable(L, LOCK_TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "files");
}
