/*
 * One call: what is asked of the CRM, and what became of it.
 */
#ifndef ICRM_LANES_CALL_H
#define ICRM_LANES_CALL_H

#include "core/buf.h"
#include "core/error.h"
#include "net/body.h"
#include "net/download.h"
#include "net/form.h"
#include "text/page.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One call to submit. */
struct icrm_call_options {
  const char *operation;
  bool post;  /* parameters in the body, where the server reads them for
                 operations that change something; otherwise in the URL */
  bool write; /* must not be done twice */
  bool hold;  /* the first call on a session waits for icrm_dispatcher_release,
                 so that the session can be written down before it writes */
  int timeout_ms;
  uint64_t session; /* run on exactly this session, without renewal; 0: any */
  struct icrm_buf *form;          /* encoded parameters; moved out of here */
  struct icrm_body_file **files;  /* in `form`; moved too; NULL for none */
  struct icrm_download *download; /* takes the file in the reply, of a read;
                                     retained; NULL for none */
  const char *boundary; /* when `form` is multipart: its boundary, else NULL */
};

/* What became of a call. Of a write, any error kind but unknown_outcome says
 * that it was not done. */
struct icrm_result {
  uint64_t id;
  bool ok;
  const char *json;             /* when ok: the text of `result`, */
  size_t json_len;              /* ... and its length */
  const struct icrm_page *page; /* the same, when it is plain records */
  struct icrm_error err;        /* when not */
  int lane;         /* number of the lane that carried it, 0 for none */
  uint64_t session; /* the session that carried it, 0 for none */
  int attempts;     /* how often it was sent */
  int status;       /* HTTP status of the last reply */
  int64_t time_us;  /* of the last exchange */
};

struct icrm_call {
  struct icrm_result result; /* id, and at the end the rest */
  struct icrm_call *next;    /* in its list, see calls.h */
  char operation[48];
  char boundary[40];            /* "" unless multipart */
  struct icrm_buf form;         /* parameters */
  struct icrm_body_file *files; /* in them */
  struct icrm_download *download;
  struct icrm_buf body;  /* the reply that result.json points into */
  struct icrm_page page; /* what result.page points to */
  bool is_login;         /* no request: wants a session to exist */
  bool is_silent;        /* nobody wants the result */
  bool post, write, hold;
  int refused_new;  /* sessions that refused it before they did any work */
  bool in_url;      /* the session goes into the URL, see session_place.h */
  bool was_in_body; /* ... and the reply to the other form is known */
  int timeout_ms;   /* 0: the usual one */
  uint64_t session; /* pinned to, 0 for none */
  int64_t not_before_ms;
};

/* Whether these options make a request that can be sent to an endpoint whose
 * path has so many bytes. Fails with kind input. */
int icrm_call_check(const struct icrm_call_options *options, size_t path_len,
                    struct icrm_error *err);

/* A call with an operation alone. NULL when out of memory (kind input). */
struct icrm_call *icrm_call_new(uint64_t id, const char *operation,
                                struct icrm_error *err);

/* A call with these options, checked before, whose parameters and files move
 * into it. NULL when out of memory (kind input); then they have not moved. */
struct icrm_call *icrm_call_of_options(uint64_t id,
                                       struct icrm_call_options *options,
                                       struct icrm_error *err);

/* Free what only sending it needs: it is not sent again. */
void icrm_call_drop_request(struct icrm_call *call);

/* NULL is allowed. */
void icrm_call_free(struct icrm_call *call);

#endif
