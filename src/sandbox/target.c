#include "sandbox/target.h"

#include "sandbox/uuid.h"

#include <stdlib.h>
#include <string.h>

const struct sb_module *sb_target_module(struct icrm_sandbox *sandbox,
                                         int64_t number) {
  struct sb_rows *rows = sb_store_query_number(
      sandbox->store, "SELECT module FROM entity WHERE id = ? AND deleted = 0",
      number);
  const struct sb_module *module = NULL;
  if (rows && sb_rows_next(rows) == 1) {
    size_t len;
    const char *name = sb_rows_get_text(rows, 0, &len);
    module = sb_schema_module(sandbox->schema, name, len);
  }
  sb_rows_end(rows);
  return module;
}

static bool has_row(struct sb_store *store, const struct sb_module *module,
                    int64_t number) {
  char sql[128];
  snprintf(sql, sizeof sql, "SELECT 1 FROM \"%s\" WHERE id = ?", module->name);
  return sb_rows_one(sb_store_query_number(store, sql, number), 0) == 1;
}

/* The number after the x: digits at its start, as the database reads them. */
static int64_t id_number(const char *id) {
  const char *x = strchr(id, 'x');
  return x ? strtoll(x + 1, NULL, 10) : 0;
}

static const struct sb_module *id_module(const struct sb_schema *schema,
                                         const char *id) {
  return sb_schema_prefix(schema, id, strcspn(id, "x"));
}

int64_t sb_target_number(struct icrm_sandbox *sandbox, const char *id) {
  const struct sb_module *module = id_module(sandbox->schema, id);
  int64_t number = id_number(id);
  if (!module || !module->has_records || number <= 0)
    return 0;
  bool there = module->shared ? sb_target_module(sandbox, number) == module
                              : has_row(sandbox->store, module, number);
  return there ? number : 0;
}

/* The groups of the sandbox have all users as their members. */
static bool is_owner(struct sb_call *call, int64_t number) {
  struct sb_rows *rows = sb_store_query(
      call->store, "SELECT 1 FROM entity WHERE id = ? AND (owner = ? OR owner "
                   "IN (SELECT id FROM \"Groups\"))");
  if (rows) {
    sb_rows_integer(rows, number);
    sb_rows_integer(rows, call->user);
  }
  return sb_rows_one(rows, 0) == 1;
}

static bool is_digits(const char *text, size_t len) {
  return len > 0 && strspn(text, "0123456789") >= len;
}

/* What a bare number or a cbuuid names, as 11x8589; any other text as it is. */
static void spell_out(struct icrm_sandbox *sandbox, const char *id, char *out,
                      size_t size) {
  int64_t number =
      is_digits(id, strlen(id)) ? strtoll(id, NULL, 10) : sb_uuid_number(id);
  const struct sb_module *module =
      number ? sb_target_module(sandbox, number) : NULL;
  if (module)
    snprintf(out, size, "%sx%lld", module->prefix, (long long)number);
  else
    snprintf(out, size, "%s", id);
}

static enum sb_outcome incorrect(struct sb_call *call) {
  return sb_fail(call, "INVALID_ID_ATTRIBUTE", "Id specified is incorrect");
}

/* Ids as coreBOS takes and refuses them. */
static enum sb_outcome find_by_any_id(struct sb_call *call, const char *given,
                                      struct sb_target *target) {
  char id[64];
  if (!*given)
    return incorrect(call);
  spell_out(call->sandbox, given, id, sizeof id);
  const char *x = strchr(id, 'x');
  bool sound =
      x && is_digits(id, (size_t)(x - id)) && is_digits(x + 1, strlen(x + 1));
  const struct sb_module *module = sound ? id_module(call->schema, id) : NULL;
  if (!module)
    return sb_fail(call, "ACCESS_DENIED",
                   "Permission to perform the operation is denied for id: %.*s",
                   sound ? (int)(x - id) : 1, sound ? id : "0");
  call->module = module;
  call->record = id_number(id);
  if (!sb_may_see(call, module))
    return sb_deny(call);
  if (!sb_target_number(call->sandbox, id)) /* reads tell it differently */
    return strcmp(call->operation->name, "retrieve") == 0 ? incorrect(call)
                                                          : sb_deny(call);
  *target = (struct sb_target){module, call->record};
  return SB_DONE;
}

/* A query shows an event that its owner keeps private. */
static bool is_private_event(struct sb_call *call,
                             const struct sb_module *module, int64_t number) {
  if (call->admin || strcmp(module->name, "Events") != 0 ||
      !sb_trait(call, SB_TRAIT_PRIVATE_EVENTS))
    return false;
  return sb_rows_one(
             sb_store_query_number(call->store,
                                   "SELECT 1 FROM \"Events\" WHERE id = ? AND "
                                   "visibility = 'Private'",
                                   number),
             0) == 1;
}

enum sb_outcome sb_target_find(struct sb_call *call, const char *id,
                               struct sb_target *target) {
  if (sb_trait(call, SB_TRAIT_COREBOS_IDS))
    return find_by_any_id(call, id, target);
  const struct sb_module *module = id_module(call->schema, id);
  int64_t number = id_number(id);
  if (!module)
    return sb_fail(call, "ACCESS_DENIED",
                   "Permission to perform the operation is denied for id");
  call->module = module;
  call->record = number;
  if (!sb_may_see(call, module) || !module->has_records)
    return sb_deny(call);
  if (module->shared) {
    const struct sb_module *real = sb_target_module(call->sandbox, number);
    if (!real || !sb_may_see(call, real))
      return sb_deny(call);
    if (real != module)
      return sb_fail(call, "INVALID_ID_ATTRIBUTE", "Id specified is incorrect");
  } else if (!has_row(call->store, module, number)) {
    return sb_deny(call);
  }
  const bool private =
      sb_is_private(call, module) || is_private_event(call, module, number);
  if (private && !is_owner(call, number))
    return sb_fail(call, "ACCESS_DENIED",
                   "Permission to read given object is denied");
  target->module = module;
  target->number = number;
  return SB_DONE;
}
