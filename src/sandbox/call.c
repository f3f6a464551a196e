#include "sandbox/call.h"

#include "core/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int64_t sb_clock_s(const struct icrm_sandbox *sandbox) {
  return icrm_clock_wall_s() + atomic_load(&sandbox->clock_offset_s);
}

void sb_reply_start(struct sb_call *call, int status, const char *type) {
  icrm_buf_clear(call->out);
  call->reply->status = status;
  call->reply->type = type;
}

void sb_reply_end(struct sb_call *call) {
  if (sb_trait(call, SB_TRAIT_MOREINFO) && call->total_rows >= 0)
    icrm_buf_addf(call->out, ",\"moreinfo\":{\"totalrows\":\"%lld\"}",
                  (long long)call->total_rows);
  else if (sb_trait(call, SB_TRAIT_MOREINFO))
    icrm_buf_add_text(call->out, ",\"moreinfo\":null");
  icrm_buf_add_byte(call->out, '}');
}

enum sb_outcome sb_fail(struct sb_call *call, const char *code,
                        const char *format, ...) {
  char message[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  sb_reply_start(call, 200, "application/json");
  icrm_buf_add_text(call->out, "{\"success\":false,\"error\":{");
  sb_json_add_pair(call->out, "message", message);
  sb_json_add_key(call->out, "code");
  if (strcmp(code, "0") == 0) /* the one code that is a number */
    icrm_buf_add_text(call->out, code);
  else
    sb_json_add(call->out, code);
  icrm_buf_add_byte(call->out, '}');
  call->total_rows = -1;
  sb_reply_end(call);
  snprintf(call->code, sizeof call->code, "%s", code);
  return SB_FAILED;
}

enum sb_outcome sb_deny(struct sb_call *call) {
  return sb_fail(call, "ACCESS_DENIED",
                 "Permission to perform the operation is denied");
}

enum sb_outcome sb_crash(struct sb_call *call) {
  sb_reply_start(call, 500, "text/html; charset=UTF-8");
  snprintf(call->code, sizeof call->code, "500");
  return SB_FAILED;
}

enum sb_outcome sb_die(struct sb_call *call, const char *text) {
  sb_reply_start(call, 200, "text/html; charset=UTF-8");
  icrm_buf_add_text(call->out, text);
  return SB_RAW;
}

bool sb_is_private(const struct sb_call *call, const struct sb_module *module) {
  return !call->admin && module->shared &&
         (module->private || sb_trait(call, SB_TRAIT_PRIVATE_OWNERS));
}

bool sb_sees_field(const struct sb_call *call, const struct sb_field *field) {
  const bool withheld =
      field->withheld && !call->admin && sb_trait(call, SB_TRAIT_HIDDEN_FIELDS);
  return !field->hidden && !withheld;
}

bool sb_may_see(const struct sb_call *call, const struct sb_module *module) {
  return call->admin || module->visible;
}

static const char *reason(int status) {
  static const struct {
    int status;
    const char *text;
  } reasons[] = {{400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {408, "Request Timeout"},
                 {413, "Request Entity Too Large"},
                 {414, "Request-URI Too Large"},
                 {429, "Too Many Requests"},
                 {500, "Internal Server Error"},
                 {502, "Bad Gateway"},
                 {503, "Service Temporarily Unavailable"},
                 {504, "Gateway Time-out"}};
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (reasons[i].status == status)
      return reasons[i].text;
  return "Error";
}

void sb_front_page(struct sb_call *call, int status) {
  sb_reply_start(call, status, "text/html");
  icrm_buf_addf(call->out,
                "<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n"
                "<center><h1>%d %s</h1></center>\r\n<hr><center>nginx/1.22.1"
                "</center>\r\n</body>\r\n</html>\r\n",
                status, reason(status), status, reason(status));
  snprintf(call->code, sizeof call->code, "%d", status);
}
