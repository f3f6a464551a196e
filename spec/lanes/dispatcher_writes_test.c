/* Writes through the dispatcher, against a server that misbehaves to the byte.
 */
#include "check.h"
#include "core/clock.h"
#include "lanes/scripted_crm.h"
#include "net/form.h"

static void a_write_meets_a_dying_connection_and_is_sent_once(void) {
  struct crm crm;
  open_crm(&crm, 1);
  CHECK(create(&crm)->ok); /* the connection is now in use and kept */
  CHECK(crm.server.creates == 1 && crm.server.connections == 1);
  scripted_raw(&crm.server, "", 0)->is_last = true; /* commits, then closes */
  const struct icrm_result *result = create(&crm);
  CHECK(!result->ok && result->err.kind == ICRM_ERROR_UNKNOWN_OUTCOME);
  CHECK(result->attempts == 1);
  CHECK(crm.server.creates == 2); /* the one before, and this one once */
  CHECK(stats_of(&crm).unknown == 1);
  CHECK(create(&crm)->ok);
  close_crm(&crm);
}

/* Bodies too large to leave in one piece with their headers. */
static void so_is_a_large_write(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 1);
  for (int round = 0; round < 2; round++) {
    struct icrm_buf form = {0};
    struct icrm_call_options call = CREATE;
    for (int i = 0; i < 20000; i++)
      icrm_form_add(&form, "element", 7, "\xC3\xA9", 2);
    call.form = &form;
    if (round == 1)
      scripted_raw(&crm.server, "", 0)->is_last = true;
    uint64_t id = icrm_dispatcher_submit(crm.d, &call, &err);
    CHECK(id > 0 && !form.data);
    const struct icrm_result *result = wait_for(&crm, id);
    CHECK(result->ok == (round == 0) && crm.server.creates == round + 1);
    CHECK(round == 0 || result->err.kind == ICRM_ERROR_UNKNOWN_OUTCOME);
  }
  close_crm(&crm);
}

/* An answer to a write and what it must prove (laws 3 and 4), sent for real. */
struct row {
  const char *status, *headers, *body;
  bool closes;
  enum icrm_error_kind kind;
};

static void bad_replies_to_a_write(void) {
  static const struct row rows[] = {
      {"200 OK", "", "<html>Fatal error</html>", false,
       ICRM_ERROR_UNKNOWN_OUTCOME},
      {"200 OK", "", "", false, ICRM_ERROR_UNKNOWN_OUTCOME},
      {"200 OK", "", "Notice: x{\"success\":true,\"result\":1}", false,
       ICRM_ERROR_UNKNOWN_OUTCOME},
      {"200 OK", "", "{\"success\":true,\"result\":1e400}", false,
       ICRM_ERROR_UNKNOWN_OUTCOME},
      {"200 OK", "", "{\"success\":true,\"result\":{\"id\":\"3", false,
       ICRM_ERROR_UNKNOWN_OUTCOME},
      {"200 OK", "Content-Length: 5000\r\n", OK_BODY, true,
       ICRM_ERROR_UNKNOWN_OUTCOME},
      {"200 OK", "Content-Length: 5\r\n", OK_BODY, true,
       ICRM_ERROR_UNKNOWN_OUTCOME},
      {"200 OK", "Content-Length: -5\r\n", OK_BODY, true,
       ICRM_ERROR_UNKNOWN_OUTCOME},
      {"200 OK", "Transfer-Encoding: chunked\r\n", "zz\r\n" OK_BODY, true,
       ICRM_ERROR_UNKNOWN_OUTCOME},
      {"201 Created", "", OK_BODY, false, ICRM_ERROR_UNKNOWN_OUTCOME},
      {"302 Found", "Location: https://example.org/\r\n", "", false,
       ICRM_ERROR_UNKNOWN_OUTCOME},
      {"403 Forbidden", "", "no", false, ICRM_ERROR_UNKNOWN_OUTCOME},
      {"404 Not Found", "", "no", false, ICRM_ERROR_HTTP},
      {"414 URI Too Long", "", "no", false, ICRM_ERROR_HTTP},
      {"500 Internal Server Error", "", "", false, ICRM_ERROR_UNKNOWN_OUTCOME},
      {"502 Bad Gateway", "", "<html>", false, ICRM_ERROR_UNKNOWN_OUTCOME},
      {"429 Too Many Requests", "Retry-After: -7\r\n", "", false,
       ICRM_ERROR_UNKNOWN_OUTCOME},
      {"504 Gateway Time-out", "", OK_BODY, false, ICRM_ERROR_UNKNOWN_OUTCOME},
  };
  struct crm crm;
  open_crm(&crm, 1);
  int sent = 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    scripted_reply(&crm.server, rows[i].status, rows[i].headers, rows[i].body)
        ->is_last = rows[i].closes;
    const struct icrm_result *result = create(&crm);
    if (result->ok || result->err.kind != rows[i].kind) {
      fprintf(stderr, "row %zu (%s, %s): %s: %s\n", i, rows[i].status,
              rows[i].body, icrm_error_kind_name(result->err.kind),
              result->err.message);
      exit(EXIT_FAILURE);
    }
    CHECK(crm.server.creates == ++sent);
    CHECK_TEXT(result->err.operation, "create");
  }
  close_crm(&crm);
}

/* Some servers compress whatever they are asked. */
static void a_compressed_reply_to_a_write_is_read(void) {
  struct crm crm;
  char zipped[512], text[1024];
  FILE *pipe = popen("printf '%s' '" OK_BODY "' | gzip -9nc", "r");
  CHECK(pipe);
  const size_t len = fread(zipped, 1, sizeof zipped, pipe);
  CHECK(pclose(pipe) == 0 && len > 0);
  const int head = snprintf(text, sizeof text,
                            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                            "Content-Length: %zu\r\n\r\n",
                            len);
  memcpy(text + head, zipped, len);
  open_crm(&crm, 1);
  scripted_raw(&crm.server, text, (size_t)head + len);
  CHECK(create(&crm)->ok && crm.server.creates == 1);
  close_crm(&crm);
}

static void half_a_reply_to_a_write_is_unknown(void) {
  static const char half[] =
      "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"su";
  struct crm crm;
  open_crm(&crm, 1);
  scripted_raw(&crm.server, half, sizeof half - 1)->is_last = true;
  const struct icrm_result *result = create(&crm);
  CHECK(result->err.kind == ICRM_ERROR_UNKNOWN_OUTCOME);
  CHECK(strstr(result->err.message, "in the middle of its answer"));
  CHECK(crm.server.creates == 1);
  close_crm(&crm);
}

static void a_slow_write_is_unknown_and_its_session_is_left_alone(void) {
  struct crm crm;
  open_crm(&crm, 1);
  struct icrm_call_options call = CREATE;
  call.timeout_ms = 150;
  scripted_reply(&crm.server, "200 OK", "", OK_BODY)->delay_ms = 600;
  const struct icrm_result *result = wait_for(&crm, submit(&crm, call));
  CHECK(result->err.kind == ICRM_ERROR_UNKNOWN_OUTCOME);
  CHECK(strstr(result->err.message, "no complete answer within"));
  CHECK(result->session == 1);
  result = create(&crm);
  CHECK(result->ok && result->session == 2);
  CHECK(crm.server.creates == 2);
  close_crm(&crm);
}

static void nothing_sent_is_proven_and_tried_until_patience_ends(void) {
  struct crm crm;
  open_crm(&crm, 1);
  int port = crm.server.port;
  CHECK(create(&crm)->ok);
  uint64_t id = submit(&crm, CREATE);
  scripted_stop(&crm.server); /* nobody listens: connection refused */
  int64_t start = icrm_clock_ms();
  const struct icrm_result *result = wait_for(&crm, id);
  CHECK(icrm_clock_ms() - start >= PATIENCE_MS);
  CHECK(!result->ok && result->err.kind == ICRM_ERROR_TRANSPORT);
  CHECK(result->attempts >= 1);
  char want[64];
  snprintf(want, sizeof want, "cannot reach 127.0.0.1:%d: connection refused",
           port);
  CHECK(strncmp(result->err.message, want, strlen(want)) == 0);
  icrm_dispatcher_free(crm.d);
  icrm_transport_release(crm.transport);
}

static void a_restart_is_waited_for(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 2);
  int port = crm.server.port;
  CHECK(create(&crm)->ok);
  scripted_stop(&crm.server);
  uint64_t write = submit(&crm, CREATE);
  uint64_t read = submit(&crm, RETRIEVE);
  while (stats_of(&crm).away_ms == 0)
    CHECK(icrm_dispatcher_step(crm.d, 1000, &err) >= 0);
  scripted_start_at(&crm.server, port);
  for (int i = 0; i < 2; i++) {
    const struct icrm_result *result;
    while (!(result = icrm_dispatcher_next(crm.d)))
      CHECK(icrm_dispatcher_step(crm.d, 1000, &err) >= 0);
    CHECK(result->ok && (result->id == write || result->id == read));
  }
  CHECK(crm.server.creates == 1 && stats_of(&crm).away_ms == 0);
  close_crm(&crm);
}

/* One of several things that go wrong, by a number. */
static void add_fault(struct scripted_server *server, unsigned number) {
  static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"s";
  switch (number) {
  case 0:
    scripted_raw(server, "", 0)->is_last = true;
    break;
  case 1:
    scripted_raw(server, half, sizeof half - 1)->is_last = true;
    break;
  case 2:
    scripted_reply(server, "502 Bad Gateway", "", "<html>");
    break;
  case 3:
    scripted_reply(server, "404 Not Found", "", "no");
    break;
  case 4: /* a good reply, and then the door */
    scripted_reply(server, "200 OK", "", OK_BODY)->is_last = true;
    break;
  default:
    scripted_reply(server, "200 OK", "", OK_BODY);
  }
}

#define WRITES 200

/* The server's log is the truth: a write arrives at most once; one that is said
 * to be done, or refused by the server, has arrived. */
static void among_many_faults_no_write_is_sent_twice(unsigned seed) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 4);
  srand(seed);
  for (int i = 0; i < WRITES; i++)
    add_fault(&crm.server, (unsigned)rand() % 16);
  for (int i = 0; i < WRITES; i++) {
    struct icrm_buf form = {0};
    struct icrm_call_options call = CREATE;
    icrm_buf_addf(&form, "marker=<%d>", i + 1);
    call.form = &form;
    CHECK(icrm_dispatcher_submit(crm.d, &call, &err) == (uint64_t)i + 1);
  }
  int unknown = 0;
  for (int left = WRITES; left > 0;) {
    const struct icrm_result *result = icrm_dispatcher_next(crm.d);
    if (!result) {
      CHECK(icrm_dispatcher_step(crm.d, 1000, &err) >= 0);
      continue;
    }
    char marker[32];
    snprintf(marker, sizeof marker, "marker=<%d>", (int)result->id);
    int seen = scripted_count(&crm.server, marker);
    bool is_unknown =
        !result->ok && result->err.kind == ICRM_ERROR_UNKNOWN_OUTCOME;
    CHECK(result->ok || is_unknown || result->err.kind == ICRM_ERROR_HTTP);
    CHECK(is_unknown ? seen <= 1 : seen == 1);
    unknown += is_unknown;
    left--;
  }
  CHECK(unknown > 10 && unknown < 100);
  close_crm(&crm);
}

int main(void) {
  begin_crms();
  a_write_meets_a_dying_connection_and_is_sent_once();
  so_is_a_large_write();
  bad_replies_to_a_write();
  a_compressed_reply_to_a_write_is_read();
  half_a_reply_to_a_write_is_unknown();
  a_slow_write_is_unknown_and_its_session_is_left_alone();
  nothing_sent_is_proven_and_tried_until_patience_ends();
  a_restart_is_waited_for();
  for (unsigned seed = 1; seed <= 5; seed++)
    among_many_faults_no_write_is_sent_twice(seed);
  end_crms();
  return 0;
}
