#include "runner/repl.h"

#include "runner/call.h"
#include "runner/line.h"
#include "runner/runner.h"
#include "runner/signals.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Print the prompt and read a line, to be freed. [-0, +0, e] */
static char *prompt_line(lua_State *L, bool first) {
  const char *prompt = first ? "> " : ">> ";
  if (lua_getglobal(L, first ? "_PROMPT" : "_PROMPT2") == LUA_TNIL)
    lua_pushnil(L);
  else
    prompt = luaL_tolstring(L, -1, NULL);
  char *line = line_read(prompt);
  lua_pop(L, 2);
  return line;
}

/* Push the next line; false at the end of input. [-0, +(0|1), e] */
static bool push_line(lua_State *L, bool first) {
  char *line = prompt_line(L, first);
  if (!line)
    return false;
  if (first && line[0] == '=')
    lua_pushfstring(L, "return %s", line + 1);
  else
    lua_pushstring(L, line);
  free(line);
  return true;
}

static int load_text(lua_State *L, int index, const char *name) {
  size_t length;
  const char *text = lua_tolstring(L, index, &length);
  return luaL_loadbuffer(L, text, length, name);
}

/* Try the line as an expression. line -> line, function or error */
static int load_expression(lua_State *L) {
  lua_pushfstring(L, "return %s", lua_tostring(L, 1));
  const int status = load_text(L, -1, "=stdin");
  lua_remove(L, -2);
  return status;
}

/* Whether the error on top says that the text only stops too early. */
static bool is_incomplete(lua_State *L, int status) {
  if (status != LUA_ERRSYNTAX)
    return false;
  size_t length;
  const char *message = lua_tolstring(L, -1, &length);
  const char mark[] = "<eof>";
  const size_t mark_length = sizeof mark - 1;
  return length >= mark_length &&
         strcmp(message + length - mark_length, mark) == 0;
}

/* Add lines until the text is complete. line -> text, function or error */
static int load_statement(lua_State *L) {
  for (;;) {
    const int status = load_text(L, 1, "=stdin");
    if (!is_incomplete(L, status))
      return status;
    lua_pop(L, 1);
    if (!push_line(L, false)) {
      load_text(L, 1, "=stdin"); /* the error again, now final */
      return status;
    }
    lua_pushliteral(L, "\n");
    lua_insert(L, -2); /* text, newline, line */
    lua_concat(L, 3);
  }
}

/* Load one input; -1 at the end of it. Leaves a function or an error. */
static int load_input(lua_State *L) {
  lua_settop(L, 0);
  if (!push_line(L, true))
    return -1;
  int status = load_expression(L);
  if (status != LUA_OK) {
    lua_pop(L, 1);
    status = load_statement(L);
  }
  line_remember(lua_tostring(L, 1));
  lua_remove(L, 1);
  return status;
}

/* Print the values on the stack with the global `print`. */
static void print_values(lua_State *L) {
  const int count = lua_gettop(L);
  if (count == 0)
    return;
  luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
  lua_getglobal(L, "print");
  lua_insert(L, 1);
  if (lua_pcall(L, count, 0, 0) != LUA_OK)
    call_print_message(NULL, lua_pushfstring(L, "error calling 'print' (%s)",
                                             lua_tostring(L, -1)));
}

void repl_run(lua_State *L) {
  struct runner *runner = runner_of(L);
  const char *progname = runner->progname;
  runner->progname = NULL;
  int status;
  while ((status = load_input(L)) != -1) {
    if (status == LUA_OK)
      status = call_protected(L, 0, LUA_MULTRET);
    if (status == LUA_OK)
      print_values(L);
    else
      call_report(L, status);
    signals_forget();
    runner->exit_code = EXIT_SUCCESS;
  }
  lua_settop(L, 0);
  putchar('\n');
  fflush(stdout);
  runner->progname = progname;
}
