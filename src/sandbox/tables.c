#include "sandbox/tables.h"

#include "core/digest.h"
#include "sandbox/records.h"
#include "sandbox/values.h"

#include <stdlib.h>
#include <string.h>

static const char common_tables[] =
    "CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT);"
    "CREATE TABLE IF NOT EXISTS entity (id INTEGER PRIMARY KEY, module TEXT,"
    " deleted INTEGER DEFAULT 0, owner INTEGER, creator INTEGER,"
    " createdtime TEXT, modifiedtime TEXT, modifiedby INTEGER, label TEXT);"
    "CREATE INDEX IF NOT EXISTS entity_modified ON entity (modifiedtime);"
    "CREATE TABLE IF NOT EXISTS counter (module TEXT PRIMARY KEY,"
    " next INTEGER);"
    "CREATE TABLE IF NOT EXISTS attachment (id INTEGER PRIMARY KEY,"
    " document INTEGER, name TEXT, type TEXT, data BLOB);"
    "CREATE INDEX IF NOT EXISTS attachment_document ON attachment (document);"
    "CREATE TABLE IF NOT EXISTS related (source INTEGER, target INTEGER,"
    " PRIMARY KEY (source, target)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS related_target ON related (target, source);"
    "CREATE TABLE IF NOT EXISTS price (record INTEGER, name TEXT,"
    " value TEXT, PRIMARY KEY (record, name)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS log (n INTEGER PRIMARY KEY, time REAL,"
    " session TEXT, operation TEXT, module TEXT, record TEXT, code TEXT,"
    " committed INTEGER DEFAULT 0, replied INTEGER DEFAULT 0, fault TEXT);"
    "CREATE TABLE IF NOT EXISTS lagging (id INTEGER PRIMARY KEY,"
    " until_ms INTEGER);";

static const char *column_type(enum sb_kind kind) {
  return kind == SB_ID ? "INTEGER PRIMARY KEY"
         : kind == SB_INTEGER || kind == SB_REFERENCE || kind == SB_OWNER
             ? "INTEGER"
             : "TEXT";
}

static void add_index(struct icrm_buf *sql, const struct sb_module *module,
                      const struct sb_field *field) {
  bool own = strncmp(field->name, "cf_", 3) == 0;
  if (field->shared || !(field->kind == SB_REFERENCE || field->unique || own))
    return;
  icrm_buf_addf(sql,
                "CREATE INDEX IF NOT EXISTS \"%s_%s\" ON \"%s\" (\"%s\"%s);",
                module->name, field->name, module->name, field->name,
                field->kind == SB_STRING ? " COLLATE mysql" : "");
}

static void add_table(struct icrm_buf *sql, const struct sb_module *module) {
  icrm_buf_addf(sql, "CREATE TABLE IF NOT EXISTS \"%s\" (", module->name);
  bool first = true;
  for (size_t i = 0; i < module->n_fields; i++) {
    const struct sb_field *field = &module->fields[i];
    if (field->shared)
      continue;
    icrm_buf_addf(sql, "%s\"%s\" %s", first ? "" : ", ", field->name,
                  column_type(field->kind));
    first = false;
  }
  icrm_buf_add_text(sql, ");");
}

static bool has_column(struct sb_store *store, const char *table,
                       const char *column) {
  struct sb_rows *rows = sb_store_query(
      store, "SELECT 1 FROM pragma_table_info(?) WHERE name = ?");
  if (!rows)
    return false;
  sb_rows_string(rows, table);
  sb_rows_string(rows, column);
  return sb_rows_one(rows, 0) == 1;
}

/* A file may come from a start without some extra field. */
static int add_columns(struct sb_store *store, const struct sb_module *module) {
  for (size_t i = 0; i < module->n_fields; i++) {
    const struct sb_field *field = &module->fields[i];
    if (field->shared || has_column(store, module->name, field->name))
      continue;
    struct icrm_buf sql = {0};
    icrm_buf_addf(&sql, "ALTER TABLE \"%s\" ADD COLUMN \"%s\" %s DEFAULT '';",
                  module->name, field->name, column_type(field->kind));
    int rc = sb_store_run(store, sql.data);
    icrm_buf_free(&sql);
    if (rc)
      return -1;
  }
  return 0;
}

static int make_table(struct sb_store *store, const struct sb_module *module) {
  struct icrm_buf sql = {0};
  add_table(&sql, module);
  int rc = sb_store_run(store, sql.data) || add_columns(store, module);
  icrm_buf_clear(&sql);
  for (size_t i = 0; rc == 0 && i < module->n_fields; i++)
    add_index(&sql, module, &module->fields[i]);
  if (rc == 0 && sql.len)
    rc = sb_store_run(store, sql.data);
  icrm_buf_free(&sql);
  return rc ? -1 : 0;
}

/* The profile that a store was made with; "" for a new one. */
static void read_profile(struct sb_store *store, struct icrm_buf *profile) {
  struct sb_rows *rows =
      sb_store_query(store, "SELECT value FROM setting WHERE name = 'profile'");
  size_t len;
  if (rows && sb_rows_next(rows) == 1) {
    const char *text = sb_rows_get_text(rows, 0, &len);
    icrm_buf_add(profile, text, len);
  }
  sb_rows_end(rows);
}

static int check_profile(struct icrm_sandbox *sandbox, bool *fresh,
                         struct icrm_error *err) {
  struct icrm_buf profile = {0};
  read_profile(sandbox->store, &profile);
  *fresh = profile.len == 0;
  int rc = 0;
  if (!*fresh && strcmp(profile.data, sandbox->schema->folder) != 0)
    rc = icrm_error_set(err, ICRM_ERROR_CONFIG,
                        "the sandbox file was made with profile %s; start it "
                        "with that profile or use another file",
                        profile.data);
  icrm_buf_free(&profile);
  return rc;
}

static int fail(struct icrm_sandbox *sandbox, struct icrm_error *err) {
  return icrm_error_set(err, ICRM_ERROR_STORE, "the sandbox's store: %s",
                        sb_store_message(sandbox->store));
}

int sb_tables_prepare(struct icrm_sandbox *sandbox, bool *fresh,
                      struct icrm_error *err) {
  struct sb_store *store = sandbox->store;
  const struct sb_schema *schema = sandbox->schema;
  if (sb_store_run(store, common_tables))
    return fail(sandbox, err);
  if (check_profile(sandbox, fresh, err))
    return -1;
  for (size_t i = 0; i < schema->n_modules; i++)
    if (schema->modules[i].has_records &&
        make_table(store, &schema->modules[i]))
      return fail(sandbox, err);
  int64_t first = sb_json_integer(schema->settings, "first_id", 1);
  sandbox->next_id = sb_rows_one(
      sb_store_query(store,
                     "SELECT max(id) + 1 FROM (SELECT max(id) AS id FROM "
                     "entity UNION ALL SELECT max(id) FROM attachment)"),
      first);
  return 0;
}

/* A row of a module without entities, as the profile gives it. */
static int seed_row(struct icrm_sandbox *sandbox,
                    const struct sb_module *module, const json_t *row) {
  struct sb_values values = {0};
  const char *id = sb_json_text(row, "id", "");
  const char *x = strchr(id, 'x');
  int rc = sb_values_init(&values, module);
  for (size_t i = 0; rc == 0 && i < module->n_fields; i++) {
    const struct sb_field *field = &module->fields[i];
    const json_t *value = json_object_get(row, field->name);
    rc = sb_values_set(&values, sandbox, (int)i, value);
  }
  if (rc == 0)
    rc = sb_records_insert(sandbox->store, module, &values,
                           x ? strtoll(x + 1, NULL, 10) : 0);
  sb_values_free(&values);
  return rc;
}

#define FOREIGN_CURRENCY "21x2"

/* Where the users' currency is not the server's: that currency. */
static int seed_currency(struct icrm_sandbox *sandbox) {
  const int64_t rate = sandbox->traits.value[SB_TRAIT_FOREIGN_CURRENCY];
  const struct sb_module *module =
      sb_schema_module(sandbox->schema, "Currency", 8);
  if (!rate || !module)
    return 0;
  char text[32];
  snprintf(text, sizeof text, "%lld.00000", (long long)rate);
  json_t *row =
      json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id",
                FOREIGN_CURRENCY, "currency_name", "US Dollar", "currency_code",
                "USD", "currency_symbol", "$", "conversion_rate", text,
                "currency_status", "Active", "defaultid", "0", "deleted", "0");
  const int rc = row ? seed_row(sandbox, module, row) : -1;
  json_decref(row);
  return rc;
}

static int seed_users(struct icrm_sandbox *sandbox,
                      const struct sb_module *module) {
  const bool foreign = sandbox->traits.value[SB_TRAIT_FOREIGN_CURRENCY] != 0;
  size_t i;
  json_t *user;
  if (seed_currency(sandbox))
    return -1;
  json_array_foreach(json_object_get(sandbox->schema->settings, "users"), i,
                     user) {
    char key[33];
    icrm_digest_random_hex(key, 8);
    if (json_is_null(json_object_get(user, "accesskey")) &&
        json_object_set_new(user, "accesskey", json_string(key)))
      return -1;
    json_t *row = json_copy(user);
    int rc = row && foreign ? json_object_set_new(row, "currency_id",
                                                  json_string(FOREIGN_CURRENCY))
                            : 0;
    rc = rc || !row || seed_row(sandbox, module, row) ||
         json_object_set_new(user, "accesskey", json_null());
    json_decref(row);
    if (rc)
      return -1;
  }
  return 0;
}

static int seed_module(struct icrm_sandbox *sandbox,
                       const struct sb_module *module) {
  size_t i;
  json_t *row;
  json_array_foreach(json_object_get(module->document, "rows"), i,
                     row) if (seed_row(sandbox, module, row)) return -1;
  return 0;
}

static int set_counter(struct sb_store *store, const char *module,
                       int64_t next) {
  struct sb_rows *rows =
      sb_store_query(store, "INSERT INTO counter VALUES (?, ?) ON CONFLICT "
                            "(module) DO UPDATE SET next = excluded.next");
  if (!rows)
    return -1;
  sb_rows_string(rows, module);
  sb_rows_integer(rows, next);
  return sb_rows_run(rows);
}

static int seed_modules(struct icrm_sandbox *sandbox) {
  const struct sb_schema *schema = sandbox->schema;
  const struct sb_module *users = sb_schema_module(schema, "Users", 5);
  for (size_t i = 0; i < schema->n_modules; i++) {
    const struct sb_module *module = &schema->modules[i];
    if (module->has_records &&
        (seed_module(sandbox, module) ||
         (module->counter_field &&
          set_counter(sandbox->store, module->name, module->counter_first))))
      return -1;
  }
  return users ? seed_users(sandbox, users) : -1; /* they refer to others */
}

int sb_tables_seed(struct icrm_sandbox *sandbox, struct icrm_error *err) {
  if (seed_modules(sandbox))
    return fail(sandbox, err);
  struct sb_rows *rows = sb_store_query(
      sandbox->store, "INSERT INTO setting VALUES ('profile', ?)");
  if (!rows)
    return fail(sandbox, err);
  sb_rows_string(rows, sandbox->schema->folder);
  return sb_rows_run(rows) ? fail(sandbox, err) : 0;
}

static int load_counters(struct icrm_sandbox *sandbox, const json_t *counters) {
  const char *module;
  json_t *next;
  json_object_foreach(
      (json_t *)counters, module,
      next) if (set_counter(sandbox->store, module,
                            json_integer_value(next))) return -1;
  return 0;
}

/* A value, or the id that stands for "@key". */
static json_t *resolve(const json_t *ids, const json_t *value) {
  const char *text = json_string_value(value);
  if (text && text[0] == '@')
    return json_object_get(ids, text + 1);
  return (json_t *)value;
}

static int load_entry(struct icrm_sandbox *sandbox, const json_t *entry,
                      json_t *ids) {
  const char *name = sb_json_text(entry, "module", "");
  const struct sb_module *module =
      sb_schema_module(sandbox->schema, name, strlen(name));
  if (!module || !module->shared)
    return -1;
  struct sb_values values = {0};
  const char *id = strchr(sb_json_text(entry, "id", "x"), 'x') + 1;
  int64_t number = *id ? strtoll(id, NULL, 10) : sandbox->next_id;
  int rc = sb_values_init(&values, module);
  for (size_t i = 0; rc == 0 && i < module->n_fields; i++) {
    const json_t *value = json_object_get(json_object_get(entry, "values"),
                                          module->fields[i].name);
    if (value)
      rc = sb_values_set(&values, sandbox, (int)i, resolve(ids, value));
  }
  if (rc == 0)
    rc = sb_records_load(sandbox, module, &values, number);
  sb_values_free(&values);
  char wire[48];
  snprintf(wire, sizeof wire, "%sx%lld", module->prefix, (long long)number);
  const char *key = sb_json_text(entry, "key", NULL);
  if (rc == 0 && key)
    rc = json_object_set_new(ids, key, json_string(wire));
  return rc;
}

int sb_tables_load(struct icrm_sandbox *sandbox, const json_t *data,
                   struct icrm_error *err) {
  json_t *ids = json_object();
  size_t i;
  json_t *entry;
  int rc = ids ? 0 : -1;
  json_array_foreach((json_t *)data, i, entry) {
    const json_t *counters = json_object_get(entry, "counter");
    if (rc == 0)
      rc = counters ? load_counters(sandbox, counters)
                    : load_entry(sandbox, entry, ids);
    if (rc) {
      icrm_error_set(err, ICRM_ERROR_CONFIG,
                     "sandbox data: entry %zu cannot be stored; give it a "
                     "\"module\" with records and \"values\"",
                     i + 1);
      break;
    }
  }
  json_decref(ids);
  return rc;
}
