#include "lanes/session.h"

#include "core/clock.h"
#include "lanes/envelope.h"
#include "net/form.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void copy(char *out, size_t size, const struct icrm_buf *text) {
  snprintf(out, size, "%s", text->data ? text->data : "");
}

int icrm_session_read_challenge(const char *result, size_t len,
                                struct icrm_challenge *out,
                                struct icrm_error *err) {
  static const char *const names[] = {"token", "serverTime"};
  struct icrm_buf values[2] = {{0}};
  int rc = icrm_envelope_members(result, len, names, values, 2, err);
  if (rc == 0 && values[0].len == 0)
    rc = icrm_error_set(err, ICRM_ERROR_DECODE,
                        "the CRM's answer to getchallenge has no token");
  if (rc == 0) {
    out->token = values[0];
    values[0] = (struct icrm_buf){0};
    if (values[1].len > 0)
      out->server_time_offset_s =
          strtoll(values[1].data, NULL, 10) - icrm_clock_wall_s();
  }
  icrm_buf_wipe(&values[0]);
  icrm_buf_free(&values[1]);
  return rc;
}

int icrm_session_add_login(struct icrm_buf *out, const char *username,
                           const struct icrm_challenge *challenge,
                           const struct icrm_credentials *credentials,
                           struct icrm_error *err) {
  char answer[33];
  if (icrm_credentials_answer(credentials, challenge->token.data,
                              challenge->token.len, answer, err) != 0)
    return -1;
  icrm_form_add(out, "operation", 9, "login", 5);
  icrm_form_add(out, "username", 8, username, strlen(username));
  icrm_form_add(out, "accessKey", 9, answer, 32);
  explicit_bzero(answer, sizeof answer);
  return 0;
}

int icrm_session_read_login(const char *result, size_t len,
                            struct icrm_session *out, struct icrm_error *err) {
  static const char *const names[] = {"sessionName", "userId", "version",
                                      "VtigerVersion", "vtigerVersion"};
  struct icrm_buf values[5] = {{0}};
  int rc = icrm_envelope_members(result, len, names, values, 5, err);
  if (rc == 0 && values[0].len == 0)
    rc = icrm_error_set(err, ICRM_ERROR_DECODE,
                        "the CRM's answer to login has no sessionName");
  if (rc == 0) {
    out->name = values[0];
    values[0] = (struct icrm_buf){0};
    copy(out->user_id, sizeof out->user_id, &values[1]);
    copy(out->version, sizeof out->version, &values[2]);
    copy(out->vtiger_version, sizeof out->vtiger_version,
         values[3].len > 0 ? &values[3] : &values[4]);
  }
  icrm_buf_wipe(&values[0]);
  for (int i = 1; i < 5; i++)
    icrm_buf_free(&values[i]);
  return rc;
}

void icrm_challenge_clear(struct icrm_challenge *challenge) {
  icrm_buf_wipe(&challenge->token);
}

void icrm_session_clear(struct icrm_session *session) {
  icrm_buf_wipe(&session->name);
}

struct icrm_session *icrm_session_add(struct icrm_session_list *list) {
  struct icrm_session *session = calloc(1, sizeof *session);
  if (!session)
    return NULL;
  session->id = list->head ? list->head->id + 1 : 1;
  session->next = list->head;
  list->head = session;
  return session;
}

struct icrm_session *icrm_session_find(const struct icrm_session_list *list,
                                       uint64_t id) {
  struct icrm_session *session = list->head;
  while (session && session->id != id)
    session = session->next;
  return session;
}

void icrm_session_clear_all(struct icrm_session_list *list) {
  while (list->head) {
    struct icrm_session *session = list->head;
    list->head = session->next;
    icrm_session_clear(session);
    free(session);
  }
  list->last = NULL;
}

bool icrm_session_is_gone_code(const char *code) {
  static const char *const codes[] = {"AUTHENTICATION_REQUIRED",
                                      "INVALID_SESSIONID", "SESSION_EXPIRED",
                                      "SESSION_LEFT_IDLE"};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (strcmp(code, codes[i]) == 0)
      return true;
  return false;
}

void icrm_session_redact(const char *secret, size_t len, char *text) {
  char *at = text;
  if (len < 4)
    return;
  while ((at = memmem(at, strlen(at), secret, len)) != NULL)
    memset(at, '*', len);
}

void icrm_session_mask(char *text) {
  enum { SHORTEST = 10 };
  while (*text) {
    size_t len = 0, digits = 0;
    while (isalnum((unsigned char)text[len]))
      digits += isdigit((unsigned char)text[len++]) != 0;
    if (len >= SHORTEST && digits > 0 && digits < len)
      memset(text, '*', len);
    text += len > 0 ? len : 1;
  }
}
