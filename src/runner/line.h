/*
 * One line from the person at the terminal, with editing and history when the
 * library libedit is on the machine. It is loaded on first use, so that a
 * script's start does not pay for it.
 */
#ifndef ICRM_RUNNER_LINE_H
#define ICRM_RUNNER_LINE_H

/* Print `prompt` and read a line. Returns it without its newline, to be freed
 * by the caller; NULL at the end of input. */
char *line_read(const char *prompt);

/* Keep a line for the arrow keys; until the process ends, never on disk. */
void line_remember(const char *line);

#endif
