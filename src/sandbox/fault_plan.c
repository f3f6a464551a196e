#include "sandbox/fault_plan.h"

#include "core/buf.h"
#include "core/nearest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 8 };

static const char *const moment_names[] = {
#define SB_MOMENT_NAME(id, name) name,
    SB_MOMENTS(SB_MOMENT_NAME)
#undef SB_MOMENT_NAME
};

static const struct {
  const char *name;
  enum sb_moment moment;
  bool needs_value;
} kinds[] = {
#define SB_FAULT_ROW(id, name, moment, value) {name, moment, value},
    SB_FAULTS(SB_FAULT_ROW)
#undef SB_FAULT_ROW
};

enum {
  N_MOMENTS = sizeof moment_names / sizeof *moment_names,
  N_KINDS = sizeof kinds / sizeof *kinds
};

/* One clause while it is read. */
struct clause {
  int number;
  const char *text;
  char copy[256];
  char *words[MAX_WORDS];
  size_t n_words;
  bool has_moment, has_kind;
  bool (*knows)(const char *operation);
  struct icrm_error *err;
};

__attribute__((format(printf, 2, 3))) static int
refuse(const struct clause *clause, const char *format, ...) {
  char reason[160];
  va_list args;
  va_start(args, format);
  vsnprintf(reason, sizeof reason, format, args);
  va_end(args);
  return icrm_error_set(clause->err, ICRM_ERROR_CONFIG,
                        "fault plan, clause %d (%.120s): %s", clause->number,
                        clause->text, reason);
}

/* Cut a clause at blanks; quotes hold a value together. */
static int split(struct clause *clause) {
  char *at = clause->copy;
  if (strlen(clause->text) >= sizeof clause->copy)
    return refuse(clause, "it is too long");
  strcpy(at, clause->text);
  while (*(at += strspn(at, " \t\n"))) {
    if (clause->n_words == MAX_WORDS)
      return refuse(clause, "it has too many words");
    clause->words[clause->n_words++] = at;
    bool quoted = false;
    char *out = at;
    for (; *at && (quoted || !strchr(" \t\n", *at)); at++)
      if (*at == '"')
        quoted = !quoted;
      else
        *out++ = *at;
    bool more = *at != '\0';
    *out = '\0';
    at += more;
  }
  return 0;
}

static int read_number(const struct clause *clause, const char *text,
                       int64_t *number) {
  char *end;
  *number = strtoll(text, &end, 10);
  return *text && !*end ? 0 : refuse(clause, "%s is no whole number", text);
}

/* "create#17" or "create#3..9". */
static int read_place(const struct clause *clause, char *word,
                      struct sb_fault *fault) {
  char *mark = strchr(word, '#');
  if (!mark)
    return refuse(clause, "write at OPERATION#NUMBER, not %s", word);
  char *end;
  fault->first = strtoull(mark + 1, &end, 10);
  fault->last = fault->first;
  if (strncmp(end, "..", 2) == 0)
    fault->last = strtoull(end + 2, &end, 10);
  if (fault->first == 0 || *end)
    return refuse(clause, "%s needs a number from 1, or FIRST..LAST", word);
  *mark = '\0';
  if (!clause->knows(word) && strcmp(word, "connect") != 0)
    return refuse(clause, "there is no operation %s", word);
  snprintf(fault->operation, sizeof fault->operation, "%s", word);
  return 0;
}

static int read_chance(const struct clause *clause, const char *text,
                       struct sb_fault *fault) {
  char *end;
  fault->chance = strtod(text, &end);
  if (!*text || *end || !(fault->chance >= 0 && fault->chance <= 1))
    return refuse(clause, "p=%s must be from 0 to 1", text);
  return 0;
}

static int unknown_word(const struct clause *clause, const char *word) {
  const char *names[N_MOMENTS + N_KINDS];
  for (size_t i = 0; i < N_MOMENTS; i++)
    names[i] = moment_names[i];
  for (size_t i = 0; i < N_KINDS; i++)
    names[N_MOMENTS + i] = kinds[i].name;
  const char *nearest = icrm_nearest(word, names, N_MOMENTS + N_KINDS);
  if (!nearest)
    return refuse(clause, "there is no fault, moment or operation %s", word);
  return refuse(clause, "there is no fault %s; did you mean %s?", word,
                nearest);
}

static bool needs_number(enum sb_fault_kind kind) {
  return kind == SB_FAULT_REFUSE || kind == SB_FAULT_STALL ||
         kind == SB_FAULT_SLOW || kind == SB_FAULT_HUGE ||
         kind == SB_FAULT_BOMB || kind == SB_FAULT_STATUS ||
         kind == SB_FAULT_REFUSING;
}

static int check_word(const struct clause *clause, const char *value,
                      const char *const *allowed) {
  for (; *allowed; allowed++)
    if (strcmp(value, *allowed) == 0)
      return 0;
  return refuse(clause, "the value %s is not known here", value);
}

static int read_value(const struct clause *clause, const char *value,
                      struct sb_fault *fault) {
  static const char *const lengths[] = {"short", "long", "twice", "negative",
                                        NULL};
  static const char *const targets[] = {"loop", "other", "file", NULL};
  static const char *const texts[] = {"nan",  "huge", "twice",
                                      "deep", "cut",  NULL};
  snprintf(fault->value, sizeof fault->value, "%s", value);
  switch (fault->kind) {
  case SB_FAULT_LENGTH:
    return check_word(clause, value, lengths);
  case SB_FAULT_REDIRECT:
    return check_word(clause, value, targets);
  case SB_FAULT_JSON:
    return check_word(clause, value, texts);
  default:
    return needs_number(fault->kind)
               ? read_number(clause, value, &fault->number)
               : 0;
  }
}

static int read_kind(struct clause *clause, char *word,
                     struct sb_fault *fault) {
  char *equals = strchr(word, '=');
  size_t len = equals ? (size_t)(equals - word) : strlen(word);
  for (size_t i = 0; i < N_KINDS; i++) {
    if (strlen(kinds[i].name) != len || memcmp(kinds[i].name, word, len) != 0)
      continue;
    if (kinds[i].needs_value != (equals != NULL))
      return refuse(clause,
                    equals ? "%s takes no value"
                           : "%s needs a value, as in "
                             "status=502",
                    kinds[i].name);
    fault->kind = (enum sb_fault_kind)i;
    if (!clause->has_moment)
      fault->moment = kinds[i].moment;
    clause->has_kind = true;
    return equals ? read_value(clause, equals + 1, fault) : 0;
  }
  return unknown_word(clause, word);
}

static int read_word(struct clause *clause, char *word,
                     struct sb_fault *fault) {
  for (size_t i = 0; i < N_MOMENTS; i++)
    if (strcmp(word, moment_names[i]) == 0) {
      fault->moment = (enum sb_moment)i;
      clause->has_moment = true;
      return 0;
    }
  if (strncmp(word, "retry_after=", 12) == 0) {
    snprintf(fault->retry_after, sizeof fault->retry_after, "%s", word + 12);
    return 0;
  }
  if (clause->knows(word) || strcmp(word, "connect") == 0) {
    snprintf(fault->operation, sizeof fault->operation, "%s", word);
    return 0;
  }
  return read_kind(clause, word, fault);
}

/* What a fault can do depends on the moment. */
static bool fits(const struct sb_fault *fault) {
  bool is_connection = strcmp(fault->operation, "connect") == 0;
  enum sb_moment m = fault->moment;
  if (is_connection != (m == SB_BEFORE_ACCEPT))
    return false;
  switch (fault->kind) {
  case SB_FAULT_RESET:
  case SB_FAULT_CLOSE:
    return true;
  case SB_FAULT_REFUSE:
    return is_connection;
  case SB_FAULT_STALL:
    return m != SB_BEFORE_ACCEPT && m != SB_AFTER_REPLY;
  case SB_FAULT_SLOW:
  case SB_FAULT_HALF_HEADERS:
  case SB_FAULT_HALF_REPLY:
  case SB_FAULT_LENGTH:
  case SB_FAULT_CHUNKS:
  case SB_FAULT_HUGE:
    return m == SB_MID_REPLY;
  case SB_FAULT_GHOST:
  case SB_FAULT_PARTIAL:
    return m == SB_BEFORE_COMMIT && strcmp(fault->operation, "create") == 0;
  case SB_FAULT_EXPIRE:
  case SB_FAULT_EXPIRE_ALL:
  case SB_FAULT_STEAL:
    return m == SB_BEFORE_COMMIT;
  case SB_FAULT_NOTICE:
  case SB_FAULT_BOM:
  case SB_FAULT_JSON:
  case SB_FAULT_SWAPPED:
  case SB_FAULT_REFUSING:
    return m == SB_AFTER_COMMIT;
  default:
    return m >= SB_AFTER_HEADERS && m <= SB_AFTER_COMMIT;
  }
}

/* What was not said and follows from the rest. */
static void fill_in(const struct clause *clause, struct sb_fault *fault) {
  bool tears = fault->kind == SB_FAULT_GHOST || fault->kind == SB_FAULT_PARTIAL;
  if (tears && !fault->operation[0])
    strcpy(fault->operation, "create");
  if (strcmp(fault->operation, "connect") == 0 && !clause->has_moment)
    fault->moment = SB_BEFORE_ACCEPT;
  if (fault->moment == SB_BEFORE_ACCEPT && !fault->operation[0])
    strcpy(fault->operation, "connect");
}

static int read_fault(struct sb_fault_plan *plan, struct clause *clause) {
  if (plan->n_faults == SB_MAX_FAULTS)
    return refuse(clause, "there are too many of them");
  struct sb_fault *fault = &plan->faults[plan->n_faults];
  bool by_number = strcmp(clause->words[0], "at") == 0;
  if (by_number && clause->n_words < 3)
    return refuse(clause, "write at OPERATION#NUMBER FAULT");
  int rc = by_number ? read_place(clause, clause->words[1], fault)
                     : read_chance(clause, clause->words[0] + 2, fault);
  for (size_t i = by_number ? 2 : 1; rc == 0 && i < clause->n_words; i++)
    rc = read_word(clause, clause->words[i], fault);
  if (rc)
    return -1;
  if (!clause->has_kind)
    return refuse(clause, "it names no fault");
  const char *name = kinds[fault->kind].name;
  fill_in(clause, fault);
  if (!fits(fault))
    return refuse(clause, "%s does not go with that moment", name);
  struct icrm_buf text = {.data = NULL};
  icrm_buf_addf(&text, "%s %s%s%s", moment_names[fault->moment], name,
                fault->value[0] ? "=" : "", fault->value);
  snprintf(fault->text, sizeof fault->text, "%s", text.data ? text.data : "");
  icrm_buf_free(&text);
  plan->n_faults++;
  return 0;
}

static int read_logout(struct sb_fault_plan *plan, const struct clause *clause,
                       const char *value) {
  static const char *const allowed[] = {"broken", "lies", NULL};
  plan->logout = strcmp(value, "lies") == 0 ? SB_LOGOUT_LIES : SB_LOGOUT_BROKEN;
  return check_word(clause, value, allowed);
}

static int read_clause(struct sb_fault_plan *plan, struct clause *clause) {
  if (split(clause))
    return -1;
  if (clause->n_words == 0)
    return 0;
  const char *word = clause->words[0];
  if (strcmp(word, "at") == 0 || strncmp(word, "p=", 2) == 0)
    return read_fault(plan, clause);
  if (clause->n_words > 1)
    return refuse(clause, "it begins with %s, not with at or p=", word);
  if (strcmp(word, "unlink_race") == 0) {
    plan->has_race = true;
    return 0;
  }
  if (strncmp(word, "logout=", 7) == 0)
    return read_logout(plan, clause, word + 7);
  if (strncmp(word, "lag=", 4) == 0)
    return read_number(clause, word + 4, &plan->lag_ms);
  int64_t seed;
  if (strncmp(word, "seed=", 5) != 0)
    return refuse(clause,
                  "%s is neither at, p=, seed=, lag=, logout= nor unlink_race",
                  word);
  if (read_number(clause, word + 5, &seed))
    return -1;
  plan->seed = (uint64_t)seed;
  return 0;
}

/* Leave `text` with its first clause alone; returns what follows, or NULL. */
static char *cut(char *text) {
  bool quoted = false;
  for (; *text; text++) {
    if (*text == '"')
      quoted = !quoted;
    if (*text == ';' && !quoted) {
      *text = '\0';
      return text + 1;
    }
  }
  return NULL;
}

int sb_fault_plan_read(struct sb_fault_plan *plan, const char *text,
                       bool (*knows)(const char *operation),
                       struct icrm_error *err) {
  char *copy = strdup(text);
  int rc = copy ? 0 : icrm_error_set(err, ICRM_ERROR_CONFIG, "out of memory");
  int number = 0;
  for (char *at = copy, *next; rc == 0 && at; at = next) {
    next = cut(at);
    at += strspn(at, " \t\n");
    struct clause clause = {
        .number = ++number, .text = at, .knows = knows, .err = err};
    rc = read_clause(plan, &clause);
  }
  free(copy);
  return rc;
}
