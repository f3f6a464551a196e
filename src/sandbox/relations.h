/* Relations and files as coreBOS has them: SetRelation, UnsetRelation,
 * getRelatedRecords, retrievedocattachment, and `relations` in an element. */
#ifndef ICRM_SANDBOX_RELATIONS_H
#define ICRM_SANDBOX_RELATIONS_H

#include "sandbox/call.h"

/* Relate a record to a list of ids, or to one. What is no id is left out, one
 * of no record is kept. Returns 0 or -1. */
int sb_relations_read(struct sb_call *call, int64_t number, const json_t *ids);

/* Append what a document shows of its relations and its file: `relations`
 * where asked for, `_downloadurl`. */
void sb_relations_add(struct sb_call *call, int64_t number, bool relations);

enum sb_outcome sb_relations_set(struct sb_call *call);
enum sb_outcome sb_relations_unset(struct sb_call *call);
enum sb_outcome sb_relations_get(struct sb_call *call);
enum sb_outcome sb_relations_attachments(struct sb_call *call);

#endif
