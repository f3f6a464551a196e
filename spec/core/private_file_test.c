#include "check.h"
#include "core/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/icrm-private-XXXXXX";
static char path[64];

static void creates_only_once_and_for_the_owner_alone(void) {
  struct icrm_error err;
  struct stat st;
  umask(0);
  CHECK(icrm_private_file_create(path, false, &err) == 0);
  CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
  CHECK(icrm_private_file_create(path, false, &err) == -1);
  CHECK_TEXT(err.code, "EXISTS");
}

static void locks_once(void) {
  struct icrm_error err;
  int fd = icrm_private_file_lock(path, false, &err);
  CHECK(fd >= 0);
  CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(icrm_private_file_lock(path, false, &err) == -1);
  CHECK_TEXT(err.code, "LOCKED");
  close(fd);
  fd = icrm_private_file_lock(path, false, &err);
  CHECK(fd >= 0);
  close(fd);
}

static void refuses_what_others_may_read_and_links(void) {
  struct icrm_error err;
  char link_path[80];
  CHECK(chmod(path, 0640) == 0);
  CHECK(icrm_private_file_lock(path, false, &err) == -1);
  CHECK(strstr(err.message, "chmod 600") != NULL);
  CHECK(chmod(path, 0600) == 0);
  snprintf(link_path, sizeof link_path, "%s/link", folder);
  CHECK(symlink(path, link_path) == 0);
  CHECK(icrm_private_file_lock(link_path, false, &err) == -1);
  CHECK(strstr(err.message, "symbolic link") != NULL);
  CHECK(icrm_private_file_create(link_path, false, &err) == -1);
  unlink(link_path);
}

static void refuses_a_folder_that_everyone_may_write(void) {
  struct icrm_error err;
  unlink(path);
  CHECK(chmod(folder, 0777) == 0);
  CHECK(icrm_private_file_create(path, false, &err) == -1);
  CHECK(strstr(err.message, "chmod o-w") != NULL);
  CHECK(chmod(folder, 0700) == 0);
}

/* Where the file system knows no nameless files. */
static void a_draft_with_a_name_is_renamed_and_replaces_nothing(void) {
  struct icrm_error err;
  char draft[80];
  snprintf(draft, sizeof draft, "%s/.icrm-draft", folder);
  for (int i = 0; i < 2; i++) {
    int fd = open(draft, O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0);
    CHECK(icrm_private_file_publish(fd, draft, path, &err) == (i ? -1 : 0));
    CHECK((access(draft, F_OK) == 0) == (i == 1));
    close(fd);
  }
  CHECK_TEXT(err.code, "EXISTS");
  unlink(draft);
  unlink(path);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/set.icrm", folder);
  creates_only_once_and_for_the_owner_alone();
  locks_once();
  refuses_what_others_may_read_and_links();
  refuses_a_folder_that_everyone_may_write();
  a_draft_with_a_name_is_renamed_and_replaces_nothing();
  CHECK(rmdir(folder) == 0);
  return 0;
}
