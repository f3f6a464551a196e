/* The operations create, update, revise and delete. */
#ifndef ICRM_SANDBOX_WRITE_H
#define ICRM_SANDBOX_WRITE_H

#include "sandbox/call.h"

enum sb_outcome sb_write_create(struct sb_call *call);
enum sb_outcome sb_write_update(struct sb_call *call);
enum sb_outcome sb_write_revise(struct sb_call *call);
enum sb_outcome sb_write_delete(struct sb_call *call);

#endif
