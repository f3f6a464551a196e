/*
 * A dispatcher and the scripted server that it talks to, and what every spec
 * does with the two.
 */
#ifndef ICRM_SPEC_SCRIPTED_CRM_H
#define ICRM_SPEC_SCRIPTED_CRM_H

#include "lanes/dispatcher.h"
#include "net/scripted_server.h"

#define PATIENCE_MS 1500
#define OK_BODY "{\"success\":true,\"result\":{\"id\":\"3x1\"}}"

struct crm {
  struct scripted_server server;
  struct icrm_transport *transport;
  struct icrm_dispatcher *d;
};

/* Around all: a folder of their own for the locks of logins. */
void begin_crms(void);
void end_crms(void);

void open_crm(struct crm *crm, int lanes);
/* ... with replies up to so many bytes. */
void open_crm_for(struct crm *crm, int lanes, size_t max_reply_bytes);
void close_crm(struct crm *crm);

/* One more dispatcher, for the server on this port. */
struct icrm_dispatcher *connect_to(struct icrm_transport *transport, int port,
                                   int lanes, size_t max_reply_bytes);

extern const struct icrm_call_options CREATE, RETRIEVE;

/* Submit a call with a small form. */
uint64_t submit(struct crm *crm, struct icrm_call_options call);

/* The next result, which must be this call's. */
const struct icrm_result *wait_for(struct crm *crm, uint64_t id);

/* So many results, in whatever order; all went well. */
void wait_for_all(struct crm *crm, int n);

/* Log so many lanes in, and wait for it. */
void open_lanes(struct crm *crm, int lanes);

const struct icrm_result *create(struct crm *crm);
const struct icrm_result *retrieve(struct crm *crm);

struct icrm_dispatcher_stats stats_of(struct crm *crm);

#endif
