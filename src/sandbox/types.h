/* The operations listtypes and describe. */
#ifndef ICRM_SANDBOX_TYPES_H
#define ICRM_SANDBOX_TYPES_H

#include "sandbox/call.h"

enum sb_outcome sb_types_list(struct sb_call *call);
enum sb_outcome sb_types_describe(struct sb_call *call);

#endif
