#include "check.h"
#include "core/credentials.h"
#include "lanes/envelope.h"
#include "lanes/login_lock.h"
#include "lanes/session.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct icrm_credentials *key_of(const char *text) {
  struct icrm_error err;
  struct icrm_credentials *key = icrm_credentials_new(text, strlen(text), &err);
  CHECK(key);
  return key;
}

static void check_key(const struct icrm_credentials *key) {
  char answer[33];
  struct icrm_error err;
  CHECK(key);
  /* printf 594212b2703c2s3cr3t | md5sum */
  CHECK(icrm_credentials_answer(key, "594212b2703c2", 13, answer, &err) == 0);
  CHECK_TEXT(answer, "70a9bc81b44975887e77343f1bdd3743");
}

static void answers_a_challenge(void) {
  struct icrm_credentials *key = key_of("s3cr3t");
  check_key(icrm_credentials_retain(key));
  icrm_credentials_release(key);
  check_key(key);
  icrm_credentials_release(key);
  icrm_credentials_release(NULL);
}

static void bad_keys(void) {
  struct icrm_error err;
  CHECK(!icrm_credentials_new("", 0, &err) && err.kind == ICRM_ERROR_CONFIG);
  CHECK(!icrm_credentials_new("a b", 3, &err));
  CHECK(!icrm_credentials_new("a\0b", 3, &err));
  CHECK(!strstr(err.message, "a b"));
}

static void the_environment_is_cleaned(void) {
  struct icrm_error err;
  struct icrm_credentials *key;
  setenv("ICRM_TEST_KEY", "s3cr3t", 1);
  const char *bytes = getenv("ICRM_TEST_KEY");
  for (int i = 0; i < 2; i++) { /* the environment is the host's */
    CHECK(icrm_credentials_from_env("ICRM_TEST_KEY", &key, &err) == 0);
    check_key(key);
    icrm_credentials_release(key);
  }
  icrm_credentials_remove_from_env("ICRM_TEST_KEY");
  CHECK(!getenv("ICRM_TEST_KEY") && bytes[0] == '\0' && bytes[5] == '\0');
  CHECK(icrm_credentials_from_env("ICRM_TEST_KEY", &key, &err) == 0 && !key);
}

static void a_command_gives_the_key(void) {
  struct icrm_error err;
  struct icrm_credentials *key = icrm_credentials_from_command(
      "printf 's3cr3t\\nsecond line\\n'", 10000, &err);
  check_key(key);
  icrm_credentials_release(key);
  key = icrm_credentials_from_command("printf 's3cr3t\\r\\n'", 10000, &err);
  check_key(key);
  icrm_credentials_release(key);
  CHECK(!icrm_credentials_from_command("echo s3cr3t; exit 3", 10000, &err));
  CHECK(strstr(err.message, "exit code 3") && !strstr(err.message, "s3cr3t"));
  CHECK(!icrm_credentials_from_command("true", 10000, &err));
  CHECK(strstr(err.message, "empty"));
  CHECK(!icrm_credentials_from_command("kill -9 $$", 10000, &err));
  CHECK(strstr(err.message, "signal 9"));
  CHECK(!icrm_credentials_from_command("yes x | head -c 5000 | tr -d '\\n'",
                                       10000, &err));
  int never[2]; /* a pipe into which nobody writes */
  CHECK(pipe(never) == 0);
  char command[64];
  snprintf(command, sizeof command, "trap '' TERM; read line <&%d", never[0]);
  CHECK(!icrm_credentials_from_command(command, 1, &err));
  CHECK(strstr(err.message, "was ended; run it by hand"));
  close(never[0]);
  close(never[1]);
}

static void login_conversation(void) {
  static const char challenge_text[] =
      "{\"token\":\"594212b2703c2\",\"serverTime\":1497502386}";
  static const char login_text[] =
      "{\"sessionName\":\"prefix-1c\",\"userId\":\"19x1\",\"version\":0.22,"
      "\"vtigerVersion\":\"8.0.0\"}";
  struct icrm_error err;
  struct icrm_challenge challenge = {.server_time_offset_s = 0};
  struct icrm_session session = {0};
  struct icrm_buf form = {0};
  struct icrm_credentials *key = key_of("s3cr3t");
  CHECK(icrm_session_read_challenge(challenge_text, sizeof challenge_text - 1,
                                    &challenge, &err) == 0);
  CHECK(challenge.server_time_offset_s < -100000000);
  CHECK(icrm_session_add_login(&form, "prefix/admin", &challenge, key, &err) ==
        0);
  CHECK_TEXT(form.data, "operation=login&username=prefix%2Fadmin&accessKey="
                        "70a9bc81b44975887e77343f1bdd3743");
  CHECK(icrm_session_read_login(login_text, sizeof login_text - 1, &session,
                                &err) == 0);
  CHECK_TEXT(session.name.data, "prefix-1c");
  CHECK_TEXT(session.vtiger_version, "8.0.0");
  CHECK(icrm_session_read_login("{}", 2, &session, &err) == -1);
  CHECK(icrm_session_read_challenge("[]", 2, &challenge, &err) == -1);
  icrm_session_clear(&session);
  icrm_challenge_clear(&challenge);
  icrm_buf_wipe(&form);
  icrm_credentials_release(key);
}

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

int main(void) {
  char folder[] = "/tmp/icrm-test-XXXXXX";
  CHECK(mkdtemp(folder));
  setenv("XDG_RUNTIME_DIR", folder, 1);
  answers_a_challenge();
  bad_keys();
  the_environment_is_cleaned();
  a_command_gives_the_key();
  login_conversation();
  one_login_at_a_time();
  a_folder_that_others_can_write_is_not_used();
  CHECK(system("rm -rf \"$XDG_RUNTIME_DIR\"") == 0);
  return 0;
}
