/* What faults do to a request and to the text of its reply. */
#include "sandbox/faults.h"

#include "core/clock.h"
#include "sandbox/call.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

static void redirect(struct sb_call *call, const char *where) {
  sb_front_page(call, 302);
  const char *target = strcmp(where, "loop") == 0 ? call->sandbox->url
                       : strcmp(where, "file") == 0
                           ? "file:///etc/passwd"
                           : "http://192.0.2.1/wstiger.php";
  icrm_buf_addf(&call->reply->headers, "Location: %s\n", target);
}

static void put_before(struct sb_call *call, const char *text) {
  struct icrm_buf whole = {0};
  icrm_buf_add_text(&whole, text);
  if (call->out->len)
    icrm_buf_add(&whole, call->out->data, call->out->len);
  icrm_buf_free(call->out);
  *call->out = whole;
}

static void deep(struct icrm_buf *out) {
  enum { DEPTH = 10000 };
  icrm_buf_add_text(out, "{\"success\":true,\"result\":");
  for (int i = 0; i < DEPTH; i++)
    icrm_buf_add_byte(out, '[');
  for (int i = 0; i < DEPTH; i++)
    icrm_buf_add_byte(out, ']');
  icrm_buf_add_byte(out, '}');
}

/* JSON that no writer of JSON makes. `cut` takes away the end of a good one,
 * behind a length that fits. */
static void spoil_json(struct sb_call *call, const char *how) {
  struct icrm_buf *out = call->out;
  if (strcmp(how, "cut") == 0) {
    out->len /= 2;
    return;
  }
  sb_reply_start(call, 200, "application/json");
  if (strcmp(how, "nan") == 0)
    icrm_buf_add_text(out, "{\"success\":true,\"result\":{\"id\":NaN}}");
  else if (strcmp(how, "huge") == 0)
    icrm_buf_add_text(out, "{\"success\":true,\"result\":{\"id\":1e400}}");
  else if (strcmp(how, "twice") == 0)
    icrm_buf_add_text(out, "{\"success\":false,\"success\":true,\"result\":{"
                           "\"id\":\"9x1\"},\"result\":{\"id\":\"9x2\"}}");
  else
    deep(out);
}

/* `size` blanks, a thousandth of that on the wire. */
static void bomb(struct sb_call *call, int64_t size) {
  static char blanks[65536];
  sb_reply_start(call, 200, "application/json");
  icrm_buf_add_text(&call->reply->headers, "Content-Encoding: gzip\n");
  z_stream stream = {0};
  if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY))
    return;
  memset(blanks, ' ', sizeof blanks);
  for (bool more = true; more;) {
    size_t len = size < (int64_t)sizeof blanks ? (size_t)size : sizeof blanks;
    size -= (int64_t)len;
    more = size > 0;
    stream.next_in = (Bytef *)blanks;
    stream.avail_in = (uInt)len;
    do {
      char *room = icrm_buf_room(call->out, sizeof blanks);
      if (!room)
        break;
      stream.next_out = (Bytef *)room;
      stream.avail_out = sizeof blanks;
      deflate(&stream, more ? Z_NO_FLUSH : Z_FINISH);
      icrm_buf_wrote(call->out, sizeof blanks - stream.avail_out);
    } while (stream.avail_out == 0);
  }
  deflateEnd(&stream);
}

static void change_reply(struct sb_call *call, const struct sb_fault *fault) {
  switch (fault->kind) {
  case SB_FAULT_STATUS:
    sb_front_page(call, (int)fault->number);
    break;
  case SB_FAULT_REDIRECT:
    redirect(call, fault->value);
    break;
  case SB_FAULT_EMPTY:
    sb_reply_start(call, 200, "text/html; charset=UTF-8");
    break;
  case SB_FAULT_HTML:
    sb_reply_start(call, 200, "text/html; charset=UTF-8");
    icrm_buf_add_text(call->out,
                      "<br />\n<b>Fatal error</b>:  Uncaught Error: Call to a "
                      "member function column_fields() on null in "
                      "/var/www/crm/modules/Emails/mail.php:142\nStack "
                      "trace:\n#0 {main}\n  thrown in <b>/var/www/crm/modules/"
                      "Emails/mail.php</b> on line <b>142</b><br />\n");
    break;
  case SB_FAULT_NOTICE:
    put_before(call, "<br />\n<b>Notice</b>:  Undefined index: smownerid in "
                     "<b>/var/www/crm/include/utils.php</b> on line <b>88</b>"
                     "<br />\n");
    break;
  case SB_FAULT_BOM:
    put_before(call, "\xEF\xBB\xBF");
    break;
  case SB_FAULT_JSON:
    spoil_json(call, fault->value);
    break;
  case SB_FAULT_REFUSING:
    call->reply->status = (int)fault->number;
    break;
  case SB_FAULT_BOMB:
    bomb(call, fault->number);
    break;
  case SB_FAULT_ERROR:
    sb_fail(call, fault->value, "The sandbox was told to fail");
    break;
  default:
    break; /* raw faults change nothing here */
  }
  if (fault->retry_after[0])
    icrm_buf_addf(&call->reply->headers, "Retry-After: %s\n",
                  fault->retry_after);
}

static void expire(struct sb_call *call) {
  call->close_session = true;
  sb_fail(call, "INVALID_SESSIONID", "Session Identifier provided is Invalid");
}

bool sb_faults_pass(struct sb_call *call, enum sb_moment moment) {
  const struct sb_fault *fault = call->fault;
  const bool swap = fault && fault->kind == SB_FAULT_SWAPPED;
  if (moment == SB_AFTER_COMMIT)
    sb_faults_keep(call->sandbox->faults, call->operation->name, call->out,
                   swap);
  if (!fault || fault->moment != moment)
    return true;
  switch (fault->kind) {
  case SB_FAULT_STALL:
    sb_sessions_wait(call->sandbox->sessions,
                     fault->number > INT_MAX ? INT_MAX : (int)fault->number);
    return true;
  case SB_FAULT_STEAL:
    sb_sessions_steal(call->sandbox->sessions);
    return true;
  case SB_FAULT_GHOST:
  case SB_FAULT_PARTIAL:
    return true; /* in the transaction: see sb_faults_tear */
  case SB_FAULT_EXPIRE_ALL:
    sb_sessions_expire(call->sandbox->sessions);
    expire(call);
    return false;
  case SB_FAULT_EXPIRE:
    expire(call);
    return false;
  default:
    change_reply(call, fault);
    return false;
  }
}

/* Each statement of a create is committed alone on the real server: when its
 * worker is killed in between, this is what stays. */
static int undo_half(struct sb_call *call, enum sb_fault_kind kind) {
  const struct sb_module *module = call->module;
  struct icrm_buf sql = {0};
  if (kind == SB_FAULT_GHOST) {
    icrm_buf_addf(&sql, "DELETE FROM \"%s\" WHERE id = ?", module->name);
  } else {
    icrm_buf_addf(&sql, "UPDATE \"%s\" SET id = id", module->name);
    for (size_t i = 0; i < module->n_fields; i++)
      if (module->fields[i].custom)
        icrm_buf_addf(&sql, ", \"%s\" = ''", module->fields[i].name);
    icrm_buf_add_text(&sql, " WHERE id = ?");
  }
  struct sb_rows *rows =
      sql.failed ? NULL
                 : sb_store_query_number(call->store, sql.data, call->record);
  icrm_buf_free(&sql);
  if (!rows || sb_rows_run(rows))
    return -1;
  sb_front_page(call, 502);
  return 0;
}

static int hide(struct sb_call *call, int64_t ms) {
  struct sb_rows *rows = sb_store_query(
      call->store, "INSERT OR REPLACE INTO lagging VALUES (?, ?)");
  if (!rows)
    return -1;
  sb_rows_integer(rows, call->record);
  sb_rows_integer(rows, icrm_clock_ms() + ms);
  return sb_rows_run(rows);
}

int sb_faults_tear(struct sb_call *call) {
  const struct sb_fault *fault = call->fault;
  int64_t lag_ms = sb_faults_lag_ms(call->sandbox->faults);
  if (strcmp(call->operation->name, "create") != 0)
    return 0;
  if (lag_ms && hide(call, lag_ms))
    return -1;
  if (fault &&
      (fault->kind == SB_FAULT_GHOST || fault->kind == SB_FAULT_PARTIAL))
    return undo_half(call, fault->kind);
  return 0;
}
