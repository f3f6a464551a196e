#include "workbook/package.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

/* What a workbook may be at most. */
#define FILE_MAX ((int64_t)512 * 1024 * 1024)
#define PART_MAX ((int64_t)2 * 1024 * 1024 * 1024)
#define RATIO_FREE ((int64_t)32 * 1024 * 1024) /* no ratio is judged below */
enum { RATIO_MAX = 200, PARTS_MAX = 10000 };

struct icrm_package {
  zip_t *zip;
  char *path;
};

struct icrm_part {
  struct icrm_package *package;
  zip_file_t *file;
  char *name;
  int64_t packed, read;
};

/* ---- what a file is ---- */

struct signature {
  const char *bytes;
  size_t len;
  const char *sentence; /* after "FILE is "; NULL: see below */
};

#define SAVE "save it as .xlsx (or as CSV UTF-8) from the table program"

static const struct signature signatures[] = {
    {"PK\3\4", 4, NULL},
    {"PK\5\6", 4, "an empty ZIP archive, not a workbook; " SAVE},
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8, NULL},
    {"%PDF-", 5, "a PDF, not a workbook; " SAVE},
    {"\x1F\x8B", 2, "packed with gzip; unpack it first (gunzip)"},
    {"BZh", 3, "packed with bzip2; unpack it first (bunzip2)"},
    {"7z\xBC\xAF\x27\x1C", 6, "packed with 7-Zip; unpack it first"},
    {"Rar!\x1A\x07", 6, "a RAR archive; unpack it first"},
    {"{\\rtf", 5, "a text document (RTF), not a workbook; " SAVE},
    {"SQLite format 3", 15, "an SQLite database, not a workbook"},
    {"\x89PNG", 4, "a picture, not a workbook"},
    {"\xFF\xD8\xFF", 3, "a picture, not a workbook"},
    {"\x09\x08\x10\x00\x00\x06", 6,
     "a workbook in the old Excel format (.xls); " SAVE},
};

static const struct signature markup[] = {
    {"<!doctype html", 14, "HTML, not a workbook; " SAVE},
    {"<html", 5, "HTML, not a workbook; " SAVE},
    {"<table", 6, "HTML, not a workbook; " SAVE},
    {"<head", 5, "HTML, not a workbook; " SAVE},
    {"<body", 5, "HTML, not a workbook; " SAVE},
    {"<meta", 5, "HTML, not a workbook; " SAVE},
    {"<?xml", 5, "an XML file, not a workbook; " SAVE},
    {"mime-version:", 13, "a web archive (MHT), not a workbook; " SAVE},
};

static size_t read_head(const char *path, char head[512]) {
  struct stat st;
  if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
    return 0;
  FILE *file = fopen(path, "rb");
  if (!file)
    return 0;
  size_t len = fread(head, 1, 511, file);
  fclose(file);
  head[len] = '\0';
  return len;
}

static const char *skip_mark_and_space(const char *head) {
  if (strncmp(head, "\xEF\xBB\xBF", 3) == 0)
    head += 3;
  return head + strspn(head, " \t\r\n");
}

/* JSON begins with a brace or bracket and a quote, number or brace behind it;
 * a heading of a CSV file hardly does. */
static bool is_json(const char *text) {
  if (*text != '{' && *text != '[')
    return false;
  const char *next = text + 1 + strspn(text + 1, " \t\r\n");
  return *next == '"' || *next == '{' || (*text == '[' && *next == '[');
}

static const struct signature *find_signature(const char *head, size_t len) {
  static const struct signature json = {
      "", 0, "JSON, not a table; use a file of rows and columns (CSV, .xlsx)"};
  for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
    if (len >= signatures[i].len &&
        memcmp(head, signatures[i].bytes, signatures[i].len) == 0)
      return &signatures[i];
  const char *text = skip_mark_and_space(head);
  for (size_t i = 0; i < sizeof markup / sizeof *markup; i++)
    if (strncasecmp(text, markup[i].bytes, markup[i].len) == 0)
      return &markup[i];
  return is_json(text) ? &json : NULL;
}

bool icrm_package_is_claimed(const char *path) {
  char head[512];
  size_t len = read_head(path, head);
  return len > 0 && find_signature(head, len) != NULL;
}

/* Whether a compound file holds a stream of that name (UTF-16LE). The names
 * stand in its directory, which may lie anywhere. */
static bool holds_stream(const char *path, const char *name) {
  char wide[64], block[8192];
  size_t want = strlen(name) * 2, kept = 0, got;
  for (size_t i = 0; name[i]; i++) {
    wide[2 * i] = name[i];
    wide[2 * i + 1] = '\0';
  }
  FILE *file = fopen(path, "rb");
  bool found = false;
  while (file && !found &&
         (got = fread(block + kept, 1, sizeof block - kept, file)) > 0) {
    size_t len = kept + got;
    found = memmem(block, len, wide, want) != NULL;
    kept = len < want ? len : want - 1;
    memmove(block, block + len - kept, kept);
  }
  if (file)
    fclose(file);
  return found;
}

static int refuse_compound(const char *path, struct icrm_error *err) {
  if (holds_stream(path, "EncryptedPackage"))
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "%s is protected by a password; save it without one "
                          "(in Excel: File, Info, Protect Workbook, Encrypt "
                          "with Password, and empty the field)",
                          path);
  if (holds_stream(path, "WordDocument"))
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "%s is a text document (.doc), not a workbook; " SAVE,
                          path);
  return icrm_error_set(err, ICRM_ERROR_INPUT,
                        "%s is a workbook in the old Excel format (.xls); "
                        "open it and save it as .xlsx",
                        path);
}

/* ---- the container ---- */

static int refuse_zip(const char *path, int code, struct icrm_error *err) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  int failed = code;
  icrm_error_set(
      err, ICRM_ERROR_INPUT,
      failed == ZIP_ER_NOZIP || failed == ZIP_ER_INCONS
          ? "%s is not complete: the end of the workbook is missing; "
            "copy or download it again"
          : "%s is damaged; open it in the table program and save "
            "it again",
      path);
  zip_error_fini(&error);
  return -1;
}

static int open_zip(struct icrm_package *package, struct icrm_error *err) {
  struct stat st;
  int code;
  if (stat(package->path, &st) == 0 && st.st_size > FILE_MAX)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "%s is larger than 512 MiB; split it", package->path);
  package->zip = zip_open(package->path, ZIP_RDONLY, &code);
  if (!package->zip)
    return refuse_zip(package->path, code, err);
  if (zip_get_num_entries(package->zip, 0) > PARTS_MAX)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "%s holds more than 10,000 parts; no workbook does",
                          package->path);
  return 0;
}

int icrm_package_open(struct icrm_package **out, const char *path,
                      struct icrm_error *err) {
  char head[512];
  FILE *file = fopen(path, "rb");
  if (!file)
    return icrm_error_set(err, ICRM_ERROR_STORE, "cannot open %s: %s", path,
                          strerror(errno));
  fclose(file);
  size_t len = read_head(path, head);
  const struct signature *is = len ? find_signature(head, len) : NULL;
  if (!is)
    return icrm_error_set(err, ICRM_ERROR_INPUT, "%s is no workbook", path);
  if (is->sentence)
    return icrm_error_set(err, ICRM_ERROR_INPUT, "%s is %s", path,
                          is->sentence);
  if (is->len == 8)
    return refuse_compound(path, err);
  struct icrm_package *package = calloc(1, sizeof *package);
  if (package)
    package->path = strdup(path);
  if (!package || !package->path) {
    free(package);
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  }
  if (open_zip(package, err) < 0) {
    icrm_package_close(package);
    return -1;
  }
  *out = package;
  return 0;
}

const char *icrm_package_path(const struct icrm_package *package) {
  return package->path;
}

bool icrm_package_has(const struct icrm_package *package, const char *name) {
  return zip_name_locate(package->zip, name, ZIP_FL_NOCASE) >= 0;
}

int icrm_part_open(struct icrm_part **out, struct icrm_package *package,
                   const char *name, struct icrm_error *err) {
  zip_stat_t stat;
  zip_int64_t index = zip_name_locate(package->zip, name, ZIP_FL_NOCASE);
  if (index < 0 || zip_stat_index(package->zip, (zip_uint64_t)index, 0, &stat))
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "%s is damaged: it has no part %.200s", package->path,
                          name);
  struct icrm_part *part = calloc(1, sizeof *part);
  if (part)
    part->name = strdup(name);
  if (!part || !part->name) {
    free(part);
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  }
  part->package = package;
  part->packed = (int64_t)stat.comp_size;
  part->file = zip_fopen_index(package->zip, (zip_uint64_t)index, 0);
  if (!part->file) {
    icrm_error_set(err, ICRM_ERROR_INPUT,
                   stat.encryption_method != ZIP_EM_NONE
                       ? "%s is protected by a password; save it without one"
                       : "%s is damaged: its part %.200s cannot be unpacked",
                   package->path, name);
    icrm_part_close(part);
    return -1;
  }
  *out = part;
  return 0;
}

static int check_size(const struct icrm_part *part, struct icrm_error *err) {
  int64_t packed = part->packed > 0 ? part->packed : 1;
  if (part->read > RATIO_FREE && part->read / packed > RATIO_MAX)
    return icrm_error_set(
        err, ICRM_ERROR_INPUT,
        "%s: its part %.200s unpacks to more than %d times its size and past "
        "32 MiB; a workbook of honest rows does not, so it is not read",
        part->package->path, part->name, RATIO_MAX);
  if (part->read > PART_MAX)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "%s: its part %.200s unpacks to more than 2 GiB; "
                          "split the workbook",
                          part->package->path, part->name);
  return 0;
}

int icrm_part_read(struct icrm_part *part, char *piece,
                   struct icrm_error *err) {
  zip_int64_t got = zip_fread(part->file, piece, ICRM_PACKAGE_PIECE);
  if (got < 0)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "%s is damaged: its part %.200s is broken (%s); "
                          "copy or download it again",
                          part->package->path, part->name,
                          zip_file_strerror(part->file));
  part->read += got;
  return check_size(part, err) < 0 ? -1 : (int)got;
}

const char *icrm_part_name(const struct icrm_part *part) {
  return part->name;
}

void icrm_part_close(struct icrm_part *part) {
  if (!part)
    return;
  if (part->file)
    zip_fclose(part->file);
  free(part->name);
  free(part);
}

void icrm_package_close(struct icrm_package *package) {
  if (!package)
    return;
  if (package->zip)
    zip_discard(package->zip);
  free(package->path);
  free(package);
}
