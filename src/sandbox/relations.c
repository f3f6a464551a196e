#include "sandbox/relations.h"

#include "sandbox/link.h"
#include "sandbox/target.h"
#include "sandbox/uuid.h"

#include <stdlib.h>
#include <string.h>

/* The number in an id, which need not be that of a record; 0 in no id. */
static int64_t id_number(const char *id) {
  const char *x = strchr(id, 'x');
  return x ? strtoll(x + 1, NULL, 10) : strtoll(id, NULL, 10);
}

static void add_id(struct sb_call *call, int64_t number) {
  const struct sb_module *module = sb_target_module(call->sandbox, number);
  icrm_buf_addf(call->out, "\"%sx%lld\"", module ? module->prefix : "0",
                (long long)number);
}

int sb_relations_read(struct sb_call *call, int64_t number, const json_t *ids) {
  size_t i;
  json_t *id;
  if (json_is_string(ids))
    return sb_link_records(call->store, number,
                           id_number(json_string_value(ids)));
  json_array_foreach((json_t *)ids, i, id) {
    int64_t other = json_is_string(id) ? id_number(json_string_value(id)) : 0;
    if (other && sb_link_records(call->store, number, other))
      return -1;
  }
  return 0;
}

static const char related_numbers[] =
    "SELECT target FROM related WHERE source = ?1 UNION SELECT source FROM "
    "related WHERE target = ?1 ORDER BY 1";

static void add_relations(struct sb_call *call, int64_t number) {
  struct icrm_buf list = {0};
  struct sb_rows *rows =
      sb_store_query_number(call->store, related_numbers, number);
  while (rows && sb_rows_next(rows) == 1) {
    int64_t other = sb_rows_get_integer(rows, 0);
    icrm_buf_add(&list, &other, sizeof other);
  }
  sb_rows_end(rows);
  sb_json_add_key(call->out, "relations");
  icrm_buf_add_byte(call->out, '[');
  for (size_t i = 0; i < list.len / sizeof(int64_t); i++) {
    int64_t other;
    memcpy(&other, list.data + i * sizeof other, sizeof other);
    icrm_buf_add_text(call->out, i ? "," : "");
    add_id(call, other);
  }
  icrm_buf_add_byte(call->out, ']');
  icrm_buf_free(&list);
}

/* Where the file could be had without the API; the sandbox serves none there.
 */
static void add_url(struct sb_call *call, int64_t number) {
  struct sb_rows *rows = sb_store_query_number(
      call->store,
      "SELECT a.id, a.name FROM attachment a JOIN \"Documents\" d ON d.id = "
      "a.document WHERE a.document = ? AND d.filename <> ''",
      number);
  if (rows && sb_rows_next(rows) == 1) {
    struct icrm_buf url = {0};
    size_t len;
    const char *page = strrchr(call->sandbox->url, '/');
    icrm_buf_add(&url, call->sandbox->url, (size_t)(page - call->sandbox->url));
    icrm_buf_addf(&url, "/storage/%lld_%s",
                  (long long)sb_rows_get_integer(rows, 0),
                  sb_rows_get_text(rows, 1, &len));
    sb_json_add_pair(call->out, "_downloadurl", url.data ? url.data : "");
    icrm_buf_free(&url);
  }
  sb_rows_end(rows);
}

void sb_relations_add(struct sb_call *call, int64_t number, bool relations) {
  if (relations)
    add_relations(call, number);
  add_url(call, number);
}

/* A list of ids, as JSON or as the one id that it is. */
static json_t *read_ids(struct sb_call *call) {
  const char *text = sb_params_text(call->params, "with_these_ids");
  json_t *ids = sb_json_parse(text, strlen(text));
  return json_is_array(ids) || json_is_string(ids) ? ids : json_string(text);
}

enum sb_outcome sb_relations_set(struct sb_call *call) {
  int64_t number = id_number(sb_params_text(call->params, "relate_this_id"));
  json_t *ids = read_ids(call);
  int rc = number ? sb_relations_read(call, number, ids) : 0;
  json_decref(ids);
  icrm_buf_add_text(call->out, "true");
  return rc ? sb_crash(call) : SB_DONE;
}

static int unlink_both(struct sb_store *store, int64_t one, int64_t other) {
  struct sb_rows *rows = sb_store_query(
      store, "DELETE FROM related WHERE (source = ?1 AND target = ?2) OR "
             "(source = ?2 AND target = ?1)");
  if (!rows)
    return -1;
  sb_rows_integer(rows, one);
  sb_rows_integer(rows, other);
  return sb_rows_run(rows);
}

enum sb_outcome sb_relations_unset(struct sb_call *call) {
  int64_t number = id_number(sb_params_text(call->params, "unrelate_this_id"));
  json_t *ids = read_ids(call);
  size_t i;
  json_t *id;
  int rc = 0;
  if (json_is_string(ids))
    rc = unlink_both(call->store, number, id_number(json_string_value(ids)));
  json_array_foreach(ids, i, id) {
    if (json_is_string(id))
      rc |= unlink_both(call->store, number, id_number(json_string_value(id)));
  }
  json_decref(ids);
  icrm_buf_add_text(call->out, "true");
  return rc ? sb_crash(call) : SB_DONE;
}

/* One related record: each column by its number and by the name that the
 * database has for it, then its key and its cbuuid. */
static void add_related(struct sb_call *call, const struct sb_module *module,
                        const int *fields, size_t n, struct sb_rows *rows) {
  const json_t *names = json_object_get(module->document, "columns");
  const char *key = sb_json_text(module->document, "key_column", "crmid");
  char number[24], id[64], uuid[SB_UUID_SIZE];
  snprintf(id, sizeof id, "%lld", (long long)sb_rows_get_integer(rows, 0));
  icrm_buf_add_byte(call->out, '{');
  for (size_t i = 0; i < n; i++) {
    size_t len;
    const char *name = module->fields[fields[i]].name;
    const char *text = sb_rows_get_text(rows, (int)i + 1, &len);
    snprintf(number, sizeof number, "%zu", i);
    sb_json_add_pair(call->out, number, text ? text : "");
    sb_json_add_pair(call->out, sb_json_text(names, name, name),
                     text ? text : "");
  }
  sb_uuid_make(sb_rows_get_integer(rows, 0), uuid);
  snprintf(number, sizeof number, "%zu", n);
  sb_json_add_pair(call->out, number, id);
  sb_json_add_pair(call->out, key, id);
  snprintf(number, sizeof number, "%zu", n + 1);
  sb_json_add_pair(call->out, number, uuid);
  sb_json_add_pair(call->out, "cbuuid", uuid);
  snprintf(id, sizeof id, "%sx%lld", module->prefix,
           (long long)sb_rows_get_integer(rows, 0));
  sb_json_add_pair(call->out, "id", id);
  icrm_buf_add_byte(call->out, '}');
}

/* "id,lastname" or "*", as indexes of fields, without the id. */
static size_t read_columns(const struct sb_module *module, const char *text,
                           int *fields) {
  size_t n = 0;
  if (strcmp(text, "*") == 0) {
    for (size_t i = 0; i < module->n_fields; i++)
      if (module->fields[i].kind != SB_ID)
        fields[n++] = (int)i;
    return n;
  }
  while (*text && n < module->n_fields) {
    size_t len = strcspn(text, ",");
    int field = sb_module_field(module, text, len);
    if (field >= 0 && module->fields[field].kind != SB_ID)
      fields[n++] = field;
    text += len + (text[len] == ',');
  }
  return n;
}

/* What describe says of the relation between two modules, NULL for none. */
static const json_t *find_relation(const struct sb_module *module,
                                   const char *related) {
  const char *label;
  json_t *relation;
  json_object_foreach(json_object_get(module->describe, "relatedModules"),
                      label, relation) {
    if (strcmp(sb_json_text(relation, "related_module", ""), related) == 0)
      return relation;
  }
  return NULL;
}

static void write_sql(const struct sb_module *module, const json_t *relation,
                      const json_t *query, const int *fields, size_t n,
                      struct icrm_buf *sql) {
  const char *field = sb_json_text(relation, "relatedfield", "");
  const char *order = sb_json_text(query, "orderby", "");
  int column = sb_module_field(module, order, strlen(order));
  icrm_buf_add_text(sql, "SELECT m.id");
  for (size_t i = 0; i < n; i++) {
    icrm_buf_add_text(sql, ", ");
    sb_field_column(&module->fields[fields[i]], sql);
  }
  icrm_buf_addf(sql,
                " FROM \"%s\" m JOIN entity e ON e.id = m.id WHERE e.deleted "
                "= 0 AND (",
                module->name);
  if (sb_module_field(module, field, strlen(field)) >= 0)
    icrm_buf_addf(sql, "m.\"%s\" = ?1 OR ", field);
  icrm_buf_addf(sql, "m.id IN (%s)) ORDER BY ", related_numbers);
  if (column >= 0) {
    sb_field_column(&module->fields[column], sql);
    icrm_buf_add_text(sql, ", ");
  }
  long long limit = strtoll(sb_json_text(query, "limit", ""), NULL, 10);
  icrm_buf_addf(sql, "m.id LIMIT %lld OFFSET %lld", limit > 0 ? limit : -1,
                strtoll(sb_json_text(query, "offset", ""), NULL, 10));
}

static enum sb_outcome add_records(struct sb_call *call, int64_t number,
                                   const struct sb_module *related,
                                   const json_t *relation,
                                   const json_t *query) {
  struct icrm_buf sql = {0};
  int *fields = calloc(related->n_fields + 1, sizeof *fields);
  if (!fields)
    return sb_crash(call);
  size_t n = read_columns(related, sb_json_text(query, "columns", "*"), fields);
  write_sql(related, relation, query, fields, n, &sql);
  struct sb_rows *rows =
      sql.failed ? NULL : sb_store_query_number(call->store, sql.data, number);
  const char *comma = "";
  icrm_buf_add_text(call->out, "{\"records\":[");
  while (rows && sb_rows_next(rows) == 1) {
    icrm_buf_add_text(call->out, comma);
    comma = ",";
    add_related(call, related, fields, n, rows);
  }
  icrm_buf_add_text(call->out, "]}");
  bool failed = !rows || sb_rows_end(rows);
  icrm_buf_free(&sql);
  free(fields);
  return failed ? sb_crash(call) : SB_DONE;
}

enum sb_outcome sb_relations_get(struct sb_call *call) {
  const char *id = sb_params_text(call->params, "id");
  const char *name = sb_params_text(call->params, "module");
  const char *other = sb_params_text(call->params, "relatedModule");
  const struct sb_module *module =
      sb_schema_module(call->schema, name, strlen(name));
  const struct sb_module *related =
      sb_schema_module(call->schema, other, strlen(other));
  if (!module || !related)
    return sb_fail(call, "ACCESS_DENIED",
                   "Permission to perform the operation is denied for %s",
                   module ? other : name);
  const json_t *relation = find_relation(module, other);
  if (!relation)
    return sb_fail(call, "MODULES_NOT_RELATED",
                   "Cannot find relation between %s and %s", name, other);
  int64_t number = sb_target_number(call->sandbox, id);
  if (!number)
    return sb_fail(call, "ACCESS_DENIED",
                   "Permission to perform the operation on module (%s) is "
                   "denied",
                   name);
  if (!related->has_records || !related->shared) {
    icrm_buf_add_text(call->out, "{\"records\":[]}");
    return SB_DONE;
  }
  const char *text = sb_params_text(call->params, "queryParameters");
  json_t *query = sb_json_parse(text, strlen(text));
  enum sb_outcome outcome = add_records(call, number, related, relation, query);
  json_decref(query);
  return outcome;
}

static void add_file(struct sb_call *call, struct sb_rows *rows, int64_t number,
                     bool content) {
  char digits[24];
  size_t len;
  snprintf(digits, sizeof digits, "%lld", (long long)number);
  icrm_buf_add_byte(call->out, '{');
  sb_json_add_pair(call->out, "recordid", digits);
  sb_json_add_pair(call->out, "filetype", sb_rows_get_text(rows, 1, &len));
  sb_json_add_pair(call->out, "filename", sb_rows_get_text(rows, 0, &len));
  const char *data = sb_rows_get_text(rows, 2, &len);
  icrm_buf_addf(call->out, ",\"filesize\":%zu", len);
  sb_json_add_key(call->out, "attachment");
  sb_json_add_base64(call->out, data ? data : "", content ? len : 0);
  icrm_buf_add_byte(call->out, '}');
}

/* Each download is counted. */
static int count_download(struct sb_call *call, int64_t number) {
  struct sb_rows *rows = sb_store_query_number(
      call->store,
      "UPDATE \"Documents\" SET filedownloadcount = filedownloadcount + 1 "
      "WHERE id = ?",
      number);
  return rows ? sb_rows_run(rows) : -1;
}

/* The file of one document: nothing where there is no such document, or none
 * that says it has a file; an empty list where it says so and has none. */
static int add_attachment(struct sb_call *call, int64_t number, bool content) {
  if (!sb_rows_one(
          sb_store_query_number(
              call->store,
              "SELECT 1 FROM \"Documents\" WHERE id = ? AND filestatus = 1 "
              "AND filelocationtype = 'I'",
              number),
          0))
    return 0;
  char key[48];
  snprintf(key, sizeof key, "%sx%lld",
           sb_target_module(call->sandbox, number)->prefix, (long long)number);
  sb_json_add_key(call->out, key);
  struct sb_rows *rows = sb_store_query_number(
      call->store,
      "SELECT name, type, data FROM attachment WHERE document = ? ORDER BY id",
      number);
  bool found = rows && sb_rows_next(rows) == 1;
  if (found)
    add_file(call, rows, number, content);
  else
    icrm_buf_add_text(call->out, "[]");
  sb_rows_end(rows);
  return found && content ? count_download(call, number) : 0;
}

enum sb_outcome sb_relations_attachments(struct sb_call *call) {
  const char *ids = sb_params_text(call->params, "id");
  const char *content = sb_params_text(call->params, "returnfile");
  size_t start = call->out->len;
  icrm_buf_add_byte(call->out, '{');
  while (*ids) {
    char id[64];
    size_t len = strcspn(ids, ",");
    snprintf(id, sizeof id, "%.*s", (int)len, ids);
    int64_t number = sb_target_number(call->sandbox, id);
    const struct sb_module *module = sb_target_module(call->sandbox, number);
    bool document = module && strcmp(module->name, "Documents") == 0;
    if (document && add_attachment(call, number, strcmp(content, "0") != 0))
      return sb_crash(call);
    ids += len + (ids[len] == ',');
  }
  icrm_buf_add_byte(call->out, '}');
  if (call->out->len == start + 2) /* an empty list, as PHP has it */
    memcpy(call->out->data + start, "[]", 2);
  return SB_DONE;
}
