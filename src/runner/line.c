#include "runner/line.h"

#include <dlfcn.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *(*edit_readline)(const char *prompt);
static int (*edit_add_history)(const char *line);

/* Without a locale of characters the editor drops accented letters. What else
 * a locale changes (decimal marks) stays as it is. */
static void use_characters(void) {
  const char *name = setlocale(LC_CTYPE, "");
  if (!name || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0)
    setlocale(LC_CTYPE, "C.UTF-8");
}

/* libedit's interface is GNU readline's; its licence is BSD. */
static void load_editor(void) {
  static bool tried;
  if (tried)
    return;
  tried = true;
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
    return;
  use_characters();
  void *library = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return;
  int (*bind_key)(int, int (*)(int, int));
  int (*insert)(int, int);
  /* POSIX guarantees that a function fits in the pointer. */
  *(void **)&edit_readline = dlsym(library, "readline");
  *(void **)&edit_add_history = dlsym(library, "add_history");
  *(void **)&bind_key = dlsym(library, "rl_bind_key");
  *(void **)&insert = dlsym(library, "rl_insert");
  if (bind_key && insert)
    bind_key('\t', insert); /* Lua code has tabs, not file names */
}

static char *read_plain(const char *prompt) {
  fputs(prompt, stdout);
  fflush(stdout);
  char *line = NULL;
  size_t capacity = 0;
  if (getline(&line, &capacity, stdin) < 0) {
    free(line);
    return NULL;
  }
  line[strcspn(line, "\n")] = '\0';
  return line;
}

char *line_read(const char *prompt) {
  load_editor();
  return edit_readline ? edit_readline(prompt) : read_plain(prompt);
}

void line_remember(const char *line) {
  if (edit_add_history && line[0] != '\0')
    edit_add_history(line);
}
