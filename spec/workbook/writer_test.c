#include "check.h"
#include "workbook/workbook.h"
#include "workbook/writer.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LAST_ROW = 1048576, LONGEST = 32767 };

static struct icrm_error err;

static struct icrm_workbook_writer *new_writer(const char *sheet) {
  struct icrm_workbook_writer *writer = NULL;
  CHECK(icrm_workbook_writer_open(&writer, sheet, &err) == 0);
  CHECK(icrm_workbook_writer_column(writer, "a", 1, ICRM_STYLE_TEXT, &err) ==
        0);
  CHECK(icrm_workbook_writer_column(writer, "b", 1, ICRM_STYLE_DATE, &err) ==
        0);
  CHECK(icrm_workbook_writer_end_row(writer, &err) == 0);
  return writer;
}

static int put(struct icrm_workbook_writer *writer, const char *text) {
  return icrm_workbook_writer_text(writer, 0, text, strlen(text), &err);
}

static struct icrm_workbook *read_back(struct icrm_workbook_writer *writer) {
  struct icrm_workbook *book = NULL;
  CHECK(icrm_workbook_writer_finish(writer, &err) == 0);
  CHECK(icrm_workbook_open(&book, icrm_workbook_writer_path(writer), &err) ==
        0);
  CHECK(icrm_workbook_select(book, 0, &err) == 0);
  CHECK(icrm_workbook_next(book, &err) == 1); /* the headings */
  return book;
}

static void texts_come_back_as_they_are(void) {
  static const char *const texts[] = {
      "01000",  "84212345600017", "+33 6 12 34 56 78", "=1+1",
      " a ",    "l\nm",           "_x000D_ _x005F_",   "\x01\x1f",
      "<&>\"'", "\xEF\xBF\xBE",   "\xF0\x9F\x98\x80",  "TRUE"};
  struct icrm_workbook_writer *writer = new_writer("Contacts");
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    CHECK(put(writer, texts[i]) == 0);
    CHECK(icrm_workbook_writer_end_row(writer, &err) == 0);
  }
  struct icrm_workbook *book = read_back(writer);
  CHECK_TEXT(icrm_workbook_sheet(book, 0)->name, "Contacts");
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    CHECK(icrm_workbook_next(book, &err) == 1);
    struct icrm_cell cell = icrm_sheet_row_cell(icrm_workbook_row(book), 0);
    CHECK(cell.kind == ICRM_CELL_TEXT);
    CHECK_TEXT(cell.text, texts[i]);
  }
  CHECK(icrm_workbook_next(book, &err) == 0);
  icrm_workbook_close(book);
  icrm_workbook_writer_close(writer);
}

static void line_ends_become_those_of_a_table_program(void) {
  struct icrm_workbook_writer *writer = new_writer("x");
  CHECK(put(writer, "a\r\nb\rc") == 0);
  CHECK(icrm_workbook_writer_end_row(writer, &err) == 0);
  struct icrm_workbook *book = read_back(writer);
  CHECK(icrm_workbook_next(book, &err) == 1);
  CHECK_TEXT(icrm_sheet_row_cell(icrm_workbook_row(book), 0).text, "a\nb\nc");
  icrm_workbook_close(book);
  icrm_workbook_writer_close(writer);
}

static void a_name_that_no_sheet_may_have_is_made_one(void) {
  static const struct {
    const char *given, *want;
  } cases[] = {{"a/b:c", "a_b_c"},
               {"", "_"},
               {"history", "history_"},
               {"'q'", "_q_"},
               {"0123456789012345678901234567890123",
                "0123456789012345678901234567890"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct icrm_workbook_writer *writer = new_writer(cases[i].given);
    struct icrm_workbook *book = read_back(writer);
    CHECK_TEXT(icrm_workbook_sheet(book, 0)->name, cases[i].want);
    icrm_workbook_close(book);
    icrm_workbook_writer_close(writer);
  }
}

/* Of characters beyond U+FFFF each counts as two. */
static void what_does_not_fit_is_refused_with_its_place(void) {
  static char text[4 * LONGEST + 1];
  struct icrm_workbook_writer *writer = new_writer("x");
  memset(text, 'x', LONGEST);
  CHECK(put(writer, text) == 0);
  text[LONGEST] = 'y';
  CHECK(put(writer, text) == -1 && err.kind == ICRM_ERROR_INPUT);
  CHECK(strstr(err.message, "row 2, column 1: a text of 32768 characters"));
  for (int i = 0; i < LONGEST / 2 + 1; i++)
    memcpy(text + 4 * i, "\xF0\x9F\x98\x80", 5);
  CHECK(put(writer, text) == -1);
  for (long row = 2; row <= LAST_ROW; row++)
    CHECK(icrm_workbook_writer_end_row(writer, &err) == 0);
  CHECK(put(writer, "one more") == -1 && err.kind == ICRM_ERROR_INPUT);
  CHECK(strstr(err.message, "1048576"));
  icrm_workbook_writer_close(writer);
}

static long files_in(const char *path) {
  long count = 0;
  DIR *folder = opendir(path);
  CHECK(folder != NULL);
  while (readdir(folder))
    count++;
  closedir(folder);
  return count;
}

static void nothing_is_left_behind(const char *folder) {
  long open_before = files_in("/proc/self/fd"), before = files_in(folder);
  struct icrm_workbook_writer *writer = new_writer("x");
  CHECK(put(writer, "a") == 0);
  icrm_workbook_writer_close(writer);
  writer = new_writer("x");
  CHECK(icrm_workbook_writer_finish(writer, &err) == 0);
  icrm_workbook_writer_close(writer);
  CHECK(files_in("/proc/self/fd") == open_before);
  CHECK(files_in(folder) == before);
}

/* No further file may be opened. */
static void no_room_for_a_sheet_is_said(void) {
  struct icrm_workbook_writer *writer = NULL;
  struct rlimit before;
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const struct rlimit limit = {3, before.rlim_max};
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(icrm_workbook_writer_open(&writer, "x", &err) == -1);
  CHECK(err.kind == ICRM_ERROR_STORE && !writer);
  CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

/* No file may grow beyond the limit, as on a disk that is full. */
static void a_full_disk_is_said(void) {
  const struct rlimit limit = {200000, RLIM_INFINITY};
  char text[1000];
  int failed = 0;
  memset(text, 'x', sizeof text);
  CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  struct icrm_workbook_writer *writer = new_writer("x");
  for (int row = 0; row < 1000 && !failed; row++) {
    CHECK(icrm_workbook_writer_text(writer, 0, text, sizeof text, &err) == 0);
    failed = icrm_workbook_writer_end_row(writer, &err) < 0;
  }
  CHECK(failed || icrm_workbook_writer_finish(writer, &err) < 0);
  CHECK(err.kind == ICRM_ERROR_STORE);
  icrm_workbook_writer_close(writer);
}

int main(void) {
  char folder[] = "/tmp/icrm-writer-XXXXXX";
  CHECK(mkdtemp(folder) != NULL);
  setenv("TMPDIR", folder, 1);
  signal(SIGXFSZ, SIG_IGN);
  texts_come_back_as_they_are();
  line_ends_become_those_of_a_table_program();
  a_name_that_no_sheet_may_have_is_made_one();
  what_does_not_fit_is_refused_with_its_place();
  nothing_is_left_behind(folder);
  no_room_for_a_sheet_is_said();
  a_full_disk_is_said();
  CHECK(rmdir(folder) == 0);
  return 0;
}
