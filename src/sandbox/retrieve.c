#include "sandbox/retrieve.h"

#include "sandbox/wire.h"

#include <string.h>

/* retrieve repeats the id as it was asked for, up to a second x; where a record
 * has several ids, it says the one. */
enum sb_outcome sb_retrieve_run(struct sb_call *call) {
  struct sb_target target;
  const char *id = sb_params_text(call->params, "id");
  if (sb_target_find(call, id, &target) != SB_DONE)
    return SB_FAILED;
  struct icrm_buf asked = {0};
  size_t number = strcspn(id, "x") + 1;
  if (number <= strlen(id))
    icrm_buf_add(&asked, id, number + strcspn(id + number, "x"));
  bool as_asked = !sb_trait(call, SB_TRAIT_COREBOS_IDS);
  int rc = sb_wire_add_record(call, &target, as_asked ? asked.data : NULL,
                              target.module->shared);
  icrm_buf_free(&asked);
  return rc ? sb_deny(call) : SB_DONE;
}
