#include "sandbox/check.h"

#include <stdlib.h>
#include <string.h>

static enum sb_outcome check_reference(struct sb_call *call,
                                       const struct sb_field *field,
                                       const char *id) {
  const struct sb_module *module =
      sb_schema_prefix(call->schema, id, strcspn(id, "x"));
  if (!module)
    return sb_trait(call, SB_TRAIT_COREBOS_IDS)
               ? sb_fail(call, "ACCESS_DENIED",
                         "Permission to perform the operation is denied for "
                         "id: 0")
               : sb_fail(call, "ACCESS_DENIED",
                         "Permission to perform the operation is denied for "
                         "id");
  if (field->kind == SB_OWNER)
    return SB_DONE;
  if (!sb_field_refers_to(field, module->name))
    return sb_fail(call, "REFERENCE_INVALID",
                   "Invalid reference specified for %s", field->name);
  return SB_DONE;
}

enum sb_outcome sb_check_references(struct sb_call *call,
                                    const struct sb_module *module,
                                    const json_t *element) {
  for (size_t i = 0; i < module->n_fields; i++) {
    const struct sb_field *field = &module->fields[i];
    const json_t *value = json_object_get(element, field->name);
    bool owner =
        field->kind == SB_OWNER && sb_trait(call, SB_TRAIT_COREBOS_IDS);
    if (!owner && (field->kind != SB_REFERENCE || field->shared))
      continue;
    if (sb_values_is_empty(value))
      continue;
    struct icrm_buf id = {0};
    sb_values_text(&id, value);
    enum sb_outcome outcome =
        check_reference(call, field, id.data ? id.data : "");
    icrm_buf_free(&id);
    if (outcome != SB_DONE)
      return outcome;
  }
  return SB_DONE;
}

static enum sb_outcome lacks(struct sb_call *call,
                             const struct sb_module *module,
                             const struct sb_field *field) {
  if (!sb_trait(call, SB_TRAIT_COREBOS_WORDS))
    return sb_fail(call, "MANDATORY_FIELDS_MISSING", "%s does not have a value",
                   field->name);
  return sb_fail(call, "MANDATORY_FIELDS_MISSING",
                 "%s (%s) does not have a value",
                 sb_module_field_label(module, field->name), field->name);
}

enum sb_outcome sb_check_mandatory(struct sb_call *call,
                                   const struct sb_module *module,
                                   const json_t *element, bool partial) {
  for (size_t i = 0; i < module->n_fields; i++) {
    const struct sb_field *field = &module->fields[i];
    const json_t *value = json_object_get(element, field->name);
    if (field->mandatory && !(partial && !value) && sb_values_is_empty(value))
      return lacks(call, module, field);
  }
  return SB_DONE;
}

static bool is_taken(struct sb_call *call, const struct sb_module *module,
                     const struct sb_field *field, const struct icrm_buf *text,
                     int64_t number) {
  char sql[256];
  snprintf(sql, sizeof sql,
           "SELECT 1 FROM \"%s\" m JOIN entity e ON e.id = m.id WHERE "
           "m.\"%s\" = ? COLLATE mysql AND m.id <> ? AND m.id < ? AND "
           "e.deleted = 0",
           module->name, field->name);
  const int64_t seen =
      sb_trait(call, SB_TRAIT_UNIQUE_RACE) ? call->seen.next_id : 0;
  struct sb_rows *rows = sb_store_query(call->store, sql);
  if (rows) {
    sb_rows_text(rows, text->data, text->len);
    sb_rows_integer(rows, number);
    sb_rows_integer(rows, seen ? seen : INT64_MAX);
  }
  return sb_rows_one(rows, 0) == 1;
}

enum sb_outcome sb_check_unique(struct sb_call *call,
                                const struct sb_values *values,
                                int64_t number) {
  const struct sb_module *module = values->module;
  for (size_t i = 0; module->shared && i < module->n_fields; i++)
    if (module->fields[i].unique && values->given[i] && values->text[i].len &&
        is_taken(call, module, &module->fields[i], &values->text[i], number))
      return sb_fail(call, "0",
                     sb_trait(call, SB_TRAIT_DUPLICATE_WORDS)
                         ? "Duplicate(s) detected!"
                         : "LBL_DUPLICATES_DETECTED");
  return SB_DONE;
}

bool sb_check_owner_exists(struct sb_call *call,
                           const struct sb_values *values) {
  int field = sb_module_field(values->module, "assigned_user_id", 16);
  if (field < 0 || !values->given[field])
    return true;
  struct sb_rows *rows = sb_store_query(
      call->store, "SELECT 1 FROM \"Users\" WHERE id = ?1 UNION ALL SELECT 1 "
                   "FROM \"Groups\" WHERE id = ?1");
  if (rows)
    sb_rows_integer(rows, strtoll(values->text[field].data, NULL, 10));
  return sb_rows_one(rows, 0) == 1;
}

enum sb_outcome sb_check_owner(struct sb_call *call,
                               const struct sb_values *values) {
  int field = sb_module_field(values->module, "assigned_user_id", 16);
  if (call->admin || field < 0 || !values->given[field] ||
      !sb_trait(call, SB_TRAIT_OWNERS_CHECKED))
    return SB_DONE;
  struct sb_rows *rows = sb_store_query(
      call->store, "SELECT 1 FROM \"Users\" WHERE id = ?1 AND (is_admin = 'on' "
                   "OR id = ?2) UNION ALL SELECT 1 FROM \"Groups\" WHERE id = "
                   "?1");
  if (rows) {
    sb_rows_integer(rows, strtoll(values->text[field].data, NULL, 10));
    sb_rows_integer(rows, call->user);
  }
  return sb_rows_one(rows, 0) == 1
             ? SB_DONE
             : sb_fail(call, "ACCESS_DENIED",
                       "Cannot assign record to the given user");
}
