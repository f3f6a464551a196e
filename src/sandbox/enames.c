#include "sandbox/enames.h"

#include "sandbox/target.h"
#include "sandbox/uuid.h"

#include <string.h>

/* The first of these that has a row of that number. */
static const struct sb_module *
module_of(struct sb_call *call, const struct sb_field *field, int64_t number) {
  const char *name =
      field->kind == SB_OWNER
          ? "Users"
          : json_string_value(json_array_get(field->refers_to, 0));
  const struct sb_module *module =
      name ? sb_schema_module(call->schema, name, strlen(name)) : NULL;
  if (field->kind == SB_OWNER &&
      sb_rows_one(sb_store_query_number(call->store,
                                        "SELECT 1 FROM \"Groups\" WHERE id = ?",
                                        number),
                  0))
    return sb_schema_module(call->schema, "Groups", 6);
  return module && !module->shared ? module
                                   : sb_target_module(call->sandbox, number);
}

/* The name of a record, as its module names its own: of a user the first and
 * the last name, of a currency its symbol too. */
static void add_name(struct sb_call *call, const struct sb_module *module,
                     int64_t number, struct icrm_buf *out) {
  char sql[160] = "SELECT label FROM entity WHERE id = ?";
  size_t len;
  if (strcmp(module->name, "Users") == 0)
    snprintf(sql, sizeof sql,
             "SELECT ifnull(first_name, '') || ' ' || ifnull(last_name, '') "
             "FROM \"Users\" WHERE id = ?");
  else if (strcmp(module->name, "Currency") == 0)
    snprintf(sql, sizeof sql,
             "SELECT currency_name || ' : &euro;' FROM \"Currency\" WHERE id = "
             "?");
  else if (!module->shared)
    snprintf(sql, sizeof sql, "SELECT \"%s\" FROM \"%s\" WHERE id = ?",
             sb_json_text(module->describe, "labelFields", "id"), module->name);
  struct sb_rows *rows = sb_store_query_number(call->store, sql, number);
  if (rows && sb_rows_next(rows) == 1) {
    const char *text = sb_rows_get_text(rows, 0, &len);
    icrm_buf_add(out, text ? text : "", text ? len : 0);
  }
  sb_rows_end(rows);
}

static void add_table(struct sb_call *call, const struct sb_field *field,
                      int64_t number) {
  const struct sb_module *module = module_of(call, field, number);
  if (!module)
    return;
  char key[96], uuid[SB_UUID_SIZE] = "";
  struct icrm_buf name = {0};
  snprintf(key, sizeof key, "%sename", field->name);
  if (module->shared)
    sb_uuid_make(number, uuid);
  add_name(call, module, number, &name);
  sb_json_add_key(call->out, key);
  icrm_buf_add_byte(call->out, '{');
  sb_json_add_pair(call->out, "module", module->name);
  sb_json_add_pair(call->out, "reference", name.data ? name.data : "");
  sb_json_add_pair(call->out, "cbuuid", uuid);
  icrm_buf_add_byte(call->out, '}');
  icrm_buf_free(&name);
}

void sb_enames_add_uuid(struct sb_call *call, const struct sb_module *module,
                        int64_t number) {
  char uuid[SB_UUID_SIZE];
  if (!module->shared)
    return;
  sb_uuid_make(number, uuid);
  sb_json_add_pair(call->out, "cbuuid", uuid);
}

void sb_enames_add(struct sb_call *call, const struct sb_module *module,
                   struct sb_rows *rows) {
  for (size_t i = 0; i < module->n_fields; i++) {
    const struct sb_field *field = &module->fields[i];
    if (field->kind != SB_REFERENCE && field->kind != SB_OWNER)
      continue;
    int64_t number = sb_rows_get_integer(rows, (int)i);
    if (number)
      add_table(call, field, number);
  }
}
