#include "sandbox/schema.h"

#include "sandbox/embedded.h"

#include <stdlib.h>
#include <string.h>

json_t *sb_schema_document(const char *folder, const char *name) {
  char path[96];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  for (const struct sb_embedded *at = sb_embedded; at->path; at++)
    if (strcmp(at->path, path) == 0)
      return sb_json_parse((const char *)at->data, at->len);
  return NULL;
}

static enum sb_kind kind_of(const char *type) {
  static const struct {
    const char *type;
    enum sb_kind kind;
  } kinds[] = {
      {"owner", SB_OWNER},      {"reference", SB_REFERENCE},
      {"integer", SB_INTEGER},  {"double", SB_DECIMAL},
      {"currency", SB_DECIMAL}, {"boolean", SB_BOOLEAN},
      {"date", SB_DATE},        {"datetime", SB_DATETIME},
      {"time", SB_TIME},
  };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].type, type) == 0)
      return kinds[i].kind;
  return SB_STRING;
}

static const char *absent_value(enum sb_kind kind) {
  return kind == SB_INTEGER || kind == SB_DECIMAL || kind == SB_BOOLEAN ? "0"
                                                                        : "";
}

/* The fields that the family keeps in one table for all modules. */
static const char *shared_column(const char *name) {
  static const char *const names[][2] = {
      {"assigned_user_id", "e.owner"},    {"createdtime", "e.createdtime"},
      {"modifiedtime", "e.modifiedtime"}, {"modifiedby", "e.modifiedby"},
      {"creator", "e.creator"},           {"created_user_id", "e.creator"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i][0], name) == 0)
      return names[i][1];
  return NULL;
}

void sb_field_column(const struct sb_field *field, struct icrm_buf *sql) {
  if (field->shared)
    icrm_buf_add_text(sql, field->shared);
  else if (field->starred)
    icrm_buf_addf(sql, "CASE e.creator WHEN caller() THEN m.\"%s\" ELSE '' END",
                  field->name);
  else
    icrm_buf_addf(sql, "m.\"%s\"", field->name);
}

static const json_t *described_field(const json_t *describe, const char *name) {
  size_t i;
  json_t *field;
  json_array_foreach(json_object_get(describe, "fields"), i,
                     field) if (strcmp(sb_json_text(field, "name", ""), name) ==
                                0) return field;
  return NULL;
}

const char *sb_module_field_label(const struct sb_module *module,
                                  const char *name) {
  return sb_json_text(described_field(module->describe, name), "label", name);
}

static bool is_listed(const json_t *names, const char *name) {
  size_t i;
  json_t *item;
  json_array_foreach((json_t *)names, i,
                     item) if (json_is_string(item) &&
                               strcmp(json_string_value(item), name) ==
                                   0) return true;
  return false;
}

bool sb_field_refers_to(const struct sb_field *field, const char *module) {
  return is_listed(field->refers_to, module);
}

/* A server that reads numbers and dates in the user's form does so by the
 * field's uitype: 7 a number, 9 a percentage, 71 and 72 amounts, also those
 * that only the server writes; and every date and time that is not a part of
 * another field. */
static bool is_in_user_form(const struct sb_field *field,
                            const struct sb_module *module,
                            const json_t *described) {
  static const char *const numbers[] = {"7", "9", "71", "72"};
  const char *uitype = sb_json_text(described, "uitype", "");
  if (field->shared ||
      json_object_get(json_object_get(module->document, "follows"),
                      field->name))
    return false;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (field->kind == SB_DECIMAL && strcmp(uitype, numbers[i]) == 0)
      return true;
  return field->editable &&
         (field->kind == SB_DATE || field->kind == SB_DATETIME);
}

static void load_field(struct sb_field *field, const struct sb_module *module,
                       const char *name) {
  const json_t *doc = module->document;
  const json_t *described = described_field(module->describe, name);
  const json_t *type = json_object_get(described, "type");
  field->name = name;
  field->kind = strcmp(name, "id") == 0
                    ? SB_ID
                    : kind_of(sb_json_text(type, "name", "string"));
  if (field->kind == SB_BOOLEAN && !module->shared)
    field->kind = SB_STRING; /* a user's are kept as they come: "on" */
  if (is_listed(json_object_get(doc, "as_sent"), name))
    field->kind = SB_STRING;
  field->refers_to = json_object_get(type, "refersTo");
  field->mandatory = sb_json_flag(described, "mandatory", false);
  field->editable = sb_json_flag(described, "editable", false);
  if (is_listed(json_object_get(doc, "text_columns"), name))
    field->kind = SB_STRING;
  field->in_user_form =
      module->shared && is_in_user_form(field, module, described);
  field->hidden = is_listed(json_object_get(doc, "hidden"), name);
  field->unique = is_listed(json_object_get(doc, "unique"), name) ||
                  sb_json_flag(described, "isunique", false);
  field->shared = module->shared ? shared_column(name) : NULL;
  field->withheld = is_listed(json_object_get(doc, "withheld"), name);
  field->custom = strncmp(name, "cf_", 3) == 0 ||
                  is_listed(json_object_get(doc, "custom"), name);
  field->starred = module->shared && strcmp(name, "starred") == 0;
  field->length =
      (size_t)sb_json_integer(json_object_get(doc, "lengths"), name, 0);
  field->decimals =
      (int)sb_json_integer(json_object_get(doc, "decimals"), name, 8);
  field->rounded = field->kind == SB_DECIMAL &&
                   !is_listed(json_object_get(doc, "own_scale"), name);
  field->amount = strcmp(sb_json_text(type, "name", ""), "currency") == 0 ||
                  strcmp(name, "unit_price") == 0;
  field->absent = sb_json_text(json_object_get(doc, "defaults"), name,
                               absent_value(field->kind));
}

/* Groups are returned with `groupid` beside `id`: it is the label of `id`. */
static int find_id_copy(const struct sb_module *module) {
  const char *label =
      sb_json_text(described_field(module->describe, "id"), "label", "");
  int field = sb_module_field(module, label, strlen(label));
  return field >= 0 && module->fields[field].kind == SB_STRING ? field : -1;
}

static int load_fields(struct sb_module *module) {
  const json_t *record = json_object_get(module->document, "record");
  module->fields = calloc(json_array_size(record) + 1, sizeof *module->fields);
  if (!module->fields)
    return -1;
  size_t i;
  json_t *name;
  json_array_foreach((json_t *)record, i, name) {
    struct sb_field *field = &module->fields[module->n_fields++];
    load_field(field, module, json_string_value(name));
    icrm_buf_add_text(&module->columns, i ? ", " : "");
    sb_field_column(field, &module->columns);
  }
  module->id_copy = find_id_copy(module);
  return module->columns.failed ? -1 : 0;
}

static void load_counter(struct sb_module *module) {
  const json_t *counter = json_object_get(module->document, "counter");
  module->counter_field = sb_json_text(counter, "field", NULL);
  module->counter_prefix = sb_json_text(counter, "prefix", "");
  module->counter_width = (int)sb_json_integer(counter, "width", 0);
  module->counter_first = sb_json_integer(counter, "next", 1);
}

static void load_module(struct sb_module *module, const char *folder,
                        const json_t *listed) {
  const json_t *limits = json_object_get(listed, "non_admin");
  module->name = sb_json_text(listed, "name", "");
  module->prefix = sb_json_text(listed, "prefix", "");
  module->label = sb_json_text(listed, "label", module->name);
  module->singular = sb_json_text(listed, "singular", module->label);
  module->is_entity = sb_json_flag(listed, "isEntity", true);
  module->has_records = sb_json_flag(listed, "records", true);
  module->field_types = json_object_get(listed, "field_types");
  module->visible = sb_json_flag(limits, "visible", true);
  module->creatable = sb_json_flag(limits, "create", true);
  module->deletable = sb_json_flag(limits, "delete", true);
  module->private = sb_json_flag(limits, "private", false);
  char name[80];
  snprintf(name, sizeof name, "%s.json", module->name);
  module->document = sb_schema_document(folder, name);
  module->has_records &= module->document != NULL;
  module->describe = json_object_get(module->document, "describe");
  module->relations = json_object_get(module->document, "relations");
  module->shared = module->has_records &&
                   sb_json_flag(module->document, "entity", module->is_entity);
  load_counter(module);
}

/* A decimal of the type "double.6" has that many decimals. */
static int add_decimals(struct sb_module *module, const char *name,
                        const char *number) {
  json_t *all = json_object_get(module->document, "decimals");
  if (!all) {
    all = json_object();
    if (json_object_set_new(module->document, "decimals", all))
      return -1;
  }
  return json_object_set_new(all, name, json_integer(atoi(number)));
}

/* Put a custom field before `id`, in describe and in records. */
static int add_field(struct sb_module *module, const char *name,
                     const char *type) {
  json_t *fields = json_object_get(module->describe, "fields");
  json_t *record = json_object_get(module->document, "record");
  json_t *field = json_pack("{s:s, s:s, s:b, s:{s:s%}, s:b, s:b, s:b, s:s}",
                            "name", name, "label", name, "mandatory", 0, "type",
                            "name", type, strcspn(type, "."), "isunique", 0,
                            "nullable", 1, "editable", 1, "default", "");
  size_t last = json_array_size(fields), end = json_array_size(record);
  if (!field || last == 0 || end == 0 ||
      json_array_insert_new(fields, last - 1, field) ||
      json_array_insert_new(record, end - 1, json_string(name)))
    return -1;
  json_t *custom = json_object_get(module->document, "custom");
  if (!custom) {
    custom = json_array();
    if (json_object_set_new(module->document, "custom", custom))
      return -1;
  }
  const char *dot = strchr(type, '.');
  return json_array_append_new(custom, json_string(name)) ||
                 (dot && add_decimals(module, name, dot + 1))
             ? -1
             : 0;
}

/* "HelpDesk.cf_icrm_token:string", "Accounts.latitude:double.6" */
static int add_extra(struct sb_schema *schema, const char *extra,
                     struct icrm_error *err) {
  const char *dot = strchr(extra, '.');
  const char *colon = dot ? strchr(dot, ':') : NULL;
  const struct sb_module *module =
      dot ? sb_schema_module(schema, extra, (size_t)(dot - extra)) : NULL;
  char name[64];
  size_t len = dot ? (colon ? (size_t)(colon - dot - 1) : strlen(dot + 1)) : 0;
  bool sound = len > 0 && len < sizeof name &&
               strspn(dot + 1, "abcdefghijklmnopqrstuvwxyz0123456789_&") == len;
  if (!sound || !module || !module->describe)
    return icrm_error_set(err, ICRM_ERROR_CONFIG,
                          "extra field \"%s\": write Module.field:type, with a "
                          "module of the sandbox and a name of small letters, "
                          "digits, underscores and &",
                          extra);
  memcpy(name, dot + 1, len);
  name[len] = '\0';
  if (described_field(module->describe, name))
    return icrm_error_set(err, ICRM_ERROR_CONFIG,
                          "extra field \"%s\": %s has a field of that name",
                          extra, module->name);
  size_t at = (size_t)(module - schema->modules);
  if (add_field(&schema->modules[at], name, colon ? colon + 1 : "string"))
    return icrm_error_set(err, ICRM_ERROR_CONFIG,
                          "extra field \"%s\": cannot be added", extra);
  return 0;
}

static int load_modules(struct sb_schema *schema) {
  const json_t *list = json_object_get(schema->settings, "modules");
  schema->modules = calloc(json_array_size(list) + 1, sizeof *schema->modules);
  if (!schema->modules)
    return -1;
  size_t i;
  json_t *listed;
  json_array_foreach((json_t *)list, i, listed) load_module(
      &schema->modules[schema->n_modules++], schema->folder, listed);
  return 0;
}

struct sb_schema *sb_schema_load(const char *folder, const char *const *extra,
                                 struct icrm_error *err) {
  struct sb_schema *schema = calloc(1, sizeof *schema);
  if (!schema) {
    icrm_error_set(err, ICRM_ERROR_CONFIG, "out of memory");
    return NULL;
  }
  schema->settings = sb_schema_document(folder, "modules.json");
  schema->folder = folder;
  schema->session_prefix = sb_json_text(schema->settings, "session_prefix", "");
  if (load_modules(schema))
    goto failed;
  for (; extra && *extra; extra++)
    if (add_extra(schema, *extra, err))
      goto failed;
  for (size_t i = 0; i < schema->n_modules; i++)
    if (load_fields(&schema->modules[i]))
      goto failed;
  return schema;
failed:
  sb_schema_free(schema);
  return NULL;
}

void sb_schema_set_file_size(struct sb_schema *schema, int64_t bytes) {
  for (size_t i = 0; i < schema->n_modules; i++) {
    size_t n;
    json_t *field;
    json_array_foreach(json_object_get(schema->modules[i].describe, "fields"),
                       n, field) {
      json_t *type = json_object_get(field, "type");
      if (json_object_get(type, "maxUploadFileSize"))
        json_object_set_new(type, "maxUploadFileSize", json_integer(bytes));
    }
  }
}

void sb_schema_free(struct sb_schema *schema) {
  if (!schema)
    return;
  for (size_t i = 0; i < schema->n_modules; i++) {
    free(schema->modules[i].fields);
    icrm_buf_free(&schema->modules[i].columns);
    json_decref(schema->modules[i].document);
  }
  free(schema->modules);
  json_decref(schema->settings);
  free(schema);
}

const struct sb_module *sb_schema_module(const struct sb_schema *schema,
                                         const char *name, size_t len) {
  for (size_t i = 0; i < schema->n_modules; i++) {
    const struct sb_module *module = &schema->modules[i];
    if (strlen(module->name) == len && memcmp(module->name, name, len) == 0)
      return module;
  }
  return NULL;
}

const struct sb_module *sb_schema_prefix(const struct sb_schema *schema,
                                         const char *prefix, size_t len) {
  for (size_t i = 0; i < schema->n_modules; i++) {
    const struct sb_module *module = &schema->modules[i];
    if (strlen(module->prefix) == len &&
        memcmp(module->prefix, prefix, len) == 0)
      return module;
  }
  return NULL;
}

int sb_module_field(const struct sb_module *module, const char *name,
                    size_t len) {
  for (size_t i = 0; i < module->n_fields; i++)
    if (strlen(module->fields[i].name) == len &&
        memcmp(module->fields[i].name, name, len) == 0)
      return (int)i;
  return -1;
}
