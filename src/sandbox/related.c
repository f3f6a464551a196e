#include "sandbox/related.h"

#include "sandbox/link.h"
#include "sandbox/query.h"
#include "sandbox/records.h"
#include "sandbox/target.h"
#include "vtql/vtql.h"

#include <string.h>

static enum sb_outcome no_relation(struct sb_call *call) {
  return sb_fail(call, "UNKOWN_ENTITY", "Relation specified is incorrect");
}

/* The relation of that label to that module. Where the label is optional, the
 * module's name will do for one. */
static const json_t *find_relation(const struct sb_call *call,
                                   const struct sb_module *module,
                                   const char *label, const char *type) {
  bool any = sb_trait(call, SB_TRAIT_RELATED_LABEL_OPTIONAL) &&
             (!label[0] || strcmp(label, type) == 0);
  size_t i;
  json_t *relation;
  json_array_foreach(
      (json_t *)module->relations, i,
      relation) if (strcmp(sb_json_text(relation, "module", ""), type) == 0 &&
                    (any || strcmp(sb_json_text(relation, "label", ""),
                                   label) == 0)) return relation;
  return NULL;
}

/* The field of the related module that refers to the source, NULL for none. */
static const char *relation_field(const json_t *relation,
                                  const struct sb_module *related) {
  const char *name = sb_json_text(relation, "field", NULL);
  return name && sb_module_field(related, name, strlen(name)) >= 0 ? name
                                                                   : NULL;
}

static enum sb_outcome run_related(struct sb_call *call, const char *text,
                                   size_t len, const json_t *relation,
                                   const struct sb_target *source) {
  const char *type = sb_json_text(relation, "module", "");
  const struct sb_module *related =
      sb_schema_module(call->schema, type, strlen(type));
  if (!related || !related->has_records || !sb_may_see(call, related)) {
    icrm_buf_add_text(call->out, "[]");
    return SB_DONE;
  }
  struct icrm_buf sql = {0};
  const char *field = relation_field(relation, related);
  if (field)
    icrm_buf_addf(&sql, "m.\"%s\" = ? OR ", field);
  icrm_buf_add_text(&sql, "m.id IN (SELECT target FROM related WHERE source = "
                          "? UNION SELECT source FROM related WHERE target = "
                          "?)");
  const struct sb_condition condition = {sql.data, source->number};
  enum sb_outcome outcome = sb_query_run(call, text, len, related, &condition);
  icrm_buf_free(&sql);
  return outcome;
}

/* The source of a relation; one that is not there is told differently here. */
static enum sb_outcome find_source(struct sb_call *call,
                                   struct sb_target *source) {
  const char *id = sb_params_text(call->params, "id");
  enum sb_outcome outcome = sb_target_find(call, id, source);
  if (outcome == SB_FAILED && call->module &&
      sb_target_number(call->sandbox, id) == 0)
    return sb_fail(call, "ACCESS_DENIED",
                   "Permission to perform the operation is denied for name : ");
  return outcome;
}

enum sb_outcome sb_related_retrieve(struct sb_call *call) {
  struct sb_target source;
  if (find_source(call, &source) != SB_DONE)
    return SB_FAILED;
  const char *type = sb_params_text(call->params, "relatedType");
  const json_t *relation = find_relation(
      call, source.module, sb_params_text(call->params, "relatedLabel"), type);
  if (!relation)
    return no_relation(call);
  struct icrm_buf text = {0};
  icrm_buf_addf(&text, "SELECT * FROM %s;",
                sb_json_text(relation, "module", ""));
  enum sb_outcome outcome =
      run_related(call, text.data, text.len, relation, &source);
  icrm_buf_free(&text);
  return outcome;
}

/* The server puts its own condition behind the query: after AND when it finds
 * the word WHERE in capitals, else after a WHERE of its own. */
static void complete(struct icrm_buf *text, const struct sb_param *query,
                     const char *prefix) {
  icrm_buf_add(text, query->value, query->len);
  icrm_buf_addf(text, " %s id > '%sx0';",
                strstr(query->value, "WHERE") ? "AND" : "WHERE", prefix);
}

enum sb_outcome sb_related_query(struct sb_call *call) {
  struct sb_target source;
  struct icrm_vtql_slice name;
  const struct sb_param *query = sb_params_find(call->params, "query");
  if (find_source(call, &source) != SB_DONE)
    return SB_FAILED;
  if (!query || !icrm_vtql_find_module(query->value, query->len, &name))
    return sb_fail(call, "ACCESS_DENIED",
                   "Permission to perform the operation is denied for query");
  const struct sb_module *related =
      sb_schema_module(call->schema, name.data, name.len);
  bool closed = name.data[name.len] == ';'; /* taken for part of the name */
  const json_t *relation =
      related && !closed
          ? find_relation(call, source.module,
                          sb_params_text(call->params, "relatedLabel"),
                          related->name)
          : NULL;
  if (!relation)
    return no_relation(call);
  struct icrm_buf text = {0};
  complete(&text, query, related->prefix);
  enum sb_outcome outcome =
      run_related(call, text.data, text.len, relation, &source);
  icrm_buf_free(&text);
  return outcome;
}

enum sb_outcome sb_related_add(struct sb_call *call) {
  struct sb_target source, related;
  const char *source_id = sb_params_text(call->params, "sourceRecordId");
  const char *related_id = sb_params_text(call->params, "relatedRecordId");
  if (sb_target_find(call, related_id, &related) != SB_DONE ||
      sb_target_find(call, source_id, &source) != SB_DONE)
    return SB_FAILED;
  const json_t *relation = find_relation(
      call, source.module, sb_params_text(call->params, "relationIdLabel"),
      related.module->name);
  if (!relation)
    return no_relation(call);
  /* A field that could hold the relation is left alone, but the source
   * counts as changed. */
  if (sb_link_records(call->store, source.number, related.number) ||
      sb_records_touch(call, source.number))
    return sb_crash(call);
  icrm_buf_add_text(call->out, "{\"message\":\"successfull\"}");
  return SB_DONE;
}

static void add_types(struct sb_call *call, const struct sb_module *module) {
  size_t i;
  json_t *relation;
  icrm_buf_add_text(call->out, "{\"types\":[");
  json_array_foreach((json_t *)module->relations, i, relation) {
    icrm_buf_add_text(call->out, i ? "," : "");
    sb_json_add(call->out, sb_json_text(relation, "module", ""));
  }
  icrm_buf_add_text(call->out, "],\"information\":{");
  json_array_foreach((json_t *)module->relations, i, relation) {
    const char *label = sb_json_text(relation, "label", "");
    sb_json_add_key(call->out, label);
    icrm_buf_add_byte(call->out, '{');
    sb_json_add_pair(call->out, "name", sb_json_text(relation, "module", ""));
    sb_json_add_pair(call->out, "label", label);
    sb_json_add_pair(call->out, "isEntity", "1");
    icrm_buf_add_byte(call->out, '}');
  }
  icrm_buf_add_text(call->out, "}}");
}

enum sb_outcome sb_related_types(struct sb_call *call) {
  const char *name = sb_params_text(call->params, "elementType");
  const struct sb_module *module =
      sb_schema_module(call->schema, name, strlen(name));
  if (!module)
    return sb_fail(call, "ACCESS_DENIED",
                   "Permission to perform the operation is denied for name : "
                   "%s",
                   name);
  if (!sb_may_see(call, module))
    return sb_deny(call);
  const json_t *recorded = json_object_get(module->document, "relatedtypes");
  if (recorded)
    sb_json_add_value(call->out, recorded);
  else
    add_types(call, module);
  return SB_DONE;
}
