#include "lanes/culprit.h"

#include "text/json_scan.h"

#include <string.h>

#define DEPTH_MAX 64

/* The innermost object that is open at `place`, NULL for none. */
static const char *object_around(const char *body, const char *place) {
  const char *open[DEPTH_MAX];
  size_t depth = 0;
  for (const char *at = body; at < place; at++) {
    if (*at == '"')
      at = icrm_json_skip_string(at, place) - 1;
    else if (*at == '{' && depth < DEPTH_MAX)
      open[depth++] = at;
    else if (*at == '}' && depth > 0)
      depth--;
  }
  return depth > 0 ? open[depth - 1] : NULL;
}

static bool copy_id(const char *at, const char *end, char id[40]) {
  size_t n = 0;
  while (at < end && n < 39 && strchr("0123456789x", *at) && *at != '\0')
    id[n++] = *at++;
  id[n] = '\0';
  return n > 0 && at < end && *at == '"';
}

bool icrm_culprit_find(const char *body, size_t len, size_t at, char id[40]) {
  static const char key[] = "\"id\":\"";
  const char *end = body + len, *object = object_around(body, body + at);
  int depth = 0;
  for (const char *to = object; to && to < end; to++) {
    depth += *to == '{';
    depth -= *to == '}';
    if (depth == 0)
      return false;
    if (*to != '"')
      continue;
    if (depth == 1 && (size_t)(end - to) >= sizeof key - 1 &&
        memcmp(to, key, sizeof key - 1) == 0)
      return copy_id(to + sizeof key - 1, end, id);
    to = icrm_json_skip_string(to, end) - 1;
  }
  return false;
}
