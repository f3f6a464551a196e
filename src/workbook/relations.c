#include "workbook/relations.h"

#include "workbook/markup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
  struct icrm_relations *relations;
  struct icrm_markup *markup;
  const char *folder; /* of the part, with its slash */
};

static int hex(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

static void decode_percent(char *text) {
  char *out = text;
  for (; *text; text++) {
    if (*text == '%' && hex(text[1]) >= 0 && hex(text[2]) >= 0) {
      *out++ = (char)(hex(text[1]) * 16 + hex(text[2]));
      text += 2;
    } else {
      *out++ = *text;
    }
  }
  *out = '\0';
}

/* Take "./" and "folder/../" out of a name. Names of parts are never paths on
 * a disk, so one that climbs too high is only a name that no part has. */
static void normalise(char *name) {
  char *out = name;
  for (char *at = name; *at;) {
    size_t len = strcspn(at, "/");
    size_t whole = at[len] ? len + 1 : len;
    if (len == 2 && at[0] == '.' && at[1] == '.') {
      if (out > name)
        out--;
      while (out > name && out[-1] != '/')
        out--;
    } else if (!(len == 1 && at[0] == '.')) {
      memmove(out, at, whole);
      out += whole;
    }
    at += whole;
  }
  *out = '\0';
}

static char *resolve(const char *folder, const char *target) {
  bool is_absolute = *target == '/';
  size_t size = strlen(folder) + strlen(target) + 1;
  char *name = malloc(size);
  if (!name)
    return NULL;
  snprintf(name, size, "%s%s", is_absolute ? "" : folder,
           is_absolute ? target + 1 : target);
  decode_percent(name);
  normalise(name);
  return name;
}

static const char *last_word(const char *address) {
  const char *slash = strrchr(address, '/');
  return slash ? slash + 1 : address;
}

static void on_start(void *context, const struct icrm_element *element) {
  struct reading *reading = context;
  struct icrm_relations *all = reading->relations;
  if (element->ns != ICRM_NS_RELATIONSHIPS ||
      strcmp(element->name, "Relationship") != 0)
    return;
  const char *id = icrm_markup_attribute(element, ICRM_NS_OTHER, "Id");
  const char *type = icrm_markup_attribute(element, ICRM_NS_OTHER, "Type");
  const char *target = icrm_markup_attribute(element, ICRM_NS_OTHER, "Target");
  struct icrm_relation *list =
      id && type && target ? realloc(all->list, (all->count + 1) * sizeof *list)
                           : NULL;
  if (!list)
    return;
  all->list = list;
  struct icrm_relation *relation = &list[all->count++];
  relation->id = strdup(id);
  relation->type = strdup(last_word(type));
  relation->target = resolve(reading->folder, target);
}

static void on_end(void *context, const struct icrm_element *element) {
  (void)context, (void)element;
}

int icrm_relations_read(struct icrm_relations *relations,
                        struct icrm_package *package, const char *part,
                        struct icrm_error *err) {
  static const struct icrm_markup_handler handler = {on_start, on_end, NULL};
  char name[600], folder[512];
  const char *base = last_word(part);
  size_t len = (size_t)(base - part);
  memset(relations, 0, sizeof *relations);
  if (strlen(part) >= sizeof folder)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "%s: a part's name is too long",
                          icrm_package_path(package));
  memcpy(folder, part, len);
  folder[len] = '\0';
  snprintf(name, sizeof name, "%s_rels/%s.rels", folder, base);
  if (!icrm_package_has(package, name))
    return 0;
  struct reading reading = {relations, NULL, folder};
  if (icrm_markup_open(&reading.markup, package, name, &handler, &reading,
                       err) < 0)
    return -1;
  int result = icrm_markup_run(reading.markup, err);
  icrm_markup_close(reading.markup);
  return result;
}

const struct icrm_relation *
icrm_relations_find(const struct icrm_relations *relations, const char *id,
                    const char *type) {
  for (size_t i = 0; i < relations->count; i++) {
    const struct icrm_relation *one = &relations->list[i];
    if (one->id && one->type && one->target &&
        strcmp(id ? one->id : one->type, id ? id : type) == 0)
      return one;
  }
  return NULL;
}

void icrm_relations_free(struct icrm_relations *relations) {
  for (size_t i = 0; i < relations->count; i++) {
    free(relations->list[i].id);
    free(relations->list[i].type);
    free(relations->list[i].target);
  }
  free(relations->list);
  memset(relations, 0, sizeof *relations);
}
