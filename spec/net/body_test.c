/* Bodies with files in them: every byte, and nothing of a file that changes. */
#include "check.h"
#include "core/base64.h"
#include "core/digest.h"
#include "net/body.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/icrm_body_XXXXXX";

/* A file whose base64 has every character, three times a block and a bit. */
enum { FILE_BYTES = 3 * 12288 + 1 };
static char content[FILE_BYTES];

static void write_content(size_t len) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  CHECK(fd >= 0 && write(fd, content, len) == (ssize_t)len);
  close(fd);
}

static struct icrm_body_file *add(size_t at, bool base64) {
  struct icrm_error err;
  struct icrm_body_file *list = NULL;
  struct icrm_body_file_options options = {
      .path = path, .base64 = base64, .size = -1};
  CHECK(icrm_body_add_file(&list, at, &options, &err) == 0);
  return list;
}

/* The whole body, read `room` bytes at a time; -1 when it fails. */
static int read_all(const struct icrm_body *body, size_t room,
                    struct icrm_buf *out, struct icrm_error *err) {
  struct icrm_body_reader reader;
  ssize_t n = -1;
  icrm_buf_clear(out);
  if (icrm_body_begin(&reader, body, err) != 0)
    return -1;
  do {
    char *to = icrm_buf_room(out, room);
    n = icrm_body_read(&reader, to, room, err);
    if (n > 0)
      icrm_buf_wrote(out, (size_t)n);
  } while (n > 0);
  return (int)n;
}

static void texts_come_in_order(void) {
  struct icrm_buf head = {0}, text = {0}, out = {0};
  struct icrm_body body = {0};
  CHECK(icrm_body_is_none(&body) && icrm_body_len(&body) == 0);
  icrm_buf_add_text(&head, "head");
  icrm_buf_add_text(&text, "text");
  body = (struct icrm_body){.head = &head, .text = &text};
  CHECK(!icrm_body_is_none(&body) && icrm_body_len(&body) == 8);
  for (size_t room = 1; room < 10; room++) {
    CHECK(read_all(&body, room, &out, NULL) == 0);
    CHECK_TEXT(out.data, "headtext");
  }
  body.head = NULL;
  CHECK(read_all(&body, 3, &out, NULL) == 0);
  CHECK_TEXT(out.data, "text");
  icrm_buf_free(&head);
  icrm_buf_free(&text);
  icrm_buf_free(&out);
}

/* What the form field must be, by the plain functions. */
static void add_wanted(struct icrm_buf *out, size_t len) {
  struct icrm_buf base64 = {0};
  icrm_base64_encode(&base64, content, len);
  for (size_t i = 0; i < base64.len; i++) {
    const char c = base64.data[i];
    if (strchr("+/=", c))
      icrm_buf_addf(out, "%%%02X", (unsigned)c);
    else
      icrm_buf_add_byte(out, c);
  }
  icrm_buf_free(&base64);
}

static void files_stand_in_their_places(void) {
  static const size_t sizes[] = {1, 2, 3, 12287, 12288, 12289, FILE_BYTES};
  static const size_t rooms[] = {1, 7, 4096, 65536};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct icrm_buf text = {0}, wanted = {0}, out = {0};
    write_content(sizes[i]);
    icrm_buf_add_text(&text, "a=1&b=&c=2");
    struct icrm_body_file *files = add(6, true);
    struct icrm_error err;
    struct icrm_body_file_options raw = {.path = path, .size = -1};
    CHECK(icrm_body_add_file(&files, 10, &raw, &err) == 0);
    const struct icrm_body body = {.text = &text, .files = files};
    icrm_buf_add_text(&wanted, "a=1&b=");
    add_wanted(&wanted, sizes[i]);
    icrm_buf_add_text(&wanted, "&c=2");
    icrm_buf_add(&wanted, content, sizes[i]);
    CHECK(icrm_body_len(&body) == (int64_t)wanted.len);
    for (size_t r = 0; r < sizeof rooms / sizeof *rooms; r++) {
      CHECK(read_all(&body, rooms[r], &out, &err) == 0);
      CHECK(out.len == wanted.len &&
            memcmp(out.data, wanted.data, wanted.len) == 0);
    }
    icrm_body_free_files(files);
    icrm_buf_free(&text);
    icrm_buf_free(&wanted);
    icrm_buf_free(&out);
  }
}

static void is_refused(struct icrm_body_file *files, const char *message) {
  struct icrm_error err;
  struct icrm_buf text = {0}, out = {0};
  const struct icrm_body body = {.text = &text, .files = files};
  CHECK(read_all(&body, 4096, &out, &err) == -1);
  CHECK(err.kind == ICRM_ERROR_INPUT);
  CHECK_TEXT(err.code, "FILE_CHANGED");
  CHECK(strstr(err.message, message) && strstr(err.message, path));
  icrm_body_free_files(files);
  icrm_buf_free(&out);
}

static void a_file_that_changed_before_is_not_begun(void) {
  write_content(100);
  struct icrm_body_file *files = add(0, false);
  write_content(101);
  is_refused(files, "nothing of it was sent");
}

/* Change the file when `after` bytes of it were read: the body must not come
 * to its end. `how`: what befalls it. */
static void changes_underway(bool base64, size_t after, void (*how)(void)) {
  struct icrm_error err;
  struct icrm_buf text = {0};
  struct icrm_body_reader reader;
  char bytes[1024];
  write_content(FILE_BYTES);
  struct icrm_body_file *files = add(0, base64);
  const struct icrm_body body = {.text = &text, .files = files};
  const int64_t len = icrm_body_len(&body);
  int64_t came = 0;
  ssize_t n;
  CHECK(icrm_body_begin(&reader, &body, &err) == 0);
  while ((n = icrm_body_read(&reader, bytes, sizeof bytes, &err)) > 0) {
    came += n;
    if (came - n < (int64_t)after && came >= (int64_t)after)
      how();
  }
  CHECK(n == -1 && came < len);
  CHECK(err.kind == ICRM_ERROR_INPUT);
  CHECK_TEXT(err.code, "FILE_CHANGED");
  icrm_body_free_files(files);
}

static void grow(void) {
  int fd = open(path, O_WRONLY | O_APPEND);
  CHECK(fd >= 0 && write(fd, "x", 1) == 1);
  close(fd);
}

static void shrink(void) {
  CHECK(truncate(path, FILE_BYTES / 2) == 0);
}

/* As an editor that keeps the time: only the bytes differ. */
static void rewrite_secretly(void) {
  struct stat st;
  int fd = open(path, O_WRONLY);
  CHECK(fd >= 0 && fstat(fd, &st) == 0);
  CHECK(pwrite(fd, "ZZZ", 3, FILE_BYTES - 10) == 3);
  const struct timespec times[2] = {st.st_atim, st.st_mtim};
  CHECK(futimens(fd, times) == 0);
  close(fd);
}

static void touch(void) {
  const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
  CHECK(utimensat(AT_FDCWD, path, times, 0) == 0);
}

static void a_file_that_changes_is_not_sent_to_its_end(void) {
  static void (*const hows[])(void) = {grow, shrink, rewrite_secretly, touch};
  for (size_t i = 0; i < sizeof hows / sizeof *hows; i++)
    for (int base64 = 0; base64 < 2; base64++)
      changes_underway(base64, 2000, hows[i]);
}

static void what_it_must_be_is_checked(void) {
  char sha256[65];
  struct icrm_error err;
  struct icrm_body_file *list = NULL;
  write_content(100);
  CHECK(icrm_digest_sha256(content, 100, sha256, &err) == 0);
  struct icrm_body_file_options options = {
      .path = path, .size = 100, .sha256 = sha256};
  CHECK(icrm_body_add_file(&list, 0, &options, &err) == 0);
  options.size = 99;
  CHECK(icrm_body_add_file(&list, 0, &options, &err) == -1);
  CHECK_TEXT(err.code, "FILE_CHANGED");
  options.size = 100;
  sha256[0] = sha256[0] == '0' ? '1' : '0';
  CHECK(icrm_body_add_file(&list, 0, &options, &err) == -1);
  CHECK_TEXT(err.code, "FILE_CHANGED");
  icrm_body_free_files(list);
}

static void what_is_no_file_is_refused(void) {
  static const struct {
    const char *path, *message;
  } bad[] = {{"/nonexistent/x", "No such file"},
             {"/tmp", "Is a directory"},
             {"/dev/null", "not a regular file"}};
  struct icrm_error err;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct icrm_body_file *list = NULL;
    struct icrm_body_file_options options = {.path = bad[i].path, .size = -1};
    CHECK(icrm_body_add_file(&list, 0, &options, &err) == -1 && !list);
    CHECK(err.kind == ICRM_ERROR_INPUT && strstr(err.message, bad[i].message));
    CHECK(icrm_body_file_size(bad[i].path, &err) == -1);
    CHECK(strstr(err.message, bad[i].message));
  }
  write_content(77);
  CHECK(icrm_body_file_size(path, &err) == 77);
}

int main(void) {
  uint32_t random = 1;
  for (size_t i = 0; i < sizeof content; i++) {
    random = random * 1664525u + 1013904223u;
    content[i] = (char)(random >> 24);
  }
  int fd = mkstemp(path);
  CHECK(fd >= 0);
  close(fd);
  texts_come_in_order();
  files_stand_in_their_places();
  a_file_that_changed_before_is_not_begun();
  a_file_that_changes_is_not_sent_to_its_end();
  what_it_must_be_is_checked();
  what_is_no_file_is_refused();
  unlink(path);
  return 0;
}
