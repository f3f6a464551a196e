#include "runner/command.h"

#include "core/nearest.h"

#include <ctype.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".lua"

bool command_is_name(const char *word) {
  const size_t length = strlen(word);
  const size_t suffix = sizeof SUFFIX - 1;
  if (length == 0 || word[0] == '-' || strchr(word, '/'))
    return false;
  return length <= suffix || strcmp(word + length - suffix, SUFFIX) != 0;
}

static bool find_in(const struct icrm_buf *dir, const char *name,
                    struct icrm_buf *path) {
  if (dir->len == 0)
    return false;
  icrm_buf_clear(path);
  icrm_buf_addf(path, "%s/%s" SUFFIX, dir->data, name);
  return !path->failed && access(path->data, F_OK) == 0;
}

static void warn_of_shadowed(const struct paths *paths, const char *name) {
  struct icrm_buf own = {0};
  if (find_in(&paths->own_scripts, name, &own))
    fprintf(stderr,
            "icrm-lua: note: '%s' comes with icrm; to run your own file, "
            "rename it or give its path: %s\n",
            name, own.data);
  icrm_buf_free(&own);
}

bool command_find(const struct paths *paths, const char *name,
                  struct icrm_buf *path) {
  if (find_in(&paths->scripts, name, path)) {
    warn_of_shadowed(paths, name);
    return true;
  }
  if (find_in(&paths->own_scripts, name, path))
    return true;
  icrm_buf_clear(path);
  icrm_buf_add_text(path, name);
  return access(name, F_OK) == 0;
}

/* All scripts of a folder, sorted by name. */
static void list_dir(const struct icrm_buf *dir, int flags, glob_t *found) {
  if (dir->len == 0)
    return;
  struct icrm_buf pattern = {0};
  icrm_buf_addf(&pattern, "%s/*" SUFFIX, dir->data);
  if (pattern.data)
    glob(pattern.data, flags, NULL, found);
  icrm_buf_free(&pattern);
}

/* The name in a script's path: where it starts and how long it is. */
static const char *name_in(const char *path, int *length) {
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  *length = (int)(strlen(name) - (sizeof SUFFIX - 1));
  return name;
}

/* The first comment line of a script, without the dashes and a leading
 * "NAME: "; "" when it has none. */
static void describe(const char *path, char *line, size_t size) {
  line[0] = '\0';
  FILE *file = fopen(path, "re");
  if (!file)
    return;
  bool got = fgets(line, (int)size, file) != NULL;
  if (got && line[0] == '#')
    got = fgets(line, (int)size, file) != NULL;
  fclose(file);
  if (!got || strncmp(line, "--", 2) != 0) {
    line[0] = '\0';
    return;
  }
  const char *text = line + strspn(line, "- \t");
  int length;
  const char *name = name_in(path, &length);
  if (strncmp(text, name, (size_t)length) == 0 && text[length] == ':')
    text += length + 1;
  text += strspn(text, " \t");
  memmove(line, text, strlen(text) + 1);
  line[strcspn(line, "\r\n")] = '\0';
}

static void print_scripts(FILE *file, const char *title,
                          const struct icrm_buf *dir) {
  glob_t found = {0};
  list_dir(dir, 0, &found);
  if (found.gl_pathc > 0)
    fprintf(file, "%s\n", title);
  for (size_t i = 0; i < found.gl_pathc; i++) {
    char line[256];
    int length;
    const char *name = name_in(found.gl_pathv[i], &length);
    describe(found.gl_pathv[i], line, sizeof line);
    fprintf(file, "  %-*.*s  %s\n", length > 12 ? length : 12, length, name,
            line);
  }
  globfree(&found);
}

void command_list(FILE *file, const struct paths *paths) {
  print_scripts(file,
                "Scripts (icrm-lua NAME --help says more):", &paths->scripts);
  print_scripts(file, "Your own scripts:", &paths->own_scripts);
}

/* Cut every path to the script's name, in place. */
static void cut_to_names(glob_t *found) {
  for (size_t i = 0; i < found->gl_pathc; i++) {
    int length;
    char *path = found->gl_pathv[i];
    const char *name = name_in(path, &length);
    memmove(path, name, (size_t)length);
    path[length] = '\0';
  }
}

void command_print_unknown(const struct paths *paths, const char *name) {
  glob_t found = {0};
  list_dir(&paths->scripts, 0, &found);
  list_dir(&paths->own_scripts, found.gl_pathc > 0 ? GLOB_APPEND : 0, &found);
  cut_to_names(&found);
  const char *meant =
      icrm_nearest(name, (const char *const *)found.gl_pathv, found.gl_pathc);
  fprintf(stderr, "icrm-lua: no script is named '%s'", name);
  if (meant)
    fprintf(stderr, "; did you mean '%s'?", meant);
  fputs("\n", stderr);
  globfree(&found);
  command_list(stderr, paths);
}
