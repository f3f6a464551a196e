/* The operations on sessions and users' own accounts. */
#ifndef ICRM_SANDBOX_ACCOUNT_H
#define ICRM_SANDBOX_ACCOUNT_H

#include "sandbox/call.h"

enum sb_outcome sb_account_challenge(struct sb_call *call);
enum sb_outcome sb_account_login(struct sb_call *call);
enum sb_outcome sb_account_logout(struct sb_call *call);
enum sb_outcome sb_account_extend(struct sb_call *call);
enum sb_outcome sb_account_password(struct sb_call *call);

#endif
