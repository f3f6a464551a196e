#include "sandbox/sync.h"

#include "sandbox/values.h"
#include "sandbox/wire.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAGE_ROWS = 100 };

/* The moment up to which a page goes, so that every record of its last second
 * is in: the time of the hundredth record, "" when there are fewer. */
static void find_end(struct sb_call *call, const char *since,
                     struct icrm_buf *end) {
  struct sb_rows *rows = sb_store_query(
      call->store,
      "SELECT modifiedtime FROM entity WHERE module = ? AND owner = ? AND "
      "modifiedtime > ? ORDER BY modifiedtime LIMIT 1 OFFSET ?");
  if (!rows)
    return;
  sb_rows_string(rows, call->module->name);
  sb_rows_integer(rows, call->user);
  sb_rows_string(rows, since);
  sb_rows_integer(rows, PAGE_ROWS - 1);
  if (sb_rows_next(rows) == 1) {
    size_t len;
    const char *text = sb_rows_get_text(rows, 0, &len);
    icrm_buf_add(end, text, len);
  }
  sb_rows_end(rows);
}

static struct sb_rows *query_page(struct sb_call *call, const char *columns,
                                  bool deleted, const char *since,
                                  const char *end) {
  struct icrm_buf sql = {0};
  icrm_buf_addf(&sql,
                "SELECT %s FROM entity e JOIN \"%s\" m ON m.id = e.id WHERE "
                "e.deleted = %d AND e.owner = ? AND e.modifiedtime > ? AND "
                "e.modifiedtime <= ? ORDER BY e.id",
                columns, call->module->name, deleted);
  struct sb_rows *rows =
      sql.failed ? NULL : sb_store_query(call->store, sql.data);
  icrm_buf_free(&sql);
  if (!rows)
    return NULL;
  sb_rows_integer(rows, call->user);
  sb_rows_string(rows, since);
  sb_rows_string(rows, end[0] ? end : "9999");
  return rows;
}

static void add_updated(struct sb_call *call, const char *since,
                        const char *end) {
  const struct sb_module *module = call->module;
  int *fields = calloc(module->n_fields, sizeof *fields);
  struct sb_rows *rows =
      fields ? query_page(call, module->columns.data, false, since, end) : NULL;
  const char *comma = "";
  for (size_t i = 0; fields && i < module->n_fields; i++)
    fields[i] = (int)i;
  while (rows && sb_rows_next(rows) == 1) {
    icrm_buf_add_text(call->out, comma);
    sb_wire_add_row(call, module, rows, fields, module->n_fields, NULL);
    icrm_buf_add_byte(call->out, '}');
    comma = ",";
  }
  sb_rows_end(rows);
  free(fields);
}

static void add_deleted(struct sb_call *call, const char *since,
                        const char *end) {
  struct sb_rows *rows = query_page(call, "e.id", true, since, end);
  const char *comma = "";
  while (rows && sb_rows_next(rows) == 1) {
    icrm_buf_addf(call->out, "%s\"%sx%lld\"", comma, call->module->prefix,
                  (long long)sb_rows_get_integer(rows, 0));
    comma = ",";
  }
  sb_rows_end(rows);
}

/* Unix time of the last change on the page, the caller's own when none. */
static int64_t last_change(struct sb_call *call, const char *since,
                           const char *end, int64_t absent) {
  struct sb_rows *rows = sb_store_query(
      call->store, "SELECT strftime('%s', max(modifiedtime)) FROM entity WHERE "
                   "module = ? AND owner = ? AND modifiedtime > ? AND "
                   "modifiedtime <= ?");
  if (!rows)
    return absent;
  sb_rows_string(rows, call->module->name);
  sb_rows_integer(rows, call->user);
  sb_rows_string(rows, since);
  sb_rows_string(rows, end[0] ? end : "9999");
  return sb_rows_one(rows, absent);
}

static bool has_more(struct sb_call *call, const char *end) {
  struct sb_rows *rows = sb_store_query(
      call->store, "SELECT 1 FROM entity WHERE module = ? AND owner = ? AND "
                   "modifiedtime > ? LIMIT 1");
  if (!rows || !end[0]) {
    sb_rows_end(rows);
    return false;
  }
  sb_rows_string(rows, call->module->name);
  sb_rows_integer(rows, call->user);
  sb_rows_string(rows, end);
  return sb_rows_one(rows, 0) == 1;
}

enum sb_outcome sb_sync_run(struct sb_call *call) {
  const struct sb_param *type = sb_params_find(call->params, "elementType");
  const char *moment = sb_params_text(call->params, "modifiedTime");
  if (!type || !*moment || strspn(moment, "0123456789") != strlen(moment))
    return sb_crash(call);
  call->module = sb_schema_module(call->schema, type->value, type->len);
  if (!call->module || !call->module->shared || !sb_may_see(call, call->module))
    return sb_deny(call);
  int64_t since_s = strtoll(moment, NULL, 10);
  struct icrm_buf since = {0}, end = {0};
  sb_values_add_time(&since, since_s);
  find_end(call, since.data, &end);
  const char *until = end.data ? end.data : "";
  icrm_buf_add_text(call->out, "{\"updated\":[");
  add_updated(call, since.data, until);
  icrm_buf_add_text(call->out, "],\"deleted\":[");
  add_deleted(call, since.data, until);
  icrm_buf_addf(call->out, "],\"more\":%s,\"lastModifiedTime\":%lld}",
                has_more(call, until) ? "true" : "false",
                (long long)last_change(call, since.data, until, since_s));
  icrm_buf_free(&since);
  icrm_buf_free(&end);
  return SB_DONE;
}
