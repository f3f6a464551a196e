/* Files on their way through the dispatcher, to and from a server that
 * misbehaves to the byte. */
#include "check.h"
#include "core/clock.h"
#include "lanes/scripted_crm.h"
#include "net/form.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#define MAX_REPLY_BYTES 4096
#define LARGE_BYTES (9 << 20)

static char folder[] = "/tmp/icrm_files_XXXXXX";
static char path[64];

static void write_file(size_t len) {
  char *bytes = malloc(len);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  CHECK(bytes && fd >= 0);
  memset(bytes, 'a', len);
  CHECK(write(fd, bytes, len) == (ssize_t)len);
  close(fd);
  free(bytes);
}

/* ---- up ---- */

static uint64_t submit_file(struct crm *crm, int timeout_ms) {
  struct icrm_error err;
  struct icrm_buf form = {0};
  struct icrm_body_file *files = NULL;
  struct icrm_body_file_options options = {
      .path = path, .base64 = true, .size = -1};
  struct icrm_call_options call = {.operation = "create",
                                   .post = true,
                                   .write = true,
                                   .timeout_ms = timeout_ms,
                                   .form = &form,
                                   .files = &files};
  icrm_form_add(&form, "filename_attachment", 19, "", 0);
  CHECK(icrm_body_add_file(&files, form.len, &options, &err) == 0);
  uint64_t id = icrm_dispatcher_submit(crm->d, &call, &err);
  CHECK(id > 0 && !files);
  return id;
}

static void a_file_arrives_and_is_sent_once(void) {
  struct crm crm;
  write_file(300000);
  open_crm_for(&crm, 1, MAX_REPLY_BYTES);
  CHECK(wait_for(&crm, submit_file(&crm, 0))->ok);
  CHECK(scripted_count(&crm.server, "&filename_attachment=YWFhYWFh") == 1);
  CHECK(scripted_count(&crm.server, "Content-Length: 4000") == 1);
  scripted_raw(&crm.server, "", 0)->is_last = true; /* commits, then closes */
  const struct icrm_result *result = wait_for(&crm, submit_file(&crm, 0));
  CHECK(!result->ok && result->err.kind == ICRM_ERROR_UNKNOWN_OUTCOME);
  CHECK(result->attempts == 1 && crm.server.creates == 2);
  close_crm(&crm);
}

static void a_file_is_sent_again_when_the_session_was_gone(void) {
  struct crm crm;
  write_file(300000);
  open_crm_for(&crm, 1, MAX_REPLY_BYTES);
  scripted_refusal(&crm.server, "INVALID_SESSIONID");
  const struct icrm_result *result = wait_for(&crm, submit_file(&crm, 0));
  CHECK(result->ok && result->attempts == 2);
  CHECK(scripted_count(&crm.server, "&filename_attachment=YWFhYWFh") == 2);
  close_crm(&crm);
}

static void a_file_that_changed_in_the_queue_is_not_sent(void) {
  struct crm crm;
  write_file(300000);
  open_crm_for(&crm, 1, MAX_REPLY_BYTES);
  uint64_t id = submit_file(&crm, 0);
  write_file(1000);
  const struct icrm_result *result = wait_for(&crm, id);
  CHECK(!result->ok && result->err.kind == ICRM_ERROR_INPUT);
  CHECK_TEXT(result->err.code, "FILE_CHANGED");
  CHECK(crm.server.creates == 0 && result->attempts == 0);
  close_crm(&crm);
}

/* The server reads slowly; the call's timeout is shorter than the whole. */
static void a_slow_upload_that_moves_goes_on(void) {
  struct crm crm;
  write_file(LARGE_BYTES);
  open_crm_for(&crm, 1, MAX_REPLY_BYTES);
  crm.server.slow_ms = 60;
  const int64_t began_ms = icrm_clock_ms();
  CHECK(wait_for(&crm, submit_file(&crm, 1000))->ok);
  CHECK(icrm_clock_ms() - began_ms > 2000);
  close_crm(&crm);
}

/* While the server reads, the file changes: the request must not end. */
static void a_file_that_changes_underway_ends_the_call(void) {
  struct crm crm;
  struct icrm_error err;
  write_file(LARGE_BYTES);
  open_crm_for(&crm, 1, MAX_REPLY_BYTES);
  crm.server.slow_ms = 60;
  uint64_t id = submit_file(&crm, 0);
  while (icrm_transport_step(crm.transport, 10, &err) == 0 &&
         crm.server.logins == 0)
    continue;
  for (int i = 0; i < 5; i++)
    CHECK(icrm_transport_step(crm.transport, 20, &err) == 0);
  CHECK(truncate(path, LARGE_BYTES - 1) == 0);
  const struct icrm_result *result = wait_for(&crm, id);
  CHECK(!result->ok && result->err.kind == ICRM_ERROR_UNKNOWN_OUTCOME);
  CHECK_TEXT(result->err.code, "FILE_CHANGED");
  CHECK(strstr(result->err.message, path) &&
        strstr(result->err.message, "changed while it was sent"));
  CHECK(crm.server.creates == 0 && result->attempts == 1);
  close_crm(&crm);
}

static void an_upload_that_stands_still_is_given_up(void) {
  struct crm crm;
  write_file(LARGE_BYTES);
  open_crm_for(&crm, 1, MAX_REPLY_BYTES);
  crm.server.stall_after = 1 << 20;
  const int64_t began_ms = icrm_clock_ms();
  const struct icrm_result *result = wait_for(&crm, submit_file(&crm, 1000));
  CHECK(!result->ok && result->err.kind == ICRM_ERROR_UNKNOWN_OUTCOME);
  CHECK(strstr(result->err.message, "stood still for 1 s"));
  CHECK(icrm_clock_ms() - began_ms < 15000);
  close_crm(&crm);
}

/* ---- down ---- */

struct download {
  struct icrm_download *draft;
  const struct icrm_result *result;
};

static struct download download(struct crm *crm) {
  struct icrm_error err;
  char target[80];
  snprintf(target, sizeof target, "%s/target", folder);
  struct download out = {
      .draft = icrm_download_new(target, "filecontents", -1, &err)};
  CHECK(out.draft);
  struct icrm_call_options call = {.operation = "files_retrieve",
                                   .download = out.draft};
  out.result = wait_for(crm, icrm_dispatcher_submit(crm->d, &call, &err));
  return out;
}

static int files_in_folder(void) {
  int n = 0;
  DIR *dir = opendir(folder);
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
    n += entry->d_name[0] == '.' && entry->d_name[1] == 'i';
  closedir(dir);
  return n;
}

/* A reply with so many characters of base64. */
static struct scripted_step *reply_file(struct crm *crm, size_t characters,
                                        const char *end) {
  static const char begin[] =
      "{\"success\":true,\"result\":[{\"filecontents\":\"";
  struct icrm_buf text = {0};
  icrm_buf_addf(&text,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                "Content-Length: %zu\r\n\r\n%s",
                sizeof begin - 1 + characters + strlen(end), begin);
  for (size_t i = 0; i < characters; i++)
    icrm_buf_add_byte(&text, 'A');
  icrm_buf_add_text(&text, end);
  struct scripted_step *step = scripted_raw(&crm->server, text.data, text.len);
  icrm_buf_free(&text);
  return step;
}

static void a_reply_larger_than_the_limit_comes(void) {
  struct crm crm;
  open_crm_for(&crm, 1, MAX_REPLY_BYTES);
  reply_file(&crm, 400000, "\",\"filename\":\"a\"}]}");
  struct download got = download(&crm);
  CHECK(got.result->ok && icrm_download_size(got.draft) == 300000);
  CHECK(got.result->json_len ==
        strlen("[{\"filecontents\":\"\",\"filename\":\"a\"}]"));
  CHECK(memcmp(got.result->json, "[{\"filecontents\":\"\",", 20) == 0);
  icrm_download_release(got.draft);
  close_crm(&crm);
}

static void a_reply_cut_off_is_asked_for_again(void) {
  struct crm crm;
  open_crm_for(&crm, 1, MAX_REPLY_BYTES);
  struct scripted_step *step = reply_file(&crm, 400000, "\"}]}");
  step->len -= 100000;
  step->is_last = true;
  reply_file(&crm, 400, "\"}]}");
  struct download got = download(&crm);
  CHECK(got.result->ok && got.result->attempts == 2);
  CHECK(icrm_download_size(got.draft) == 300);
  icrm_download_release(got.draft);
  close_crm(&crm);
}

static void a_reply_cut_off_for_ever_is_an_error(void) {
  struct crm crm;
  open_crm_for(&crm, 1, MAX_REPLY_BYTES);
  for (int i = 0; i < 10; i++) {
    struct scripted_step *step = reply_file(&crm, 4000, "\"}]}");
    step->len -= 100;
    step->is_last = true;
  }
  struct download got = download(&crm);
  CHECK(!got.result->ok && got.result->err.kind == ICRM_ERROR_TRANSPORT);
  CHECK(strstr(got.result->err.message, "in the middle of its answer"));
  icrm_download_release(got.draft);
  close_crm(&crm);
}

struct bad_reply {
  const char *status, *body;
  enum icrm_error_kind kind;
  const char *message;
};

/* What is not the file is judged as any other reply. */
static void other_replies_are_errors_as_ever(void) {
  static const struct bad_reply replies[] = {
      {"200 OK",
       "{\"success\":false,\"error\":{\"code\":\"RECORD_NOT_FOUND\","
       "\"message\":\"gone\"}}",
       ICRM_ERROR_REFUSED, "refused files_retrieve: gone"},
      {"200 OK", "<html>Fatal error</html>", ICRM_ERROR_DECODE, "a web page"},
      {"200 OK", "{\"success\":true,\"result\":[{\"filecontents\":\"QQ",
       ICRM_ERROR_DECODE, "ends inside a string"},
      {"200 OK", "{\"success\":true,\"result\":[{\"filecontents\":\"QQ==\"}]",
       ICRM_ERROR_DECODE, "is cut short"},
      {"200 OK", "{\"success\":true,\"result\":[{\"filecontents\":\"Q!==\"}]}",
       ICRM_ERROR_DECODE, "damaged: byte 2 is not base64 text"},
      {"200 OK", "{\"success\":true,\"result\":[{\"filecontents\":\"Q\"}]}",
       ICRM_ERROR_DECODE, "damaged: the base64 text is cut off"},
      {"200 OK",
       "{\"success\":true,\"result\":[{\"filesize\":1,"
       "\"filecontents\":\"QUJD\"}]}",
       ICRM_ERROR_DECODE, "more than the 1 bytes"},
      {"404 Not Found", "nothing", ICRM_ERROR_HTTP, "HTTP 404"},
  };
  for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
    struct crm crm;
    open_crm_for(&crm, 1, MAX_REPLY_BYTES);
    for (int tries = 0; tries < 3; tries++)
      scripted_reply(&crm.server, replies[i].status, "", replies[i].body);
    struct download got = download(&crm);
    CHECK(!got.result->ok);
    if (got.result->err.kind != replies[i].kind ||
        !strstr(got.result->err.message, replies[i].message)) {
      fprintf(stderr, "%s: %s\n", replies[i].message, got.result->err.message);
      exit(EXIT_FAILURE);
    }
    icrm_download_release(got.draft);
    CHECK(files_in_folder() == 0);
    close_crm(&crm);
  }
}

static void a_draft_that_is_closed_ends_the_call(void) {
  struct crm crm;
  struct icrm_error err;
  char target[80];
  snprintf(target, sizeof target, "%s/target", folder);
  open_crm_for(&crm, 1, MAX_REPLY_BYTES);
  struct icrm_download *draft =
      icrm_download_new(target, "filecontents", -1, &err);
  CHECK(draft);
  struct icrm_call_options call = {.operation = "files_retrieve",
                                   .download = draft};
  uint64_t id = icrm_dispatcher_submit(crm.d, &call, &err);
  icrm_download_close(draft);
  const struct icrm_result *result = wait_for(&crm, id);
  CHECK(!result->ok && result->err.kind == ICRM_ERROR_CANCELED);
  icrm_download_release(draft);
  close_crm(&crm);
}

int main(void) {
  CHECK(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/file", folder);
  a_file_arrives_and_is_sent_once();
  a_file_is_sent_again_when_the_session_was_gone();
  a_file_that_changed_in_the_queue_is_not_sent();
  a_slow_upload_that_moves_goes_on();
  a_file_that_changes_underway_ends_the_call();
  an_upload_that_stands_still_is_given_up();
  a_reply_larger_than_the_limit_comes();
  a_reply_cut_off_is_asked_for_again();
  a_reply_cut_off_for_ever_is_an_error();
  other_replies_are_errors_as_ever();
  a_draft_that_is_closed_ends_the_call();
  unlink(path);
  CHECK(rmdir(folder) == 0);
  return 0;
}
