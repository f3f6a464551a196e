/* Relations: relatedtypes, retrieve_related, query_related, add_related. */
#ifndef ICRM_SANDBOX_RELATED_H
#define ICRM_SANDBOX_RELATED_H

#include "sandbox/call.h"

enum sb_outcome sb_related_types(struct sb_call *call);
enum sb_outcome sb_related_retrieve(struct sb_call *call);
enum sb_outcome sb_related_query(struct sb_call *call);
enum sb_outcome sb_related_add(struct sb_call *call);

#endif
