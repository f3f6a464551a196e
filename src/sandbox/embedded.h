/* The files of schemas/, built into the library; see embed.cmake. */
#ifndef ICRM_SANDBOX_EMBEDDED_H
#define ICRM_SANDBOX_EMBEDDED_H

#include <stddef.h>

struct sb_embedded {
  const char *path; /* "initiative/HelpDesk.json" */
  const unsigned char *data;
  size_t len;
};

/* Ends with a NULL path. */
extern const struct sb_embedded sb_embedded[];

#endif
