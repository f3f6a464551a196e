#include "sandbox/wire.h"

#include "sandbox/enames.h"
#include "sandbox/entities.h"
#include "sandbox/prices.h"
#include "sandbox/relations.h"

#include <stdlib.h>
#include <string.h>

static const char *module_prefix(const struct sb_call *call, const char *name) {
  const struct sb_module *module =
      sb_schema_module(call->schema, name, strlen(name));
  return module ? module->prefix : "";
}

/* A reference has one module that it can refer to, or the record tells. */
static const char *reference_prefix(struct sb_call *call,
                                    const struct sb_field *field,
                                    int64_t number) {
  if (json_array_size(field->refers_to) == 1)
    return module_prefix(
        call, json_string_value(json_array_get(field->refers_to, 0)));
  const struct sb_module *module = sb_target_module(call->sandbox, number);
  return module && sb_field_refers_to(field, module->name) ? module->prefix
                                                           : "";
}

static const char *owner_prefix(struct sb_call *call, int64_t number) {
  bool group = sb_rows_one(
      sb_store_query_number(call->store,
                            "SELECT 1 FROM \"Groups\" WHERE id = ?", number),
      0);
  return module_prefix(call, group ? "Groups" : "Users");
}

static void add_id(struct sb_call *call, const char *prefix, int64_t number) {
  if (number && prefix[0])
    icrm_buf_addf(call->out, "\"%sx%lld\"", prefix, (long long)number);
  else
    icrm_buf_add_text(call->out, "\"\"");
}

static void add_value(struct sb_call *call, const struct sb_module *module,
                      const struct sb_field *field, struct sb_rows *rows,
                      int column) {
  int64_t number = 0;
  size_t len;
  if (field->kind == SB_ID || field->kind == SB_OWNER ||
      field->kind == SB_REFERENCE)
    number = sb_rows_get_integer(rows, column);
  switch (field->kind) {
  case SB_ID:
    add_id(call, module->prefix, number);
    break;
  case SB_OWNER:
    add_id(call, number ? owner_prefix(call, number) : "", number);
    break;
  case SB_REFERENCE:
    add_id(call, number ? reference_prefix(call, field, number) : "", number);
    break;
  default: {
    const char *text = sb_rows_get_text(rows, column, &len);
    sb_json_add_text(call->out, text, len);
  }
  }
}

/* A document with a file names it beside its id. */
static void add_attachment(struct sb_call *call, const struct sb_module *module,
                           int64_t number) {
  int64_t file = sb_rows_one(
      sb_store_query_number(call->store,
                            "SELECT min(id) FROM attachment WHERE document = ?",
                            number),
      0);
  if (file == 0 || sb_trait(call, SB_TRAIT_FILE_IN_ELEMENT))
    return;
  sb_json_add_key(call->out, "imageattachmentids");
  add_id(call, module->prefix, file);
}

void sb_wire_add_row(struct sb_call *call, const struct sb_module *module,
                     struct sb_rows *rows, const int *fields, size_t n,
                     const char *id) {
  bool documents = strcmp(module->name, "Documents") == 0;
  icrm_buf_add_byte(call->out, '{');
  for (size_t i = 0; i < n; i++) {
    const struct sb_field *field = &module->fields[fields[i]];
    if (!sb_sees_field(call, field))
      continue;
    sb_json_add_key(call->out, field->name);
    if (field->kind == SB_ID && id)
      sb_json_add(call->out, id);
    else
      add_value(call, module, field, rows, (int)i);
    if (field->kind == SB_ID && documents)
      add_attachment(call, module, sb_rows_get_integer(rows, (int)i));
  }
}

static void record_sql(const struct sb_module *module, struct icrm_buf *sql) {
  icrm_buf_addf(sql, "SELECT %s", module->columns.data);
  if (module->shared)
    icrm_buf_addf(sql,
                  ", e.label, e.id FROM entity e LEFT JOIN \"%s\" m ON m.id = "
                  "e.id WHERE e.id = ?",
                  module->name);
  else
    icrm_buf_addf(sql, " FROM \"%s\" m WHERE m.id = ?", module->name);
}

/* The label of the current row; the shared table keeps it. */
static void read_label(struct sb_rows *rows, const struct sb_module *module,
                       struct icrm_buf *label) {
  size_t i, len;
  json_t *name;
  if (module->shared) {
    const char *text = sb_rows_get_text(rows, (int)module->n_fields, &len);
    icrm_buf_add(label, text, len);
    return;
  }
  json_array_foreach(json_object_get(module->document, "label_fields"), i,
                     name) {
    int field = sb_module_field(module, json_string_value(name),
                                json_string_length(name));
    if (field < 0)
      continue;
    const char *text = sb_rows_get_text(rows, field, &len);
    icrm_buf_add_text(label, label->len && len ? " " : "");
    icrm_buf_add(label, text, len);
  }
}

/* PHP takes an empty label, and "0", for none. */
static void add_record_label(struct sb_call *call, struct sb_rows *rows,
                             const struct sb_module *module) {
  struct icrm_buf label = {0}, coded = {0};
  read_label(rows, module, &label);
  if (label.len && strcmp(label.data, "0") != 0) {
    sb_entities_add(&coded, label.data, label.len);
    sb_json_add_pair(call->out, "label", coded.data ? coded.data : "");
  }
  icrm_buf_free(&label);
  icrm_buf_free(&coded);
}

static void add_tables(struct sb_call *call, const struct sb_target *target,
                       struct sb_rows *rows) {
  bool created = strncmp(call->operation->name, "create", 6) == 0;
  if (sb_trait(call, SB_TRAIT_RECORD_TABLES))
    sb_enames_add_uuid(call, target->module, target->number);
  if (strcmp(target->module->name, "Documents") == 0 &&
      sb_trait(call, SB_TRAIT_FILE_IN_ELEMENT))
    sb_relations_add(call, target->number, !created);
  if (sb_trait(call, SB_TRAIT_RECORD_TABLES) && !created)
    sb_enames_add(call, target->module, rows);
}

int sb_wire_add_record(struct sb_call *call, const struct sb_target *target,
                       const char *id, bool label) {
  const struct sb_module *module = target->module;
  struct icrm_buf sql = {0};
  record_sql(module, &sql);
  struct sb_rows *rows =
      sql.failed ? NULL
                 : sb_store_query_number(call->store, sql.data, target->number);
  icrm_buf_free(&sql);
  int *fields = calloc(module->n_fields, sizeof *fields);
  for (size_t i = 0; fields && i < module->n_fields; i++)
    fields[i] = (int)i;
  bool found = rows && fields && sb_rows_next(rows) == 1;
  if (found) {
    char own[48]; /* a record without its own row still has an id */
    snprintf(own, sizeof own, "%sx%lld", module->prefix,
             (long long)target->number);
    sb_wire_add_row(call, module, rows, fields, module->n_fields,
                    id ? id : own);
    add_tables(call, target, rows);
    if (label && sb_trait(call, SB_TRAIT_RECORD_LABEL))
      add_record_label(call, rows, module);
    sb_prices_show(call, target);
    icrm_buf_add_byte(call->out, '}');
  }
  free(fields);
  sb_rows_end(rows);
  return found ? 0 : -1;
}
