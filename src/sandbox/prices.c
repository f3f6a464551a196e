#include "sandbox/prices.h"

#include "sandbox/alter.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TAXES = 9, TAX_DECIMALS = 3 };

static bool is_priced(const struct sb_call *call,
                      const struct sb_module *module) {
  return sb_trait(call, SB_TRAIT_PRICE_LIST) &&
         sb_module_field(module, "unit_price", 10) >= 0;
}

enum sb_outcome sb_prices_check(struct sb_call *call, const json_t *element) {
  struct icrm_buf text = {0};
  sb_values_text(&text, json_object_get(element, "unit_price"));
  const char *price = text.data ? text.data : "";
  char *end = (char *)price;
  if (*price)
    strtod(price, &end);
  const bool sound = !is_priced(call, call->module) || *end == '\0';
  icrm_buf_free(&text);
  return sound ? SB_DONE : sb_crash(call);
}

static int put(struct sb_call *call, int64_t record, const char *name,
               const struct icrm_buf *value) {
  struct sb_rows *rows = sb_store_query(
      call->store, "INSERT OR REPLACE INTO price VALUES (?, ?, ?)");
  if (!rows)
    return -1;
  sb_rows_integer(rows, record);
  sb_rows_string(rows, name);
  sb_rows_text(rows, value->data, value->len);
  return sb_rows_run(rows);
}

static int store_tax(struct sb_call *call, int64_t record, const char *name,
                     const json_t *value) {
  struct icrm_buf text = {0};
  if (sb_values_is_empty(value))
    return 0;
  sb_values_text(&text, value);
  const double tax = strtod(text.data ? text.data : "", NULL);
  icrm_buf_clear(&text);
  icrm_buf_addf(&text, "%.*f", TAX_DECIMALS, tax);
  int rc = put(call, record, name, &text);
  icrm_buf_free(&text);
  return rc;
}

static int store_taxes(struct sb_call *call, int64_t record,
                       const json_t *element) {
  for (int i = 1; i <= MAX_TAXES; i++) {
    char name[16];
    snprintf(name, sizeof name, "tax%d", i);
    if (store_tax(call, record, name, json_object_get(element, name)))
      return -1;
  }
  return 0;
}

/* The price in the first currency is the record's own. */
static int follow_unit_price(struct sb_call *call,
                             const struct sb_target *target) {
  char sql[160];
  snprintf(sql, sizeof sql,
           "INSERT OR REPLACE INTO price SELECT id, 'currency1', unit_price "
           "FROM \"%s\" WHERE id = ?",
           target->module->name);
  return sb_rows_run(sb_store_query_number(call->store, sql, target->number));
}

int sb_prices_store(struct sb_call *call, const struct sb_target *target,
                    const json_t *element, enum sb_write write) {
  if (!is_priced(call, target->module))
    return 0;
  const bool drops = sb_trait(call, SB_TRAIT_REVISE_DROPS);
  const bool listed = json_object_get(element, "currency1") != NULL;
  if (drops &&
      sb_rows_run(sb_store_query_number(
          call->store, "DELETE FROM price WHERE record = ?", target->number)))
    return -1;
  const bool follows =
      write == SB_CREATE || !drops || (write == SB_UPDATE && listed);
  if (follows && follow_unit_price(call, target))
    return -1;
  return store_taxes(call, target->number, element);
}

static void add_price(struct sb_call *call, const char *text) {
  struct icrm_buf price = {0};
  icrm_buf_add_text(&price, *text ? text : "0");
  sb_values_round(&price, sb_alter_decimals(call));
  char number[40];
  snprintf(number, sizeof number, "%.15g", strtod(price.data, NULL));
  icrm_buf_free(&price);
  if (sb_trait(call, SB_TRAIT_JSON_NUMBERS))
    icrm_buf_add_text(call->out, number);
  else
    sb_json_add(call->out, number);
}

/* The price of a product that has none is 0. */
static void show_price(struct sb_call *call, int64_t record) {
  struct sb_rows *rows = sb_store_query_number(
      call->store,
      "SELECT value FROM price WHERE record = ? AND name = 'currency1'",
      record);
  size_t len;
  sb_json_add_key(call->out, "currency1");
  add_price(call, rows && sb_rows_next(rows) == 1
                      ? sb_rows_get_text(rows, 0, &len)
                      : "");
  sb_rows_end(rows);
}

void sb_prices_show(struct sb_call *call, const struct sb_target *target) {
  if (!is_priced(call, target->module))
    return;
  struct sb_rows *rows = sb_store_query_number(
      call->store,
      "SELECT name, value FROM price WHERE record = ? AND name LIKE 'tax%'",
      target->number);
  size_t len;
  while (rows && sb_rows_next(rows) == 1)
    sb_json_add_pair(call->out, sb_rows_get_text(rows, 0, &len),
                     sb_rows_get_text(rows, 1, &len));
  sb_rows_end(rows);
  show_price(call, target->number);
  sb_json_add_pair(call->out, "currency_id", "21x1");
}
