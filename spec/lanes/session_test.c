#include "check.h"
#include "lanes/session.h"

static struct icrm_credentials *key_of(const char *text) {
  struct icrm_error err;
  struct icrm_credentials *key = icrm_credentials_new(text, strlen(text), &err);
  CHECK(key);
  return key;
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

static void sessions_keep_their_numbers(void) {
  struct icrm_session_list list = {.head = NULL};
  struct icrm_session *first = icrm_session_add(&list);
  struct icrm_session *second = icrm_session_add(&list);
  CHECK(first->id == 1 && second->id == 2);
  CHECK(icrm_session_find(&list, 1) == first);
  CHECK(icrm_session_find(&list, 2) == second);
  CHECK(!icrm_session_find(&list, 3));
  list.last = second;
  icrm_session_clear_all(&list);
  CHECK(!list.head && !list.last);
}

static void what_looks_like_a_secret_is_masked(void) {
  static const char *const rows[][2] = {
      {"", ""},
      {"no user of this name", "no user of this name"},
      {"session 5f3ac09b7d21e is gone", "session ************* is gone"},
      {"70a9bc81b44975887e77343f1bdd3743", "********************************"},
      {"at 1497502386 s, INVALID_USER_CREDENTIALS",
       "at 1497502386 s, INVALID_USER_CREDENTIALS"},
      {"x=abcdefghi1;", "x=**********;"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[80];
    snprintf(text, sizeof text, "%s", rows[i][0]);
    icrm_session_mask(text);
    CHECK_TEXT(text, rows[i][1]);
  }
}

static void a_name_is_redacted(void) {
  char text[] = "abcd and abcd, not abc";
  icrm_session_redact("abcd", 4, text);
  CHECK_TEXT(text, "**** and ****, not abc");
  icrm_session_redact("abc", 3, text); /* too short to be a secret */
  CHECK_TEXT(text, "**** and ****, not abc");
}

int main(void) {
  login_conversation();
  sessions_keep_their_numbers();
  what_looks_like_a_secret_is_masked();
  a_name_is_redacted();
  return 0;
}
