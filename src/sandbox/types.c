#include "sandbox/types.h"

#include <string.h>

static bool holds(const json_t *list, const char *text) {
  size_t i;
  json_t *item;
  json_array_foreach((json_t *)list, i,
                     item) if (json_is_string(item) &&
                               strcmp(json_string_value(item), text) ==
                                   0) return true;
  return false;
}

/* True when the module has a field of one of these types. */
static bool has_type(const struct sb_module *module, const json_t *types) {
  size_t i;
  json_t *item;
  if (module->field_types) {
    json_array_foreach(
        (json_t *)module->field_types, i,
        item) if (holds(types, json_string_value(item))) return true;
    return false;
  }
  json_array_foreach(
      json_object_get(module->describe, "fields"), i,
      item) if (holds(types, sb_json_text(json_object_get(item, "type"), "name",
                                          ""))) return true;
  return false;
}

static void add_information(struct icrm_buf *out,
                            const struct sb_module *module) {
  sb_json_add_key(out, module->name);
  icrm_buf_addf(out, "{\"isEntity\":%s", module->is_entity ? "true" : "false");
  sb_json_add_pair(out, "label", module->label);
  sb_json_add_pair(out, "singular", module->singular);
  icrm_buf_add_byte(out, '}');
}

static void add_list(struct sb_call *call, const json_t *types) {
  const struct sb_schema *schema = call->schema;
  struct icrm_buf names = {0}, information = {0};
  for (size_t i = 0; i < schema->n_modules; i++) {
    const struct sb_module *module = &schema->modules[i];
    if (!sb_may_see(call, module) || (types && !has_type(module, types)))
      continue;
    icrm_buf_add_text(&names, names.len ? "," : "");
    sb_json_add(&names, module->name);
    if (!information.len)
      icrm_buf_add_byte(&information, '{');
    add_information(&information, module);
  }
  icrm_buf_addf(call->out, "{\"types\":[%s],\"information\":%s%s}",
                names.data ? names.data : "",
                information.data ? information.data : "[]",
                information.len ? "}" : "");
  icrm_buf_free(&names);
  icrm_buf_free(&information);
}

enum sb_outcome sb_types_list(struct sb_call *call) {
  const struct sb_param *param = sb_params_find(call->params, "fieldTypeList");
  if (param && param->array)
    return sb_crash(call);
  json_t *types = param ? sb_json_parse(param->value, param->len) : NULL;
  if (json_is_string(types)) {
    json_decref(types);
    return sb_crash(call);
  }
  add_list(call, json_is_array(types) ? types : NULL);
  json_decref(types);
  return SB_DONE;
}

/* Only administrators change what is no entity. */
static void tell_rights(const struct sb_call *call,
                        const struct sb_module *module, json_t *described) {
  static const char *const rights[] = {"createable", "updateable",
                                       "deleteable"};
  if (call->admin || module->is_entity)
    return;
  for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
    json_object_set_new(described, rights[i], json_false());
}

static void withhold(const struct sb_call *call, const struct sb_module *module,
                     json_t *described) {
  json_t *fields = json_object_get(described, "fields");
  for (size_t i = json_array_size(fields); i-- > 0;) {
    const char *name = sb_json_text(json_array_get(fields, i), "name", "");
    int index = sb_module_field(module, name, strlen(name));
    if (index >= 0 && module->fields[index].withheld &&
        !sb_sees_field(call, &module->fields[index]))
      json_array_remove(fields, i);
  }
}

static void tell_unique(const struct sb_call *call,
                        const struct sb_module *module, json_t *described) {
  const bool tells = sb_trait(call, SB_TRAIT_DESCRIBE_ISUNIQUE);
  size_t i;
  json_t *field;
  json_array_foreach(json_object_get(described, "fields"), i, field) {
    const char *name = sb_json_text(field, "name", "");
    int index = sb_module_field(module, name, strlen(name));
    if (!tells)
      json_object_del(field, "isunique");
    else if (index >= 0 && module->fields[index].unique)
      json_object_set_new(field, "isunique", json_true());
  }
}

enum sb_outcome sb_types_describe(struct sb_call *call) {
  const char *name = sb_params_text(call->params, "elementType");
  const struct sb_module *module =
      sb_schema_module(call->schema, name, strlen(name));
  if (!module)
    return sb_fail(
        call, "ACCESS_DENIED",
        "Permission to perform the operation is denied for %s%s",
        sb_trait(call, SB_TRAIT_COREBOS_WORDS) ? "" : "name : ", name);
  call->module = module;
  if (!module->describe || !sb_may_see(call, module))
    return sb_deny(call);
  json_t *described = json_deep_copy(module->describe);
  tell_rights(call, module, described);
  withhold(call, module, described);
  tell_unique(call, module, described);
  sb_json_add_value(call->out, described);
  json_decref(described);
  return SB_DONE;
}
