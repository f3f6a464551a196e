#include "sandbox/store.h"

#include "sandbox/collate.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CACHE_SIZE = 128, BUSY_MS = 5000 };

struct sb_rows {
  sqlite3_stmt *stmt;
  int bound;     /* parameters so far */
  bool failed;   /* a step failed */
  bool busy;     /* handed out */
  uint64_t used; /* when, for eviction */
};

struct sb_store {
  sqlite3 *db;
  int64_t caller;
  uint64_t uses;
  struct sb_rows cache[CACHE_SIZE];
};

static int collate(void *unused, int a_len, const void *a, int b_len,
                   const void *b) {
  (void)unused;
  return sb_collate_compare(a, (size_t)a_len, b, (size_t)b_len);
}

static const char *value_text(sqlite3_value *value, size_t *len) {
  const char *text = (const char *)sqlite3_value_text(value);
  *len = text ? (size_t)sqlite3_value_bytes(value) : 0;
  return text ? text : "";
}

static void like(sqlite3_context *context, int n, sqlite3_value **values) {
  (void)n;
  if (sqlite3_value_type(values[1]) == SQLITE_NULL)
    return; /* the result is NULL */
  size_t pattern_len, len;
  const char *pattern = value_text(values[0], &pattern_len);
  const char *text = value_text(values[1], &len);
  sqlite3_result_int(context, sb_collate_like(pattern, pattern_len, text, len));
}

static void number(sqlite3_context *context, int n, sqlite3_value **values) {
  (void)n;
  size_t len;
  if (sqlite3_value_type(values[0]) != SQLITE_NULL)
    sqlite3_result_double(context,
                          sb_collate_number(value_text(values[0], &len)));
}

static void caller(sqlite3_context *context, int n, sqlite3_value **values) {
  (void)n;
  (void)values;
  const struct sb_store *store = sqlite3_user_data(context);
  sqlite3_result_int64(context, store->caller);
}

void sb_store_set_caller(struct sb_store *store, int64_t user) {
  store->caller = user;
}

static int register_functions(struct sb_store *store) {
  sqlite3 *db = store->db;
  const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
  int rc = sqlite3_create_collation(db, "mysql", SQLITE_UTF8, NULL, collate);
  if (rc == SQLITE_OK)
    rc = sqlite3_create_function(db, "mysql_like", 2, flags, NULL, like, NULL,
                                 NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_create_function(db, "mysql_number", 1, flags, NULL, number,
                                 NULL, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_create_function(db, "caller", 0, SQLITE_UTF8, store, caller,
                                 NULL, NULL);
  return rc;
}

/* The file holds access keys: nobody else may read it. */
static int make_private(const char *file) {
  int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  return fd < 0 ? -1 : close(fd);
}

struct sb_store *sb_store_open(const char *file, struct icrm_error *err) {
  struct sb_store *store = calloc(1, sizeof *store);
  if (!store) {
    icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
    return NULL;
  }
  if (file && make_private(file)) {
    icrm_error_set(err, ICRM_ERROR_STORE, "cannot open the sandbox file %s: %s",
                   file, strerror(errno));
    free(store);
    return NULL;
  }
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  int rc = sqlite3_open_v2(file ? file : ":memory:", &store->db, flags, NULL);
  if (rc == SQLITE_OK)
    rc = register_functions(store);
  if (rc == SQLITE_OK)
    rc = sqlite3_busy_timeout(store->db, BUSY_MS);
  if (rc == SQLITE_OK && file)
    rc = sqlite3_exec(store->db,
                      "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
                      NULL, NULL, NULL);
  if (rc != SQLITE_OK) {
    icrm_error_set(err, ICRM_ERROR_STORE, "cannot open the sandbox file %s: %s",
                   file ? file : "in memory", sqlite3_errmsg(store->db));
    sb_store_close(store);
    return NULL;
  }
  return store;
}

void sb_store_close(struct sb_store *store) {
  if (!store)
    return;
  for (int i = 0; i < CACHE_SIZE; i++)
    sqlite3_finalize(store->cache[i].stmt);
  sqlite3_close(store->db);
  free(store);
}

int sb_store_run(struct sb_store *store, const char *sql) {
  return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

const char *sb_store_message(const struct sb_store *store) {
  return sqlite3_errmsg(store->db);
}

/* The kept statement of this text, else the place of the least used one. */
static struct sb_rows *find_slot(struct sb_store *store, const char *sql) {
  struct sb_rows *oldest = NULL;
  for (int i = 0; i < CACHE_SIZE; i++) {
    struct sb_rows *slot = &store->cache[i];
    if (slot->busy)
      continue;
    if (slot->stmt && strcmp(sqlite3_sql(slot->stmt), sql) == 0)
      return slot;
    if (!oldest || slot->used < oldest->used)
      oldest = slot;
  }
  if (oldest) {
    sqlite3_finalize(oldest->stmt);
    oldest->stmt = NULL;
  }
  return oldest;
}

struct sb_rows *sb_store_query(struct sb_store *store, const char *sql) {
  struct sb_rows *slot = find_slot(store, sql);
  if (!slot)
    return NULL;
  if (!slot->stmt &&
      sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                         &slot->stmt, NULL) != SQLITE_OK)
    return NULL;
  slot->used = ++store->uses;
  slot->bound = 0;
  slot->failed = false;
  slot->busy = true;
  return slot;
}

struct sb_rows *sb_store_query_number(struct sb_store *store, const char *sql,
                                      int64_t number) {
  struct sb_rows *rows = sb_store_query(store, sql);
  if (rows)
    sb_rows_integer(rows, number);
  return rows;
}

void sb_rows_integer(struct sb_rows *rows, int64_t value) {
  sqlite3_bind_int64(rows->stmt, ++rows->bound, value);
}

void sb_rows_real(struct sb_rows *rows, double value) {
  sqlite3_bind_double(rows->stmt, ++rows->bound, value);
}

void sb_rows_text(struct sb_rows *rows, const char *text, size_t len) {
  sqlite3_bind_text64(rows->stmt, ++rows->bound, text, len, SQLITE_TRANSIENT,
                      SQLITE_UTF8);
}

void sb_rows_string(struct sb_rows *rows, const char *text) {
  sb_rows_text(rows, text, text ? strlen(text) : 0);
}

void sb_rows_blob(struct sb_rows *rows, const void *data, size_t len) {
  sqlite3_bind_blob64(rows->stmt, ++rows->bound, data ? data : "", len,
                      SQLITE_STATIC);
}

int sb_rows_next(struct sb_rows *rows) {
  int rc = sqlite3_step(rows->stmt);
  rows->failed = rc != SQLITE_ROW && rc != SQLITE_DONE;
  return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

bool sb_rows_is_null(struct sb_rows *rows, int column) {
  return sqlite3_column_type(rows->stmt, column) == SQLITE_NULL;
}

int64_t sb_rows_get_integer(struct sb_rows *rows, int column) {
  return sqlite3_column_int64(rows->stmt, column);
}

double sb_rows_get_real(struct sb_rows *rows, int column) {
  return sqlite3_column_double(rows->stmt, column);
}

const char *sb_rows_get_text(struct sb_rows *rows, int column, size_t *len) {
  const void *text = sqlite3_column_type(rows->stmt, column) == SQLITE_BLOB
                         ? sqlite3_column_blob(rows->stmt, column)
                         : sqlite3_column_text(rows->stmt, column);
  *len = (size_t)sqlite3_column_bytes(rows->stmt, column);
  return text ? text : "";
}

int sb_rows_end(struct sb_rows *rows) {
  if (!rows)
    return -1;
  sqlite3_reset(rows->stmt);
  sqlite3_clear_bindings(rows->stmt);
  rows->busy = false;
  return rows->failed ? -1 : 0;
}

int sb_rows_run(struct sb_rows *rows) {
  if (!rows)
    return -1;
  while (sb_rows_next(rows) == 1)
    continue;
  return sb_rows_end(rows);
}

int64_t sb_rows_one(struct sb_rows *rows, int64_t absent) {
  int64_t value = absent;
  if (rows && sb_rows_next(rows) == 1 && !sb_rows_is_null(rows, 0))
    value = sb_rows_get_integer(rows, 0);
  sb_rows_end(rows);
  return value;
}
