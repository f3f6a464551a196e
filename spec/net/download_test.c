/* The draft of a download: what goes into it, and when it gets its name. */
#include "check.h"
#include "net/download.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/icrm_download_XXXXXX";

static const char *in_folder(const char *name) {
  static char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static int files_in_folder(void) {
  int n = 0;
  DIR *dir = opendir(folder);
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
    n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  closedir(dir);
  return n;
}

static struct icrm_download *draft_for(const char *name, int64_t most) {
  struct icrm_error err;
  struct icrm_download *draft =
      icrm_download_new(in_folder(name), "filecontents", most, &err);
  CHECK(draft && icrm_download_begin(draft, &err) == 0);
  return draft;
}

static int feed(struct icrm_download *draft, const char *text,
                struct icrm_error *err) {
  struct icrm_buf rest = {0};
  int rc = icrm_download_feed(draft, text, strlen(text), &rest, err);
  icrm_buf_free(&rest);
  return rc;
}

static void it_is_private_and_named_at_the_end(void) {
  struct icrm_error err;
  struct stat st;
  char bytes[16];
  struct icrm_download *draft = draft_for("a.txt", -1);
  CHECK(files_in_folder() <= 1 && access(in_folder("a.txt"), F_OK) != 0);
  CHECK(feed(draft, "{\"filesize\":5,\"filecontents\":\"Zm9", &err) == 0);
  CHECK(feed(draft, "vYmE\"}", &err) == 0);
  CHECK(icrm_download_end(draft, &err) == 0 && icrm_download_size(draft) == 5);
  CHECK(icrm_download_save(draft, in_folder("a.txt"), &err) == 0);
  icrm_download_release(draft);
  CHECK(files_in_folder() == 1);
  CHECK(stat(in_folder("a.txt"), &st) == 0);
  CHECK((st.st_mode & 0777) == 0600 && st.st_size == 5);
  int fd = open(in_folder("a.txt"), O_RDONLY);
  CHECK(read(fd, bytes, sizeof bytes) == 5 && memcmp(bytes, "fooba", 5) == 0);
  close(fd);
}

static void it_never_replaces_a_file(void) {
  struct icrm_error err;
  CHECK(!icrm_download_new(in_folder("a.txt"), "filecontents", -1, &err));
  CHECK(err.kind == ICRM_ERROR_STORE);
  CHECK_TEXT(err.code, "EXISTS");
  struct icrm_download *draft = draft_for("", -1); /* the folder */
  CHECK(feed(draft, "{\"filecontents\":\"QQ==\"}", &err) == 0);
  CHECK(icrm_download_end(draft, &err) == 0);
  CHECK(icrm_download_save(draft, in_folder("a.txt"), &err) == -1);
  CHECK_TEXT(err.code, "EXISTS");
  icrm_download_release(draft);
  CHECK(files_in_folder() == 1);
  unlink(in_folder("a.txt"));
}

static void it_is_gone_when_it_is_not_saved(void) {
  struct icrm_error err;
  struct icrm_download *draft = draft_for("a.txt", -1);
  CHECK(feed(draft, "{\"filecontents\":\"QQ==\"}", &err) == 0);
  icrm_download_retain(draft);
  icrm_download_close(draft);
  CHECK(files_in_folder() == 0);
  CHECK(feed(draft, "x", &err) == -1 && err.kind == ICRM_ERROR_CANCELED);
  CHECK(icrm_download_begin(draft, &err) == -1);
  icrm_download_release(draft);
  icrm_download_release(draft);
}

/* A process that is killed leaves nothing behind, where files may be nameless.
 */
static void nothing_is_left_of_a_killed_process(void) {
  int fd = open(folder, O_TMPFILE | O_RDWR, 0600);
  if (fd < 0)
    return;
  close(fd);
  pid_t child = fork();
  if (child == 0) {
    struct icrm_error err;
    struct icrm_download *draft = draft_for("", -1);
    feed(draft, "{\"filecontents\":\"Zm9v", &err);
    raise(SIGKILL);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
  CHECK(files_in_folder() == 0);
}

static void a_second_try_begins_anew(void) {
  struct icrm_error err;
  struct icrm_download *draft = draft_for("a.txt", -1);
  CHECK(feed(draft, "{\"filecontents\":\"Zm9vYmFy", &err) == 0);
  CHECK(icrm_download_begin(draft, &err) == 0);
  CHECK(feed(draft, "{\"filecontents\":\"QQ==\"}", &err) == 0);
  CHECK(icrm_download_end(draft, &err) == 0 && icrm_download_size(draft) == 1);
  icrm_download_release(draft);
}

static void damage_is_named(void) {
  static const struct {
    const char *text, *message;
  } bad[] = {
      {"{\"filecontents\":\"Zm9v!A==\"}", "damaged: byte 5 is not base64"},
      {"{\"filecontents\":\"Zg==Zg\"}", "damaged: byte 5 follows the end"},
      {"{\"filecontents\":\"Zg\\u00e9\"}", "damaged: byte 3 is not base64"},
      {"{\"filecontents\":\"Zg\\b\"}", "damaged: byte 3 is not base64"},
      {"{\"filecontents\":\"Z\x01\"}", "has a control character"},
      {"{\"filesize\":2,\"filecontents\":\"Zm9v\"}", "more than the 2 bytes"},
  };
  struct icrm_error err;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct icrm_download *draft = draft_for("a.txt", -1);
    CHECK(feed(draft, bad[i].text, &err) == -1);
    CHECK(err.kind == ICRM_ERROR_DECODE && strstr(err.message, bad[i].message));
    icrm_download_release(draft);
  }
  struct icrm_download *draft = draft_for("a.txt", 2);
  CHECK(feed(draft, "{\"filecontents\":\"Zm9v\"}", &err) == -1);
  CHECK(strstr(err.message, "more than the 2 bytes"));
  CHECK(icrm_download_begin(draft, &err) == 0);
  CHECK(feed(draft, "{\"filecontents\":\"Zm9vY\",\"a\":1}", &err) == -1);
  CHECK(icrm_download_begin(draft, &err) == 0);
  CHECK(feed(draft, "{\"filecontents\":\"Z\"}", &err) == 0);
  CHECK(icrm_download_end(draft, &err) == -1);
  CHECK(strstr(err.message, "damaged: the base64 text is cut off"));
  icrm_download_release(draft);
  CHECK(files_in_folder() == 0);
}

static void a_folder_that_cannot_be_used_is_named(void) {
  struct icrm_error err;
  CHECK(!icrm_download_new("/nonexistent/x", "filecontents", -1, &err));
  CHECK(err.kind == ICRM_ERROR_STORE && strstr(err.message, "/nonexistent"));
  CHECK(!icrm_download_new("/proc/x", "filecontents", -1, &err));
  CHECK(err.kind == ICRM_ERROR_STORE && strstr(err.message, "/proc"));
}

static void a_full_disk_is_named(void) {
  struct icrm_error err;
  struct rlimit limit, before;
  struct icrm_download *draft = draft_for("a.txt", -1);
  int rc = feed(draft, "{\"filecontents\":\"", &err);
  signal(SIGXFSZ, SIG_IGN);
  CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
  limit = before;
  limit.rlim_cur = 100000;
  CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  for (int i = 0; i < 100 && rc == 0; i++)
    rc =
        feed(draft,
             "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2"
             "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2",
             &err);
  CHECK(rc == 0); /* in the buffer still */
  for (int i = 0; i < 2000 && rc == 0; i++)
    rc =
        feed(draft,
             "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2"
             "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2",
             &err);
  CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(rc == -1 && err.kind == ICRM_ERROR_STORE);
  CHECK(strstr(err.message, "/a.txt, after ") &&
        strstr(err.message, "File too large"));
  icrm_download_release(draft);
  CHECK(files_in_folder() == 0);
}

int main(void) {
  CHECK(mkdtemp(folder));
  it_is_private_and_named_at_the_end();
  it_never_replaces_a_file();
  it_is_gone_when_it_is_not_saved();
  nothing_is_left_of_a_killed_process();
  a_second_try_begins_anew();
  damage_is_named();
  a_folder_that_cannot_be_used_is_named();
  a_full_disk_is_named();
  CHECK(rmdir(folder) == 0);
  return 0;
}
