/*
 * The command line, read as lua.c reads it.
 */
#ifndef ICRM_RUNNER_OPTIONS_H
#define ICRM_RUNNER_OPTIONS_H

#include <stdbool.h>

struct options {
  bool interactive;    /* -i */
  bool version;        /* -v, -i */
  bool execute;        /* -e */
  bool no_environment; /* -E */
  int script;          /* index of the script in argv, argc when none */
  const char *bad;     /* the option that is wrong, or NULL */
};

/* Read the options in front of the script. */
void options_collect(struct options *options, char **argv);

/* Print what is wrong and the options to standard error. */
void options_print_usage(const char *progname, const char *bad);

/* The first argument before the script that would carry an access key on the
 * command line, where every user of the machine can read it; or NULL. Scripts
 * run by name are searched, too, since none of them takes one. */
char *options_find_key(char **argv, int script, bool named);

#endif
