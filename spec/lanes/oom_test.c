/*
 * Out of memory, at every allocation in turn: this thread's n-th one fails, in
 * the core and in the libraries below it, for n = 1, 2, ... until nothing is
 * left to fail. Nothing may crash, and what was allocated is freed.
 *   lanes_oom        of those of OpenSSL and libcurl only every 17th
 *   lanes_oom all    each one, which takes a minute
 */
#include "check.h"
#include "core/base64.h"
#include "core/credentials.h"
#include "core/digest.h"
#include "lanes/dispatcher.h"
#include "lanes/envelope.h"
#include "net/body.h"
#include "net/download.h"
#include "net/form.h"
#include "net/scripted_server.h"
#include "text/csv.h"
#include "text/page_writer.h"
#include "vtql/explain.h"
#include "vtql/vtql.h"

#include <errno.h>
#include <openssl/err.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *bytes);

/* Counted in this thread alone: the server of the spec has others. */
static _Thread_local bool is_counting;
static _Thread_local long countdown; /* to the one that fails, 0: none */
static _Thread_local bool has_failed;
static _Thread_local long balance; /* allocated and not freed */

static bool fails(void) {
  if (!is_counting || countdown == 0 || --countdown > 0)
    return false;
  has_failed = true;
  errno = ENOMEM;
  return true;
}

void *malloc(size_t size) {
  void *made = fails() ? NULL : __libc_malloc(size);
  balance += is_counting && made;
  return made;
}

void *calloc(size_t n, size_t size) {
  void *made = fails() ? NULL : __libc_calloc(n, size);
  balance += is_counting && made;
  return made;
}

void *realloc(void *old, size_t size) {
  void *made = fails() ? NULL : __libc_realloc(old, size);
  balance += is_counting && made && !old;
  return made;
}

void free(void *bytes) {
  balance -= is_counting && bytes;
  __libc_free(bytes);
}

static char path[] = "/tmp/icrm_oom_XXXXXX";

static void text(void) {
  struct icrm_buf out = {0};
  struct icrm_error err;
  struct icrm_form_part part = {.name = "filename", .filename = "x.jpg"};
  icrm_form_add(&out, "element", 7, "{\"a\":\"\xC3\xA9\"}", 9);
  icrm_base64_encode(&out, "abcdefgh", 8);
  icrm_form_add_part(&out, "frontier", &part, &err);
  icrm_form_end_parts(&out, "frontier");
  icrm_buf_free(&out);
}

static void query(void) {
  static const char source[] =
      "SELECT id, ticket_title FROM HelpDesk WHERE ticketstatus IN ('Open', "
      "'Closed') AND id > '9x1' OR ticket_title LIKE '%a''b%' ORDER BY id "
      "LIMIT 10, 20;";
  struct icrm_error err;
  struct icrm_buf out = {0};
  const struct icrm_vtql_rewrite change = {
      .after_id = {"9x5", 3}, .by_id = true, .rows = 100};
  struct icrm_vtql_query *parsed =
      icrm_vtql_parse(source, sizeof source - 1, &err);
  if (parsed)
    icrm_vtql_write(parsed, &change, &out);
  icrm_vtql_free(parsed);
  icrm_vtql_free(icrm_vtql_parse_as_server(source, sizeof source - 1, &err));
  icrm_vtql_free(icrm_vtql_parse("SELECT * FORM x;", 16, &err));
  icrm_vtql_add_text(&out,
                     "L'Or\xC3\xA9"
                     "al\\",
                     9, &err);
  icrm_buf_free(&out);
}

static void reply(void) {
  static const char refused[] =
      "{\"success\":false,\"error\":{\"code\":\"ACCESS_DENIED\","
      "\"message\":\"non\"}}";
  static const char member[] = "{\"token\":\"abc\",\"serverTime\":12}";
  static const char *const names[] = {"token", "serverTime"};
  struct icrm_envelope envelope;
  struct icrm_error err;
  struct icrm_buf outs[2] = {{0}, {0}};
  icrm_envelope_read(refused, sizeof refused - 1, NULL, &envelope, &err);
  icrm_envelope_members(member, sizeof member - 1, names, outs, 2, &err);
  icrm_buf_wipe(&outs[0]);
  icrm_buf_wipe(&outs[1]);
}

static void table(void) {
  struct icrm_csv *csv = NULL;
  struct icrm_csv_options options = {.delimiter = '\0'};
  struct icrm_error err;
  if (icrm_csv_open(&csv, path, &options, &err) == 0)
    while (icrm_csv_next(csv, &err) > 0)
      CHECK(icrm_csv_cells(csv) == 2);
  icrm_csv_close(csv);
}

static void key(void) {
  char answer[65];
  struct icrm_error err;
  struct icrm_credentials *credentials = icrm_credentials_new("k", 1, &err);
  if (credentials)
    icrm_credentials_answer(credentials, "token", 5, answer, &err);
  icrm_credentials_release(credentials);
  icrm_digest_sha256("x", 1, answer, &err);
  icrm_digest_sha256_file(path, answer, &err);
}

/* A file on its way up, and one on its way down. */
static void files(void) {
  static const char reply[] =
      "{\"success\":true,\"result\":[{\"filecontents\":\"Zm9v\"}]}";
  char bytes[256];
  struct icrm_error err;
  struct icrm_body_file *list = NULL;
  struct icrm_body_file_options options = {
      .path = path, .base64 = true, .size = -1};
  struct icrm_body_reader reader;
  struct icrm_buf head = {0};
  icrm_buf_add_text(&head, "a=");
  const struct icrm_body body = {.head = &head, .files = NULL};
  if (icrm_body_add_file(&list, 0, &options, &err) == 0) {
    struct icrm_body whole = body;
    whole.files = list;
    if (icrm_body_begin(&reader, &whole, &err) == 0)
      while (icrm_body_read(&reader, bytes, sizeof bytes, &err) > 0)
        continue;
  }
  icrm_body_free_files(list);
  struct icrm_download *download =
      icrm_download_new("/tmp/", "filecontents", -1, &err);
  if (download && icrm_download_begin(download, &err) == 0 &&
      icrm_download_feed(download, reply, sizeof reply - 1, &head, &err) == 0)
    icrm_download_end(download, &err);
  icrm_download_release(download);
  icrm_buf_free(&head);
}

/* A page of plain records, and what is written of it. */
static void page(void) {
  static const char text_of_page[] =
      "{\"success\":true,\"result\":[{\"id\":\"3x1\",\"a\":\"L\\u0027x\"},{"
      "\"b\":\"2\",\"id\":\"3x2\"}]}";
  static const struct icrm_span columns[] = {{"id", 2}, {"a", 1}};
  const struct icrm_page_writer_options options = {
      .columns = columns, .n_columns = 2, .delimiter = ';', .jsonl = true};
  struct icrm_page page = {0};
  struct icrm_envelope envelope;
  struct icrm_error err;
  struct icrm_buf out = {0};
  struct icrm_page_facts facts;
  struct icrm_page_writer *writer = icrm_page_writer_new(&options);
  CHECK(icrm_envelope_read(text_of_page, sizeof text_of_page - 1, &page,
                           &envelope, &err) == 0);
  if (writer && envelope.is_page)
    icrm_page_writer_write(writer, &page, &out, &facts);
  icrm_page_writer_free(writer);
  icrm_page_free(&page);
  icrm_buf_free(&out);
}

static struct scripted_server server;

static struct icrm_dispatcher *connect_to(struct icrm_transport *transport) {
  char url[64];
  struct icrm_error err;
  snprintf(url, sizeof url, "http://127.0.0.1:%d", server.port);
  struct icrm_credentials *credentials = icrm_credentials_new("k", 1, &err);
  struct icrm_dispatcher_options options = {.url = url,
                                            .username = "admin",
                                            .credentials = credentials,
                                            .lanes = 2,
                                            .timeout_ms = 2000,
                                            .patience_ms = 1,
                                            .site.max_reply_bytes = 1 << 20};
  struct icrm_dispatcher *dispatcher =
      credentials ? icrm_dispatcher_new(transport, &options, &err) : NULL;
  icrm_credentials_release(credentials);
  return dispatcher;
}

/* A call ends, in whatever way, unless it was not even taken. A write takes a
 * file along, a read a draft. */
static void submit_and_wait(struct icrm_dispatcher *dispatcher, bool write) {
  struct icrm_error err;
  struct icrm_buf form = {0};
  struct icrm_body_file *files = NULL;
  const struct icrm_body_file_options file = {
      .path = path, .base64 = true, .size = -1};
  icrm_form_add(&form, "elementType", 11, "Accounts", 8);
  struct icrm_call_options call = {.operation = write ? "create" : "describe",
                                   .post = write,
                                   .write = write,
                                   .form = &form,
                                   .files = &files};
  bool is_ready =
      !form.failed &&
      (!write || icrm_body_add_file(&files, form.len, &file, &err) == 0);
  call.download = is_ready && !write
                      ? icrm_download_new("/tmp/", "filecontents", -1, &err)
                      : NULL;
  is_ready = is_ready && (write || call.download) &&
             icrm_dispatcher_submit(dispatcher, &call, &err) > 0;
  icrm_download_release(call.download);
  if (!is_ready) {
    icrm_buf_free(&form);
    icrm_body_free_files(files);
    return;
  }
  for (int turns = 0; !icrm_dispatcher_next(dispatcher); turns++) {
    if (icrm_dispatcher_step(dispatcher, 3000, &err) < 0)
      break;
    CHECK(turns < 1000);
  }
}

static void calls(void) {
  struct icrm_error err;
  struct icrm_transport *transport = icrm_transport_new(&err);
  if (!transport)
    return;
  struct icrm_dispatcher *dispatcher = connect_to(transport);
  if (dispatcher) {
    submit_and_wait(dispatcher, false);
    submit_and_wait(dispatcher, true);
  }
  icrm_dispatcher_free(dispatcher);
  icrm_transport_release(transport);
}

/* Let each `step`-th allocation of a scene fail; returns how many there are.
 * `keeps`: the libraries may keep what they made for the next time. */
static long sweep(const char *name, void (*scene)(void), bool keeps,
                  long step) {
  scene(); /* what is made once is made here */
  ERR_clear_error();
  long n = 1 - step;
  do {
    is_counting = true;
    countdown = n += step;
    has_failed = false;
    balance = 0;
    scene();
    ERR_clear_error(); /* OpenSSL's last words */
    is_counting = false;
    if (!keeps && balance != 0) {
      fprintf(stderr, "%s: %ld left over when allocation %ld fails\n", name,
              balance, n);
      exit(EXIT_FAILURE);
    }
  } while (has_failed);
  printf("%s: %ld allocations\n", name, n - 1);
  return n - 1;
}

/* iconv lets go of what it keeps between its converters when it likes, unless
 * some are open: those that the guess of an encoding opens. */
static void with_converters(void (*run)(void)) {
  static const char *const names[] = {"windows-1252", "iso-8859-15",
                                      "macintosh", "cp850"};
  static const char *const others[] = {"utf-8", "wchar_t"};
  struct icrm_converter *open[4][2];
  for (int i = 0; i < 4; i++)
    for (int k = 0; k < 2; k++) {
      struct icrm_encoding from = {{0}}, to = {{0}};
      snprintf(from.name, sizeof from.name, "%s", names[i]);
      snprintf(to.name, sizeof to.name, "%s", others[k]);
      open[i][k] = icrm_converter_open(&to, &from, NULL);
    }
  run();
  for (int i = 0; i < 4; i++)
    for (int k = 0; k < 2; k++)
      icrm_converter_close(open[i][k]);
}

static void sweep_table(void) {
  CHECK(sweep("table", table, false, 1) > 0);
}

int main(int argc, char **argv) {
  const long step = argc > 1 && strcmp(argv[1], "all") == 0 ? 1 : 17;
  int fd = mkstemp(path);
  static const char csv[] = "nom;ville\r\n\"Caf\xE9\";Metz\r\nb;c\r\n";
  CHECK(fd >= 0 && write(fd, csv, sizeof csv - 1) == sizeof csv - 1);
  close(fd);
  CHECK(sweep("text", text, false, 1) > 0);
  CHECK(sweep("query", query, false, 1) > 0);
  CHECK(sweep("reply", reply, false, 1) > 0);
  with_converters(sweep_table);
  CHECK(sweep("key", key, true, step) > 0);
  CHECK(sweep("files", files, false, 1) > 0);
  CHECK(sweep("page", page, false, 1) > 0);
  scripted_start(&server);
  CHECK(sweep("calls", calls, true, step) > 100);
  scripted_stop(&server);
  unlink(path);
  return EXIT_SUCCESS;
}
