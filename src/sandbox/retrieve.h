/* The operation retrieve. */
#ifndef ICRM_SANDBOX_RETRIEVE_H
#define ICRM_SANDBOX_RETRIEVE_H

#include "sandbox/call.h"

enum sb_outcome sb_retrieve_run(struct sb_call *call);

#endif
