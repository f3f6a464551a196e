#include "sandbox/account.h"

#include "core/credentials.h"
#include "sandbox/entities.h"
#include "sandbox/faults.h"
#include "sandbox/target.h"

#include <stdlib.h>
#include <string.h>

/* The user of that name, 0 when there is none. */
static int64_t find_user(struct sb_call *call, const char *name) {
  const char *slash = strchr(name, '/');
  if (slash && sb_trait(call, SB_TRAIT_USER_PREFIX))
    name = slash + 1;
  if (!*name)
    return 0;
  struct sb_rows *rows =
      sb_store_query(call->store, "SELECT id FROM \"Users\" WHERE user_name = "
                                  "? COLLATE mysql");
  if (rows)
    sb_rows_string(rows, name);
  return sb_rows_one(rows, 0);
}

/* A field of a user, appended. */
static void user_field(struct sb_call *call, int64_t user, const char *field,
                       struct icrm_buf *out) {
  char sql[128];
  snprintf(sql, sizeof sql, "SELECT \"%s\" FROM \"Users\" WHERE id = ?", field);
  struct sb_rows *rows = sb_store_query(call->store, sql);
  if (!rows)
    return;
  sb_rows_integer(rows, user);
  if (sb_rows_next(rows) == 1) {
    size_t len;
    const char *text = sb_rows_get_text(rows, 0, &len);
    icrm_buf_add(out, text, len);
  }
  sb_rows_end(rows);
}

static bool user_field_is(struct sb_call *call, int64_t user, const char *field,
                          const char *text) {
  struct icrm_buf have = {0};
  user_field(call, user, field, &have);
  bool same = strcmp(have.data ? have.data : "", text) == 0;
  icrm_buf_wipe(&have);
  return same;
}

static enum sb_outcome no_user(struct sb_call *call, const char *name) {
  return sb_fail(call, "AUTHENTICATION_REQUIRED",
                 "Given user cannot be found: %s", name);
}

enum sb_outcome sb_account_challenge(struct sb_call *call) {
  const struct sb_param *name = sb_params_find(call->params, "username");
  if (name && name->array)
    return sb_crash(call);
  if ((!name || !name->len) && sb_trait(call, SB_TRAIT_COREBOS_WORDS))
    return no_user(call, "");
  if (!name || !name->len)
    return sb_fail(call, "ACCESS_DENIED", "No username given");
  int64_t user = find_user(call, name->value);
  if (!user && sb_trait(call, SB_TRAIT_COREBOS_WORDS))
    return no_user(call, name->value);
  if (!user)
    return sb_fail(call, "ACCESS_DENIED", "username does not exists");
  char token[14];
  bool keep = sb_trait(call, SB_TRAIT_TOKEN_LIVES_ON);
  int64_t expires = sb_sessions_challenge(call->sandbox->sessions, user,
                                          call->now_s, keep, token);
  bool again = keep && expires < call->now_s + SB_TOKEN_LIFE_S;
  const char *quote = again ? "\"" : ""; /* as the data base gives it */
  icrm_buf_addf(
      call->out,
      "{\"token\":\"%s\",\"serverTime\":%lld,\"expireTime\":%s%lld%s}", token,
      (long long)call->now_s, quote, (long long)expires, quote);
  return SB_DONE;
}

/* login names some fields of a user differently. */
static const char *login_field(const char *name) {
  static const char *const names[][2] = {
      {"username", "user_name"},
      {"email", "email1"},
      {"call_duration", "callduration"},
      {"other_event_duration", "othereventduration"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i][0], name) == 0)
      return names[i][1];
  return name;
}

static void add_extras(struct sb_call *call, int64_t user) {
  size_t i;
  json_t *name;
  json_array_foreach(json_object_get(call->schema->settings, "login_extra"), i,
                     name) {
    struct icrm_buf text = {0}, coded = {0};
    user_field(call, user, login_field(json_string_value(name)), &text);
    sb_entities_add(&coded, text.data, text.len);
    sb_json_add_pair(call->out, json_string_value(name),
                     coded.data ? coded.data : "");
    icrm_buf_free(&text);
    icrm_buf_free(&coded);
  }
}

static void add_session(struct sb_call *call,
                        const struct sb_session *session) {
  const json_t *settings = call->schema->settings;
  char id[48];
  const struct sb_module *users = sb_schema_module(call->schema, "Users", 5);
  snprintf(id, sizeof id, "%sx%lld", users ? users->prefix : "19",
           (long long)session->user);
  sb_json_add_pair(call->out, "sessionName", session->name);
  sb_json_add_pair(call->out, "userId", id);
  sb_json_add_pair(call->out, "version",
                   sb_json_text(settings, "api_version", "0.22"));
  sb_json_add_pair(call->out,
                   sb_json_text(settings, "version_key", "vtigerVersion"),
                   sb_json_text(settings, "version", ""));
  icrm_buf_add_byte(call->out, '}');
}

/* 1 when the key fits the token, 0 when it does not, -1 when there is none. */
static int check_key(struct sb_call *call, int64_t user, const char *token) {
  struct icrm_buf key = {0};
  char want[33];
  user_field(call, user, "accesskey", &key);
  struct icrm_credentials *credentials =
      key.len ? icrm_credentials_new(key.data, key.len, NULL) : NULL;
  int rc = -1;
  if (credentials && icrm_credentials_answer(credentials, token, strlen(token),
                                             want, NULL) == 0)
    rc = strcmp(sb_params_text(call->params, "accessKey"), want) == 0;
  icrm_credentials_release(credentials);
  icrm_buf_wipe(&key);
  return rc;
}

enum sb_outcome sb_account_login(struct sb_call *call) {
  char token[14];
  int64_t user = find_user(call, sb_params_text(call->params, "username"));
  if (!user && sb_trait(call, SB_TRAIT_COREBOS_WORDS))
    return sb_fail(call, "AUTHENTICATION_REQUIRED",
                   "Given user cannot be found");
  if (!user ||
      !sb_sessions_token(call->sandbox->sessions, user, call->now_s, token))
    return sb_fail(call, "INVALID_AUTH_TOKEN",
                   "Specified token is invalid or expired");
  int fits = check_key(call, user, token);
  if (fits < 0)
    return sb_fail(call, "ACCESSKEY_UNDEFINED",
                   "Access key for the user is undefined");
  if (!fits || !user_field_is(call, user, "status", "Active"))
    return sb_fail(call, "INVALID_USER_CREDENTIALS",
                   "Invalid username or password");
  struct sb_session *session =
      sb_sessions_open(call->sandbox->sessions, user, call->now_s, NULL);
  if (!session)
    return sb_crash(call);
  icrm_buf_add_byte(call->out, '{');
  add_extras(call, user);
  add_session(call, session);
  sb_sessions_leave(call->sandbox->sessions, call->session, call->now_s, false);
  call->session = session;
  return SB_DONE;
}

enum sb_outcome sb_account_logout(struct sb_call *call) {
  if (!call->request->post && !sb_trait(call, SB_TRAIT_ANY_METHOD))
    return sb_fail(call, "OPERATION_NOT_SUPPORTED",
                   "Permission to perform the operation is denied");
  enum sb_logout how = sb_faults_logout(call->sandbox->faults);
  if (how == SB_LOGOUT_BROKEN)
    return sb_crash(call);
  call->close_session = how == SB_LOGOUT_WORKS;
  icrm_buf_add_text(call->out, "{\"message\":\"successfull\"}");
  return SB_DONE;
}

enum sb_outcome sb_account_extend(struct sb_call *call) {
  if (!call->user)
    return sb_fail(call, "AUTHENTICATION_FAILURE", "Authencation Failed");
  icrm_buf_add_byte(call->out, '{');
  add_session(call, call->session);
  return SB_DONE;
}

enum sb_outcome sb_account_password(struct sb_call *call) {
  const char *id = sb_params_text(call->params, "id");
  int64_t user = sb_target_number(call->sandbox, id);
  if (!call->admin && user != call->user) {
    icrm_buf_add_text(call->out, "null");
    return SB_DONE;
  }
  if (!user)
    return sb_deny(call);
  if (!call->admin &&
      !user_field_is(call, user, "user_password",
                     sb_params_text(call->params, "oldPassword")))
    return sb_fail(call, "INVALID_OLD_PASSWORD",
                   "Valeur invalide pour l'ancien mot de passe.");
  const char *password = sb_params_text(call->params, "newPassword");
  if (strcmp(password, sb_params_text(call->params, "confirmPassword")) != 0)
    return sb_fail(call, "CHANGE_PASSWORD_FAILURE",
                   "erreur pendant la modification du mot de passe");
  icrm_buf_add_text(call->out,
                    "{\"message\":\"Changed password successfully\"}");
  return SB_DONE;
}
