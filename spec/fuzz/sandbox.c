/*
 * Requests to the sandbox, of an administrator who is logged in, in each
 * profile: it answers with a status and, where it says JSON, with JSON.
 *
 * An input is a byte that chooses the profile (its lowest bits) and the method
 * (32: POST, 64: a multipart body), then parameters as a form has them.
 */
#include "fuzz.h"

#include "core/digest.h"
#include "sandbox/operations.h"
#include "sandbox/sandbox.h"
#include "sandbox/traits.h"

#include <jansson.h>
#include <string.h>

enum { PROFILES = 16, REQUESTS = 5000 };

static struct server {
  struct icrm_sandbox *sandbox;
  char session[64];
  int requests;
} servers[PROFILES];

static void answer(struct icrm_sandbox *sandbox, struct sb_request *request,
                   struct sb_reply *reply) {
  const struct sb_fault *fault = NULL;
  int64_t log_n = 0;
  sb_operations_answer(sandbox, request, reply, &log_n, &fault);
}

static void free_reply(struct sb_reply *reply) {
  icrm_buf_free(&reply->headers);
  icrm_buf_free(&reply->body);
}

/* The text of a member of the reply's result. */
static void ask(struct icrm_sandbox *sandbox, bool post, const char *form,
                const char *member, char *out, size_t size) {
  struct sb_request request = {.post = post};
  struct sb_reply reply = {0};
  sb_params_parse(post ? &request.body : &request.url, form, strlen(form));
  answer(sandbox, &request, &reply);
  json_t *tree = json_loadb(reply.body.data, reply.body.len, 0, NULL);
  const char *text = json_string_value(
      json_object_get(json_object_get(tree, "result"), member));
  MUST(text);
  snprintf(out, size, "%s", text);
  json_decref(tree);
  free_reply(&reply);
  sb_request_free(&request);
}

static void start(struct server *server, const char *profile) {
  struct icrm_sandbox_options options = {.profile = profile,
                                         .now_s = 1760000000};
  struct icrm_error err;
  char form[256], token[128], hash[33];
  server->sandbox = icrm_sandbox_start(&options, &err);
  if (!server->sandbox)
    FINDING("%s", err.message);
  const char *user = icrm_sandbox_username(server->sandbox);
  char *key = icrm_sandbox_user_key(server->sandbox, user);
  snprintf(form, sizeof form, "operation=getchallenge&username=%s", user);
  ask(server->sandbox, false, form, "token", token, sizeof token);
  MUST(icrm_digest_md5(token, strlen(token), key, strlen(key), hash, &err) ==
       0);
  snprintf(form, sizeof form, "operation=login&username=%s&accessKey=%s", user,
           hash);
  ask(server->sandbox, true, form, "sessionName", server->session,
      sizeof server->session);
  server->requests = 0;
  free(key);
}

/* A sandbox of the profile, begun anew when its store has grown. */
static struct server *server_of(uint8_t choice) {
  int n = 0;
  while (n < PROFILES && sb_profile_at((size_t)n))
    n++;
  struct server *server = &servers[choice % n];
  if (server->sandbox && ++server->requests > REQUESTS) {
    icrm_sandbox_stop(server->sandbox);
    server->sandbox = NULL;
  }
  if (!server->sandbox)
    start(server, sb_profile_at(choice % (size_t)n)->name);
  return server;
}

static void check(const struct sb_reply *reply) {
  MUST(reply->status >= 200 && reply->status < 600);
  if (reply->status == 200 && reply->body.len > 0 &&
      reply->body.data[0] == '{') {
    json_error_t error;
    json_t *tree =
        json_loadb(reply->body.data, reply->body.len, JSON_ALLOW_NUL, &error);
    if (!tree)
      FINDING("no JSON: %s: %s", error.text, reply->body.data);
    MUST(json_is_boolean(json_object_get(tree, "success")));
    json_decref(tree);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  struct server *server = server_of(data[0] & 31);
  struct sb_request request = {.post = (data[0] & 32) != 0};
  struct sb_reply reply = {0};
  const char *text = (const char *)data + 1;
  if (data[0] & 64)
    sb_request_parse_multipart(&request, "B", text, size - 1);
  else
    sb_params_parse(&request.body, text, size - 1);
  sb_params_parse(&request.url, text, size - 1);
  if (!sb_params_find(&request.body, "sessionName"))
    sb_params_add(&request.body, "sessionName", 11, server->session,
                  strlen(server->session));
  const struct sb_param *operation = sb_params_find(&request.body, "operation");
  if (!operation || strcasecmp(operation->value, "logout") != 0) {
    answer(server->sandbox, &request, &reply);
    check(&reply);
  }
  free_reply(&reply);
  sb_request_free(&request);
  return 0;
}
