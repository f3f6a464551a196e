#include "sandbox/activities.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 86400, END_OF_TASK_S = 23 * 3600 };

static bool is_activity(const struct sb_module *module) {
  return strcmp(module->name, "Calendar") == 0 ||
         strcmp(module->name, "Events") == 0;
}

bool sb_activities_apply(const struct sb_call *call,
                         const struct sb_module *module) {
  return is_activity(module) && sb_trait(call, SB_TRAIT_ACTIVITY_TYPES);
}

/* A field of a stored record, appended; nothing when there is none. */
static void read_field(struct sb_call *call, const struct sb_target *target,
                       const char *field, struct icrm_buf *out) {
  char sql[128];
  snprintf(sql, sizeof sql, "SELECT \"%s\" FROM \"%s\" WHERE id = ?", field,
           target->module->name);
  struct sb_rows *rows =
      sb_store_query_number(call->store, sql, target->number);
  size_t len;
  if (rows && sb_rows_next(rows) == 1) {
    const char *text = sb_rows_get_text(rows, 0, &len);
    icrm_buf_add(out, text, len);
  }
  sb_rows_end(rows);
  icrm_buf_add_text(out, "");
}

/* What the reminder becomes: kept when it is set, else empty and 0 by turns;
 * revise does not keep it. */
static const char *next_reminder(const char *old, enum sb_write write) {
  const bool set = *old && strcmp(old, "0") != 0;
  if (write == SB_UPDATE && set)
    return "1";
  return *old ? "" : "0";
}

void sb_activities_remind(struct sb_call *call, struct sb_values *values,
                          int64_t number, enum sb_write write) {
  int field = sb_module_field(values->module, "reminder_time", 13);
  const bool types = sb_activities_apply(call, values->module);
  const bool drops = sb_trait(call, SB_TRAIT_REVISE_DROPS) && number;
  if (field < 0 || !is_activity(values->module) || !(types || drops))
    return;
  struct icrm_buf *text = &values->text[field];
  const struct sb_target target = {values->module, number};
  struct icrm_buf old = {0};
  if (number)
    read_field(call, &target, "reminder_time", &old);
  const bool wanted = text->data && strtol(text->data, NULL, 10) > 0;
  const char *value = strcmp(values->module->name, "Calendar") == 0 ? ""
                      : number ? next_reminder(old.data ? old.data : "", write)
                      : wanted ? "1"
                               : "0";
  icrm_buf_clear(text);
  icrm_buf_add_text(text, value);
  values->given[field] = true;
  icrm_buf_free(&old);
}

/* Seconds since midnight of "9:05", "09:05:00" or "09:05 PM". */
static int64_t time_of_day(const char *text, int64_t absent) {
  int hour, minute;
  if (sscanf(text, "%d:%d", &hour, &minute) != 2)
    return absent;
  const bool pm = strcasestr(text, "PM") != NULL;
  const bool am = strcasestr(text, "AM") != NULL;
  if ((pm && hour < 12) || (am && hour == 12))
    hour = pm ? hour + 12 : 0;
  return hour * INT64_C(3600) + minute * INT64_C(60);
}

static int64_t day_s(const char *date) {
  struct tm tm = {.tm_isdst = 0};
  return strptime(date, "%Y-%m-%d", &tm) ? (int64_t)timegm(&tm) : 0;
}

/* Seconds from the beginning to the end of an activity. */
static int64_t length_s(struct sb_call *call, const struct sb_target *target) {
  static const char *const names[] = {"date_start", "time_start", "due_date",
                                      "time_end"};
  struct icrm_buf text[4] = {{0}};
  const char *at[4];
  for (int i = 0; i < 4; i++) {
    read_field(call, target, names[i], &text[i]);
    at[i] = text[i].data ? text[i].data : "";
  }
  const int64_t from = day_s(at[0]) + time_of_day(at[1], 0);
  const int64_t to = day_s(at[2]) + time_of_day(at[3], END_OF_TASK_S);
  for (int i = 0; i < 4; i++)
    icrm_buf_free(&text[i]);
  return to - from;
}

static int set_duration(struct sb_call *call, const struct sb_target *target) {
  const int64_t minutes = length_s(call, target) / 60;
  char sql[128];
  snprintf(
      sql, sizeof sql,
      "UPDATE \"%s\" SET duration_hours = ?, duration_minutes = ? WHERE id "
      "= ?",
      target->module->name);
  struct sb_rows *rows = sb_store_query(call->store, sql);
  if (!rows)
    return -1;
  sb_rows_integer(rows, minutes / 60);
  sb_rows_integer(rows, minutes % 60);
  sb_rows_integer(rows, target->number);
  return sb_rows_run(rows);
}

/* Copy the fields that both modules have. */
static int copy_row(struct sb_call *call, const struct sb_target *from,
                    const struct sb_module *to) {
  struct icrm_buf names = {0}, sql = {0};
  for (size_t i = 0; i < to->n_fields; i++) {
    const char *name = to->fields[i].name;
    if (!to->fields[i].shared &&
        sb_module_field(from->module, name, strlen(name)) >= 0)
      icrm_buf_addf(&names, "%s\"%s\"", names.len ? ", " : "", name);
  }
  icrm_buf_addf(&sql,
                "INSERT OR REPLACE INTO \"%s\" (%s) SELECT %s FROM \"%s\" "
                "WHERE id = ?",
                to->name, names.data, names.data, from->module->name);
  int rc = sb_rows_run(sb_store_query_number(
      call->store, names.failed || sql.failed ? "" : sql.data, from->number));
  icrm_buf_free(&names);
  icrm_buf_free(&sql);
  return rc;
}

static int set_module(struct sb_call *call, int64_t number,
                      const char *module) {
  struct sb_rows *rows =
      sb_store_query(call->store, "UPDATE entity SET module = ? WHERE id = ?");
  if (!rows)
    return -1;
  sb_rows_string(rows, module);
  sb_rows_integer(rows, number);
  return sb_rows_run(rows);
}

/* Only a task has the status of one; without a type it keeps it. */
static int clear_task_status(struct sb_call *call, int64_t number) {
  return sb_rows_run(sb_store_query_number(
      call->store,
      "UPDATE \"Calendar\" SET taskstatus = '' WHERE id = ? AND activitytype "
      "NOT IN ('', 'Task')",
      number));
}

int sb_activities_finish(struct sb_call *call, const struct sb_target *target) {
  if (!sb_activities_apply(call, target->module))
    return 0;
  const bool task = strcmp(target->module->name, "Calendar") == 0;
  const struct sb_module *other =
      sb_schema_module(call->schema, task ? "Events" : "Calendar",
                       strlen(task ? "Events" : "Calendar"));
  struct icrm_buf type = {0};
  read_field(call, target, "activitytype", &type);
  const bool is_task = type.data && strcmp(type.data, "Task") == 0;
  icrm_buf_free(&type);
  if (set_duration(call, target) || !other || copy_row(call, target, other) ||
      clear_task_status(call, target->number))
    return -1;
  return set_module(call, target->number, is_task ? "Calendar" : "Events");
}
