#include "check.h"
#include "core/digest.h"

static void known_hashes(void) {
  char hex[65], file_hex[65];
  struct icrm_error err;
  CHECK(icrm_digest_sha256("abc", 3, hex, &err) == 0);
  CHECK_TEXT(hex, "ba7816bf8f01cfea414140de5dae2223"
                  "b00361a396177a9cb410ff61f20015ad"); /* FIPS 180-2 */
  char path[] = "/tmp/icrm-digest-XXXXXX";
  int fd = mkstemp(path);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
  CHECK(file && fputs("abc", file) >= 0 && fclose(file) == 0);
  CHECK(icrm_digest_sha256_file(path, file_hex, &err) == 0);
  CHECK_TEXT(file_hex, hex);
  remove(path);
  CHECK(icrm_digest_sha256_file(path, file_hex, &err) == -1);
}

static void tags_are_of_the_row_and_the_input_only(void) {
  char a[ICRM_DIGEST_TAG_LEN + 1], b[ICRM_DIGEST_TAG_LEN + 1];
  CHECK(icrm_digest_tag("file", "Accounts", "1", a, NULL) == 0);
  CHECK(icrm_digest_tag("file", "Accounts", "1", b, NULL) == 0);
  CHECK_TEXT(a, b);
  CHECK(strlen(a) == ICRM_DIGEST_TAG_LEN && strncmp(a, "IC", 2) == 0);
  CHECK(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZ23456789") == strlen(a));
  CHECK(icrm_digest_tag("file", "Account", "s1", b, NULL) == 0);
  CHECK(strcmp(a, b) != 0);
  CHECK(icrm_digest_tag("other", "Accounts", "1", b, NULL) == 0);
  CHECK(strcmp(a, b) != 0);
}

int main(void) {
  known_hashes();
  tags_are_of_the_row_and_the_input_only();
  return 0;
}
