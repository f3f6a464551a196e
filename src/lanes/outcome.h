/*
 * What a reply proves about its call. For a write this is the law: `failed`
 * needs a refusal that is thrown before the operation runs, success needs
 * 200 and success:true, and everything else is unknown. A refusing status
 * refuses only where nothing of the application answers under it. A whole
 * envelope, whatever it says, proves that the request has ended:
 * err->is_answered tells, and err->reason has the server's words.
 * (Laws 3 and 4.)
 */
#ifndef ICRM_LANES_OUTCOME_H
#define ICRM_LANES_OUTCOME_H

#include "core/error.h"
#include "lanes/envelope.h"
#include "net/transport.h"

#include <stdbool.h>

enum icrm_outcome {
  ICRM_OUTCOME_DONE,         /* success:true with status 200 */
  ICRM_OUTCOME_NOT_SENT,     /* no byte left: may be sent again */
  ICRM_OUTCOME_SESSION_GONE, /* refused before it ran: log in, send again */
  ICRM_OUTCOME_REFUSED,      /* did nothing, and would not another time */
  ICRM_OUTCOME_UNKNOWN,      /* a write that may have been done */
  ICRM_OUTCOME_FAILED        /* a read that failed; see icrm_outcome_tries */
};

/* Judge the reply to `operation`. Fills `envelope` on DONE, and `page` with a
 * result that is plain records (unless it is NULL); and `err` on all others; an
 * unknown write has kind unknown_outcome, and keeps the status and the server's
 * code. */
enum icrm_outcome icrm_outcome_judge(const struct icrm_reply *reply,
                                     const char *operation, bool write,
                                     struct icrm_page *page,
                                     struct icrm_envelope *envelope,
                                     struct icrm_error *err);

/* The same of getchallenge and login, whose bodies hold what is as good as a
 * password: no part of one gets into `err`, except the code and the words of a
 * refusal, with all in them masked that looks like a secret. Notices around an
 * envelope are passed over, see icrm_envelope_find. */
enum icrm_outcome icrm_outcome_judge_login(const struct icrm_reply *reply,
                                           const char *operation,
                                           struct icrm_envelope *envelope,
                                           struct icrm_error *err);

/* Say of a failed call that its request of so many bytes may have been too
 * large: of one above half a MiB that no part of the application answered. PHP
 * drops the parameters of what is larger than its post_max_size. */
void icrm_outcome_blame_size(struct icrm_error *err, int64_t request_bytes);

/* How often a call that failed this way, a read or one of which nothing was
 * sent, may be sent in all: 4 when the fault passes by itself (connection,
 * 408, 429, 502, 503, 504), 2 when it may (timeout, 500, a reply that is no
 * JSON), 1 when it will not. */
int icrm_outcome_tries(const struct icrm_reply *reply,
                       const struct icrm_error *err);

/* Does this failure say that the server has too much to do? */
bool icrm_outcome_is_overload(const struct icrm_error *err);

#endif
