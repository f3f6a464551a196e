#include "sandbox/log.h"

#include "sandbox/faults.h"

#include <string.h>
#include <time.h>

static double wall_clock(const struct icrm_sandbox *sandbox) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9 +
         (double)atomic_load(&sandbox->clock_offset_s);
}

static void log_start(struct sb_call *call) {
  struct sb_rows *rows = sb_store_query(
      call->store, "INSERT INTO log (time, session, operation, fault) VALUES "
                   "(?, ?, ?, ?) RETURNING n");
  if (!rows)
    return;
  sb_rows_real(rows, wall_clock(call->sandbox));
  sb_rows_string(rows, call->session ? call->session->tag : "");
  sb_rows_string(rows, call->operation->name);
  sb_rows_string(rows, call->fault ? call->fault->text : "");
  call->log_n = sb_rows_one(rows, 0);
}

/* What the request was about and how it ended. Before a commit this is in the
 * same transaction, so that `committed` is true exactly when the change is. */
static void log_end(struct sb_call *call, bool committed) {
  struct sb_rows *rows = sb_store_query(
      call->store, "UPDATE log SET module = ?, record = ?, code = ?, committed "
                   "= ? WHERE n = ?");
  if (!rows)
    return;
  char record[48] = "";
  if (call->module && call->record)
    snprintf(record, sizeof record, "%sx%lld", call->module->prefix,
             (long long)call->record);
  sb_rows_string(rows, call->module ? call->module->name : "");
  sb_rows_string(rows, record);
  sb_rows_string(rows, call->code);
  sb_rows_integer(rows, committed);
  sb_rows_integer(rows, call->log_n);
  sb_rows_run(rows);
}

void sb_log_point(struct sb_call *call, enum sb_point point) {
  switch (point) {
  case SB_POINT_START:
    log_start(call);
    break;
  case SB_POINT_BEFORE_COMMIT:
    log_end(call, true);
    break;
  case SB_POINT_AFTER_COMMIT:
    call->committed = true;
    break;
  case SB_POINT_ANSWERED:
    if (!call->committed)
      log_end(call, false);
    break;
  }
}

void sb_log_replied(struct icrm_sandbox *sandbox, int64_t log_n) {
  pthread_mutex_lock(&sandbox->mutex);
  struct sb_rows *rows =
      sb_store_query(sandbox->store, "UPDATE log SET replied = 1 WHERE n = ?");
  if (rows)
    sb_rows_integer(rows, log_n);
  sb_rows_run(rows);
  pthread_mutex_unlock(&sandbox->mutex);
}

static void read_event(struct sb_rows *rows, struct icrm_sandbox_event *event) {
  size_t len;
  event->n = sb_rows_get_integer(rows, 0);
  event->time_s = sb_rows_get_real(rows, 1);
  event->session = sb_rows_get_text(rows, 2, &len);
  event->operation = sb_rows_get_text(rows, 3, &len);
  event->module = sb_rows_get_text(rows, 4, &len);
  event->record = sb_rows_get_text(rows, 5, &len);
  event->code = sb_rows_get_text(rows, 6, &len);
  event->committed = sb_rows_get_integer(rows, 7) != 0;
  event->replied = sb_rows_get_integer(rows, 8) != 0;
  event->fault = sb_rows_get_text(rows, 9, &len);
}

int sb_log_read(struct icrm_sandbox *sandbox, int64_t after,
                void (*event)(void *context,
                              const struct icrm_sandbox_event *event),
                void *context) {
  pthread_mutex_lock(&sandbox->mutex);
  struct sb_rows *rows = sb_store_query(
      sandbox->store, "SELECT n, time, session, operation, module, record, "
                      "code, committed, replied, fault FROM log WHERE n > ? "
                      "ORDER BY n");
  if (rows)
    sb_rows_integer(rows, after);
  while (rows && sb_rows_next(rows) == 1) {
    struct icrm_sandbox_event at;
    read_event(rows, &at);
    event(context, &at);
  }
  int rc = sb_rows_end(rows);
  pthread_mutex_unlock(&sandbox->mutex);
  return rc;
}
