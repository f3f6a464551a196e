#include "lanes/patience.h"

enum { AWAY_AFTER = 3, FIRST_REST_MS = 500, LONGEST_REST_MS = 10000 };

void icrm_patience_init(struct icrm_patience *patience, int64_t longest_ms) {
  *patience = (struct icrm_patience){.longest_ms = longest_ms};
}

bool icrm_patience_note(struct icrm_patience *patience,
                        const struct icrm_reply *reply, bool was_there,
                        int64_t now_ms) {
  if (reply->is_given_up)
    return false; /* that tells of this side */
  const bool is_gateway = reply->status >= 502 && reply->status <= 504;
  if (reply->status > 0 && !is_gateway) {
    patience->failures = 0;
    patience->away_since_ms = 0;
    return false;
  }
  if (++patience->failures < AWAY_AFTER || !was_there ||
      icrm_patience_is_away(patience))
    return false;
  patience->away_since_ms = now_ms;
  patience->rest_ms = FIRST_REST_MS;
  return true;
}

bool icrm_patience_is_away(const struct icrm_patience *patience) {
  return patience->away_since_ms > 0;
}

bool icrm_patience_lasts(const struct icrm_patience *patience, int64_t now_ms) {
  return icrm_patience_is_away(patience) &&
         now_ms - patience->away_since_ms < patience->longest_ms;
}

int64_t icrm_patience_grow(struct icrm_patience *patience) {
  if (patience->rest_ms < LONGEST_REST_MS)
    patience->rest_ms *= 2;
  return patience->rest_ms;
}
