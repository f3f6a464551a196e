#include "core/settings.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORD "access_key"

static int refuse_open(const char *path, int code, struct icrm_error *err) {
  if (code == ELOOP)
    return icrm_error_set(err, ICRM_ERROR_CONFIG,
                          "%s is a symbolic link; put the file itself there",
                          path);
  icrm_error_set(err, ICRM_ERROR_CONFIG, "cannot open %s: %s", path,
                 strerror(code));
  if (err && code == ENOENT)
    snprintf(err->code, sizeof err->code, "ENOENT");
  return -1;
}

static int check_open_file(int fd, const char *path, struct stat *status,
                           struct icrm_error *err) {
  if (fstat(fd, status) != 0)
    return icrm_error_set(err, ICRM_ERROR_CONFIG, "cannot examine %s: %s", path,
                          strerror(errno));
  if (!S_ISREG(status->st_mode))
    return icrm_error_set(err, ICRM_ERROR_CONFIG, "%s is no regular file",
                          path);
  if (status->st_uid != geteuid())
    return icrm_error_set(err, ICRM_ERROR_CONFIG,
                          "%s belongs to another user; it must be your own",
                          path);
  if (status->st_mode & 077)
    return icrm_error_set(err, ICRM_ERROR_CONFIG,
                          "%s is open to other users (mode %03o); run: "
                          "chmod 600 %s",
                          path, (unsigned)status->st_mode & 0777u, path);
  return 0;
}

static int open_checked(const char *path, struct stat *status,
                        struct icrm_error *err) {
  /* O_NONBLOCK: a FIFO must not hang us; regular files ignore it. */
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return refuse_open(path, errno, err);
  if (check_open_file(fd, path, status, err) == 0)
    return fd;
  close(fd);
  return -1;
}

int icrm_settings_open(const char *path, struct icrm_error *err) {
  struct stat status;
  return open_checked(path, &status, err);
}

/* Fill settings->text from a descriptor. One allocation, so that no copy of a
 * key is left behind in memory. */
static int read_all(int fd, const char *path, size_t size,
                    struct icrm_settings *settings, struct icrm_error *err) {
  if (size > ICRM_SETTINGS_MAX_BYTES)
    return icrm_error_set(err, ICRM_ERROR_CONFIG,
                          "%s is larger than %d bytes; settings are short",
                          path, ICRM_SETTINGS_MAX_BYTES);
  settings->text = malloc(size + 1);
  if (!settings->text)
    return icrm_error_set(err, ICRM_ERROR_CONFIG, "out of memory");
  while (settings->len < size) {
    ssize_t n = read(fd, settings->text + settings->len, size - settings->len);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return icrm_error_set(err, ICRM_ERROR_CONFIG, "cannot read %s: %s", path,
                            strerror(errno));
    if (n == 0)
      break;
    settings->len += (size_t)n;
  }
  settings->text[settings->len] = '\0';
  return 0;
}

static bool is_name(char c) {
  return isalnum((unsigned char)c) || c == '_';
}

/* The text literal assigned to the `access_key` at `word`, both quotes
 * included; NULL when there is none. */
static char *find_literal(const char *start, char *word, char **end) {
  char *at = word + strlen(WORD);
  if (is_name(*at) || (word > start && is_name(word[-1])))
    return NULL;
  at += strspn(at, " \t'\"]"); /* also ["access_key"] */
  if (*at != '=')
    return NULL;
  at++;
  at += strspn(at, " \t\r\n");
  if (*at != '"' && *at != '\'')
    return NULL;
  char *close = at + 1 + strcspn(at + 1, *at == '"' ? "\"\n" : "'\n");
  if (*close != *at)
    return NULL; /* Lua reports it */
  *end = close + 1;
  return at;
}

static int line_of(const char *text, const char *at) {
  int line = 1;
  for (; text < at; text++)
    line += *text == '\n';
  return line;
}

/* Turn the literal into credentials and overwrite it with their number. */
static int take_key(struct icrm_settings *settings, const char *path,
                    char *literal, char *end, struct icrm_error *err) {
  const int line = line_of(settings->text, literal);
  const size_t len = (size_t)(end - literal) - 2;
  if (memchr(literal + 1, '\\', len))
    return icrm_error_set(err, ICRM_ERROR_CONFIG,
                          "%s:%d: access_key must be written without "
                          "backslashes",
                          path, line);
  if (settings->key_count == ICRM_SETTINGS_KEYS)
    return icrm_error_set(err, ICRM_ERROR_CONFIG,
                          "%s:%d: more than %d access keys", path, line,
                          ICRM_SETTINGS_KEYS);
  struct icrm_error why;
  struct icrm_credentials *key = icrm_credentials_new(literal + 1, len, &why);
  if (!key)
    return icrm_error_set(err, ICRM_ERROR_CONFIG, "%s:%d: %s", path, line,
                          why.message);
  settings->keys[settings->key_count++] = key;
  char number[8];
  const int digits =
      snprintf(number, sizeof number, "%zu", settings->key_count);
  memset(literal, ' ', len + 2); /* a key has a byte, so two digits fit */
  memcpy(literal, number, (size_t)digits);
  return 0;
}

static int take_keys(struct icrm_settings *settings, const char *path,
                     struct icrm_error *err) {
  char *at = settings->text;
  while ((at = strstr(at, WORD))) {
    char *end = at + strlen(WORD);
    char *literal = find_literal(settings->text, at, &end);
    if (literal && take_key(settings, path, literal, end, err) != 0)
      return -1;
    at = end;
  }
  return 0;
}

int icrm_settings_read(const char *path, struct icrm_settings *settings,
                       struct icrm_error *err) {
  struct stat status;
  *settings = (struct icrm_settings){0};
  int fd = open_checked(path, &status, err);
  if (fd < 0)
    return -1;
  int rc = read_all(fd, path, (size_t)status.st_size, settings, err);
  close(fd);
  if (rc == 0)
    rc = take_keys(settings, path, err);
  if (rc != 0)
    icrm_settings_free(settings);
  return rc;
}

void icrm_settings_free(struct icrm_settings *settings) {
  for (size_t i = 0; i < settings->key_count; i++)
    icrm_credentials_release(settings->keys[i]);
  if (settings->text)
    explicit_bzero(settings->text, settings->len);
  free(settings->text);
  *settings = (struct icrm_settings){0};
}
