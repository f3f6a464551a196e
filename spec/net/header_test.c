#include "check.h"
#include "net/header.h"

static void retry_after_in_both_forms(void) {
  const int64_t wall_s = 1795510177; /* Tue, 24 Nov 2026 08:49:37 GMT */
  CHECK(icrm_header_retry_after_s("120", wall_s) == 120);
  CHECK(icrm_header_retry_after_s(" 0 ", wall_s) == 0);
  CHECK(icrm_header_retry_after_s("-5", wall_s) == 0);
  CHECK(icrm_header_retry_after_s("1.5", wall_s) == 1);
  CHECK(icrm_header_retry_after_s("3600", wall_s) == 3600);
  CHECK(icrm_header_retry_after_s("1000000000", wall_s) == 86400);
  CHECK(icrm_header_retry_after_s("99999999999999999999999", wall_s) == 86400);
  CHECK(icrm_header_retry_after_s("Tue, 24 Nov 2026 08:50:37 GMT", wall_s) ==
        60);
  CHECK(icrm_header_retry_after_s("Mon, 23 Nov 2026 08:49:37 GMT", wall_s) ==
        0);
  CHECK(icrm_header_retry_after_s("Wed, 24 Nov 2027 08:49:37 GMT", wall_s) ==
        86400);
  CHECK(icrm_header_retry_after_s("Tue, 24 Nob 2026 08:50:37 GMT", wall_s) ==
        -1);
  CHECK(icrm_header_retry_after_s("soon", wall_s) == -1);
  CHECK(icrm_header_retry_after_s("", wall_s) == -1);
}

int main(void) {
  retry_after_in_both_forms();
  return 0;
}
