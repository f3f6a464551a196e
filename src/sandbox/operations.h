/* The table of operations, and how one is run. */
#ifndef ICRM_SANDBOX_OPERATIONS_H
#define ICRM_SANDBOX_OPERATIONS_H

#include "sandbox/call.h"

/* Answer a request: everything between a complete request and a complete
 * reply. `log_n` gets its number in the log, `fault` what is to befall the
 * reply's bytes, NULL for nothing. */
void sb_operations_answer(struct icrm_sandbox *sandbox,
                          const struct sb_request *request,
                          struct sb_reply *reply, int64_t *log_n,
                          const struct sb_fault **fault);

/* True for the name, in lower case, of an operation. */
bool sb_operations_knows(const char *name);

#endif
