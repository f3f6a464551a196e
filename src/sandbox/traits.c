#include "sandbox/traits.h"

#include "core/nearest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VTIGER8                                                                \
  "record-label, price-list, json-numbers, describe-isunique, "                \
  "duplicate-words, owners-checked, activity-types, forecast-workflow, "       \
  "update-encodes-description, update-rounds, revise-drops, private-events, "  \
  "repeated-numbers=2, unique-race=2"

#define COREBOS                                                                \
  "moreinfo, corebos-words, any-method, token-lives-on, corebos-ids, "         \
  "corebos-relations, file-in-element, file-lost, record-tables, user-form, "  \
  "absent-date-today, trimmed, in-cut, where-cancelled, long-pages, "          \
  "sql-fails-loudly, own-user-only, lock-gives-up=60000"

static const struct sb_profile profiles[] = {
    {"initiative", "initiative",
     "left-to-right, related-label-optional, user-prefix, attachment-params"},
    {"vtiger8", "vtiger8", VTIGER8},
    {"corebos", "corebos", COREBOS},
    {"vtiger8-stock", "vtiger8",
     VTIGER8 ", no-logout, no-sync, no-files-retrieve"},
};

const struct sb_trait_text sb_trait_texts[] = {
#define SB_TRAIT_ROW(id, name, value, sentence) {name, value, sentence},
    SB_TRAITS(SB_TRAIT_ROW)
#undef SB_TRAIT_ROW
};

enum { N_PROFILES = sizeof profiles / sizeof *profiles, NAME_SIZE = 64 };

const struct sb_profile *sb_profile_at(size_t i) {
  return i < N_PROFILES ? &profiles[i] : NULL;
}

/* Refuse a name, with the nearest of `n` names. */
static int refuse(struct icrm_error *err, const char *what, const char *name,
                  const char *const *names, size_t n) {
  const char *nearest = icrm_nearest(name, names, n);
  return icrm_error_set(
      err, ICRM_ERROR_CONFIG, "the sandbox has no %s \"%s\"; %s%s%s", what,
      name, nearest ? "did you mean \"" : "docs/sandbox.md lists them",
      nearest ? nearest : "", nearest ? "\"?" : "");
}

const struct sb_profile *sb_profile_find(const char *name,
                                         struct icrm_error *err) {
  const char *names[N_PROFILES];
  for (size_t i = 0; i < N_PROFILES; i++) {
    if (strcmp(profiles[i].name, name) == 0)
      return &profiles[i];
    names[i] = profiles[i].name;
  }
  refuse(err, "profile", name, names, N_PROFILES);
  return NULL;
}

static int find_trait(const char *name, struct icrm_error *err) {
  const char *names[SB_N_TRAITS];
  for (int i = 0; i < SB_N_TRAITS; i++) {
    if (strcmp(sb_trait_texts[i].name, name) == 0)
      return i;
    names[i] = sb_trait_texts[i].name;
  }
  return refuse(err, "trait", name, names, SB_N_TRAITS);
}

static int read_value(const struct sb_trait_text *trait, const char *text,
                      int64_t *value, struct icrm_error *err) {
  char *end;
  *value = strtoll(text, &end, 10);
  if (trait->value == 0)
    return icrm_error_set(err, ICRM_ERROR_CONFIG,
                          "the sandbox's trait %s takes no value", trait->name);
  if (*value <= 0 || *end)
    return icrm_error_set(err, ICRM_ERROR_CONFIG,
                          "the sandbox's trait %s needs a whole number from 1, "
                          "as in %s=%lld",
                          trait->name, trait->name, (long long)trait->value);
  return 0;
}

/* One word: "name", "-name" or "name=number". */
static int read_word(struct sb_traits *traits, const char *word, size_t len,
                     struct icrm_error *err) {
  char name[NAME_SIZE];
  snprintf(name, sizeof name, "%.*s", (int)len, word);
  bool off = name[0] == '-';
  char *equals = strchr(name, '=');
  if (equals)
    *equals = '\0';
  int i = find_trait(name + off, err);
  if (i < 0)
    return -1;
  int64_t value = off                       ? 0
                  : sb_trait_texts[i].value ? sb_trait_texts[i].value
                                            : 1;
  if (equals && read_value(&sb_trait_texts[i], equals + 1, &value, err))
    return -1;
  traits->value[i] = off ? 0 : value;
  return 0;
}

int sb_traits_read(struct sb_traits *traits, const char *text,
                   struct icrm_error *err) {
  for (const char *at = text ? text : ""; *(at += strspn(at, ", \t\n"));) {
    size_t len = strcspn(at, ", \t\n");
    if (read_word(traits, at, len, err))
      return -1;
    at += len;
  }
  return 0;
}
