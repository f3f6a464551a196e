#include "core/credentials.h"

#include "core/clock.h"
#include "core/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_KEY 1024

extern char **environ;

struct icrm_credentials {
  unsigned references;
  size_t len;
  char key[];
};

struct icrm_credentials *icrm_credentials_new(const char *key, size_t len,
                                              struct icrm_error *err) {
  bool is_clean = len > 0 && len <= MAX_KEY;
  for (size_t i = 0; is_clean && i < len; i++)
    is_clean = (unsigned char)key[i] > 0x20 && key[i] != 0x7F;
  if (!is_clean) {
    icrm_error_set(err, ICRM_ERROR_CONFIG,
                   len == 0 ? "the access key is empty; it is shown under "
                              "« Mes préférences » as \"Clé d'accès\""
                            : "the access key has a space, a control "
                              "character or more than 1,024 bytes; copy it "
                              "again from « Mes préférences »");
    return NULL;
  }
  struct icrm_credentials *out = malloc(sizeof *out + len);
  if (!out) {
    icrm_error_set(err, ICRM_ERROR_CONFIG, "out of memory");
    return NULL;
  }
  out->references = 1;
  out->len = len;
  memcpy(out->key, key, len);
  mlock(out, sizeof *out + len); /* best effort: unprivileged limits are low */
  return out;
}

struct icrm_credentials *
icrm_credentials_retain(struct icrm_credentials *credentials) {
  credentials->references++;
  return credentials;
}

void icrm_credentials_release(struct icrm_credentials *credentials) {
  if (!credentials || --credentials->references > 0)
    return;
  size_t size = sizeof *credentials + credentials->len;
  explicit_bzero(credentials, size);
  munlock(credentials, size);
  free(credentials);
}

int icrm_credentials_from_env(const char *name, struct icrm_credentials **out,
                              struct icrm_error *err) {
  *out = NULL;
  char *value = getenv(name);
  if (!value)
    return 0;
  *out = icrm_credentials_new(value, strlen(value), err);
  return *out ? 0 : -1;
}

void icrm_credentials_remove_from_env(const char *name) {
  char *value = getenv(name);
  if (!value)
    return;
  explicit_bzero(value, strlen(value)); /* what /proc/PID/environ shows */
  unsetenv(name);
}

/* Wait until `fd` can be read, or the time is over (errno ETIMEDOUT). A
 * negative deadline is none. */
static int wait_readable(int fd, int64_t deadline_ms) {
  for (;;) {
    int64_t left = deadline_ms - icrm_clock_ms();
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    int n = poll(&wanted, 1, deadline_ms < 0 ? -1 : left < 0 ? 0 : (int)left);
    if (n > 0)
      return 0;
    if (n == 0)
      errno = ETIMEDOUT;
    else if (errno == EINTR)
      continue;
    return -1;
  }
}

static struct icrm_credentials *read_key(int fd, int64_t deadline_ms,
                                         struct icrm_error *err) {
  char line[MAX_KEY + 2];
  size_t len = 0;
  ssize_t n = 0;
  struct icrm_credentials *out = NULL;
  while (len < sizeof line && !memchr(line, '\n', len)) {
    n = wait_readable(fd, deadline_ms) < 0
            ? -1
            : read(fd, line + len, sizeof line - len);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    len += (size_t)n;
  }
  if (n < 0) {
    icrm_error_set(err, ICRM_ERROR_CONFIG, "cannot read the access key: %s",
                   strerror(errno));
    goto out;
  }
  const char *end = memchr(line, '\n', len);
  if (end)
    len = (size_t)(end - line);
  if (len > 0 && line[len - 1] == '\r')
    len--;
  out = icrm_credentials_new(line, len, err);
out:
  explicit_bzero(line, sizeof line);
  return out;
}

struct icrm_credentials *icrm_credentials_from_fd(int fd,
                                                  struct icrm_error *err) {
  return read_key(fd, -1, err);
}

/* Start `/bin/sh -c command` with its output on a pipe; returns the read end
 * or -1 with errno set. */
static int start_command(const char *command, pid_t *pid) {
  int ends[2];
  posix_spawn_file_actions_t actions;
  char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, NULL, NULL};
  argv[2] = strdup(command);
  if (!argv[2])
    return -1;
  if (pipe2(ends, O_CLOEXEC) != 0) {
    free(argv[2]);
    return -1;
  }
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  int rc = posix_spawn(pid, "/bin/sh", &actions, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  free(argv[2]);
  close(ends[1]);
  if (rc == 0)
    return ends[0];
  close(ends[0]);
  errno = rc;
  return -1;
}

/* Wait for a child to end until the deadline; then end it, at first politely,
 * so that it can put the terminal in order. Returns whether it ended itself. */
static bool wait_for(pid_t pid, int64_t deadline_ms, int *status) {
  const int signals[] = {SIGTERM, SIGKILL};
  int fd = pidfd_open(pid, 0), sent = 0;
  while (fd >= 0 && wait_readable(fd, deadline_ms) < 0 && sent < 2) {
    kill(pid, signals[sent++]);
    deadline_ms = icrm_clock_ms() + 1000;
  }
  if (fd >= 0)
    close(fd);
  while (waitpid(pid, status, 0) < 0 && errno == EINTR)
    ;
  return sent == 0;
}

struct icrm_credentials *icrm_credentials_from_command(const char *command,
                                                       int timeout_ms,
                                                       struct icrm_error *err) {
  pid_t pid;
  int fd = start_command(command, &pid);
  if (fd < 0) {
    icrm_error_set(err, ICRM_ERROR_CONFIG, "cannot run access_key_command: %s",
                   strerror(errno));
    return NULL;
  }
  const int64_t deadline_ms = icrm_clock_ms() + timeout_ms;
  struct icrm_credentials *out = read_key(fd, deadline_ms, err);
  close(fd);
  int status = 0;
  bool ended_itself = wait_for(pid, deadline_ms, &status);
  if (ended_itself && status == 0)
    return out;
  icrm_credentials_release(out);
  if (!ended_itself)
    icrm_error_set(err, ICRM_ERROR_CONFIG,
                   "access_key_command gave no access key within %d seconds "
                   "and was ended; run it by hand to see what it waits for",
                   timeout_ms / 1000);
  else if (WIFEXITED(status))
    icrm_error_set(err, ICRM_ERROR_CONFIG,
                   "access_key_command ended with exit code %d and gave no "
                   "access key; run it by hand to see why",
                   WEXITSTATUS(status));
  else
    icrm_error_set(err, ICRM_ERROR_CONFIG,
                   "access_key_command was ended by signal %d",
                   WTERMSIG(status));
  return NULL;
}

int icrm_credentials_answer(const struct icrm_credentials *credentials,
                            const char *token, size_t token_len, char out[33],
                            struct icrm_error *err) {
  return icrm_digest_md5(token, token_len, credentials->key, credentials->len,
                         out, err);
}
