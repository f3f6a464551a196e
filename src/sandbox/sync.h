/* The operation sync: what changed since a moment. */
#ifndef ICRM_SANDBOX_SYNC_H
#define ICRM_SANDBOX_SYNC_H

#include "sandbox/call.h"

enum sb_outcome sb_sync_run(struct sb_call *call);

#endif
