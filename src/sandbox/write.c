#include "sandbox/write.h"

#include "core/digest.h"
#include "sandbox/activities.h"
#include "sandbox/alter.h"
#include "sandbox/check.h"
#include "sandbox/documents.h"
#include "sandbox/prices.h"
#include "sandbox/records.h"
#include "sandbox/relations.h"
#include "sandbox/user_form.h"
#include "sandbox/wire.h"

#include <stdlib.h>
#include <string.h>

/* The element of a write. What is no JSON object counts as an empty one, but
 * for a JSON string, which kills PHP. The caller releases it. */
static enum sb_outcome read_element(struct sb_call *call, json_t **element) {
  const struct sb_param *param = sb_params_find(call->params, "element");
  *element = param ? sb_json_parse(param->value, param->len) : NULL;
  if (json_is_string(*element)) {
    json_decref(*element);
    *element = NULL;
    return sb_crash(call);
  }
  if (!json_is_object(*element)) {
    json_decref(*element);
    *element = json_object();
  }
  return *element ? SB_DONE : sb_crash(call);
}

static bool is_written(const struct sb_field *field) {
  return field->editable && field->kind != SB_ID &&
         !(field->shared && field->kind != SB_OWNER);
}

/* A list of several values breaks the server's own SQL: the message, and then
 * an error, in one body. The record number is used up. */
static enum sb_outcome break_sql(struct sb_call *call, size_t values) {
  if (call->operation->run != sb_write_create)
    return sb_fail(call, "INTERNAL_SERVER_ERROR",
                   "Unknown Error while processing request");
  struct sb_rows *rows = sb_store_query(
      call->store, "UPDATE counter SET next = next + 1 WHERE module = ?");
  if (rows)
    sb_rows_string(rows, call->module->name);
  if (sb_rows_run(rows))
    return sb_crash(call);
  sb_fail(call, "INTERNAL_SERVER_ERROR",
          "Unknown Error while processing request");
  struct icrm_buf both = {0};
  icrm_buf_addf(&both,
                "Input array has %zu params, does not match query: 'insert "
                "into vtiger_crmentity (crmid,smcreatorid,smownerid,smgroupid,"
                "setype,description,modifiedby,createdtime,modifiedtime,source,"
                "label) values(?,?,?,?,?,?,?,?,?,?,?)'\n%s",
                10 + values, call->out->data);
  icrm_buf_free(call->out);
  *call->out = both;
  return SB_RAW;
}

/* The form that values are read in: the caller's, or NULL for the database's
 * own, where the server has no other or the element says so. */
static const struct sb_user_form *chosen_form(struct sb_call *call,
                                              const json_t *element,
                                              struct sb_user_form *own) {
  if (!sb_trait(call, SB_TRAIT_USER_FORM) || sb_user_form_skipped(element))
    return NULL;
  sb_user_form_load(call, own);
  return own;
}

static int set_value(struct sb_call *call, struct sb_values *values,
                     const struct sb_user_form *form, int field,
                     const json_t *value) {
  int rc = sb_trait(call, SB_TRAIT_USER_FORM)
               ? sb_user_form_set(values, call->sandbox, form, field, value)
               : sb_values_set(values, call->sandbox, field, value);
  if (rc == 0 && sb_trait(call, SB_TRAIT_TRIMMED))
    sb_values_trim(&values->text[field]);
  return rc;
}

/* What happens to fields that the element of a create does not name, and to
 * those that follow others. */
static int complete(struct sb_call *call, struct sb_values *values,
                    const json_t *element) {
  if (sb_trait(call, SB_TRAIT_ABSENT_DATE_TODAY) &&
      sb_user_form_today(call, values, element))
    return -1;
  sb_activities_remind(call, values, 0, SB_CREATE);
  return sb_user_form_follow(call, values);
}

/* What a change does to the fields that the element does not name. */
static int spill(struct sb_call *call, const struct sb_target *target,
                 struct sb_values *values, const json_t *element,
                 enum sb_write write) {
  struct sb_user_form form;
  sb_user_form_load(call, &form);
  if (sb_trait(call, SB_TRAIT_USER_FORM) && sb_user_form_skipped(element) &&
      sb_user_form_spill(call, &form, target->number, values, element))
    return -1;
  if (sb_trait(call, SB_TRAIT_FILE_LOST) &&
      sb_documents_lose(call, target->number, values, element))
    return -1;
  sb_activities_remind(call, values, target->number, write);
  return sb_user_form_follow(call, values);
}

/* The element's values over those in `values`. `keep_references`: an empty one
 * does not clear a reference, as update has it. */
static enum sb_outcome set_values(struct sb_call *call,
                                  struct sb_values *values,
                                  const json_t *element, bool keep_references) {
  const struct sb_module *module = values->module;
  struct sb_user_form own;
  const struct sb_user_form *form = chosen_form(call, element, &own);
  for (size_t i = 0; i < module->n_fields; i++) {
    const struct sb_field *field = &module->fields[i];
    const json_t *value = json_object_get(element, field->name);
    if (!value || !is_written(field) ||
        (call->operation->run != sb_write_create &&
         !sb_sees_field(call, field)) ||
        (keep_references && field->kind == SB_REFERENCE &&
         sb_values_is_empty(value)))
      continue;
    if (json_is_object(value) && sb_trait(call, SB_TRAIT_FILE_IN_ELEMENT))
      continue; /* a file, which documents read */
    size_t n =
        json_is_array(value) ? json_array_size(value) : json_object_size(value);
    if (n > 1)
      return break_sql(call, n);
    if (set_value(call, values, form, (int)i, value))
      return sb_crash(call);
    sb_alter_given(call, values, (int)i);
  }
  return SB_DONE;
}

/* A workflow that hands new records on. */
static int hand_on(struct sb_call *call, enum sb_trait trait) {
  if (!call->module->shared || !sb_trait(call, trait))
    return 0;
  return sb_rows_run(sb_store_query_number(
      call->store,
      "UPDATE entity SET owner = (SELECT min(id) FROM \"Users\" "
      "WHERE is_admin = 'on' AND status = 'Active') WHERE id = ?",
      call->record));
}

static enum sb_outcome show(struct sb_call *call,
                            const struct sb_target *target,
                            const struct sb_values *values) {
  if (!sb_check_owner_exists(call, values) &&
      sb_trait(call, SB_TRAIT_SQL_FAILS_LOUDLY)) {
    sb_fail(call, "DATABASE_QUERY_ERROR",
            "Database error while performing requested operation");
    return SB_RAW; /* and yet it is stored */
  }
  if (!sb_check_owner_exists(call, values))
    return sb_die(call, "Sorry! Attempt to access restricted file.");
  bool person = strcmp(target->module->name, "Users") == 0;
  return sb_wire_add_record(call, target, NULL,
                            target->module->shared || person)
             ? sb_crash(call)
             : SB_DONE;
}

/* A new user is given an access key; it cannot be chosen. */
static void make_key(struct sb_values *values) {
  int field = sb_module_field(values->module, "accesskey", 9);
  char key[17];
  if (field < 0)
    return;
  icrm_digest_random_hex(key, 8);
  icrm_buf_clear(&values->text[field]);
  icrm_buf_add_text(&values->text[field], key);
}

static int store_new(struct sb_call *call, struct sb_values *values,
                     const json_t *element) {
  const struct sb_module *module = values->module;
  call->record = sb_records_next(call, module);
  if (strcmp(module->name, "Users") == 0)
    make_key(values);
  if (!module->shared)
    return sb_records_insert(call->store, module, values, call->record);
  struct sb_document document = {0};
  int rc = sb_documents_read(call, values, element, &document);
  if (rc == 0)
    rc = sb_records_create(call, module, values, call->record);
  if (rc == 0)
    rc = sb_documents_store(call, &document, call->record);
  if (rc == 0 && sb_trait(call, SB_TRAIT_FILE_IN_ELEMENT))
    rc = sb_relations_read(call, call->record,
                           json_object_get(element, "relations"));
  sb_documents_free(&document);
  return rc;
}

/* What follows from a record once it is stored, before it is shown. */
static int finish(struct sb_call *call, const struct sb_target *target,
                  const json_t *element, enum sb_write write) {
  return sb_prices_store(call, target, element, write) ||
                 sb_alter_forecast(call, target, element) ||
                 sb_activities_finish(call, target)
             ? -1
             : 0;
}

static enum sb_outcome create(struct sb_call *call, const json_t *element) {
  const struct sb_module *module = call->module;
  struct sb_values values = {0};
  enum sb_outcome outcome = sb_check_references(call, module, element);
  if (outcome == SB_DONE)
    outcome = sb_check_mandatory(call, module, element, false);
  if (outcome == SB_DONE && sb_values_init(&values, module))
    outcome = sb_crash(call);
  if (outcome == SB_DONE)
    outcome = set_values(call, &values, element, false);
  if (outcome == SB_DONE)
    outcome = sb_check_owner(call, &values);
  if (outcome == SB_DONE)
    outcome = sb_check_unique(call, &values, 0);
  if (outcome == SB_DONE)
    outcome = sb_prices_check(call, element);
  if (outcome == SB_DONE && complete(call, &values, element))
    outcome = sb_crash(call);
  if (outcome == SB_DONE && store_new(call, &values, element))
    outcome = sb_crash(call);
  const struct sb_target target = {module, call->record};
  if (outcome == SB_DONE && (finish(call, &target, element, SB_CREATE) ||
                             hand_on(call, SB_TRAIT_OWNER_WORKFLOW)))
    outcome = sb_crash(call);
  if (outcome == SB_DONE)
    outcome = show(call, &target, &values);
  if (outcome != SB_FAILED && hand_on(call, SB_TRAIT_OWNER_WORKFLOW_LATE))
    outcome = sb_crash(call);
  if (values.module)
    sb_values_free(&values);
  return outcome;
}

static bool may_create(const struct sb_call *call,
                       const struct sb_module *module) {
  return call->admin ||
         (module->is_entity &&
          (module->creatable || sb_trait(call, SB_TRAIT_EVERYONE_CREATES)));
}

enum sb_outcome sb_write_create(struct sb_call *call) {
  const char *name = sb_params_text(call->params, "elementType");
  const struct sb_module *module =
      sb_schema_module(call->schema, name, strlen(name));
  if (!module || !module->has_records || !sb_may_see(call, module))
    return sb_deny(call);
  call->module = module;
  if (!may_create(call, module))
    return sb_fail(call, "ACCESS_DENIED", "Permission to write is denied");
  json_t *element;
  enum sb_outcome outcome = read_element(call, &element);
  if (outcome == SB_DONE)
    outcome = create(call, element);
  json_decref(element);
  return outcome;
}

static enum sb_outcome change(struct sb_call *call,
                              const struct sb_target *target,
                              const json_t *element, enum sb_write write) {
  const struct sb_module *module = target->module;
  const bool partial = write == SB_REVISE;
  struct sb_values values = {0};
  enum sb_outcome outcome = sb_check_references(call, module, element);
  if (outcome == SB_DONE)
    outcome = sb_check_mandatory(call, module, element, partial);
  if (outcome == SB_DONE && sb_values_init(&values, module))
    outcome = sb_crash(call);
  if (outcome == SB_DONE)
    outcome = set_values(call, &values, element, !partial);
  if (outcome == SB_DONE)
    outcome = sb_check_owner(call, &values);
  if (outcome == SB_DONE)
    outcome = sb_check_unique(call, &values, target->number);
  if (outcome == SB_DONE)
    outcome = sb_prices_check(call, element);
  if (outcome == SB_DONE && (sb_alter_absent(call, &values, element, write) ||
                             spill(call, target, &values, element, write)))
    outcome = sb_crash(call);
  if (outcome == SB_DONE && (sb_records_update(call, target, &values) ||
                             finish(call, target, element, write)))
    outcome = sb_crash(call);
  if (outcome == SB_DONE)
    outcome = show(call, target, &values);
  if (outcome != SB_FAILED && sb_alter_stored(call, target, element, write))
    outcome = sb_crash(call);
  if (values.module)
    sb_values_free(&values);
  return outcome;
}

static enum sb_outcome find_and_change(struct sb_call *call,
                                       enum sb_write write) {
  json_t *element;
  struct sb_target target;
  enum sb_outcome outcome = read_element(call, &element);
  if (outcome == SB_DONE)
    outcome = sb_target_find(call, sb_json_text(element, "id", ""), &target);
  if (outcome == SB_DONE)
    outcome = change(call, &target, element, write);
  json_decref(element);
  return outcome;
}

enum sb_outcome sb_write_update(struct sb_call *call) {
  return find_and_change(call, SB_UPDATE);
}

enum sb_outcome sb_write_revise(struct sb_call *call) {
  return find_and_change(call, SB_REVISE);
}

enum sb_outcome sb_write_delete(struct sb_call *call) {
  struct sb_target target;
  if (sb_target_find(call, sb_params_text(call->params, "id"), &target) !=
      SB_DONE)
    return SB_FAILED;
  if (!call->admin && !target.module->deletable)
    return sb_fail(call, "ACCESS_DENIED",
                   "Permission to read given object is denied");
  if (sb_records_remove(call, &target))
    return sb_crash(call);
  icrm_buf_add_text(call->out, "{\"status\":\"successful\"}");
  return SB_DONE;
}
