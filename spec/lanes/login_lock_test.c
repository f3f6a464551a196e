#include "check.h"
#include "lanes/login_lock.h"

#include <sys/stat.h>

static void one_login_at_a_time(void) {
  struct icrm_login_lock a, b, other;
  icrm_login_lock_init(&a, "https://x/wstiger.php", "u");
  icrm_login_lock_init(&b, "https://x/wstiger.php", "u");
  icrm_login_lock_init(&other, "https://x/wstiger.php", "v");
  CHECK(strstr(a.path, getenv("XDG_RUNTIME_DIR")) == a.path);
  CHECK(icrm_login_lock_try(&a) && !icrm_login_lock_try(&b));
  CHECK(icrm_login_lock_try(&other));
  icrm_login_lock_release(&a);
  CHECK(icrm_login_lock_try(&b));
  icrm_login_lock_release(&b);
  icrm_login_lock_release(&b);
  icrm_login_lock_release(&other);
}

static void a_folder_that_others_can_write_is_not_used(void) {
  struct icrm_login_lock lock;
  char path[300];
  snprintf(path, sizeof path, "%s/icrm", getenv("XDG_RUNTIME_DIR"));
  setenv("HOME", getenv("XDG_RUNTIME_DIR"), 1);
  CHECK(chmod(path, 0777) == 0);
  icrm_login_lock_init(&lock, "https://x/wstiger.php", "u");
  CHECK(strstr(lock.path, "/.cache/icrm/"));
  CHECK(icrm_login_lock_try(&lock));
  icrm_login_lock_release(&lock);
}

static void a_mark_tells_who_asked_last(void) {
  struct icrm_login_lock a, b;
  icrm_login_lock_init(&a, "https://x/wstiger.php", "u");
  icrm_login_lock_init(&b, "https://x/wstiger.php", "u");
  CHECK(icrm_login_lock_try(&a));
  icrm_login_lock_mark(&a);
  CHECK(icrm_login_lock_is_ours(&a));
  icrm_login_lock_release(&a);
  CHECK(icrm_login_lock_try(&b) && !icrm_login_lock_is_ours(&b));
  icrm_login_lock_mark(&b);
  icrm_login_lock_release(&b);
  CHECK(icrm_login_lock_try(&a) && !icrm_login_lock_is_ours(&a));
  icrm_login_lock_release(&a);
}

int main(void) {
  char folder[] = "/tmp/icrm-test-XXXXXX";
  CHECK(mkdtemp(folder));
  setenv("XDG_RUNTIME_DIR", folder, 1);
  one_login_at_a_time();
  a_mark_tells_who_asked_last();
  a_folder_that_others_can_write_is_not_used();
  CHECK(system("rm -rf \"$XDG_RUNTIME_DIR\"") == 0);
  return 0;
}
