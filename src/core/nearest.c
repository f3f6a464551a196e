#include "core/nearest.h"

#include <ctype.h>
#include <string.h>

#define LONGEST 63

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

static int same(char a, char b) {
  return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Optimal string alignment distance. */
static size_t edits(const char *a, size_t a_len, const char *b, size_t b_len) {
  size_t cost[LONGEST + 1][LONGEST + 1];
  for (size_t i = 0; i <= a_len; i++)
    cost[i][0] = i;
  for (size_t j = 0; j <= b_len; j++)
    cost[0][j] = j;
  for (size_t i = 1; i <= a_len; i++) {
    for (size_t j = 1; j <= b_len; j++) {
      const size_t replace = same(a[i - 1], b[j - 1]) ? 0 : 1;
      size_t best = smaller(cost[i - 1][j], cost[i][j - 1]) + 1;
      best = smaller(best, cost[i - 1][j - 1] + replace);
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
          same(a[i - 2], b[j - 1]))
        best = smaller(best, cost[i - 2][j - 2] + 1);
      cost[i][j] = best;
    }
  }
  return cost[a_len][b_len];
}

const char *icrm_nearest(const char *word, const char *const *candidates,
                         size_t count) {
  const size_t length = strlen(word);
  if (length > LONGEST)
    return NULL;
  size_t limit = length < 6 ? 1 : length / 3;
  const char *nearest = NULL;
  for (size_t i = 0; i < count; i++) {
    const size_t other = strlen(candidates[i]);
    const size_t least = other > length ? other - length : length - other;
    if (other > LONGEST || least > limit)
      continue;
    const size_t distance = edits(word, length, candidates[i], other);
    if (distance < limit || (distance == limit && !nearest)) {
      nearest = candidates[i];
      limit = distance;
    }
  }
  return nearest;
}
