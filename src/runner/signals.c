#include "runner/signals.h"

#include "core/interrupt.h"

#include <lauxlib.h>
#include <signal.h>

/* Signals belong to the process; so do these. */
static lua_State *running;
static volatile sig_atomic_t interrupted;

static void set_handler(int number, void (*handler)(int)) {
  struct sigaction action = {0};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

static void stop(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  icrm_interrupt_clear();
  luaL_error(L, "interrupted!");
}

/* lua_sethook is the one call that a signal handler may make. */
static void on_interrupt(int number) {
  const int everything =
      LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT;
  set_handler(number, SIG_DFL);
  interrupted = 1;
  icrm_interrupt_raise();
  if (!icrm_interrupt_is_held())
    lua_sethook(running, stop, everything, 1);
}

void signals_prepare(void) {
  set_handler(SIGPIPE, SIG_IGN);
  set_handler(SIGXFSZ, SIG_IGN); /* writing fails instead, and is reported */
  /* Without the descriptor Ctrl-C only waits for the next network event. */
  icrm_interrupt_open(NULL);
}

static const int stopping[] = {SIGINT, SIGTERM, SIGHUP};
enum { STOPPING = sizeof stopping / sizeof *stopping };

/* Under nohup the end of the terminal is no wish to stop. (SIGINT is ignored in
 * whatever a shell's script puts in the background, and caught all the same.)
 */
static bool is_nohup(int number) {
  struct sigaction action;
  return number == SIGHUP && sigaction(number, NULL, &action) == 0 &&
         action.sa_handler == SIG_IGN;
}

void signals_catch(lua_State *L) {
  running = L;
  for (int i = 0; i < STOPPING; i++)
    if (!is_nohup(stopping[i]))
      set_handler(stopping[i], on_interrupt);
}

void signals_restore(void) {
  for (int i = 0; i < STOPPING; i++)
    if (!is_nohup(stopping[i]))
      set_handler(stopping[i], SIG_DFL);
}

bool signals_interrupted(void) {
  return interrupted != 0;
}

void signals_forget(void) {
  interrupted = 0;
  icrm_interrupt_clear();
}
