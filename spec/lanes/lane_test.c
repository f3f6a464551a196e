/* One lane alone: its requests, and what it tells its owner. */
#include "check.h"
#include "lanes/envelope.h"
#include "lanes/lane.h"
#include "lanes/outcome.h"
#include "net/scripted_server.h"

struct owner {
  struct icrm_lane_owner face;
  int starts, replies;
};

static struct scripted_server server;
static struct icrm_transport *transport;
static struct icrm_form_endpoint endpoint;
static struct icrm_site *site;
static struct icrm_session session;
static struct icrm_error err;

static void on_start(struct icrm_lane_owner *self, struct icrm_lane *lane) {
  CHECK(lane->started_us > 0);
  ((struct owner *)self)->starts++;
}

static void on_reply(struct icrm_lane_owner *self, struct icrm_lane *lane) {
  CHECK(lane->state != ICRM_LANE_IDLE);
  ((struct owner *)self)->replies++;
}

static struct icrm_lane *open_lane(struct owner *owner) {
  *owner = (struct owner){{on_start, on_reply}, 0, 0};
  struct icrm_lane *lane =
      icrm_lane_new(transport, site, &endpoint, &owner->face, 1, &err);
  CHECK(lane && lane->state == ICRM_LANE_IDLE && !lane->session);
  return lane;
}

/* Until the owner has been told of one more reply. */
static const struct icrm_reply *reply_of(struct icrm_lane *lane) {
  const struct owner *owner = (struct owner *)lane->owner;
  const int before = owner->replies;
  CHECK(owner->starts == before + 1);
  while (owner->replies == before)
    CHECK(icrm_transport_step(transport, 1000, &err) == 0);
  CHECK(owner->replies == before + 1 && icrm_lane_reply(lane)->is_complete);
  return icrm_lane_reply(lane);
}

/* The `result` in the reply to a step of the login. */
static const char *result_of(const struct icrm_reply *reply,
                             const char *operation, size_t *len) {
  struct icrm_envelope envelope;
  CHECK(icrm_outcome_judge_login(reply, operation, &envelope, &err) ==
        ICRM_OUTCOME_DONE);
  *len = envelope.result_len;
  return reply->body.data + envelope.result_at;
}

static void logs_in_by_two_requests(void) {
  struct owner owner;
  struct icrm_challenge challenge = {0};
  struct icrm_credentials *key = icrm_credentials_new("thekey", 6, &err);
  struct icrm_lane *lane = open_lane(&owner);
  size_t len;
  CHECK(icrm_lane_ask_challenge(lane, "prefix/zoé", &err) == 0);
  CHECK(lane->state == ICRM_LANE_CHALLENGE && owner.replies == 0);
  const char *result = result_of(reply_of(lane), "getchallenge", &len);
  CHECK(scripted_count(&server, "GET /wstiger.php?operation=getchallenge&"
                                "username=prefix%2Fzo%C3%A9 HTTP/1.1") == 1);
  CHECK(icrm_session_read_challenge(result, len, &challenge, &err) == 0);
  challenge.server_time_offset_s = 77;
  CHECK(icrm_lane_answer_challenge(lane, "prefix/zoé", &challenge, key, &err) ==
        0);
  CHECK(lane->state == ICRM_LANE_LOGIN && lane->server_time_offset_s == 77);
  result = result_of(reply_of(lane), "login", &len);
  CHECK(scripted_count(&server, "operation=login") == 1);
  CHECK(scripted_count(&server, "thekey") == 0);
  CHECK(icrm_session_read_login(result, len, &session, &err) == 0);
  CHECK(memmem(lane->head.data, lane->head.len, "accessKey", 9));
  icrm_lane_wipe(lane);
  CHECK(!memmem(lane->head.data, lane->head.len, "accessKey", 9));
  icrm_challenge_clear(&challenge);
  icrm_credentials_release(key);
  icrm_lane_free(lane);
}

static struct icrm_call *call_of(struct icrm_call_options options) {
  struct icrm_buf form = {0};
  icrm_form_add(&form, "elementType", 11, "Accounts", 8);
  options.form = &form;
  struct icrm_call *call = icrm_call_of_options(5, &options, &err);
  CHECK(call);
  return call;
}

static void carries_a_write_in_the_body(void) {
  struct owner owner;
  struct icrm_lane *lane = open_lane(&owner);
  lane->call = call_of((struct icrm_call_options){
      .operation = "create", .post = true, .write = true});
  CHECK(icrm_lane_send(lane, &session, &err) == 0);
  CHECK(lane->state == ICRM_LANE_BUSY && lane->call->result.attempts == 1);
  CHECK(reply_of(lane)->status == 200);
  CHECK(scripted_count(&server, "POST /wstiger.php HTTP/1.1") == 2);
  CHECK(scripted_count(&server, "\r\n\r\noperation=create&sessionName=secret-1&"
                                "elementType=Accounts") == 1);
  struct icrm_call *call = icrm_lane_take_call(lane);
  CHECK(call->result.id == 5 && !lane->call && lane->state == ICRM_LANE_IDLE);
  icrm_call_free(call);
  icrm_lane_free(lane);
}

static void keeps_the_session_of_a_read_out_of_the_url(void) {
  struct owner owner;
  struct icrm_lane *lane = open_lane(&owner);
  lane->call = call_of((struct icrm_call_options){.operation = "retrieve"});
  CHECK(icrm_lane_send(lane, &session, &err) == 0);
  reply_of(lane);
  CHECK(scripted_count(&server, "POST /wstiger.php?operation=retrieve&"
                                "elementType=Accounts HTTP/1.1") == 1);
  lane->call->in_url = true; /* where the server looks nowhere else */
  CHECK(icrm_lane_send(lane, &session, &err) == 0);
  reply_of(lane);
  CHECK(scripted_count(&server,
                       "GET /wstiger.php?operation=retrieve&sessionName="
                       "secret-1&elementType=Accounts HTTP/1.1") == 1);
  CHECK(lane->call->result.attempts == 2);
  icrm_lane_free(lane); /* with its call */
}

static void writes_a_multipart_body_in_parts(void) {
  struct owner owner;
  struct icrm_lane *lane = open_lane(&owner);
  struct icrm_buf form = {0};
  icrm_buf_add_text(&form, "--edge--\r\n");
  struct icrm_call_options options = {.operation = "create",
                                      .post = true,
                                      .write = true,
                                      .form = &form,
                                      .boundary = "edge"};
  lane->call = icrm_call_of_options(6, &options, &err);
  CHECK(lane->call && icrm_lane_send(lane, &session, &err) == 0);
  reply_of(lane);
  CHECK(scripted_count(&server, "multipart/form-data; boundary=edge") == 1);
  CHECK(scripted_count(&server, "--edge\r\nContent-Disposition: form-data; "
                                "name=\"operation\"\r\n\r\ncreate\r\n"
                                "--edge\r\nContent-Disposition: form-data; "
                                "name=\"sessionName\"\r\n\r\nsecret-1\r\n"
                                "--edge--\r\n") == 1);
  icrm_lane_free(lane);
}

/* As when memory runs out: the owner still has what it gave. */
static void what_cannot_be_sent_stays_with_the_lane(void) {
  struct owner owner;
  struct icrm_lane *lane = open_lane(&owner);
  const int requests = server.requests;
  lane->call = call_of((struct icrm_call_options){
      .operation = "create", .post = true, .write = true});
  lane->head.limit = 8;
  CHECK(icrm_lane_send(lane, &session, &err) == -1);
  CHECK(err.kind == ICRM_ERROR_TRANSPORT && owner.starts == 0);
  CHECK(lane->call && lane->call->result.attempts == 0);
  struct icrm_call *call = icrm_lane_take_call(lane);
  CHECK(call && lane->state == ICRM_LANE_IDLE);
  CHECK(server.requests == requests);
  icrm_call_free(call);
  icrm_lane_free(lane);
}

/* Its owner hears nothing of a lane that is gone. */
static void a_lane_that_is_freed_abandons_its_request(void) {
  struct owner owner;
  struct icrm_lane *lane = open_lane(&owner);
  scripted_reply(&server, "200 OK", "", "")->is_held = true;
  lane->call = call_of((struct icrm_call_options){.operation = "retrieve"});
  CHECK(icrm_lane_send(lane, &session, &err) == 0);
  const int requests = server.requests;
  while (server.requests == requests)
    CHECK(icrm_transport_step(transport, 10, &err) == 0);
  icrm_lane_free(lane);
  scripted_release(&server);
  CHECK(icrm_transport_step(transport, 0, &err) == 0);
  CHECK(owner.starts == 1 && owner.replies == 0);
}

int main(void) {
  char url[64];
  scripted_start(&server);
  snprintf(url, sizeof url, "http://127.0.0.1:%d", server.port);
  transport = icrm_transport_new(&err);
  CHECK(transport && icrm_form_endpoint_parse(url, &endpoint, &err) == 0);
  struct icrm_site_options options = {.endpoint = &endpoint,
                                      .max_reply_bytes = 1 << 20};
  site = icrm_site_new(&options, &err);
  CHECK(site);
  logs_in_by_two_requests();
  carries_a_write_in_the_body();
  keeps_the_session_of_a_read_out_of_the_url();
  writes_a_multipart_body_in_parts();
  what_cannot_be_sent_stays_with_the_lane();
  a_lane_that_is_freed_abandons_its_request();
  icrm_session_clear(&session);
  icrm_site_free(site);
  icrm_transport_release(transport);
  scripted_stop(&server);
  return 0;
}
