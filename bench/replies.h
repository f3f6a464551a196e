/* The prepared replies of the reference server. */
#ifndef ICRM_BENCH_REPLIES_H
#define ICRM_BENCH_REPLIES_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLY_BYTES = 1 << 17, PAGE_ROWS = 100, FIRST_ID = 1000001 };

struct replies {
  long rows;              /* how many a walk finds */
  long next_id;           /* of the next create */
  long next_session;      /* of the next login */
  char record[2048];      /* one record of about 20 fields */
  size_t record_id;       /* where the digits of its id are */
  size_t record_status;   /* and the four letters of its ticketstatus */
  long updated_id;        /* of the last record that was updated */
  char page[REPLY_BYTES]; /* PAGE_ROWS records, about 60 kB */
  size_t page_len;
  size_t row_ends[PAGE_ROWS];
  size_t row_ids[PAGE_ROWS]; /* where the digits of their ids are */
};

/* Make the texts; a walk over a module will find `rows` rows. */
void replies_prepare(struct replies *replies, long rows);

/* Write a reply with its HTTP head to `out` (REPLY_BYTES); returns its length.
 * `request` is the whole request, `operation` begins with the operation. */
size_t reply_to(struct replies *replies, const char *operation,
                const char *request, char *out);

/* Write the reply with this `result`. */
size_t reply_write(char *out, const char *result);

#endif
