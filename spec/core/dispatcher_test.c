/* The dispatcher against a server that misbehaves to the byte. */
#include "check.h"
#include "core/clock.h"
#include "core/dispatcher.h"
#include "core/form.h"
#include "core/interrupt.h"
#include "scripted_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 1500
#define OK_BODY "{\"success\":true,\"result\":{\"id\":\"3x1\"}}"

struct crm {
  struct scripted_server server;
  struct icrm_transport *transport;
  struct icrm_dispatcher *d;
};

static struct icrm_dispatcher *connect_to(struct icrm_transport *transport,
                                          int port, int lanes) {
  char url[64];
  struct icrm_error err;
  struct icrm_credentials *key = icrm_credentials_new("key", 3, &err);
  snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
  struct icrm_dispatcher_options options = {.url = url,
                                            .username = "prefix/admin",
                                            .credentials = key,
                                            .lanes = lanes,
                                            .patience_ms = PATIENCE_MS,
                                            .site.max_reply_bytes = 1 << 20};
  struct icrm_dispatcher *d = icrm_dispatcher_new(transport, &options, &err);
  CHECK(d);
  icrm_credentials_release(key);
  return d;
}

static void open_crm(struct crm *crm, int lanes) {
  struct icrm_error err;
  scripted_start(&crm->server);
  crm->transport = icrm_transport_new(&err);
  CHECK(crm->transport);
  crm->d = connect_to(crm->transport, crm->server.port, lanes);
}

static void close_crm(struct crm *crm) {
  icrm_dispatcher_free(crm->d);
  icrm_transport_release(crm->transport);
  scripted_stop(&crm->server);
}

static uint64_t submit(struct crm *crm, struct icrm_call_options call) {
  struct icrm_error err;
  struct icrm_buf form = {0};
  icrm_form_add(&form, "elementType", 11, "Accounts", 8);
  call.form = &form;
  uint64_t id = icrm_dispatcher_submit(crm->d, &call, &err);
  CHECK(id > 0);
  return id;
}

static const struct icrm_result *wait_for(struct crm *crm, uint64_t id) {
  struct icrm_error err;
  int64_t deadline = icrm_clock_ms() + 20000;
  for (;;) {
    const struct icrm_result *result = icrm_dispatcher_next(crm->d);
    if (result) {
      CHECK(result->id == id);
      return result;
    }
    CHECK(icrm_clock_ms() < deadline);
    CHECK(icrm_dispatcher_step(crm->d, 1000, &err) >= 0);
  }
}

static const struct icrm_call_options CREATE = {
    .operation = "create", .post = true, .write = true};
static const struct icrm_call_options RETRIEVE = {.operation = "retrieve"};

static const struct icrm_result *create(struct crm *crm) {
  return wait_for(crm, submit(crm, CREATE));
}

static const struct icrm_result *retrieve(struct crm *crm) {
  return wait_for(crm, submit(crm, RETRIEVE));
}

static struct icrm_dispatcher_stats stats_of(struct crm *crm) {
  struct icrm_dispatcher_stats stats;
  icrm_dispatcher_get_stats(crm->d, &stats);
  return stats;
}

/* ---- writes ---- */

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

/* A row of RELIABILITY 1.4, sent for real. */
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

/* ---- sessions ---- */

static void lost_sessions_are_renewed_once(void) {
  static const char *const codes[] = {"AUTHENTICATION_REQUIRED",
                                      "INVALID_SESSIONID", "SESSION_EXPIRED",
                                      "SESSION_LEFT_IDLE"};
  struct crm crm;
  open_crm(&crm, 1);
  for (int i = 0; i < 4; i++) {
    scripted_refusal(&crm.server, codes[i]);
    const struct icrm_result *result = create(&crm);
    CHECK(result->ok && result->attempts == 2);
  }
  CHECK(crm.server.logins == 5 && stats_of(&crm).renewals == 4);
  scripted_refusal(&crm.server, codes[1]);
  scripted_refusal(&crm.server, codes[1]);
  const struct icrm_result *result = create(&crm);
  CHECK(!result->ok && result->err.kind == ICRM_ERROR_AUTH);
  CHECK_TEXT(result->err.code, "INVALID_SESSIONID");
  CHECK(create(&crm)->ok);
  close_crm(&crm);
}

static void a_wrong_key_is_tried_twice_and_explained(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 4);
  crm.server.login = SCRIPTED_LOGIN_WRONG_KEY;
  const struct icrm_result *result =
      wait_for(&crm, icrm_dispatcher_login(crm.d, &err));
  CHECK(!result->ok && result->err.kind == ICRM_ERROR_AUTH);
  CHECK_TEXT(result->err.code, "INVALID_USER_CREDENTIALS");
  CHECK(strstr(result->err.message, "Mes préférences"));
  CHECK(crm.server.logins == 2 && crm.server.challenges == 2);
  crm.server.login = SCRIPTED_LOGIN_SUPERSEDED;
  CHECK(create(&crm)->ok);
  CHECK(crm.server.logins == 4);
  close_crm(&crm);
}

static void other_failed_logins(void) {
  struct crm crm;
  open_crm(&crm, 1);
  crm.server.login = SCRIPTED_LOGIN_UNKNOWN_USER;
  const struct icrm_result *result = create(&crm);
  CHECK(result->err.kind == ICRM_ERROR_AUTH);
  CHECK(strstr(result->err.message, "username does not exists"));
  crm.server.login = SCRIPTED_LOGIN_BROKEN;
  result = create(&crm);
  CHECK(result->err.kind == ICRM_ERROR_DECODE);
  CHECK(strstr(result->err.message, "<html>Fatal error</html>"));
  CHECK(crm.server.creates == 0);
  close_crm(&crm);
}

static void logins_are_one_at_a_time(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 8);
  struct icrm_dispatcher *other = connect_to(crm.transport, crm.server.port, 4);
  for (int i = 0; i < 32; i++)
    scripted_reply(&crm.server, "200 OK", "", OK_BODY)->delay_ms = 20;
  struct icrm_call_options call = CREATE;
  for (int i = 0; i < 24; i++) {
    submit(&crm, CREATE);
    CHECK(icrm_dispatcher_submit(other, &call, &err) > 0);
  }
  int left = 48;
  while (left > 0) {
    CHECK(icrm_dispatcher_step(crm.d, 1000, &err) >= 0);
    while (icrm_dispatcher_next(crm.d))
      left--;
    while (icrm_dispatcher_next(other))
      left--;
  }
  CHECK(crm.server.max_in_login == 1);
  CHECK(crm.server.creates == 48 && crm.server.logins > 4);
  icrm_dispatcher_free(other);
  close_crm(&crm);
}

/* Keep eight lanes wanted until all are there. */
static void open_eight_lanes(struct crm *crm) {
  for (int i = 0; i < 40; i++)
    scripted_reply(&crm->server, "200 OK", "", OK_BODY)->delay_ms = 20;
  for (int i = 0; i < 40; i++)
    submit(crm, CREATE);
  for (int left = 40; left > 0;) {
    struct icrm_error err;
    const struct icrm_result *result;
    CHECK(icrm_dispatcher_step(crm->d, 1000, &err) >= 0);
    while ((result = icrm_dispatcher_next(crm->d))) {
      CHECK(result->ok);
      left--;
    }
  }
  CHECK(stats_of(crm).lanes == 8 && crm->server.creates == 40);
}

static void lanes_log_in_with_one_token(void) {
  struct crm crm;
  open_crm(&crm, 8);
  open_eight_lanes(&crm);
  CHECK(crm.server.logins == 8 && crm.server.challenges == 1);
  close_crm(&crm);
}

/* The token of the first login serves the lanes that are wanted later, unless
 * another client of the same user has asked for a newer one. */
static void a_token_is_kept_while_nobody_asks_anew(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 8);
  CHECK(wait_for(&crm, icrm_dispatcher_login(crm.d, &err))->ok);
  open_eight_lanes(&crm);
  CHECK(crm.server.logins == 8 && crm.server.challenges == 1);
  close_crm(&crm);
  open_crm(&crm, 8);
  CHECK(wait_for(&crm, icrm_dispatcher_login(crm.d, &err))->ok);
  struct icrm_dispatcher *other = connect_to(crm.transport, crm.server.port, 4);
  icrm_dispatcher_login(other, &err);
  while (!icrm_dispatcher_next(other))
    CHECK(icrm_dispatcher_step(other, 1000, &err) >= 0);
  open_eight_lanes(&crm);
  CHECK(crm.server.logins == 9 && crm.server.challenges == 3);
  icrm_dispatcher_free(other);
  close_crm(&crm);
}

static void lanes_are_ready_for_calls_that_are_expected(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 8);
  CHECK(wait_for(&crm, icrm_dispatcher_login(crm.d, &err))->ok);
  scripted_reply(&crm.server, "200 OK", "", OK_BODY)->delay_ms = 200;
  uint64_t id = submit(&crm, CREATE);
  icrm_dispatcher_expect(crm.d, 5);
  CHECK(stats_of(&crm).lanes == 1);
  CHECK(wait_for(&crm, id)->ok);
  CHECK(stats_of(&crm).lanes == 6 && crm.server.challenges == 1);
  icrm_dispatcher_expect(crm.d, 6); /* an idle lane is as good as a new one */
  CHECK(icrm_dispatcher_step(crm.d, 0, &err) >= 0);
  CHECK(stats_of(&crm).in_flight == 0 && crm.server.logins == 6);
  close_crm(&crm);
}

/* A kick lets waiting calls out as replies come, but not what was submitted
 * since the last step. */
static void a_kick_sends_nothing_new(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 8);
  open_eight_lanes(&crm);
  const int before = crm.server.creates;
  submit(&crm, CREATE);
  for (int i = 0; i < 20; i++)
    CHECK(icrm_dispatcher_kick(crm.d, &err) == 0);
  CHECK(crm.server.creates == before);
  scripted_reply(&crm.server, "200 OK", "", OK_BODY);
  while (!icrm_dispatcher_next(crm.d))
    CHECK(icrm_dispatcher_step(crm.d, 1000, &err) >= 0);
  for (int i = 0; i < 16; i++)
    scripted_reply(&crm.server, "200 OK", "", OK_BODY)->delay_ms = 20;
  for (int i = 0; i < 16; i++)
    submit(&crm, CREATE);
  CHECK(icrm_dispatcher_step(crm.d, 0, &err) >= 0);
  while (crm.server.creates < before + 17)
    CHECK(icrm_dispatcher_kick(crm.d, &err) == 0);
  close_crm(&crm);
}

static void a_token_that_is_good_once_is_asked_for_each_time(void) {
  struct crm crm;
  open_crm(&crm, 8);
  crm.server.login = SCRIPTED_LOGIN_TOKEN_ONCE;
  open_eight_lanes(&crm);
  CHECK(crm.server.challenges == 8);
  CHECK(crm.server.logins == 8 + 7); /* seven were refused, once */
  close_crm(&crm);
}

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

static void the_fence(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 1);
  uint64_t session = create(&crm)->session;
  struct icrm_call_options logout = {
      .operation = "logout", .post = true, .session = session};
  struct icrm_call_options check = {.operation = "listtypes",
                                    .session = session};
  CHECK(wait_for(&crm, submit(&crm, logout))->ok);
  scripted_refusal(&crm.server, "INVALID_SESSIONID");
  const struct icrm_result *result = wait_for(&crm, submit(&crm, check));
  CHECK(!result->ok && result->attempts == 1);
  CHECK_TEXT(result->err.code, "INVALID_SESSIONID");
  CHECK(result->session == session);
  CHECK(scripted_count(&crm.server, "sessionName=secret-1") == 3);
  CHECK(crm.server.logins == 1);
  /* The same from a journal, in another process as it were. */
  const struct icrm_buf *name = icrm_dispatcher_session_name(crm.d, session);
  CHECK(name && strcmp(name->data, "secret-1") == 0);
  check.session = icrm_dispatcher_import_session(crm.d, "secret-old", 10);
  CHECK(wait_for(&crm, submit(&crm, check))->ok);
  CHECK(scripted_count(&crm.server, "sessionName=secret-old") == 1);
  CHECK(create(&crm)->session != session); /* a lane of its own again */
  check.session = 999;
  CHECK(icrm_dispatcher_submit(crm.d, &check, &err) == 0);
  CHECK(err.kind == ICRM_ERROR_INPUT);
  close_crm(&crm);
}

static void a_held_call_leaves_when_it_is_released(void) {
  struct crm crm;
  struct icrm_error err;
  uint64_t held, session;
  open_crm(&crm, 2);
  struct icrm_call_options call = CREATE;
  call.hold = true;
  uint64_t id = submit(&crm, call);
  CHECK(!icrm_dispatcher_held(crm.d, &held, &session));
  while (icrm_dispatcher_step(crm.d, 1000, &err) == 0)
    ;
  CHECK(icrm_dispatcher_held(crm.d, &held, &session));
  CHECK(held == id && session == 1);
  CHECK(!icrm_dispatcher_held(crm.d, &held, &session));
  CHECK(icrm_dispatcher_step(crm.d, 30, &err) == 0);
  CHECK(crm.server.creates == 0);
  scripted_refusal(&crm.server, "INVALID_SESSIONID");
  CHECK(icrm_dispatcher_release(crm.d, id));
  CHECK(!icrm_dispatcher_release(crm.d, id));
  CHECK(crm.server.creates == 0); /* not before the next step */
  while (icrm_dispatcher_step(crm.d, 1000, &err) == 0)
    ;
  /* Its session was gone: held again, on another. */
  CHECK(icrm_dispatcher_held(crm.d, &held, &session));
  CHECK(held == id && session == 2 && crm.server.creates == 1);
  CHECK(icrm_dispatcher_cancel(crm.d, id));
  const struct icrm_result *result = wait_for(&crm, id);
  CHECK(result->err.kind == ICRM_ERROR_CANCELED);
  CHECK(!icrm_dispatcher_cancel(crm.d, id));
  CHECK(crm.server.creates == 1 && stats_of(&crm).held == 0);
  close_crm(&crm);
}

/* ---- reads ---- */

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

/* ---- process ---- */

static int open_descriptors_without_cloexec(void) {
  int count = 0;
  for (int fd = 3; fd < 256; fd++) {
    int flags = fcntl(fd, F_GETFD);
    if (flags >= 0 && !(flags & FD_CLOEXEC))
      count++;
  }
  return count;
}

static void descriptors_are_close_on_exec(void) {
  struct crm crm;
  int before = open_descriptors_without_cloexec();
  struct icrm_error err;
  crm.transport = icrm_transport_new(&err);
  CHECK(open_descriptors_without_cloexec() == before);
  icrm_transport_release(crm.transport);
  open_crm(&crm, 1);
  CHECK(create(&crm)->ok);
  CHECK(open_descriptors_without_cloexec() == before);
  close_crm(&crm);
}

static void a_fork_may_not_use_the_client(void) {
  struct crm crm;
  open_crm(&crm, 1);
  CHECK(create(&crm)->ok);
  pid_t child = fork();
  if (child == 0) {
    struct icrm_error err;
    struct icrm_call_options call = CREATE;
    bool refused = icrm_dispatcher_submit(crm.d, &call, &err) == 0 &&
                   err.kind == ICRM_ERROR_CONFIG &&
                   icrm_dispatcher_step(crm.d, 0, &err) < 0;
    icrm_dispatcher_free(crm.d); /* must not disturb the parent's */
    icrm_transport_release(crm.transport);
    /* Another program's exit: what the child had to leave is no leak. */
    execl(refused ? "/bin/true" : "/bin/false", "child", NULL);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(create(&crm)->ok && crm.server.connections == 1);
  close_crm(&crm);
}

static void closing_in_the_middle_is_clean(void) {
  struct crm crm;
  struct icrm_error err;
  open_crm(&crm, 2);
  scripted_reply(&crm.server, "200 OK", "", OK_BODY)->delay_ms = 200;
  submit(&crm, CREATE);
  submit(&crm, CREATE);
  submit(&crm, RETRIEVE);
  while (crm.server.creates == 0)
    CHECK(icrm_dispatcher_step(crm.d, 20, &err) >= 0);
  close_crm(&crm);
}

static void on_alarm(int number) {
  (void)number;
  icrm_interrupt_raise();
}

static void check_alarm_ends_the_wait(struct crm *crm) {
  struct icrm_error err;
  struct itimerval soon = {.it_value = {.tv_usec = 50000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  int64_t start = icrm_clock_ms();
  while (!icrm_interrupt_pending())
    CHECK(icrm_dispatcher_step(crm->d, 5000, &err) >= 0);
  CHECK(icrm_clock_ms() - start < 500);
  icrm_interrupt_clear();
}

/* A wait ends when the host's handler raises, and on any other signal. */
static void signals_end_the_wait(void) {
  struct crm crm;
  struct icrm_error err;
  struct sigaction action = {.sa_handler = on_alarm};
  open_crm(&crm, 1);
  CHECK(retrieve(&crm)->ok);
  sigaction(SIGALRM, &action, NULL);
  for (int with_descriptor = 0; with_descriptor < 2; with_descriptor++) {
    if (with_descriptor)
      CHECK(icrm_interrupt_open(&err) == 0);
    scripted_reply(&crm.server, "200 OK", "", OK_BODY)->delay_ms = 800;
    uint64_t id = submit(&crm, CREATE);
    check_alarm_ends_the_wait(&crm);
    CHECK(wait_for(&crm, id)->ok); /* what is under way is not lost */
    scripted_reply(&crm.server, "429 Slow", "Retry-After: 1\r\n", "");
    id = submit(&crm, RETRIEVE);
    while (stats_of(&crm).wait_ms == 0)
      CHECK(icrm_dispatcher_step(crm.d, 10, &err) >= 0);
    check_alarm_ends_the_wait(&crm);
    CHECK(wait_for(&crm, id)->ok);
  }
  signal(SIGALRM, SIG_DFL);
  close_crm(&crm);
}

static void logout_is_polite(void) {
  struct crm crm;
  open_crm(&crm, 1);
  CHECK(create(&crm)->ok);
  icrm_dispatcher_logout(crm.d, 1000);
  CHECK(scripted_count(&crm.server, "operation=logout&sessionName=secret-1") ==
        1);
  CHECK(create(&crm)->session == 2);
  close_crm(&crm);
}

int main(void) {
  char folder[] = "/tmp/icrm-test-XXXXXX";
  CHECK(mkdtemp(folder));
  setenv("XDG_RUNTIME_DIR", folder, 1);
  a_write_meets_a_dying_connection_and_is_sent_once();
  so_is_a_large_write();
  bad_replies_to_a_write();
  half_a_reply_to_a_write_is_unknown();
  a_slow_write_is_unknown_and_its_session_is_left_alone();
  nothing_sent_is_proven_and_tried_until_patience_ends();
  a_restart_is_waited_for();
  for (unsigned seed = 1; seed <= 5; seed++)
    among_many_faults_no_write_is_sent_twice(seed);
  lost_sessions_are_renewed_once();
  a_wrong_key_is_tried_twice_and_explained();
  other_failed_logins();
  logins_are_one_at_a_time();
  lanes_log_in_with_one_token();
  a_token_is_kept_while_nobody_asks_anew();
  lanes_are_ready_for_calls_that_are_expected();
  a_kick_sends_nothing_new();
  a_token_that_is_good_once_is_asked_for_each_time();
  the_session_stays_out_of_the_url();
  a_server_that_reads_the_url_only_gets_it_there();
  the_fence();
  a_held_call_leaves_when_it_is_released();
  reads_are_tried_again();
  the_retry_budget_ends();
  retry_after_holds_everything_back();
  redirects_are_not_followed();
  replies_are_capped_after_decompression();
  secrets_that_the_server_repeats_are_starred();
  too_long_a_url_is_refused_before_sending();
  descriptors_are_close_on_exec();
  a_fork_may_not_use_the_client();
  closing_in_the_middle_is_clean();
  signals_end_the_wait();
  logout_is_polite();
  CHECK(system("rm -rf \"$XDG_RUNTIME_DIR\"") == 0);
  return 0;
}
