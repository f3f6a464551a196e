/* Relations: relatedtypes, retrieve_related, query_related, add_related. */
#ifndef ICRM_SANDBOX_RELATED_H
#define ICRM_SANDBOX_RELATED_H

#include "sandbox/call.h"

/* Link two records without a field between them. Returns 0 or -1. */
int sb_related_link(struct sb_store *store, int64_t source, int64_t target);

enum sb_outcome sb_related_types(struct sb_call *call);
enum sb_outcome sb_related_retrieve(struct sb_call *call);
enum sb_outcome sb_related_query(struct sb_call *call);
enum sb_outcome sb_related_add(struct sb_call *call);

#endif
