#include "lanes/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_target(const struct icrm_call_options *call, size_t path_len,
                        struct icrm_error *err) {
  const size_t form_len = call->form ? call->form->len : 0;
  size_t target = path_len + strlen(call->operation) + form_len +
                  sizeof "?operation=&sessionName=&" + 40;
  if (call->post || target <= ICRM_FORM_MAX_TARGET)
    return 0;
  return icrm_error_set(err, ICRM_ERROR_INPUT,
                        "the %s makes a URL of %zu bytes, and servers refuse "
                        "more than %d; ask in smaller portions, for example "
                        "with fewer values in IN (...)",
                        call->operation, target, ICRM_FORM_MAX_TARGET);
}

int icrm_call_check(const struct icrm_call_options *options, size_t path_len,
                    struct icrm_error *err) {
  const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_.-";
  size_t len = strlen(options->operation);
  if (len == 0 || len >= sizeof((struct icrm_call *)0)->operation ||
      options->operation[strspn(options->operation, allowed)] != '\0')
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "an operation is a word like retrieve or "
                          "mobile.describe");
  if (options->form && options->form->failed)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "the parameters of %s do not fit into memory",
                          options->operation);
  return check_target(options, path_len, err);
}

struct icrm_call *icrm_call_new(uint64_t id, const char *operation,
                                struct icrm_error *err) {
  struct icrm_call *call = calloc(1, sizeof *call);
  if (!call) {
    icrm_error_set(err, ICRM_ERROR_INPUT, "out of memory");
    return NULL;
  }
  call->result.id = id;
  snprintf(call->operation, sizeof call->operation, "%s", operation);
  return call;
}

struct icrm_call *icrm_call_of_options(uint64_t id,
                                       struct icrm_call_options *options,
                                       struct icrm_error *err) {
  struct icrm_call *call = icrm_call_new(id, options->operation, err);
  if (!call)
    return NULL;
  if (options->boundary)
    snprintf(call->boundary, sizeof call->boundary, "%s", options->boundary);
  if (options->form) {
    call->form = *options->form;
    *options->form = (struct icrm_buf){0};
  }
  if (options->files) {
    call->files = *options->files;
    *options->files = NULL;
  }
  call->download = icrm_download_retain(options->download);
  call->post = options->post;
  call->write = options->write;
  call->hold = options->hold;
  call->session = options->session;
  call->timeout_ms = options->timeout_ms;
  return call;
}

void icrm_call_drop_request(struct icrm_call *call) {
  icrm_buf_free(&call->form);
  icrm_body_free_files(call->files);
  icrm_download_release(call->download);
  call->files = NULL;
  call->download = NULL;
}

void icrm_call_free(struct icrm_call *call) {
  if (!call)
    return;
  icrm_call_drop_request(call);
  icrm_buf_free(&call->body);
  icrm_page_free(&call->page);
  free(call);
}
