#include "runner/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Whether `argv[*i]`, an -e or -l, has its argument; steps over it. */
static bool has_argument(char **argv, int *i) {
  if (argv[*i][2] != '\0')
    return true;
  const char *next = argv[*i + 1];
  if (!next || next[0] == '-')
    return false;
  (*i)++;
  return true;
}

/* One option at argv[*i]; false when it is wrong. */
static bool collect_one(struct options *options, char **argv, int *i) {
  const char *option = argv[*i];
  const bool alone = option[2] == '\0';
  switch (option[1]) {
  case 'E':
    options->no_environment = true;
    return alone;
  case 'W':
    return alone;
  case 'i':
    options->interactive = true;
    options->version = true;
    return alone;
  case 'v':
    options->version = true;
    return alone;
  case 'e':
    options->execute = true;
    return has_argument(argv, i);
  case 'l':
    return has_argument(argv, i);
  default:
    return false;
  }
}

void options_collect(struct options *options, char **argv) {
  *options = (struct options){0};
  int i = 1;
  for (; argv[i]; i++) {
    if (argv[i][0] != '-' || argv[i][1] == '\0')
      break; /* a script, or "-" for standard input */
    if (strcmp(argv[i], "--") == 0) {
      i++;
      break;
    }
    const char *option = argv[i];
    if (!collect_one(options, argv, &i)) {
      options->bad = option;
      i++;
      break;
    }
  }
  options->script = i;
}

void options_print_usage(const char *progname, const char *bad) {
  if (bad && (bad[1] == 'e' || bad[1] == 'l'))
    fprintf(stderr, "%s: '%s' needs argument\n", progname, bad);
  else if (bad)
    fprintf(stderr, "%s: unrecognized option '%s'\n", progname, bad);
  fprintf(stderr,
          "usage: %s [options] [script [args]]\n"
          "Available options are:\n"
          "  -e stat   execute string 'stat'\n"
          "  -i        enter interactive mode after executing 'script'\n"
          "  -l mod    require library 'mod' into global 'mod'\n"
          "  -l g=mod  require library 'mod' into global 'g'\n"
          "  -v        show version information\n"
          "  -E        ignore environment variables\n"
          "  -W        turn warnings on\n"
          "  --        stop handling options\n"
          "  -         stop handling options and execute stdin\n",
          progname);
}

static bool starts_with(const char *text, const char *start) {
  return strncmp(text, start, strlen(start)) == 0;
}

static bool is_option(const char *word, const char *name) {
  const size_t length = strlen(name);
  return strncmp(word, name, length) == 0 &&
         (word[length] == '\0' || word[length] == '=');
}

static bool carries_key(const char *word, bool before_script) {
  return is_option(word, "--access-key") || is_option(word, "--access_key") ||
         is_option(word, "--accesskey") || is_option(word, "--password") ||
         (before_script && starts_with(word, "--key"));
}

char *options_find_key(char **argv, int script, bool named) {
  for (int i = 1; argv[i]; i++) {
    if (i >= script && !named)
      break;
    if (i != script && carries_key(argv[i], i < script))
      return argv[i];
  }
  return NULL;
}
