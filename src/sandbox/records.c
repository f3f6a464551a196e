#include "sandbox/records.h"

#include <stdlib.h>
#include <string.h>

static void bind_value(struct sb_rows *rows, const struct sb_field *field,
                       const struct icrm_buf *text) {
  bool may_be_null = field->kind == SB_DATE || field->kind == SB_DATETIME ||
                     field->kind == SB_TIME || field->kind == SB_INTEGER;
  if (may_be_null && text->len == 0)
    sb_rows_text(rows, NULL, 0);
  else
    sb_rows_text(rows, text->data ? text->data : "", text->len);
}

static void insert_sql(const struct sb_module *module, struct icrm_buf *sql) {
  icrm_buf_addf(sql, "INSERT INTO \"%s\" (", module->name);
  const char *comma = "";
  for (size_t i = 0; i < module->n_fields; i++)
    if (!module->fields[i].shared) {
      icrm_buf_addf(sql, "%s\"%s\"", comma, module->fields[i].name);
      comma = ", ";
    }
  icrm_buf_add_text(sql, ") VALUES (");
  comma = "?";
  for (size_t i = 0; i < module->n_fields; i++)
    if (!module->fields[i].shared) {
      icrm_buf_add_text(sql, comma);
      comma = ", ?";
    }
  icrm_buf_add_byte(sql, ')');
}

int sb_records_insert(struct sb_store *store, const struct sb_module *module,
                      const struct sb_values *values, int64_t number) {
  struct icrm_buf sql = {0};
  insert_sql(module, &sql);
  struct sb_rows *rows = sql.failed ? NULL : sb_store_query(store, sql.data);
  icrm_buf_free(&sql);
  if (!rows)
    return -1;
  for (size_t i = 0; i < module->n_fields; i++) {
    const struct sb_field *field = &module->fields[i];
    if (field->shared)
      continue;
    if (field->kind == SB_ID || (int)i == module->id_copy)
      sb_rows_integer(rows, number);
    else
      bind_value(rows, field, &values->text[i]);
  }
  return sb_rows_run(rows);
}

/* The record's name: the fields that name it, one space between. */
static void add_label(struct icrm_buf *out, const struct sb_values *values) {
  const json_t *names =
      json_object_get(values->module->document, "label_fields");
  size_t i;
  json_t *name;
  json_array_foreach((json_t *)names, i, name) {
    int field = sb_module_field(values->module, json_string_value(name),
                                json_string_length(name));
    if (field < 0 || values->text[field].len == 0)
      continue;
    icrm_buf_add_text(out, out->len ? " " : "");
    icrm_buf_add(out, values->text[field].data, values->text[field].len);
  }
  sb_values_trim(out);
}

/* What the shared table keeps of a record. */
struct shared {
  int64_t owner, creator, modifiedby;
  const char *createdtime, *modifiedtime;
};

static int insert_entity(struct sb_store *store, const struct shared *shared,
                         const struct sb_values *values, int64_t number) {
  struct sb_rows *rows = sb_store_query(
      store, "INSERT INTO entity (id, module, owner, creator, createdtime, "
             "modifiedtime, modifiedby, label) VALUES (?, ?, ?, ?, ?, ?, ?, "
             "?)");
  if (!rows)
    return -1;
  struct icrm_buf label = {0};
  add_label(&label, values);
  sb_rows_integer(rows, number);
  sb_rows_string(rows, values->module->name);
  sb_rows_integer(rows, shared->owner);
  sb_rows_integer(rows, shared->creator);
  sb_rows_string(rows, shared->createdtime);
  sb_rows_string(rows, shared->modifiedtime);
  sb_rows_integer(rows, shared->modifiedby);
  sb_rows_string(rows, label.data ? label.data : "");
  icrm_buf_free(&label);
  return sb_rows_run(rows);
}

void sb_records_look(struct sb_call *call, const char *module) {
  struct sb_rows *rows =
      sb_store_query(call->store, "SELECT next FROM counter WHERE module = ?");
  if (rows)
    sb_rows_string(rows, module);
  call->seen.counter = sb_rows_one(rows, 0);
  call->seen.next_id = call->sandbox->next_id;
}

/* Take the counter's number, or write behind one that was read before. */
static int64_t take_number(struct sb_store *store, const char *module,
                           int64_t read) {
  struct sb_rows *rows = sb_store_query(
      store, read ? "UPDATE counter SET next = max(next, ?2 + 1) WHERE module "
                    "= ?1 RETURNING ?2"
                  : "UPDATE counter SET next = next + 1 WHERE module = ?1 "
                    "RETURNING next - 1");
  if (!rows)
    return -1;
  sb_rows_string(rows, module);
  if (read)
    sb_rows_integer(rows, read);
  return sb_rows_one(rows, -1);
}

/* ticket_no and its like; `read` as in take_number. */
static int set_counter(struct sb_store *store, struct sb_values *values,
                       int64_t read) {
  const struct sb_module *module = values->module;
  if (!module->counter_field)
    return 0;
  int64_t n = take_number(store, module->name, read);
  int field = sb_module_field(module, module->counter_field,
                              strlen(module->counter_field));
  if (n < 0 || field < 0)
    return -1;
  icrm_buf_clear(&values->text[field]);
  icrm_buf_addf(&values->text[field], "%s%0*lld", module->counter_prefix,
                module->counter_width, (long long)n);
  return 0;
}

/* Demo data may bring its own numbers: the counter goes on behind them. */
static int pass_counter(struct sb_store *store, const struct sb_values *values,
                        const char *given) {
  struct sb_rows *rows = sb_store_query(
      store, "UPDATE counter SET next = max(next, ? + 1) WHERE module = ?");
  if (!rows)
    return -1;
  size_t prefix = strcspn(given, "0123456789");
  sb_rows_integer(rows, strtoll(given + prefix, NULL, 10));
  sb_rows_string(rows, values->module->name);
  return sb_rows_run(rows);
}

static int64_t value_number(const struct sb_values *values, const char *name,
                            int64_t absent) {
  int field = sb_module_field(values->module, name, strlen(name));
  if (field < 0 || !values->given[field])
    return absent;
  return strtoll(values->text[field].data, NULL, 10);
}

int sb_records_create(struct sb_call *call, const struct sb_module *module,
                      struct sb_values *values, int64_t number) {
  struct icrm_buf now = {0};
  sb_values_add_time(&now, call->now_s);
  const struct shared shared = {
      .owner = value_number(values, "assigned_user_id", call->user),
      .creator = call->user,
      .modifiedby = call->user,
      .createdtime = now.data,
      .modifiedtime = now.data};
  const int64_t read =
      sb_trait(call, SB_TRAIT_REPEATED_NUMBERS) ? call->seen.counter : 0;
  int rc = set_counter(call->store, values, read);
  if (rc == 0)
    rc = insert_entity(call->store, &shared, values, number);
  if (rc == 0)
    rc = sb_records_insert(call->store, module, values, number);
  icrm_buf_free(&now);
  return rc;
}

static const char *value_or(const struct sb_values *values, const char *name,
                            const char *absent) {
  int field = sb_module_field(values->module, name, strlen(name));
  return field >= 0 && values->given[field] ? values->text[field].data : absent;
}

int sb_records_load(struct icrm_sandbox *sandbox,
                    const struct sb_module *module, struct sb_values *values,
                    int64_t number) {
  struct icrm_buf now = {0};
  sb_values_add_time(&now, sb_clock_s(sandbox));
  const char *created = value_or(values, "createdtime", now.data);
  int64_t owner = value_number(values, "assigned_user_id", 1);
  int64_t changed_by = value_number(values, "modifiedby", owner);
  const struct shared shared = {
      .owner = owner,
      .creator = value_number(values, "creator", changed_by),
      .modifiedby = changed_by,
      .createdtime = created,
      .modifiedtime = value_or(values, "modifiedtime", created)};
  const char *field = module->counter_field ? module->counter_field : "id";
  const char *given = value_or(values, field, NULL);
  int rc = given ? pass_counter(sandbox->store, values, given)
                 : set_counter(sandbox->store, values, 0);
  if (rc == 0)
    rc = insert_entity(sandbox->store, &shared, values, number);
  if (rc == 0)
    rc = sb_records_insert(sandbox->store, module, values, number);
  if (sandbox->next_id <= number)
    sandbox->next_id = number + 1;
  icrm_buf_free(&now);
  return rc;
}

int64_t sb_records_next(struct sb_call *call, const struct sb_module *module) {
  if (module->shared)
    return call->sandbox->next_id++;
  bool person =
      strcmp(module->name, "Users") == 0 || strcmp(module->name, "Groups") == 0;
  char sql[160];
  if (person) /* one sequence for both */
    snprintf(sql, sizeof sql,
             "SELECT max((SELECT max(id) FROM \"Users\"), (SELECT max(id) FROM "
             "\"Groups\")) + 1");
  else
    snprintf(sql, sizeof sql, "SELECT max(id) + 1 FROM \"%s\"", module->name);
  return sb_rows_one(sb_store_query(call->store, sql), 1);
}

/* Run a statement whose parameters are the time, the user and the record. */
static int stamp(struct sb_call *call, const char *sql, int64_t number) {
  struct sb_rows *rows = sb_store_query(call->store, sql);
  if (!rows)
    return -1;
  struct icrm_buf now = {0};
  sb_values_add_time(&now, call->now_s);
  sb_rows_string(rows, now.data);
  sb_rows_integer(rows, call->user);
  sb_rows_integer(rows, number);
  icrm_buf_free(&now);
  return sb_rows_run(rows);
}

int sb_records_touch(struct sb_call *call, int64_t number) {
  return stamp(call,
               "UPDATE entity SET modifiedtime = ?, modifiedby = ? WHERE id = "
               "?",
               number);
}

static int update_owner(struct sb_store *store, int64_t owner, int64_t number) {
  struct sb_rows *rows =
      sb_store_query(store, "UPDATE entity SET owner = ? WHERE id = ?");
  if (!rows)
    return -1;
  sb_rows_integer(rows, owner);
  sb_rows_integer(rows, number);
  return sb_rows_run(rows);
}

/* UPDATE "HelpDesk" SET "a" = ?, … ; false when nothing is to be set. */
static bool update_sql(const struct sb_values *values, struct icrm_buf *sql) {
  const struct sb_module *module = values->module;
  const char *comma = " SET ";
  icrm_buf_addf(sql, "UPDATE \"%s\"", module->name);
  for (size_t i = 0; i < module->n_fields; i++)
    if (values->given[i] && !module->fields[i].shared) {
      icrm_buf_addf(sql, "%s\"%s\" = ?", comma, module->fields[i].name);
      comma = ", ";
    }
  icrm_buf_add_text(sql, " WHERE id = ?");
  return comma[0] == ',' && !sql->failed;
}

static int update_row(struct sb_store *store, const struct sb_target *target,
                      const struct sb_values *values) {
  struct icrm_buf sql = {0};
  bool any = update_sql(values, &sql);
  struct sb_rows *rows = any ? sb_store_query(store, sql.data) : NULL;
  icrm_buf_free(&sql);
  if (!rows)
    return any ? -1 : 0;
  for (size_t i = 0; i < values->module->n_fields; i++)
    if (values->given[i] && !values->module->fields[i].shared)
      bind_value(rows, &values->module->fields[i], &values->text[i]);
  sb_rows_integer(rows, target->number);
  return sb_rows_run(rows);
}

/* The label follows the fields that it is made of. */
static int update_label(struct sb_store *store,
                        const struct sb_target *target) {
  const json_t *names =
      json_object_get(target->module->document, "label_fields");
  struct icrm_buf sql = {0};
  icrm_buf_add_text(&sql, "UPDATE entity SET label = (SELECT trim(''");
  size_t i;
  json_t *name;
  json_array_foreach((json_t *)names, i, name) icrm_buf_addf(
      &sql, " || ' ' || ifnull(\"%s\", '')", json_string_value(name));
  icrm_buf_addf(&sql, ") FROM \"%s\" WHERE id = ?1) WHERE id = ?1",
                target->module->name);
  struct sb_rows *rows =
      sb_store_query_number(store, sql.failed ? "" : sql.data, target->number);
  icrm_buf_free(&sql);
  return sb_rows_run(rows);
}

int sb_records_update(struct sb_call *call, const struct sb_target *target,
                      const struct sb_values *values) {
  if (update_row(call->store, target, values))
    return -1;
  if (!target->module->shared)
    return 0;
  int64_t owner = value_number(values, "assigned_user_id", 0);
  if (owner && update_owner(call->store, owner, target->number))
    return -1;
  return sb_records_touch(call, target->number) ||
                 update_label(call->store, target)
             ? -1
             : 0;
}

int sb_records_remove(struct sb_call *call, const struct sb_target *target) {
  if (target->module->shared)
    return stamp(call,
                 "UPDATE entity SET deleted = 1, modifiedtime = ?, modifiedby "
                 "= ? WHERE id = ?",
                 target->number);
  char sql[128];
  bool user = strcmp(target->module->name, "Users") == 0;
  snprintf(sql, sizeof sql,
           user ? "UPDATE \"%s\" SET status = 'Inactive' WHERE id = ?"
                : "DELETE FROM \"%s\" WHERE id = ?",
           target->module->name);
  return sb_rows_run(sb_store_query_number(call->store, sql, target->number));
}
