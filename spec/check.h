/* The smallest test helper that names what failed and where. */
#ifndef ICRM_SPEC_CHECK_H
#define ICRM_SPEC_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__,             \
              #condition);                                                     \
      exit(EXIT_FAILURE);                                                      \
    }                                                                          \
  } while (0)

#define CHECK_TEXT(have, want)                                                 \
  do {                                                                         \
    const char *have_ = (have), *want_ = (want);                               \
    if (!have_ || strcmp(have_, want_) != 0) {                                 \
      fprintf(stderr, "%s:%d: have <%s>\n  want <%s>\n", __FILE__, __LINE__,   \
              have_ ? have_ : "(null)", want_);                                \
      exit(EXIT_FAILURE);                                                      \
    }                                                                          \
  } while (0)

#endif
