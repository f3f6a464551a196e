/* Reads through the dispatcher: where the session goes, and what bounds them.
 */
#include "check.h"
#include "lanes/scripted_crm.h"
#include "net/form.h"

static void the_session_stays_out_of_the_url(void) {
  struct crm crm;
  open_crm(&crm, 1);
  CHECK(retrieve(&crm)->ok);
  CHECK(scripted_count(&crm.server, "POST /wstiger.php?operation=retrieve&"
                                    "elementType=Accounts HTTP/1.1") == 1);
  CHECK_TEXT(stats_of(&crm).session_in, "body");
  /* Once it worked it is never given up, whatever the next one says. */
  scripted_reply(&crm.server, "404 Not Found", "", "");
  CHECK(!retrieve(&crm)->ok);
  CHECK(scripted_count(&crm.server, "GET /wstiger.php?operation=retrieve") ==
        0);
  close_crm(&crm);
}

static void a_server_that_reads_the_url_only_gets_it_there(void) {
  struct crm crm;
  open_crm(&crm, 1);
  scripted_refusal(&crm.server, "AUTHENTICATION_REQUIRED");
  const struct icrm_result *result = retrieve(&crm);
  CHECK(result->ok && result->attempts == 2);
  CHECK_TEXT(stats_of(&crm).session_in, "url");
  CHECK(retrieve(&crm)->ok);
  CHECK(scripted_count(&crm.server, "GET /wstiger.php?operation=retrieve&"
                                    "sessionName=secret-1&") == 2);
  CHECK(crm.server.logins == 1);
  close_crm(&crm);
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
  the_session_stays_out_of_the_url();
  a_server_that_reads_the_url_only_gets_it_there();
  redirects_are_not_followed();
  replies_are_capped_after_decompression();
  too_long_a_url_is_refused_before_sending();
  end_crms();
  return 0;
}
