#include "sandbox/link.h"

int sb_link_records(struct sb_store *store, int64_t source, int64_t target) {
  struct sb_rows *rows =
      sb_store_query(store, "INSERT OR IGNORE INTO related VALUES (?, ?)");
  if (!rows)
    return -1;
  sb_rows_integer(rows, source);
  sb_rows_integer(rows, target);
  return sb_rows_run(rows);
}
