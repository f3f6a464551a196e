/* The price list and the taxes of Products and Services: currencyN and taxN,
 * that retrieve and the replies to writes show and no query knows. */
#ifndef ICRM_SANDBOX_PRICES_H
#define ICRM_SANDBOX_PRICES_H

#include "sandbox/target.h"

/* A price that is no number kills PHP. */
enum sb_outcome sb_prices_check(struct sb_call *call, const json_t *element);

/* Keep what a write of a priced record says of them. Returns 0 or -1. */
int sb_prices_store(struct sb_call *call, const struct sb_target *target,
                    const json_t *element, enum sb_write write);

/* Append them to the record that is being written. */
void sb_prices_show(struct sb_call *call, const struct sb_target *target);

#endif
