/* Reads through the dispatcher: tried again, and what bounds them. */
#include "check.h"
#include "core/clock.h"
#include "lanes/scripted_crm.h"
#include "net/form.h"

static void reads_are_tried_again(void) {
  struct crm crm;
  open_crm(&crm, 1);
  CHECK(retrieve(&crm)->ok);
  scripted_raw(&crm.server, "", 0)->is_last = true;
  scripted_reply(&crm.server, "503 Service Unavailable", "", "");
  const struct icrm_result *result = retrieve(&crm);
  CHECK(result->ok);
  CHECK(stats_of(&crm).retries >= 1);
  scripted_refusal(&crm.server, "ACCESS_DENIED");
  result = retrieve(&crm);
  CHECK(result->attempts == 1 && result->err.kind == ICRM_ERROR_REFUSED);
  CHECK_TEXT(result->err.code, "ACCESS_DENIED");
  close_crm(&crm);
}

static void the_retry_budget_ends(void) {
  struct crm crm;
  open_crm(&crm, 1);
  CHECK(retrieve(&crm)->ok);
  for (int i = 0; i < 40; i++)
    scripted_reply(&crm.server, "500 Internal Server Error", "", "");
  int requests = crm.server.requests;
  for (int i = 0; i < 14; i++)
    CHECK(!retrieve(&crm)->ok);
  CHECK(crm.server.requests - requests == 14 + 10); /* 100 / 10 a retry */
  close_crm(&crm);
}

static void retry_after_holds_everything_back(void) {
  struct crm crm;
  open_crm(&crm, 1);
  CHECK(retrieve(&crm)->ok);
  scripted_reply(&crm.server, "429 Too Many Requests", "Retry-After: 1\r\n",
                 "");
  int64_t start = icrm_clock_ms();
  CHECK(retrieve(&crm)->ok);
  CHECK(icrm_clock_ms() - start >= 1000);
  scripted_reply(&crm.server, "429 Too Many Requests",
                 "Retry-After: 1000000000\r\n", "");
  const struct icrm_result *result = create(&crm);
  CHECK(result->err.kind == ICRM_ERROR_UNKNOWN_OUTCOME);
  CHECK(result->err.status == 429 && result->err.retry_after_s == 86400);
  int64_t wait_ms = stats_of(&crm).wait_ms;
  CHECK(wait_ms > 86390000 && wait_ms <= 86400000);
  int requests = crm.server.requests;
  result = create(&crm); /* nobody waits for so long */
  CHECK(result->err.kind == ICRM_ERROR_RATE_LIMITED && result->attempts == 0);
  CHECK(result->err.retry_after_s > 86300);
  CHECK(strncmp(result->err.message, "the CRM asked to wait until 20", 30) ==
        0);
  CHECK_TEXT(result->err.operation, "create");
  icrm_dispatcher_logout(crm.d, 100);
  CHECK(crm.server.requests == requests);
  close_crm(&crm);
}

/* What is left is of the window that the same reply tells of, in whatever order
 * its headers come. */
static void a_new_window_is_seen_in_any_order(void) {
  static const char *const orders[][2] = {
      {"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1\r\n",
       "X-RateLimit-Remaining: 59\r\nX-RateLimit-Reset: 3600\r\n"},
      {"X-RateLimit-Reset: 1\r\nX-RateLimit-Remaining: 0\r\n",
       "X-RateLimit-Reset: 3600\r\nX-RateLimit-Remaining: 59\r\n"}};
  for (int i = 0; i < 2; i++) {
    struct crm crm;
    open_crm(&crm, 1);
    for (int reply = 0; reply < 2; reply++)
      scripted_reply(&crm.server, "200 OK", orders[i][reply], OK_BODY);
    CHECK(retrieve(&crm)->ok && stats_of(&crm).wait_ms > 0);
    CHECK(retrieve(&crm)->ok && stats_of(&crm).wait_ms == 0);
    close_crm(&crm);
  }
}

static void redirects_are_not_followed(void) {
  struct crm crm;
  struct scripted_server canary;
  char location[100];
  open_crm(&crm, 1);
  scripted_start(&canary);
  snprintf(location, sizeof location,
           "Location: http://127.0.0.1:%d/wstiger.php\r\n", canary.port);
  CHECK(retrieve(&crm)->ok);
  scripted_reply(&crm.server, "307 Temporary Redirect", location, "");
  const struct icrm_result *result = retrieve(&crm);
  CHECK(result->err.kind == ICRM_ERROR_HTTP && result->err.status == 307);
  CHECK(canary.connections == 0);
  scripted_stop(&canary);
  close_crm(&crm);
}

/* 4 MiB of zeros in 4 kB, from gzip -9. */
static size_t gzip_bomb(char *out) {
  FILE *pipe = popen("head -c 4194304 /dev/zero | gzip -9nc", "r");
  CHECK(pipe);
  size_t len = fread(out, 1, 65536, pipe);
  CHECK(pclose(pipe) == 0 && len > 1000);
  return len;
}

static void replies_are_capped_after_decompression(void) {
  struct crm crm;
  char *text = malloc(80000);
  open_crm(&crm, 1);
  CHECK(retrieve(&crm)->ok);
  char *bomb = malloc(65536);
  CHECK(text && bomb);
  size_t len = gzip_bomb(bomb);
  int head = snprintf(text, 80000,
                      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                      "Content-Length: %zu\r\n\r\n",
                      len);
  memcpy(text + head, bomb, len);
  scripted_raw(&crm.server, text, (size_t)head + len);
  const struct icrm_result *result = retrieve(&crm);
  CHECK(result->err.kind == ICRM_ERROR_DECODE && result->attempts == 1);
  CHECK(strstr(result->err.message, "larger than 1048576 bytes"));
  free(text);
  free(bomb);
  close_crm(&crm);
}

static void secrets_that_the_server_repeats_are_starred(void) {
  struct crm crm;
  open_crm(&crm, 1);
  scripted_reply(&crm.server, "404 Not Found", "",
                 "no page for sessionName=secret-1");
  const struct icrm_result *result = create(&crm);
  CHECK(strstr(result->err.message, "sessionName=********"));
  CHECK(!strstr(result->err.message, "secret-1"));
  close_crm(&crm);
}

static void too_long_a_url_is_refused_before_sending(void) {
  struct crm crm;
  struct icrm_error err;
  struct icrm_buf form = {0};
  open_crm(&crm, 1);
  for (int i = 0; i < 800; i++)
    icrm_form_add(&form, "query", 5, "3x1", 3);
  struct icrm_call_options call = {.operation = "query", .form = &form};
  CHECK(icrm_dispatcher_submit(crm.d, &call, &err) == 0);
  CHECK(err.kind == ICRM_ERROR_INPUT && strstr(err.message, "7500"));
  icrm_buf_free(&form);
  close_crm(&crm);
}

int main(void) {
  begin_crms();
  reads_are_tried_again();
  the_retry_budget_ends();
  retry_after_holds_everything_back();
  a_new_window_is_seen_in_any_order();
  redirects_are_not_followed();
  replies_are_capped_after_decompression();
  secrets_that_the_server_repeats_are_starred();
  too_long_a_url_is_refused_before_sending();
  end_crms();
  return 0;
}
