#include "lanes/lane.h"

#include "core/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_TIMEOUT_MS 60000
#define WRITE_TIMEOUT_MS 120000
#define LOGIN_TIMEOUT_MS 30000

static void on_done(void *owner, struct icrm_exchange *exchange) {
  struct icrm_lane *lane = owner;
  (void)exchange;
  lane->owner->on_reply(lane->owner, lane);
}

struct icrm_lane *icrm_lane_new(struct icrm_transport *transport,
                                struct icrm_site *site,
                                const struct icrm_form_endpoint *endpoint,
                                struct icrm_lane_owner *owner, int number,
                                struct icrm_error *err) {
  struct icrm_lane *lane = calloc(1, sizeof *lane);
  if (!lane) {
    icrm_error_set(err, ICRM_ERROR_TRANSPORT, "out of memory");
    return NULL;
  }
  lane->exchange = icrm_exchange_new(transport, site, on_done, lane, err);
  if (!lane->exchange) {
    free(lane);
    return NULL;
  }
  lane->owner = owner;
  lane->endpoint = endpoint;
  lane->number = number;
  return lane;
}

void icrm_lane_free(struct icrm_lane *lane) {
  icrm_exchange_free(lane->exchange);
  icrm_buf_wipe(&lane->url);
  icrm_buf_wipe(&lane->head);
  icrm_call_free(lane->call);
  free(lane);
}

struct icrm_reply *icrm_lane_reply(const struct icrm_lane *lane) {
  return icrm_exchange_reply(lane->exchange);
}

/* Begin one exchange; `request` points into lane->url and lane->head. */
static int start(struct icrm_lane *lane, const struct icrm_request *request,
                 struct icrm_error *err) {
  if (lane->url.failed || lane->head.failed)
    return icrm_error_set(err, ICRM_ERROR_TRANSPORT, "out of memory");
  if (icrm_exchange_start(lane->exchange, request, err) != 0)
    return -1;
  lane->started_us = icrm_clock_us();
  lane->owner->on_start(lane->owner, lane);
  return 0;
}

/* Write the CRM's URL to lane->url, with `operation` unless it is NULL. */
static void begin_url(struct icrm_lane *lane, const char *operation) {
  icrm_buf_clear(&lane->url);
  icrm_buf_add_text(&lane->url, lane->endpoint->url);
  if (operation) {
    icrm_buf_add_text(&lane->url, "?operation=");
    icrm_buf_add_text(&lane->url, operation);
  }
}

static void add_field(struct icrm_buf *out, const char *name,
                      const char *value) {
  icrm_form_add(out, name, strlen(name), value, strlen(value));
}

/* Parameters in the body: operation and session before the caller's. */
static void build_post(struct icrm_lane *lane, const struct icrm_call *call,
                       const struct icrm_buf *session) {
  begin_url(lane, NULL);
  if (call->boundary[0]) {
    struct icrm_form_part operation = {.name = "operation",
                                       .data = call->operation,
                                       .data_len = strlen(call->operation)};
    struct icrm_form_part name = {
        .name = "sessionName", .data = session->data, .data_len = session->len};
    icrm_form_add_part(&lane->head, call->boundary, &operation, NULL);
    icrm_form_add_part(&lane->head, call->boundary, &name, NULL);
    return;
  }
  add_field(&lane->head, "operation", call->operation);
  icrm_form_add(&lane->head, "sessionName", 11, session->data, session->len);
  if (call->form.len > 0)
    icrm_buf_add_byte(&lane->head, '&');
}

/* Parameters in the URL; the session in the body unless the server is known
 * not to look there. */
static void build_get(struct icrm_lane *lane, const struct icrm_call *call,
                      const struct icrm_buf *session) {
  begin_url(lane, call->operation);
  if (call->in_url)
    icrm_form_add(&lane->url, "sessionName", 11, session->data, session->len);
  else
    icrm_form_add(&lane->head, "sessionName", 11, session->data, session->len);
  if (call->form.len > 0) {
    icrm_buf_add_byte(&lane->url, '&');
    icrm_buf_add(&lane->url, call->form.data, call->form.len);
  }
}

int icrm_lane_send(struct icrm_lane *lane, const struct icrm_session *session,
                   struct icrm_error *err) {
  struct icrm_call *call = lane->call;
  char type[80];
  lane->state = ICRM_LANE_BUSY;
  icrm_buf_clear(&lane->head);
  if (call->post)
    build_post(lane, call, &session->name);
  else
    build_get(lane, call, &session->name);
  snprintf(type, sizeof type, "multipart/form-data; boundary=%s",
           call->boundary);
  int timeout_ms = call->timeout_ms ? call->timeout_ms
                   : call->write    ? WRITE_TIMEOUT_MS
                                    : READ_TIMEOUT_MS;
  struct icrm_request request = {
      .url = lane->url.data,
      .content_type = call->boundary[0] ? type : NULL,
      .body = {.head = lane->head.len > 0 ? &lane->head : NULL,
               .text = call->post ? &call->form : NULL,
               .files = call->files},
      .download = call->download,
      .timeout_ms = timeout_ms,
      .write = call->write};
  if (start(lane, &request, err) != 0)
    return -1;
  call->result.attempts++;
  return 0;
}

struct icrm_call *icrm_lane_take_call(struct icrm_lane *lane) {
  struct icrm_call *call = lane->call;
  lane->call = NULL;
  lane->state = ICRM_LANE_IDLE;
  return call;
}

int icrm_lane_ask_challenge(struct icrm_lane *lane, const char *username,
                            struct icrm_error *err) {
  lane->state = ICRM_LANE_CHALLENGE;
  begin_url(lane, "getchallenge");
  icrm_form_add(&lane->url, "username", 8, username, strlen(username));
  struct icrm_request request = {.url = lane->url.data,
                                 .timeout_ms = LOGIN_TIMEOUT_MS};
  return start(lane, &request, err);
}

int icrm_lane_answer_challenge(struct icrm_lane *lane, const char *username,
                               const struct icrm_challenge *challenge,
                               const struct icrm_credentials *credentials,
                               struct icrm_error *err) {
  icrm_buf_clear(&lane->head);
  begin_url(lane, NULL);
  if (icrm_session_add_login(&lane->head, username, challenge, credentials,
                             err) != 0)
    return -1;
  struct icrm_request request = {.url = lane->url.data,
                                 .body.head = &lane->head,
                                 .timeout_ms = LOGIN_TIMEOUT_MS};
  lane->state = ICRM_LANE_LOGIN;
  lane->server_time_offset_s = challenge->server_time_offset_s;
  return start(lane, &request, err);
}

void icrm_lane_wipe(struct icrm_lane *lane) {
  explicit_bzero(lane->head.data, lane->head.len);
}
