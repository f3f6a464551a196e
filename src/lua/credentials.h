/* The userdata icrm.Credentials, for the binding of the client. */
#ifndef ICRM_LUA_CREDENTIALS_H
#define ICRM_LUA_CREDENTIALS_H

#include "core/credentials.h"
#include "lua/core.h"

#define ICRML_CREDENTIALS_TYPE "icrm.Credentials"

/* The access key at `index`; raises when it is no open icrm.Credentials. The
 * userdata keeps its reference. */
struct icrm_credentials *icrml_check_credentials(lua_State *L, int index);

/* Push a userdata that takes over one reference; returns 1. [-0, +1, m] */
int icrml_push_credentials(lua_State *L, struct icrm_credentials *credentials);

#endif
