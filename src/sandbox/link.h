/* Relations between two records that no field holds. */
#ifndef ICRM_SANDBOX_LINK_H
#define ICRM_SANDBOX_LINK_H

#include "sandbox/store.h"

#include <stdint.h>

/* Link two records; done before is done. Returns 0 or -1. */
int sb_link_records(struct sb_store *store, int64_t source, int64_t target);

#endif
