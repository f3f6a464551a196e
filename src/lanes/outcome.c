#include "lanes/outcome.h"

#include "lanes/session.h"

#include <stdio.h>
#include <string.h>

static bool is_one_of(int status, const int *list) {
  for (; *list; list++)
    if (*list == status)
      return true;
  return false;
}

/* Statuses given before a request reaches the application. Not 403: a web
 * application firewall may block the reply of a call that ran. */
static bool is_refusing_status(int status) {
  static const int list[] = {400, 401, 404, 405, 411, 413, 414, 415, 431, 0};
  return is_one_of(status, list);
}

/* Codes thrown before an operation's handler writes anything. */
static bool is_refusing_code(const char *code) {
  static const char *const list[] = {
      "UNKNOWN_OPERATION",        "ACCESS_DENIED",        "REFERENCE_INVALID",
      "MANDATORY_FIELDS_MISSING", "INVALID_ID_ATTRIBUTE", "RECORD_NOT_FOUND"};
  if (icrm_session_is_gone_code(code))
    return true;
  for (size_t i = 0; i < sizeof list / sizeof *list; i++)
    if (strcmp(code, list[i]) == 0)
      return true;
  return false;
}

static void name_operation(struct icrm_error *err, const char *operation) {
  snprintf(err->operation, sizeof err->operation, "%s", operation);
}

/* An HTTP reply that is no envelope, or has a status of its own. */
static void set_http_error(const struct icrm_reply *reply,
                           const char *operation, const char *text,
                           struct icrm_error *err) {
  int status = reply->status;
  if (status == 429 || (status == 503 && reply->retry_after_s >= 0))
    icrm_error_set(err, ICRM_ERROR_RATE_LIMITED,
                   "the CRM asks for fewer calls (HTTP %d to %s); wait, or "
                   "use fewer lanes",
                   status, operation);
  else if (status >= 300 && status < 400)
    icrm_error_set(err, ICRM_ERROR_HTTP,
                   "the CRM's URL redirects elsewhere (HTTP %d), which is not "
                   "followed; use the address that it leads to",
                   status);
  else if (status == 404)
    icrm_error_set(err, ICRM_ERROR_HTTP,
                   "nothing answers at the CRM's URL (HTTP 404 to %s); check "
                   "its path: %s",
                   operation, text);
  else if (status == 500 && reply->body.len == 0)
    icrm_error_set(err, ICRM_ERROR_HTTP,
                   "the CRM broke off at %s (an empty HTTP 500): it probably "
                   "does not know this operation; its log says why",
                   operation);
  else
    icrm_error_set(err, ICRM_ERROR_HTTP, "HTTP %d in answer to %s: %s", status,
                   operation, text);
  err->retry_after_s = reply->retry_after_s;
}

static void set_refusal(const struct icrm_envelope *envelope,
                        const char *operation, struct icrm_error *err) {
  bool is_auth = icrm_session_is_gone_code(envelope->code) ||
                 strcmp(envelope->code, "INVALID_USER_CREDENTIALS") == 0 ||
                 strcmp(envelope->code, "INVALID_AUTH_TOKEN") == 0 ||
                 strcmp(envelope->code, "AUTHENTICATION_FAILURE") == 0 ||
                 strcmp(envelope->code, "ACCESSKEY_UNDEFINED") == 0;
  icrm_error_set(err, is_auth ? ICRM_ERROR_AUTH : ICRM_ERROR_REFUSED,
                 "the CRM refused %s: %s", operation, envelope->message);
  snprintf(err->code, sizeof err->code, "%s", envelope->code);
  memcpy(err->reason, envelope->message, sizeof err->reason);
}

/* Turn the reason of a failed write into the statement that counts. */
static enum icrm_outcome set_unknown(const char *operation,
                                     struct icrm_error *err) {
  struct icrm_error cause = *err;
  icrm_error_set(err, ICRM_ERROR_UNKNOWN_OUTCOME,
                 "nothing says whether %s was done: %s; look before sending "
                 "it again",
                 operation, cause.message);
  err->is_answered = cause.is_answered;
  err->status = cause.status;
  err->retry_after_s = cause.retry_after_s;
  memcpy(err->code, cause.code, sizeof err->code);
  memcpy(err->reason, cause.reason, sizeof err->reason);
  name_operation(err, operation);
  return ICRM_OUTCOME_UNKNOWN;
}

/* A whole envelope: the application ran, whatever the status says. */
static enum icrm_outcome judge_envelope(const struct icrm_reply *reply,
                                        const char *operation, bool write,
                                        const struct icrm_envelope *envelope,
                                        struct icrm_error *err) {
  int status = reply->status;
  if (envelope->success && status == 200)
    return ICRM_OUTCOME_DONE;
  if (status == 429 || status == 503)
    set_http_error(reply, operation, "", err);
  else if (envelope->success)
    icrm_error_set(err, ICRM_ERROR_HTTP,
                   "the CRM answered %s with success under HTTP %d, which "
                   "contradict each other",
                   operation, status);
  else
    set_refusal(envelope, operation, err);
  err->is_answered = true;
  err->status = status;
  name_operation(err, operation);
  bool is_refusal =
      !envelope->success && (status == 200 || is_refusing_status(status));
  if (is_refusal && icrm_session_is_gone_code(envelope->code))
    return ICRM_OUTCOME_SESSION_GONE;
  if (!write)
    return err->kind == ICRM_ERROR_REFUSED || err->kind == ICRM_ERROR_AUTH
               ? ICRM_OUTCOME_REFUSED
               : ICRM_OUTCOME_FAILED;
  return is_refusal && is_refusing_code(envelope->code)
             ? ICRM_OUTCOME_REFUSED
             : set_unknown(operation, err);
}

/* A body that holds a piece of an envelope, with a notice around it, say, comes
 * from the application: its status does not tell that nothing ran. */
static bool has_run(const struct icrm_reply *reply) {
  static const char mark[] = "\"success\"";
  return reply->body.len > 0 && memmem(reply->body.data, reply->body.len, mark,
                                       sizeof mark - 1) != NULL;
}

static enum icrm_outcome judge_other(const struct icrm_reply *reply,
                                     const char *operation, bool write,
                                     struct icrm_error *err) {
  err->status = reply->status;
  name_operation(err, operation);
  if (!write)
    return ICRM_OUTCOME_FAILED;
  return is_refusing_status(reply->status) && !has_run(reply)
             ? ICRM_OUTCOME_REFUSED
             : set_unknown(operation, err);
}

static enum icrm_outcome judge_broken(const struct icrm_reply *reply,
                                      const char *operation, bool write,
                                      struct icrm_error *err) {
  *err = reply->err;
  name_operation(err, operation);
  if (reply->is_nothing_sent)
    return ICRM_OUTCOME_NOT_SENT;
  return write ? set_unknown(operation, err) : ICRM_OUTCOME_FAILED;
}

enum icrm_outcome icrm_outcome_judge(const struct icrm_reply *reply,
                                     const char *operation, bool write,
                                     struct icrm_page *page,
                                     struct icrm_envelope *envelope,
                                     struct icrm_error *err) {
  const char *body = reply->body.data;
  const size_t len = reply->body.len;
  if (!reply->is_complete)
    return judge_broken(reply, operation, write, err);
  if (icrm_envelope_read(body, len, page, envelope, err) == 0)
    return judge_envelope(reply, operation, write, envelope, err);
  if (reply->status != 200) {
    struct icrm_buf quoted = {0};
    icrm_envelope_quote(&quoted, body, len);
    set_http_error(reply, operation, quoted.data ? quoted.data : "", err);
    icrm_buf_free(&quoted);
  }
  return judge_other(reply, operation, write, err);
}

enum icrm_outcome icrm_outcome_judge_login(const struct icrm_reply *reply,
                                           const char *operation,
                                           struct icrm_envelope *envelope,
                                           struct icrm_error *err) {
  enum icrm_outcome outcome;
  if (!reply->is_complete)
    outcome = judge_broken(reply, operation, false, err);
  else if (icrm_envelope_find(reply->body.data, reply->body.len, envelope,
                              err) == 0)
    outcome = judge_envelope(reply, operation, false, envelope, err);
  else {
    char text[80];
    snprintf(text, sizeof text,
             "%zu bytes, not shown for they may hold a secret",
             reply->body.len);
    if (reply->status != 200)
      set_http_error(reply, operation, text, err);
    outcome = judge_other(reply, operation, false, err);
  }
  if (outcome != ICRM_OUTCOME_DONE) {
    icrm_session_mask(err->message);
    icrm_session_mask(err->reason);
    icrm_session_mask(err->code);
  }
  return outcome;
}

void icrm_outcome_blame_size(struct icrm_error *err, int64_t request_bytes) {
  enum { LARGE_BYTES = 1 << 19 };
  static const int statuses[] = {200, 413, 500, 0};
  if (request_bytes < LARGE_BYTES || err->is_answered ||
      !is_one_of(err->status, statuses))
    return;
  snprintf(err->message, sizeof err->message,
           "the request had %.1f MB, and the server's limit (post_max_size "
           "or upload_max_filesize of PHP, or the web server's own) is "
           "probably smaller: HTTP %d, and no answer of the CRM%s",
           (double)request_bytes / 1e6, err->status,
           err->kind == ICRM_ERROR_UNKNOWN_OUTCOME
               ? "; look before sending it again"
               : "");
}

int icrm_outcome_tries(const struct icrm_reply *reply,
                       const struct icrm_error *err) {
  static const int passing[] = {408, 429, 502, 503, 504, 0};
  switch (err->kind) {
  case ICRM_ERROR_TRANSPORT:
  case ICRM_ERROR_RATE_LIMITED:
    return 4;
  case ICRM_ERROR_TIMEOUT:
    return 2;
  case ICRM_ERROR_HTTP:
    return is_one_of(err->status, passing) ? 4 : err->status == 500 ? 2 : 1;
  case ICRM_ERROR_DECODE:
    return reply->is_complete ? 2 : 1; /* too large once is too large again */
  default:
    return 1;
  }
}

bool icrm_outcome_is_overload(const struct icrm_error *err) {
  static const int statuses[] = {429, 502, 503, 504, 0};
  return err->kind == ICRM_ERROR_TIMEOUT ||
         err->kind == ICRM_ERROR_RATE_LIMITED ||
         is_one_of(err->status, statuses);
}
