#include "sandbox/alter.h"

#include "sandbox/entities.h"

#include <stdlib.h>
#include <string.h>

int sb_alter_decimals(const struct sb_call *call) {
  const int64_t decimals = sb_rows_one(
      sb_store_query_number(call->store,
                            "SELECT nullif(no_of_currency_decimals, '') FROM "
                            "\"Users\" WHERE id = ?",
                            call->user),
      2);
  return decimals < 0 ? 0 : (int)decimals;
}

/* An amount in the caller's currency becomes one in the base currency. */
static void convert(struct icrm_buf *text, int64_t rate) {
  const double amount = strtod(text->data, NULL) / (double)rate;
  icrm_buf_clear(text);
  icrm_buf_addf(text, "%.8f", amount);
}

void sb_alter_given(const struct sb_call *call, struct sb_values *values,
                    int field) {
  const struct sb_field *which = &values->module->fields[field];
  struct icrm_buf *text = &values->text[field];
  const int64_t rate = sb_trait(call, SB_TRAIT_FOREIGN_CURRENCY);
  if (which->amount && rate)
    convert(text, rate);
  if (which->rounded && values->module->shared &&
      sb_trait(call, SB_TRAIT_UPDATE_ROUNDS))
    sb_values_round(text, sb_alter_decimals(call));
}

static bool may_blank(const struct sb_field *field) {
  return field->editable && field->kind != SB_ID && !field->shared;
}

static int blank_absent(struct sb_call *call, struct sb_values *values,
                        const json_t *element) {
  const struct sb_module *module = values->module;
  for (size_t i = 0; i < module->n_fields; i++)
    if (may_blank(&module->fields[i]) &&
        !json_object_get(element, module->fields[i].name) &&
        sb_values_set(values, call->sandbox, (int)i, NULL))
      return -1;
  return 0;
}

int sb_alter_absent(struct sb_call *call, struct sb_values *values,
                    const json_t *element, enum sb_write write) {
  if (write == SB_UPDATE && sb_trait(call, SB_TRAIT_UPDATE_BLANKS))
    return blank_absent(call, values, element);
  return 0;
}

static void encode_description(struct sb_rows *rows, struct icrm_buf *coded) {
  size_t len;
  if (rows && sb_rows_next(rows) == 1) {
    const char *text = sb_rows_get_text(rows, 0, &len);
    sb_entities_add(coded, text, len);
  }
  sb_rows_end(rows);
}

int sb_alter_forecast(struct sb_call *call, const struct sb_target *target,
                      const json_t *element) {
  if (strcmp(target->module->name, "Potentials") != 0 ||
      !sb_trait(call, SB_TRAIT_FORECAST_WORKFLOW) ||
      !(json_object_get(element, "amount") ||
        json_object_get(element, "probability")))
    return 0;
  struct sb_rows *rows = sb_store_query(
      call->store, "UPDATE \"Potentials\" SET forecast_amount = "
                   "printf('%.8f', round(amount * probability / 100, ?)) "
                   "WHERE id = ?");
  if (!rows)
    return -1;
  sb_rows_integer(rows, sb_alter_decimals(call));
  sb_rows_integer(rows, target->number);
  return sb_rows_run(rows);
}

int sb_alter_stored(struct sb_call *call, const struct sb_target *target,
                    const json_t *element, enum sb_write write) {
  const char *name = target->module->name;
  if (write != SB_UPDATE || !target->module->shared ||
      !sb_trait(call, SB_TRAIT_UPDATE_ENCODES_DESCRIPTION) ||
      json_object_get(element, "description") ||
      sb_module_field(target->module, "description", 11) < 0)
    return 0;
  char sql[128];
  struct icrm_buf coded = {0};
  snprintf(sql, sizeof sql, "SELECT description FROM \"%s\" WHERE id = ?",
           name);
  encode_description(sb_store_query_number(call->store, sql, target->number),
                     &coded);
  snprintf(sql, sizeof sql, "UPDATE \"%s\" SET description = ? WHERE id = ?",
           name);
  struct sb_rows *rows = sb_store_query(call->store, sql);
  if (rows) {
    sb_rows_text(rows, coded.data ? coded.data : "", coded.len);
    sb_rows_integer(rows, target->number);
  }
  icrm_buf_free(&coded);
  return rows ? sb_rows_run(rows) : -1;
}
