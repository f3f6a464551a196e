#include "sandbox/user_form.h"

#include "sandbox/zones.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void copy_setting(struct sb_rows *rows, int column, char *out,
                         size_t size) {
  size_t len;
  const char *text = sb_rows_get_text(rows, column, &len);
  snprintf(out, size, "%s", text ? text : "");
}

void sb_user_form_load(struct sb_call *call, struct sb_user_form *form) {
  char decimal[8] = "", grouping[8] = "";
  memset(form, 0, sizeof *form);
  struct sb_rows *rows = sb_store_query_number(
      call->store,
      "SELECT currency_decimal_separator, currency_grouping_separator, "
      "date_format, time_zone FROM \"Users\" WHERE id = ?",
      call->user);
  if (rows && sb_rows_next(rows) == 1) {
    copy_setting(rows, 0, decimal, sizeof decimal);
    copy_setting(rows, 1, grouping, sizeof grouping);
    copy_setting(rows, 2, form->date, sizeof form->date);
    copy_setting(rows, 3, form->zone, sizeof form->zone);
  }
  sb_rows_end(rows);
  form->decimal = decimal[0] ? decimal[0] : '.';
  form->grouping = grouping[0];
}

bool sb_user_form_skipped(const json_t *element) {
  const json_t *flag = json_object_get(element, "__cbws_skipcurdbconvall");
  const char *text = json_string_value(flag);
  return text ? *text && strcmp(text, "0") != 0
              : json_is_true(flag) || json_integer_value(flag) != 0;
}

/* Numbers without their grouping, with a point; then as PHP reads a number:
 * the longest start that is one. */
static void read_number(const struct sb_user_form *form, int decimals,
                        const char *text, struct icrm_buf *out) {
  struct icrm_buf plain = {0};
  for (; *text; text++)
    if (!form || *text != form->grouping)
      icrm_buf_add_byte(&plain, form && *text == form->decimal ? '.' : *text);
  const char *digits = plain.data ? plain.data : "";
  const char *start = digits + strspn(digits, " +-");
  bool number = *start >= '0' && *start <= '9'; /* neither "inf" nor "nan" */
  number |= *start == '.' && start[1] >= '0' && start[1] <= '9';
  bool hex = start[0] == '0' && (start[1] == 'x' || start[1] == 'X');
  icrm_buf_addf(out, "%.*f", decimals,
                number && !hex ? strtod(digits, NULL) : 0.0);
  icrm_buf_free(&plain);
}

struct civil {
  int year, month, day, hour, minute, second;
};

/* Where the pattern says "yyyy", "mm" and "dd"; false where the text has
 * something else. */
static bool read_pattern(const char *pattern, const char *text,
                         struct civil *civil) {
  int *part = NULL;
  for (; *pattern; pattern++, text++) {
    if (*pattern == '-') {
      if (*text != '-')
        return false;
      continue;
    }
    if (*text < '0' || *text > '9')
      return false;
    part = *pattern == 'y'   ? &civil->year
           : *pattern == 'm' ? &civil->month
                             : &civil->day;
    *part = *part * 10 + (*text - '0');
  }
  return part && civil->month >= 1 && civil->month <= 12 && civil->day >= 1 &&
         civil->day <= 31;
}

static bool read_date(const struct sb_user_form *form, const char *text,
                      struct civil *civil) {
  memset(civil, 0, sizeof *civil);
  if (read_pattern("yyyy-mm-dd", text, civil))
    return true;
  memset(civil, 0, sizeof *civil);
  return form && form->date[0] && read_pattern(form->date, text, civil);
}

static void add_moment(struct icrm_buf *out, int64_t seconds) {
  sb_values_add_time(out, seconds);
}

static void read_datetime(const struct sb_user_form *form, const char *text,
                          struct icrm_buf *out) {
  struct civil civil;
  if (!read_date(form, text, &civil)) {
    icrm_buf_add_text(out, "0000-00-00 00:00:00");
    return;
  }
  if (strlen(text) > 10)
    sscanf(text + 10, "%*[ T]%2d:%2d:%2d", &civil.hour, &civil.minute,
           &civil.second);
  int64_t local =
      sb_zones_seconds(civil.year, civil.month, civil.day,
                       civil.hour * 3600 + civil.minute * 60 + civil.second);
  add_moment(out, form ? sb_zones_utc(form->zone, local) : local);
}

void sb_user_form_read(const struct sb_user_form *form,
                       const struct sb_field *field, const char *text,
                       struct icrm_buf *out) {
  struct civil civil;
  switch (field->kind) {
  case SB_DECIMAL:
    read_number(form, field->decimals, text, out);
    break;
  case SB_DATE:
    if (!*text)
      break;
    if (read_date(form, text, &civil))
      icrm_buf_addf(out, "%04d-%02d-%02d", civil.year, civil.month, civil.day);
    else
      icrm_buf_add_text(out, "0000-00-00");
    break;
  case SB_DATETIME:
    if (*text)
      read_datetime(form, text, out);
    break;
  default:
    icrm_buf_add_text(out, text);
  }
}

/* Whole part in groups of three. */
static void show_number(const struct sb_user_form *form, const char *text,
                        struct icrm_buf *out) {
  size_t sign = *text == '-';
  size_t whole = strcspn(text + sign, ".");
  icrm_buf_add(out, text, sign);
  for (size_t i = 0; i < whole; i++) {
    if (i && (whole - i) % 3 == 0 && form->grouping)
      icrm_buf_add_byte(out, form->grouping);
    icrm_buf_add_byte(out, text[sign + i]);
  }
  const char *rest = text + sign + whole;
  if (*rest) {
    icrm_buf_add_byte(out, form->decimal);
    icrm_buf_add_text(out, rest + 1);
  }
}

static void show_date(const struct sb_user_form *form,
                      const struct civil *civil, struct icrm_buf *out) {
  const char *pattern = form->date[0] ? form->date : "yyyy-mm-dd";
  while (*pattern) {
    size_t n = strspn(pattern, (char[]){*pattern, '\0'});
    if (*pattern == '-')
      icrm_buf_add_byte(out, '-');
    else
      icrm_buf_addf(out, "%0*d", (int)n,
                    *pattern == 'y'   ? civil->year
                    : *pattern == 'm' ? civil->month
                                      : civil->day);
    pattern += n;
  }
}

/* Seconds since 1970 of a stored moment, -1 for none. */
static int64_t moment_s(const char *text) {
  struct civil civil;
  if (!read_date(NULL, text, &civil) ||
      sscanf(text + 10, " %2d:%2d:%2d", &civil.hour, &civil.minute,
             &civil.second) < 2)
    return -1;
  return sb_zones_seconds(civil.year, civil.month, civil.day,
                          civil.hour * 3600 + civil.minute * 60 + civil.second);
}

/* A stored moment by the user's clock. */
static bool by_clock(const struct sb_user_form *form, const char *text,
                     struct tm *local) {
  int64_t utc = moment_s(text);
  if (utc < 0)
    return false;
  time_t moment = (time_t)(utc + sb_zones_ahead(form->zone, utc));
  return gmtime_r(&moment, local) != NULL;
}

void sb_user_form_show(const struct sb_user_form *form,
                       const struct sb_field *field, const char *text,
                       struct icrm_buf *out) {
  struct civil civil;
  struct tm local;
  if (field->kind == SB_DECIMAL) {
    show_number(form, text, out);
  } else if (field->kind == SB_DATE && read_date(NULL, text, &civil)) {
    show_date(form, &civil, out);
  } else if (field->kind == SB_DATETIME && by_clock(form, text, &local)) {
    civil = (struct civil){
        local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, 0, 0, 0};
    show_date(form, &civil, out);
    icrm_buf_addf(out, " %02d:%02d", local.tm_hour, local.tm_min);
  } else {
    icrm_buf_add_text(out, text);
  }
}

static int set_text(struct sb_values *values, struct icrm_sandbox *sandbox,
                    int field, const struct icrm_buf *text) {
  json_t *value =
      text->failed
          ? NULL
          : json_stringn_nocheck(text->data ? text->data : "", text->len);
  int rc = value ? sb_values_set(values, sandbox, field, value) : -1;
  json_decref(value);
  return rc;
}

int sb_user_form_set(struct sb_values *values, struct icrm_sandbox *sandbox,
                     const struct sb_user_form *form, int field,
                     const json_t *value) {
  const struct sb_field *described = &values->module->fields[field];
  if (!described->in_user_form)
    return sb_values_set(values, sandbox, field, value);
  struct icrm_buf given = {0}, stored = {0};
  sb_values_text(&given, value);
  sb_user_form_read(form, described, given.data ? given.data : "", &stored);
  int rc = set_text(values, sandbox, field, &stored);
  icrm_buf_free(&given);
  icrm_buf_free(&stored);
  return rc;
}

/* What a field of a record holds, appended. */
static int stored_text(struct sb_call *call, const struct sb_module *module,
                       const struct sb_field *field, int64_t number,
                       struct icrm_buf *out) {
  char sql[192];
  snprintf(sql, sizeof sql, "SELECT \"%s\" FROM \"%s\" WHERE id = ?",
           field->name, module->name);
  struct sb_rows *rows = sb_store_query_number(call->store, sql, number);
  if (rows && sb_rows_next(rows) == 1) {
    size_t len;
    const char *text = sb_rows_get_text(rows, 0, &len);
    icrm_buf_add(out, text ? text : "", text ? len : 0);
  }
  return sb_rows_end(rows);
}

int sb_user_form_spill(struct sb_call *call, const struct sb_user_form *form,
                       int64_t number, struct sb_values *values,
                       const json_t *element) {
  const struct sb_module *module = values->module;
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < module->n_fields; i++) {
    const struct sb_field *field = &module->fields[i];
    struct icrm_buf text = {0}, shown = {0}, stored = {0};
    if (!field->in_user_form || json_object_get(element, field->name))
      continue;
    rc = stored_text(call, module, field, number, &text);
    if (text.len) {
      sb_user_form_show(form, field, text.data, &shown);
      sb_user_form_read(NULL, field, shown.data ? shown.data : "", &stored);
      rc |= set_text(values, call->sandbox, (int)i, &stored);
    }
    icrm_buf_free(&text);
    icrm_buf_free(&shown);
    icrm_buf_free(&stored);
  }
  return rc ? -1 : 0;
}

int sb_user_form_today(struct sb_call *call, struct sb_values *values,
                       const json_t *element) {
  const struct sb_module *module = values->module;
  struct icrm_buf today = {0};
  sb_values_add_time(&today, call->now_s);
  if (today.failed)
    return -1;
  today.len = 10;
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < module->n_fields; i++) {
    const struct sb_field *field = &module->fields[i];
    if (field->kind == SB_DATE && field->in_user_form &&
        !json_object_get(element, field->name))
      rc = set_text(values, call->sandbox, (int)i, &today);
  }
  icrm_buf_free(&today);
  return rc;
}

/* A new record's whole hours between two of its moments. */
static int set_duration(struct sb_call *call, struct sb_values *values) {
  const struct sb_module *module = values->module;
  const char *name;
  json_t *ends;
  json_object_foreach(json_object_get(module->document, "hours_between"), name,
                      ends) {
    const char *first = json_string_value(json_array_get(ends, 0));
    const char *last = json_string_value(json_array_get(ends, 1));
    int to = sb_module_field(module, name, strlen(name));
    int from = sb_module_field(module, first, strlen(first));
    int until = sb_module_field(module, last, strlen(last));
    if (to < 0 || from < 0 || until < 0 || !values->given[from] ||
        !values->given[until])
      continue;
    int64_t start = moment_s(values->text[from].data);
    int64_t end = moment_s(values->text[until].data);
    if (start < 0 || end < 0)
      continue;
    struct icrm_buf hours = {0};
    icrm_buf_addf(&hours, "%lld", (long long)(end - start) / 3600);
    int rc = set_text(values, call->sandbox, to, &hours);
    icrm_buf_free(&hours);
    if (rc)
      return -1;
  }
  return 0;
}

int sb_user_form_follow(struct sb_call *call, struct sb_values *values) {
  const struct sb_module *module = values->module;
  const char *name;
  json_t *source;
  json_object_foreach(json_object_get(module->document, "follows"), name,
                      source) {
    int to = sb_module_field(module, name, strlen(name));
    int from = sb_module_field(module, json_string_value(source),
                               json_string_length(source));
    if (to < 0 || from < 0 || !values->given[from])
      continue;
    const struct icrm_buf *moment = &values->text[from];
    bool date = module->fields[to].kind == SB_DATE;
    struct icrm_buf part = {0};
    if (moment->len == 19)
      icrm_buf_add(&part, moment->data + (date ? 0 : 11), date ? 10 : 8);
    int rc = set_text(values, call->sandbox, to, &part);
    icrm_buf_free(&part);
    if (rc)
      return -1;
  }
  return set_duration(call, values);
}
