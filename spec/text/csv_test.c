/* The CSV reader: formats, places in errors, and a bounded fuzz. */
#include "check.h"
#include "text/csv.h"

#include <unistd.h>

static char path[] = "/tmp/icrm_csv_XXXXXX";

static void write_file(const char *bytes, size_t len) {
  FILE *file = fopen(path, "wb");
  CHECK(file && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
}

#define ICRM_ENCODING_UTF_16LE ICRM_ENCODING("utf-16le")
#define ICRM_ENCODING_UTF_16BE ICRM_ENCODING("utf-16be")

static char encoding_read[32]; /* of the file that slurp read last */

/* Read the whole file: cells joined by '|', records by '/', and the format. A
 * failure ends in "!" and the message after the path. */
static void slurp(const char *bytes, size_t len,
                  struct icrm_csv_options options, struct icrm_buf *out,
                  struct icrm_csv_format *format) {
  struct icrm_csv *csv = NULL;
  struct icrm_error err;
  int got = 0;
  write_file(bytes, len);
  icrm_buf_clear(out);
  icrm_buf_add(out, "", 0);
  if (icrm_csv_open(&csv, path, &options, &err) < 0)
    got = -1;
  while (got >= 0 && (got = icrm_csv_next(csv, &err)) > 0) {
    for (size_t i = 0; i < icrm_csv_cells(csv); i++) {
      size_t cell_len;
      const char *cell = icrm_csv_cell(csv, i, &cell_len);
      if (i > 0)
        icrm_buf_add_byte(out, '|');
      icrm_buf_add(out, cell, cell_len);
    }
    icrm_buf_addf(out, "@%ld/", icrm_csv_line(csv, 0));
  }
  if (got < 0) {
    CHECK(strncmp(err.message, path, strlen(path)) == 0);
    icrm_buf_addf(out, "!%s", err.message + strlen(path));
  }
  if (csv && format) {
    *format = icrm_csv_format(csv);
    snprintf(encoding_read, sizeof encoding_read, "%s",
             format->guess->encoding.name);
  }
  icrm_csv_close(csv);
}

static void reads(const char *bytes, size_t len, const char *want,
                  struct icrm_encoding encoding, char delimiter) {
  struct icrm_buf out = {0};
  struct icrm_csv_format format;
  slurp(bytes, len, (struct icrm_csv_options){.delimiter = 0}, &out, &format);
  CHECK_TEXT(out.data ? out.data : "", want);
  CHECK_TEXT(encoding_read, encoding.name);
  CHECK(format.delimiter == delimiter);
  icrm_buf_free(&out);
}

#define READS(bytes, want, encoding, delimiter)                                \
  reads(bytes, sizeof bytes - 1, want, ICRM_ENCODING_##encoding, delimiter)

static void fails(const char *bytes, size_t len, struct icrm_encoding encoding,
                  const char *want) {
  struct icrm_buf out = {0};
  slurp(bytes, len, (struct icrm_csv_options){.encoding = encoding}, &out,
        NULL);
  if (!out.data || !strstr(out.data, want))
    CHECK_TEXT(out.data, want);
  icrm_buf_free(&out);
}

#define FAILS(bytes, encoding, want)                                           \
  fails(bytes, sizeof bytes - 1, ICRM_ENCODING_##encoding, want)

static void encodings(void) {
  READS("a;b\n\xC3\xA9;2\n", "a|b@1/\xC3\xA9|2@2/", UTF_8, ';');
  READS("\xEF\xBB\xBF"
        "a;b\n1;2\n",
        "a|b@1/1|2@2/", UTF_8, ';');
  READS("a;b\n\xE9;\x92\n", "a|b@1/\xC3\xA9|\xE2\x80\x99@2/", WINDOWS_1252,
        ';');
  READS("\xFF\xFE"
        "a\0;\0b\0\n\0\xE9\0;\0"
        "1\0",
        "a|b@1/\xC3\xA9|1@2/", UTF_16LE, ';');
  READS("\xFE\xFF\0a\0;\0b\0\n\0\xE9\0;\0"
        "1",
        "a|b@1/\xC3\xA9|1@2/", UTF_16BE, ';');
  READS("a\0;\0b\0\n\0"
        "1\0;\0"
        "2\0",
        "a|b@1/1|2@2/", UTF_16LE, ';');
}

static void reads_wanted(const char *bytes, size_t len, const char *wanted,
                         const char *found) {
  struct icrm_csv_options options = {.delimiter = ';'};
  struct icrm_buf out = {0};
  struct icrm_csv_format format;
  CHECK(icrm_encoding_find(wanted, &options.encoding, NULL) == 0);
  slurp(bytes, len, options, &out, &format);
  CHECK_TEXT(out.data, "a|b@1/");
  CHECK_TEXT(encoding_read, found);
  icrm_buf_free(&out);
}

/* Who names UTF-16 often does not know its order. */
static void marks_of_what_is_wanted(void) {
  static const char be[] = "\xFE\xFF\0a\0;\0b", le[] = "\xFF\xFE\x61\0;\0b";
  reads_wanted(be, sizeof be - 1, "utf-16", "utf-16be");
  reads_wanted(be, sizeof be - 1, "utf-16le", "utf-16be");
  reads_wanted(le, sizeof le, "utf-16", "utf-16le");
  reads_wanted(le, sizeof le, "utf-16be", "utf-16le");
  reads_wanted(be + 2, sizeof be - 3, "utf-16be", "utf-16be");
}

static void delimiters(void) {
  READS("a,b\n1;5,2;6\n", "a|b@1/1;5|2;6@2/", UTF_8, ',');
  READS("a\tb\n1,5\t2,6\n", "a|b@1/1,5|2,6@2/", UTF_8, '\t');
  READS("a;b\n1,5;2,6\n", "a|b@1/1,5|2,6@2/", UTF_8, ';');
  READS("a;\"x,y,z\"\n1;2\n", "a|x,y,z@1/1|2@2/", UTF_8, ';');
  READS("name\nDupont, Jean\n", "name@1/Dupont, Jean@2/", UTF_8, ';');
  READS("sep=,\na,b\n1;1,2\n", "a|b@2/1;1|2@3/", UTF_8, ',');
}

static void line_ends_and_multi_line_cells(void) {
  READS("a;b\r\n1;2\r\n", "a|b@1/1|2@2/", UTF_8, ';');
  READS("a;b\r1;2\r", "a|b@1/1|2@2/", UTF_8, ';');
  READS("a;b\n\n\"x\ny\";2\n\n3;4", "a|b@1/x\ny|2@3/3|4@6/", UTF_8, ';');
  READS("a;b\r\n\"x\r\ny\";2\r\n3;4\r\n", "a|b@1/x\r\ny|2@2/3|4@4/", UTF_8,
        ';');
  READS("", "", UTF_8, ';');
  READS("\n\n", "", UTF_8, ';');
}

static void cells_are_text(void) {
  READS("a;b\n06;  7 \n", "a|b@1/06|7@2/", UTF_8, ';');
  READS("a;b\n\" 06 \";\"say \"\"hi\"\"\"\n", "a|b@1/ 06 |say \"hi\"@2/", UTF_8,
        ';');
  READS("a;b\n;\n", "a|b@1/|@2/", UTF_8, ';');
}

static void errors_name_the_place(void) {
  FAILS("a;b\n1;2\nx;4\"5\n", AUTO,
        ": line 3, character 4, cell 2 (b): a stray quote");
  FAILS("a;b\n\"x\" y;2\n", AUTO,
        ": line 2, character 5, cell 1 (a): text follows the closing quote");
  FAILS("a;b\n\"x\ny\";2\n3;\"open\n5;6\n", AUTO,
        ": line 4, cell 2 (b): the quote that begins this cell is still open "
        "at the end of the file");
  FAILS("a;b\n1;2\n3\n", AUTO, ": line 3: 1 cells where the headings are 2");
  FAILS("a;b\n1;2;3\n", AUTO, ": line 2: 3 cells where the headings are 2");
  FAILS("a;b\nx;\xC3\xA9t\xE9 z\n", UTF_8,
        ": line 2, character 5, cell 2 (b): the bytes E9 20 are not utf-8; "
        "the file may be windows-1252");
  FAILS("a;b\n\"\xC3\xA9\nx\ny\";1\n2;\xE9t\n", AUTO,
        ": line 5 (row 3), character 3, cell 2 (b): the bytes E9 74 are not "
        "utf-8, as the file is otherwise");
  FAILS("a;b\r\n\"x\r\ny\";1\r\nz;4\"5\r\n", AUTO,
        ": line 4 (row 3), character 4, cell 2 (b): a stray quote");
  FAILS("a;b\nx;\x81\n", WINDOWS_1252,
        ": line 2, character 3, cell 2 (b): the bytes 81 are not windows-1252");
  FAILS("a;b\nx;y\0z\n", UTF_8,
        ": line 2, character 4, cell 2 (b): a NUL byte");
  FAILS("a;b\nx;y\0z\n", WINDOWS_1252,
        ": line 2, character 4, cell 2 (b): a NUL");
  FAILS("a;b\nx;\xC3", UTF_8, "cell 2 (b): the bytes C3 are not utf-8");
}

static void texts_as_formulas(void) {
  READS("a;b\n=\"0601\";=\"say \"\"x;\"\"\"\n =\"1\" ;=2\n",
        "a|b@1/0601|say \"x;\"@2/1|=2@3/", UTF_8, ';');
  READS("a;b\n\"x=\"\"y\n=\"\"z\"\";\";1\n", "a|b@1/x=\"y\n=\"z\";|1@2/", UTF_8,
        ';');
  FAILS("a;b\nx=\"1\";2\n", AUTO, ": line 2, character 3, cell 1 (a): a stray");
  FAILS("a;b\n=\"1\"&B2;2\n", AUTO, ": line 2, character 5, cell 1 (a): text");
}

/* The same wherever the blocks end in which a file is read. */
static void texts_as_formulas_in_large_files(void) {
  static const char row[] = "=\"01\";=2\n";
  enum { ROW = sizeof row - 1, ROWS = 9000 };
  struct icrm_buf file = {0}, out = {0}, want = {0};
  icrm_buf_add_text(&want, "a;|b@1/");
  for (long line = 2; line < ROWS + 2; line++)
    icrm_buf_addf(&want, "01|=2@%ld/", line);
  icrm_buf_add_text(&want, "=|@9002/");
  for (size_t shift = 0; shift < ROW; shift++) {
    icrm_buf_clear(&file);
    icrm_buf_addf(&file, "%*s\"a;\";b\n", (int)shift, "");
    for (int i = 0; i < ROWS; i++)
      icrm_buf_add(&file, row, ROW);
    icrm_buf_add_text(&file, "=");
    slurp(file.data, file.len,
          (struct icrm_csv_options){.delimiter = ';', .takes_short = true},
          &out, NULL);
    CHECK_TEXT(out.data, want.data);
  }
  icrm_buf_free(&file);
  icrm_buf_free(&want);
  icrm_buf_free(&out);
}

/* An LF with which a block begins ends a line of its own, unless the CR before
 * it is the last that was read. */
static void lines_in_large_files(void) {
  enum { BLOCK = 65536 };
  static const char *const ends[] = {"\n", "\r\n", "\r"};
  struct icrm_buf file = {0}, out = {0};
  for (int i = 0; i < 3; i++)
    for (int before = 0; before < 16; before++) {
      icrm_buf_clear(&file);
      icrm_buf_addf(&file, "%*s;b", BLOCK - before, "a");
      icrm_buf_addf(&file, "%s\"x\ry\";1%s2;3%s", ends[i], ends[i], ends[i]);
      slurp(file.data, file.len, (struct icrm_csv_options){.delimiter = ';'},
            &out, NULL);
      CHECK_TEXT(out.data, "a|b@1/x\ry|1@2/2|3@4/");
    }
  icrm_buf_free(&file);
  icrm_buf_free(&out);
}

static void names_of_encodings(void) {
  static const char *const known[][2] = {
      {"UTF-8", "utf-8"},         {"utf8", "utf-8"},
      {"cp1252", "windows-1252"}, {"Latin1", "windows-1252"},
      {"Macintosh", "macintosh"}, {"MacRoman", "macintosh"},
      {"CP850", "cp850"},         {"latin9", "iso-8859-15"},
      {"utf-16", "utf-16le"},     {"windows-1250", "windows-1250"},
      {"KOI8-R", "koi8-r"},       {"GB18030", "gb18030"}};
  struct icrm_encoding encoding;
  struct icrm_error err;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    CHECK(icrm_encoding_find(known[i][0], &encoding, &err) == 0);
    CHECK_TEXT(encoding.name, known[i][1]);
  }
  CHECK(icrm_encoding_find("Auto", &encoding, &err) == 0);
  CHECK_TEXT(encoding.name, "");
  CHECK(icrm_encoding_find("klingon", &encoding, &err) < 0);
  CHECK(strstr(err.message, "unknown encoding \"klingon\""));
  CHECK(icrm_encoding_find("utf-8//translit", &encoding, &err) < 0);
  CHECK(icrm_encoding_find("", &encoding, &err) < 0);
}

static void bytes_that_are_characters(void) {
  static const char *const yes[] = {"windows-1252", "macintosh", "koi8-r"};
  static const char *const no[] = {"utf-8",   "utf-16le",    "utf-32be",
                                   "gb18030", "iso-2022-jp", "ibm037"};
  struct icrm_encoding encoding;
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
    CHECK(icrm_encoding_find(yes[i], &encoding, NULL) == 0 &&
          icrm_encoding_is_8bit(&encoding));
  for (size_t i = 0; i < sizeof no / sizeof *no; i++)
    CHECK(icrm_encoding_find(no[i], &encoding, NULL) == 0 &&
          !icrm_encoding_is_8bit(&encoding));
}

/* A small generator of its own, so that a failure can be run again. */
static unsigned long random_state;

static unsigned rnd(unsigned below) {
  random_state = random_state * 6364136223846793005UL + 1442695040888963407UL;
  return (unsigned)(random_state >> 33) % below;
}

static void add_random_cell(struct icrm_buf *cell) {
  static const char *const pieces[] = {
      "a",    "06", "\xC3\xA9", "\xE2\x82\xAC", "\"",         ";", ",", "\n",
      "\r\n", "\r", " ",        "\t",           "THALES LAS", "'", "=", "-"};
  for (unsigned n = rnd(12); n > 0; n--)
    icrm_buf_add_text(cell, pieces[rnd(sizeof pieces / sizeof *pieces)]);
}

static void add_quoted(struct icrm_buf *file, const struct icrm_buf *cell) {
  icrm_buf_add_byte(file, '"');
  for (size_t i = 0; i < cell->len; i++) {
    if (cell->data[i] == '"')
      icrm_buf_add_byte(file, '"');
    icrm_buf_add_byte(file, cell->data[i]);
  }
  icrm_buf_add_byte(file, '"');
}

/* What is written in quotes comes back byte for byte, at any place relative
 * to the 64 KiB blocks. */
static void random_tables_come_back(void) {
  struct icrm_csv_options options = {
      .encoding = ICRM_ENCODING_UTF_8, .delimiter = ';', .is_skip_known = true};
  for (random_state = 1; random_state < 9; random_state++) {
    unsigned long seed = random_state;
    struct icrm_buf file = {0}, want = {0}, have = {0}, cell = {0};
    for (unsigned record = 0; record < 4000; record++) {
      for (unsigned column = 0; column < 3; column++) {
        icrm_buf_clear(&cell);
        add_random_cell(&cell);
        add_quoted(&file, &cell);
        icrm_buf_add_byte(&file, column < 2 ? ';' : '\n');
        icrm_buf_add(&want, cell.data, cell.len);
        icrm_buf_add_byte(&want, '\1');
      }
    }
    struct icrm_csv *csv;
    struct icrm_error err;
    write_file(file.data, file.len);
    CHECK(icrm_csv_open(&csv, path, &options, &err) == 0);
    int got;
    while ((got = icrm_csv_next(csv, &err)) > 0)
      for (size_t i = 0; i < 3; i++) {
        size_t len;
        const char *text = icrm_csv_cell(csv, i, &len);
        icrm_buf_add(&have, text, len);
        icrm_buf_add_byte(&have, '\1');
      }
    CHECK(got == 0 && have.len == want.len &&
          memcmp(have.data, want.data, want.len) == 0);
    icrm_csv_close(csv);
    icrm_buf_free(&file);
    icrm_buf_free(&want);
    icrm_buf_free(&have);
    icrm_buf_free(&cell);
    random_state = seed;
  }
}

/* A file of `len` bytes before the last row, which is `tail`. */
static const char *encoding_of(size_t len, const char *tail) {
  struct icrm_buf file = {0};
  struct icrm_csv *csv;
  struct icrm_error err;
  struct icrm_csv_options options = {.delimiter = '\0'};
  icrm_buf_add_text(&file, "a;b\n");
  while (file.len < len)
    icrm_buf_add_text(&file, len - file.len < 4 ? "\n" : "1;2\n");
  icrm_buf_add_text(&file, tail);
  write_file(file.data, file.len);
  CHECK(icrm_csv_open(&csv, path, &options, &err) == 0);
  snprintf(encoding_read, sizeof encoding_read, "%s",
           icrm_csv_format(csv).guess->encoding.name);
  int got;
  while ((got = icrm_csv_next(csv, &err)) > 0)
    continue;
  CHECK(got == 0);
  icrm_csv_close(csv);
  icrm_buf_free(&file);
  return encoding_read;
}

/* The whole file decides, not its first block; a character may lie across
 * the end of a block. */
static void encoding_of_large_files(void) {
  for (size_t len = 131068; len < 131073; len++) {
    CHECK_TEXT(encoding_of(len, "\xE2\x82\xAC;x\n"), "utf-8");
    CHECK_TEXT(encoding_of(len, "\xE9;x\n"), "windows-1252");
    CHECK_TEXT(encoding_of(len, "x;\xC3"), "windows-1252");
  }
}

static void an_open_quote_does_not_take_all_memory(void) {
  struct icrm_buf file = {0};
  icrm_buf_add_text(&file, "a;b\n1;\"");
  for (int i = 0; i < 17 * 1024; i++) {
    char line[1024];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    icrm_buf_add(&file, line, sizeof line);
  }
  fails(file.data, file.len, ICRM_ENCODING_AUTO,
        ": line 2, cell 2 (b): the quote that begins this cell is still open "
        "after 16 MiB");
  icrm_buf_free(&file);
}

/* Any bytes end in records or in an error with a place, never elsewhere. */
static void garbage_is_survived(void) {
  static const char alphabet[] = "ab1;,\t\"\"\n\r \xC3\xA9\xE2\x82\xFF\xFE\0=";
  struct icrm_buf out = {0};
  random_state = 7;
  for (int round = 0; round < 4000; round++) {
    char bytes[200];
    size_t len = rnd(sizeof bytes);
    for (size_t i = 0; i < len; i++)
      bytes[i] = alphabet[rnd(sizeof alphabet - 1)];
    static const char *const names[] = {"",         "utf-8",    "windows-1252",
                                        "utf-16le", "utf-16be", "gb18030"};
    struct icrm_csv_options options = {.delimiter = '\0'};
    snprintf(options.encoding.name, sizeof options.encoding.name, "%s",
             names[rnd(sizeof names / sizeof *names)]);
    slurp(bytes, len, options, &out, NULL);
    for (size_t i = 0; i < out.len;) {
      size_t n = icrm_utf8_sequence(out.data + i, out.len - i);
      CHECK(n > 0);
      i += n;
    }
  }
  icrm_buf_free(&out);
}

int main(void) {
  int fd = mkstemp(path);
  CHECK(fd >= 0);
  close(fd);
  encodings();
  marks_of_what_is_wanted();
  delimiters();
  line_ends_and_multi_line_cells();
  cells_are_text();
  errors_name_the_place();
  names_of_encodings();
  bytes_that_are_characters();
  texts_as_formulas();
  texts_as_formulas_in_large_files();
  lines_in_large_files();
  random_tables_come_back();
  encoding_of_large_files();
  an_open_quote_does_not_take_all_memory();
  garbage_is_survived();
  unlink(path);
  return 0;
}
