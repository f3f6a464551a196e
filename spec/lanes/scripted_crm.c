#include "lanes/scripted_crm.h"

#include "check.h"
#include "core/clock.h"
#include "net/form.h"

#define WAIT_MS 30000

static char folder[] = "/tmp/icrm-test-XXXXXX";

void begin_crms(void) {
  CHECK(mkdtemp(folder));
  setenv("XDG_RUNTIME_DIR", folder, 1);
}

void end_crms(void) {
  CHECK(system("rm -rf \"$XDG_RUNTIME_DIR\"") == 0);
}

struct icrm_dispatcher *connect_to(struct icrm_transport *transport, int port,
                                   int lanes, size_t max_reply_bytes) {
  char url[64];
  struct icrm_error err;
  struct icrm_credentials *key = icrm_credentials_new("key", 3, &err);
  snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
  struct icrm_dispatcher_options options = {.url = url,
                                            .username = "prefix/admin",
                                            .credentials = key,
                                            .lanes = lanes,
                                            .patience_ms = PATIENCE_MS,
                                            .site.max_reply_bytes =
                                                max_reply_bytes};
  struct icrm_dispatcher *d = icrm_dispatcher_new(transport, &options, &err);
  CHECK(d);
  icrm_credentials_release(key);
  return d;
}

void open_crm_for(struct crm *crm, int lanes, size_t max_reply_bytes) {
  struct icrm_error err;
  scripted_start(&crm->server);
  crm->transport = icrm_transport_new(&err);
  CHECK(crm->transport);
  crm->d = connect_to(crm->transport, crm->server.port, lanes, max_reply_bytes);
}

void open_crm(struct crm *crm, int lanes) {
  open_crm_for(crm, lanes, 1 << 20);
}

void close_crm(struct crm *crm) {
  icrm_dispatcher_free(crm->d);
  icrm_transport_release(crm->transport);
  scripted_stop(&crm->server);
}

uint64_t submit(struct crm *crm, struct icrm_call_options call) {
  struct icrm_error err;
  struct icrm_buf form = {0};
  icrm_form_add(&form, "elementType", 11, "Accounts", 8);
  call.form = &form;
  uint64_t id = icrm_dispatcher_submit(crm->d, &call, &err);
  CHECK(id > 0);
  return id;
}

const struct icrm_result *wait_for(struct crm *crm, uint64_t id) {
  struct icrm_error err;
  int64_t deadline = icrm_clock_ms() + WAIT_MS;
  for (;;) {
    const struct icrm_result *result = icrm_dispatcher_next(crm->d);
    if (result) {
      CHECK(result->id == id);
      return result;
    }
    CHECK(icrm_clock_ms() < deadline);
    CHECK(icrm_dispatcher_step(crm->d, 1000, &err) >= 0);
  }
}

const struct icrm_call_options CREATE = {
    .operation = "create", .post = true, .write = true};
const struct icrm_call_options RETRIEVE = {.operation = "retrieve"};

const struct icrm_result *create(struct crm *crm) {
  return wait_for(crm, submit(crm, CREATE));
}

const struct icrm_result *retrieve(struct crm *crm) {
  return wait_for(crm, submit(crm, RETRIEVE));
}

struct icrm_dispatcher_stats stats_of(struct crm *crm) {
  struct icrm_dispatcher_stats stats;
  icrm_dispatcher_get_stats(crm->d, &stats);
  return stats;
}

void wait_for_all(struct crm *crm, int n) {
  struct icrm_error err;
  while (n > 0) {
    const struct icrm_result *result = icrm_dispatcher_next(crm->d);
    CHECK(!result || result->ok);
    if (result)
      n--;
    else
      CHECK(icrm_dispatcher_step(crm->d, 1000, &err) >= 0);
  }
}

void open_lanes(struct crm *crm, int lanes) {
  struct icrm_error err;
  int64_t deadline = icrm_clock_ms() + WAIT_MS;
  icrm_dispatcher_expect(crm->d, lanes);
  while (stats_of(crm).lanes < lanes) {
    CHECK(icrm_clock_ms() < deadline);
    CHECK(icrm_dispatcher_step(crm->d, 1000, &err) >= 0);
  }
  icrm_dispatcher_expect(crm->d, 0);
}
