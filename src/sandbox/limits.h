/*
 * A quota of calls, as CRMs in the cloud have: so many a minute and a day. Each
 * window begins at a multiple of its length on the server's clock (a day at
 * midnight UTC). Replies tell what is left; a call too many is answered 429 and
 * does nothing.
 */
#ifndef ICRM_SANDBOX_LIMITS_H
#define ICRM_SANDBOX_LIMITS_H

#include "core/error.h"

#include <stdbool.h>
#include <stdint.h>

struct sb_call;
struct sb_limits;

/* Read a quota such as "60/min, 7200/day": see icrm_quota_parse. NULL with
 * `err` when it is wrong. */
struct sb_limits *sb_limits_new(const char *text, struct icrm_error *err);
void sb_limits_free(struct sb_limits *limits);

/* Count a call and put X-FloodControl-* (of a window shorter than an hour) and
 * X-RateLimit-* (of a longer one) into its reply. False when it is one too
 * many: then the reply is a 429 with Retry-After, in seconds, or as a date when
 * it is an hour or more. Safe for threads. */
bool sb_limits_pass(struct sb_call *call);

#endif
