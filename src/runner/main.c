#include "core/credentials.h"
#include "lua/core.h"
#include "runner/call.h"
#include "runner/command.h"
#include "runner/options.h"
#include "runner/repl.h"
#include "runner/runner.h"
#include "runner/signals.h"

#include <errno.h>
#include <lualib.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

/* The access key must not end up in a core file or under a debugger. */
static void protect_memory(void) {
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
}

/* Replies come and go by 64 kB. By default the C library would give the memory
 * back to the system after each and fetch it again, page by page. */
static void keep_memory(void) {
#ifdef __GLIBC__
  mallopt(M_TRIM_THRESHOLD, 2 << 20);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

/* Output that could not be written is a failure, whatever the script says;
 * when only the reader went away there is nobody to tell. */
static void check_output(void) {
  const bool failed = fflush(stdout) != 0 || ferror(stdout);
  if (!failed)
    return;
  struct pollfd reader = {.fd = STDOUT_FILENO};
  if (errno == EPIPE || (poll(&reader, 1, 0) == 1 && reader.revents & POLLERR))
    _exit(RUNNER_EXIT_OUTPUT);
  fputs("icrm-lua: standard output could not be written in full\n", stderr);
  _exit(RUNNER_EXIT_OUTPUT);
}

static void print_version(void) {
  puts("icrm " ICRM_VERSION ", " LUA_COPYRIGHT);
  fflush(stdout);
}

static void preload(lua_State *L, const char *name, lua_CFunction open) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

/* arg[0] is the script; what is in front of it has negative indices. */
static void create_arg_table(lua_State *L, int script) {
  const struct runner *runner = runner_of(L);
  if (script == runner->argc)
    script = 0; /* no script: the program's name is arg[0] */
  lua_createtable(L, runner->argc - script, script + 1);
  for (int i = 0; i < runner->argc; i++) {
    lua_pushstring(L, runner->argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

static int run_init(lua_State *L) {
  const char *name = "=LUA_INIT_5_4";
  const char *init = getenv(name + 1);
  if (!init) {
    name = "=LUA_INIT";
    init = getenv(name + 1);
  }
  if (!init)
    return LUA_OK;
  return init[0] == '@' ? call_file(L, init + 1) : call_string(L, init, name);
}

/* Run the options -e, -l and -W in their order. */
static int run_options(lua_State *L, int script) {
  char **argv = runner_of(L)->argv;
  for (int i = 1; i < script; i++) {
    const char option = argv[i][1];
    if (option == 'W')
      lua_warning(L, "@on", 0);
    if (option != 'e' && option != 'l')
      continue;
    char *extra = argv[i] + 2;
    if (*extra == '\0')
      extra = argv[++i];
    const int status = option == 'e' ? call_string(L, extra, "=(command line)")
                                     : call_library(L, extra);
    if (status != LUA_OK)
      return status;
  }
  return LUA_OK;
}

static int run_named(lua_State *L, const char *name) {
  struct runner *runner = runner_of(L);
  struct icrm_buf path = {0};
  if (!command_find(&runner->paths, name, &path)) {
    command_print_unknown(&runner->paths, name);
    runner->exit_code = RUNNER_EXIT_USAGE;
    icrm_buf_free(&path);
    return LUA_ERRRUN;
  }
  runner->named = true;
  lua_pushstring(L, path.data); /* Lua owns it, whatever happens */
  icrm_buf_free(&path);
  if (lua_getglobal(L, "arg") == LUA_TTABLE) {
    lua_pushvalue(L, -2); /* path, arg, path */
    lua_rawseti(L, -2, 0);
  }
  lua_pop(L, 1);
  return call_script(L, lua_tostring(L, -1));
}

static int run_script(lua_State *L, int script) {
  char **argv = runner_of(L)->argv;
  const char *name = argv[script];
  if (command_is_name(name))
    return run_named(L, name);
  const bool literal = script > 1 && strcmp(argv[script - 1], "--") == 0;
  return call_script(L, strcmp(name, "-") == 0 && !literal ? NULL : name);
}

/* Before any Lua code can see it; LUA_INIT is Lua code. */
static void take_key(lua_State *L) {
  static const char name[] = "ICRM_ACCESS_KEY";
  if (!getenv(name))
    return;
  luaL_requiref(L, "icrm.core", luaopen_icrm_core, 0);
  lua_getfield(L, -1, "credentials_from_env");
  lua_pushstring(L, name);
  lua_call(L, 1, 0); /* what is wrong with it is said when it is used */
  lua_pop(L, 1);
  icrm_credentials_remove_from_env(name);
}

static void open_libraries(lua_State *L, const struct options *options) {
  luaL_checkversion(L);
  if (options->no_environment) {
    lua_pushboolean(L, 1); /* loadlib.c then ignores LUA_PATH and LUA_CPATH */
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
  }
  luaL_openlibs(L);
  preload(L, "icrm.core", luaopen_icrm_core);
  take_key(L);
  paths_set_package(L, &runner_of(L)->paths);
  create_arg_table(L, options->script);
  lua_gc(L, LUA_GCGEN, 0, 0);
}

static int run_rest(lua_State *L, const struct options *options) {
  const bool script = options->script < runner_of(L)->argc;
  if (script && run_script(L, options->script) != LUA_OK)
    return -1;
  if (options->interactive) {
    repl_run(L);
  } else if (!script && !options->execute && !options->version) {
    if (!isatty(STDIN_FILENO))
      return call_file(L, NULL) == LUA_OK ? 0 : -1;
    print_version();
    repl_run(L);
  }
  return 0;
}

/* Everything that may raise. argc and argv are the runner's. */
static int run(lua_State *L) {
  const struct options *options = lua_touserdata(L, 1);
  lua_settop(L, 0);
  if (options->version)
    print_version();
  open_libraries(L, options);
  if (!options->no_environment && run_init(L) != LUA_OK)
    return 0;
  if (run_options(L, options->script) == LUA_OK)
    run_rest(L, options);
  return 0;
}

/* `icrm-lua help`, `help NAME` and the options that lua.c does not know.
 * Returns whether it was one of them and is done. */
static bool show_help(struct runner *runner) {
  char **argv = runner->argv;
  const char *word = runner->argc > 1 ? argv[1] : "";
  if (strcmp(word, "help") == 0 && runner->argc > 2) {
    static char help[] = "--help";
    argv[1] = argv[2];
    argv[2] = help;
    return false;
  }
  if (strcmp(word, "help") != 0 && strcmp(word, "--help") != 0 &&
      strcmp(word, "-h") != 0)
    return false;
  puts("usage: icrm-lua NAME [args]               run a script by its name\n"
       "       icrm-lua [options] [script [args]]  as lua: -e -i -l -v -E -W");
  command_list(stdout, &runner->paths);
  return true;
}

/* Refuse a key among the arguments, and wipe it from the process list. */
static bool refuse_key(const struct runner *runner, int script) {
  const bool named =
      script < runner->argc && command_is_name(runner->argv[script]);
  char *key = options_find_key(runner->argv, script, named);
  if (!key)
    return false;
  char *value = strchr(key, '=');
  if (value)
    memset(value, '\0', strlen(value));
  fprintf(stderr,
          "%s: '%s': a key on the command line is visible to every user of "
          "this machine; use a profile, ICRM_ACCESS_KEY or "
          "access_key_command (see icrm-lua(1))\n",
          runner->progname, key);
  return true;
}

static int start(struct runner *runner) {
  struct options options;
  options_collect(&options, runner->argv);
  if (refuse_key(runner, options.script))
    return RUNNER_EXIT_USAGE;
  if (options.bad) {
    options_print_usage(runner->progname, options.bad);
    return EXIT_FAILURE;
  }
  lua_State *L = luaL_newstate();
  if (!L) {
    call_print_message(runner->progname, "cannot create state: not enough "
                                         "memory");
    return EXIT_FAILURE;
  }
  *(struct runner **)lua_getextraspace(L) = runner;
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, &options);
  call_report(L, lua_pcall(L, 1, 0, 0));
  lua_close(L);
  return runner->exit_code;
}

int main(int argc, char **argv) {
  struct runner runner = {.argc = argc, .argv = argv, .progname = "icrm-lua"};
  protect_memory();
  keep_memory();
  signals_prepare();
  atexit(check_output);
  if (argc > 0 && argv[0][0] != '\0')
    runner.progname = argv[0];
  paths_find(&runner.paths);
  const int code = show_help(&runner) ? EXIT_SUCCESS : start(&runner);
  paths_free(&runner.paths);
  return code;
}
