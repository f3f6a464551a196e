#include "sandbox/operations.h"

#include "sandbox/account.h"
#include "sandbox/documents.h"
#include "sandbox/faults.h"
#include "sandbox/limits.h"
#include "sandbox/log.h"
#include "sandbox/query.h"
#include "sandbox/records.h"
#include "sandbox/related.h"
#include "sandbox/relations.h"
#include "sandbox/retrieve.h"
#include "sandbox/sync.h"
#include "sandbox/types.h"
#include "sandbox/write.h"

#include <limits.h>
#include <string.h>

/* The last two: with the relations of vtiger alone, or of coreBOS. */
enum { READS_BODY = 1, NO_SESSION = 2, WRITES = 4, VTIGER = 8, COREBOS = 16 };

static const struct sb_operation operations[] = {
    {"getchallenge", NO_SESSION, sb_account_challenge},
    {"login", READS_BODY | NO_SESSION, sb_account_login},
    {"logout", READS_BODY, sb_account_logout},
    {"extendsession", READS_BODY | NO_SESSION, sb_account_extend},
    {"changepassword", READS_BODY, sb_account_password},
    {"listtypes", 0, sb_types_list},
    {"describe", 0, sb_types_describe},
    {"retrieve", 0, sb_retrieve_run},
    {"create", READS_BODY | WRITES, sb_write_create},
    {"update", READS_BODY | WRITES, sb_write_update},
    {"revise", READS_BODY | WRITES, sb_write_revise},
    {"delete", READS_BODY | WRITES, sb_write_delete},
    {"query", 0, sb_query_query},
    {"relatedtypes", VTIGER, sb_related_types},
    {"retrieve_related", VTIGER, sb_related_retrieve},
    {"query_related", VTIGER, sb_related_query},
    {"add_related", READS_BODY | WRITES | VTIGER, sb_related_add},
    {"files_retrieve", VTIGER, sb_documents_retrieve_file},
    {"sync", 0, sb_sync_run},
    {"createwithvalidation", READS_BODY | WRITES | COREBOS, sb_write_create},
    {"setrelation", READS_BODY | WRITES | COREBOS, sb_relations_set},
    {"unsetrelation", READS_BODY | WRITES | COREBOS, sb_relations_unset},
    {"getrelatedrecords", READS_BODY | COREBOS, sb_relations_get},
    {"retrievedocattachment", READS_BODY | WRITES | COREBOS,
     sb_relations_attachments},
};

static const struct sb_operation *find_operation(const char *name) {
  for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
    if (strcasecmp(operations[i].name, name) == 0)
      return &operations[i];
  return NULL;
}

bool sb_operations_knows(const char *name) {
  const struct sb_operation *operation = find_operation(name);
  return operation && strcmp(operation->name, name) == 0;
}

/* A parameter that PHP takes from the body or, failing that, from the URL. */
static const char *either(const struct sb_request *request, const char *name) {
  const struct sb_param *param = sb_params_find(&request->body, name);
  return param ? param->value : sb_params_text(&request->url, name);
}

static enum sb_outcome no_session(struct sb_call *call) {
  if (sb_trait(call, SB_TRAIT_COREBOS_WORDS))
    return sb_fail(call, "AUTHENTICATION_REQUIRED", "Authentication required");
  return sb_fail(call, "INVALID_SESSIONID",
                 "Session Identifier provided is Invalid");
}

/* extendsession takes the session of a cookie before the one that is named,
 * and starts one that it does not know. */
static enum sb_outcome adopt_session(struct sb_call *call, const char *name) {
  struct sb_sessions *sessions = call->sandbox->sessions;
  const char *cookie = call->request->cookie_session;
  if (sb_trait(call, SB_TRAIT_COREBOS_WORDS))
    return no_session(call); /* it never succeeds */
  if (!sb_params_find(&call->request->body, "operation"))
    return sb_fail(call, "AUTHENTICATION_REQUIRED", "Authencation required");
  name = cookie ? cookie : name;
  if (!*name)
    return SB_DONE;
  call->session = sb_sessions_enter(sessions, name, strlen(name), call->now_s);
  if (!call->session && strlen(name) < SB_NAME_SIZE)
    call->session = sb_sessions_open(sessions, 0, call->now_s, name);
  return SB_DONE;
}

static enum sb_outcome enter_session(struct sb_call *call) {
  const char *name = either(call->request, "sessionName");
  if (strcasecmp(name, "null") == 0)
    name = "";
  if (call->operation->run == sb_account_extend)
    return adopt_session(call, name);
  bool open = call->operation->flags & NO_SESSION;
  if (!*name && open)
    return SB_DONE;
  if (!*name)
    return sb_trait(call, SB_TRAIT_COREBOS_WORDS)
               ? no_session(call)
               : sb_fail(call, "AUTHENTICATION_REQUIRED",
                         "Authencation required");
  call->session = sb_sessions_enter(call->sandbox->sessions, name, strlen(name),
                                    call->now_s);
  if (!call->session)
    return no_session(call);
  return call->session->user || open ? SB_DONE : sb_crash(call);
}

static void read_user(struct sb_call *call) {
  call->user = call->session ? call->session->user : 0;
  struct sb_rows *rows = sb_store_query(
      call->store, "SELECT is_admin = 'on' FROM \"Users\" WHERE id = ?");
  if (rows)
    sb_rows_integer(rows, call->user);
  call->admin = sb_rows_one(rows, 0) == 1;
  sb_store_set_caller(call->store, call->user);
}

/* A server dies in operations that it has not, a stock vtiger in those whose
 * code its PHP no longer runs. */
static bool is_missing(const struct sb_call *call) {
  static const struct {
    const char *operation;
    enum sb_trait trait;
  } missing[] = {{"logout", SB_TRAIT_NO_LOGOUT},
                 {"revise", SB_TRAIT_NO_REVISE},
                 {"sync", SB_TRAIT_NO_SYNC},
                 {"files_retrieve", SB_TRAIT_NO_FILES_RETRIEVE}};
  for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
    if (strcmp(missing[i].operation, call->operation->name) == 0)
      return sb_trait(call, missing[i].trait);
  return false;
}

/* Where creates race, this one goes by what it saw some time before it is
 * stored. */
static void look_ahead(struct sb_call *call) {
  const int64_t numbers = sb_trait(call, SB_TRAIT_REPEATED_NUMBERS);
  const int64_t unique = sb_trait(call, SB_TRAIT_UNIQUE_RACE);
  if (call->operation->run != sb_write_create || !(numbers || unique))
    return;
  pthread_mutex_lock(&call->sandbox->mutex);
  sb_records_look(call, sb_params_text(call->params, "elementType"));
  pthread_mutex_unlock(&call->sandbox->mutex);
  const int64_t ms = numbers > unique ? numbers : unique;
  sb_sessions_wait(call->sandbox->sessions, ms < INT_MAX ? (int)ms : INT_MAX);
}

static enum sb_outcome run(struct sb_call *call) {
  if (is_missing(call))
    return sb_crash(call);
  static const char prefix[] = "{\"success\":true,\"result\":";
  icrm_buf_add_text(call->out, prefix);
  enum sb_outcome outcome = call->operation->run(call);
  if (outcome == SB_DONE)
    sb_reply_end(call);
  return outcome;
}

static enum sb_outcome run_transaction(struct sb_call *call) {
  if (sb_store_run(call->store, "BEGIN IMMEDIATE"))
    return sb_crash(call);
  enum sb_outcome outcome = run(call);
  if (outcome == SB_FAILED) {
    sb_store_run(call->store, "ROLLBACK");
    return outcome;
  }
  sb_log_point(call, SB_POINT_BEFORE_COMMIT);
  if (sb_faults_tear(call) || sb_store_run(call->store, "COMMIT")) {
    sb_store_run(call->store, "ROLLBACK");
    return sb_crash(call);
  }
  sb_log_point(call, SB_POINT_AFTER_COMMIT);
  return outcome;
}

/* With the session entered: the wait of a slow server, then the work. */
static void perform(struct sb_call *call, enum sb_outcome outcome) {
  struct icrm_sandbox *sandbox = call->sandbox;
  if (sandbox->latency_ms)
    sb_sessions_wait(sandbox->sessions, sandbox->latency_ms);
  if (outcome == SB_DONE && !sb_faults_pass(call, SB_BEFORE_COMMIT))
    outcome = SB_FAILED;
  if (outcome == SB_DONE)
    look_ahead(call);
  pthread_mutex_lock(&sandbox->mutex);
  sb_log_point(call, SB_POINT_START);
  if (outcome == SB_DONE) {
    read_user(call);
    if (call->operation->flags & WRITES)
      run_transaction(call);
    else
      run(call);
  }
  sb_log_point(call, SB_POINT_ANSWERED);
  pthread_mutex_unlock(&sandbox->mutex);
  sb_faults_pass(call, SB_AFTER_COMMIT);
}

static bool offers(const struct sb_call *call) {
  int other = sb_trait(call, SB_TRAIT_COREBOS_RELATIONS) ? VTIGER : COREBOS;
  return call->operation && !(call->operation->flags & other);
}

static void unknown_operation(struct sb_call *call) {
  if (sb_trait(call, SB_TRAIT_COREBOS_WORDS))
    sb_fail(call, "UNKNOWN_OPERATION", "Unknown operation requested");
  else
    sb_crash(call);
}

/* Where the operation looks for its parameters. */
static const struct sb_params *params(const struct sb_call *call) {
  const struct sb_request *request = call->request;
  bool body = sb_trait(call, SB_TRAIT_ANY_METHOD)
                  ? sb_params_find(&request->body, "operation") != NULL
                  : (call->operation->flags & READS_BODY) != 0;
  return body ? &request->body : &request->url;
}

void sb_operations_answer(struct icrm_sandbox *sandbox,
                          const struct sb_request *request,
                          struct sb_reply *reply, int64_t *log_n,
                          const struct sb_fault **fault) {
  struct sb_call call = {.sandbox = sandbox,
                         .schema = sandbox->schema,
                         .store = sandbox->store,
                         .request = request,
                         .reply = reply,
                         .out = &reply->body,
                         .now_s = sb_clock_s(sandbox),
                         .total_rows = -1};
  sb_reply_start(&call, 200, "application/json");
  call.operation = find_operation(either(request, "operation"));
  if (!offers(&call)) {
    unknown_operation(&call);
    return;
  }
  const char *format = either(request, "format");
  if (*format && strcasecmp(format, "json") != 0) {
    sb_reply_start(&call, 500, "application/json");
    return;
  }
  call.params = params(&call);
  call.fault = *fault = sb_faults_next(sandbox->faults, call.operation->name);
  enum sb_outcome outcome = SB_FAILED;
  if (!sb_limits_pass(&call))
    sb_front_page(&call, 429);
  else if (sb_faults_pass(&call, SB_AFTER_HEADERS))
    outcome = enter_session(&call);
  call.now_s = sb_clock_s(sandbox);
  perform(&call, outcome);
  sb_sessions_leave(sandbox->sessions, call.session, sb_clock_s(sandbox),
                    call.close_session);
  *log_n = call.log_n;
}
