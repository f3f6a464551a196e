/*
 * Whether the server is away (restarting, say), and how long to wait for it.
 * Three exchanges in a row without a reply say that it is; then nothing is sent
 * but one login, again and again with growing rests, until one is answered or
 * patience ends. Reads no clock.
 */
#ifndef ICRM_LANES_PATIENCE_H
#define ICRM_LANES_PATIENCE_H

#include "net/transport.h"

#include <stdbool.h>
#include <stdint.h>

struct icrm_patience {
  int failures;          /* exchanges in a row without a reply */
  int64_t away_since_ms; /* the server stopped answering; 0: it answers */
  int64_t rest_ms;       /* between two tries while it is away */
  int64_t longest_ms;    /* how long calls wait for it to come back */
};

void icrm_patience_init(struct icrm_patience *patience, int64_t longest_ms);

/* Look at an exchange. `was_there` tells that this server has taken a login
 * before: one that never did is a wrong address, not one that is away. Returns
 * true when it is found to be away just now. */
bool icrm_patience_note(struct icrm_patience *patience,
                        const struct icrm_reply *reply, bool was_there,
                        int64_t now_ms);

bool icrm_patience_is_away(const struct icrm_patience *patience);

/* Whether it is away and calls still wait for it. */
bool icrm_patience_lasts(const struct icrm_patience *patience, int64_t now_ms);

/* A try while it is away has failed: the rest before the next one, in ms. */
int64_t icrm_patience_grow(struct icrm_patience *patience);

#endif
