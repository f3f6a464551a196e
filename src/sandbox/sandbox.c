#include "sandbox/sandbox.h"

#include "core/clock.h"
#include "core/digest.h"
#include "sandbox/call.h"
#include "sandbox/faults.h"
#include "sandbox/http.h"
#include "sandbox/limits.h"
#include "sandbox/log.h"
#include "sandbox/operations.h"
#include "sandbox/tables.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MOST_MB = 64 };

static int load_data(struct icrm_sandbox *sandbox,
                     const struct icrm_sandbox_options *options,
                     struct icrm_error *err) {
  json_t *data = options->data ? sb_json_load(options->data, err)
                 : options->empty
                     ? NULL
                     : sb_schema_document(sandbox->schema->folder, "demo.json");
  if (!data)
    return options->data ? -1 : 0;
  int rc = sb_tables_load(sandbox, data, err);
  json_decref(data);
  return rc;
}

static int prepare(struct icrm_sandbox *sandbox,
                   const struct icrm_sandbox_options *options,
                   struct icrm_error *err) {
  bool fresh;
  if (sb_store_run(sandbox->store, "BEGIN IMMEDIATE"))
    return icrm_error_set(err, ICRM_ERROR_STORE, "the sandbox's store: %s",
                          sb_store_message(sandbox->store));
  int rc = sb_tables_prepare(sandbox, &fresh, err);
  if (rc == 0 && fresh)
    rc = sb_tables_seed(sandbox, err) || load_data(sandbox, options, err);
  if (rc) {
    sb_store_run(sandbox->store, "ROLLBACK");
    return -1;
  }
  if (sb_store_run(sandbox->store, "COMMIT"))
    return icrm_error_set(err, ICRM_ERROR_STORE, "the sandbox's store: %s",
                          sb_store_message(sandbox->store));
  return 0;
}

static char *query_text(struct icrm_sandbox *sandbox, const char *sql,
                        const char *parameter) {
  pthread_mutex_lock(&sandbox->mutex);
  struct sb_rows *rows = sb_store_query(sandbox->store, sql);
  char *copy = NULL;
  size_t len;
  if (rows)
    sb_rows_string(rows, parameter);
  if (rows && sb_rows_next(rows) == 1)
    copy = strdup(sb_rows_get_text(rows, 0, &len));
  sb_rows_end(rows);
  pthread_mutex_unlock(&sandbox->mutex);
  return copy;
}

char *icrm_sandbox_user_key(struct icrm_sandbox *sandbox,
                            const char *username) {
  return query_text(
      sandbox, "SELECT accesskey FROM \"Users\" WHERE user_name = ?", username);
}

/* The first user of the profile is the one that people are told. */
static int read_account(struct icrm_sandbox *sandbox, struct icrm_error *err) {
  const json_t *users = json_object_get(sandbox->schema->settings, "users");
  const char *name = sb_json_text(json_array_get(users, 0), "user_name", "");
  char url[160];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/%s/wstiger.php",
           sb_http_port(sandbox->http), sandbox->token);
  sandbox->url = strdup(url);
  sandbox->username = strdup(name);
  char *key = icrm_sandbox_user_key(sandbox, name);
  const bool has_key = key != NULL;
  if (key)
    explicit_bzero(key, strlen(key));
  free(key);
  if (sandbox->url && sandbox->username && has_key)
    return 0;
  return icrm_error_set(err, ICRM_ERROR_STORE,
                        "the sandbox has no user \"%s\" with an access key",
                        name);
}

struct icrm_sandbox *
icrm_sandbox_start(const struct icrm_sandbox_options *options,
                   struct icrm_error *err) {
  struct icrm_sandbox *sandbox = calloc(1, sizeof *sandbox);
  if (!sandbox) {
    icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
    return NULL;
  }
  pthread_mutex_init(&sandbox->mutex, NULL);
  sandbox->latency_ms = options->latency_ms;
  if (options->now_s)
    sandbox->clock_offset_s = options->now_s - icrm_clock_wall_s();
  icrm_digest_random_hex(sandbox->token, 16);
  const struct sb_profile *profile =
      sb_profile_find(options->profile ? options->profile : "initiative", err);
  if (!profile || sb_traits_read(&sandbox->traits, profile->traits, err) ||
      sb_traits_read(&sandbox->traits, options->traits, err))
    goto failed;
  sandbox->schema = sb_schema_load(profile->schemas, options->fields, err);
  if (!sandbox->schema)
    goto failed;
  if (options->most_mb)
    sb_schema_set_file_size(sandbox->schema,
                            options->most_mb * INT64_C(700000));
  sandbox->store = sb_store_open(options->file, err);
  if (!sandbox->store || prepare(sandbox, options, err))
    goto failed;
  if (options->faults && !(sandbox->faults = sb_faults_new(
                               options->faults, sb_operations_knows, err)))
    goto failed;
  if (options->quota && !(sandbox->limits = sb_limits_new(options->quota, err)))
    goto failed;
  const struct sb_session_rules rules = {
      .lock = !options->no_session_lock,
      .wait_ms = sandbox->traits.value[SB_TRAIT_LOCK_GIVES_UP],
      .race = sb_faults_has_race(sandbox->faults)};
  sandbox->sessions = sb_sessions_new(rules, sandbox->schema->session_prefix);
  if (!sandbox->sessions) {
    icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
    goto failed;
  }
  const int most_mb = options->most_mb ? options->most_mb : DEFAULT_MOST_MB;
  sandbox->http =
      sb_http_start(sandbox, options->port, (size_t)most_mb << 20, err);
  if (!sandbox->http || read_account(sandbox, err))
    goto failed;
  return sandbox;
failed:
  icrm_sandbox_stop(sandbox);
  return NULL;
}

void icrm_sandbox_stop(struct icrm_sandbox *sandbox) {
  if (!sandbox)
    return;
  if (sandbox->sessions)
    sb_sessions_stop(sandbox->sessions);
  sb_http_stop(sandbox->http);
  sb_sessions_free(sandbox->sessions);
  sb_faults_free(sandbox->faults);
  sb_limits_free(sandbox->limits);
  sb_store_close(sandbox->store);
  sb_schema_free(sandbox->schema);
  free(sandbox->url);
  free(sandbox->username);
  pthread_mutex_destroy(&sandbox->mutex);
  free(sandbox);
}

const char *icrm_sandbox_url(const struct icrm_sandbox *sandbox) {
  return sandbox->url;
}

const char *icrm_sandbox_username(const struct icrm_sandbox *sandbox) {
  return sandbox->username;
}

void icrm_sandbox_advance(struct icrm_sandbox *sandbox, int64_t seconds) {
  atomic_fetch_add(&sandbox->clock_offset_s, seconds);
}

int icrm_sandbox_log(struct icrm_sandbox *sandbox, int64_t after,
                     void (*event)(void *context,
                                   const struct icrm_sandbox_event *event),
                     void *context) {
  return sb_log_read(sandbox, after, event, context);
}
