#include "check.h"
#include "core/credentials.h"

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

int main(void) {
  answers_a_challenge();
  bad_keys();
  the_environment_is_cleaned();
  a_command_gives_the_key();
  return 0;
}
