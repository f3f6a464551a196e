/*
 * What befalls a request, by the plan of faults: chance is a hash of the seed,
 * the operation and its number, and of no clock.
 */
#ifndef ICRM_SANDBOX_FAULTS_H
#define ICRM_SANDBOX_FAULTS_H

#include "core/buf.h"
#include "sandbox/fault_plan.h"

struct sb_call;
struct sb_faults;

/* Read a plan: see sb_fault_plan_read. NULL with `err` when it is wrong. */
struct sb_faults *sb_faults_new(const char *text,
                                bool (*knows)(const char *operation),
                                struct icrm_error *err);
void sb_faults_free(struct sb_faults *faults);

/* Count one more request of that operation, or a connection ("connect"), and
 * say what befalls it: NULL for nothing. Safe for threads; `faults` may be
 * NULL. The result lives as long as `faults`. */
const struct sb_fault *sb_faults_next(struct sb_faults *faults,
                                      const char *operation);

/* Keep the reply to a request of that operation; with `swap` it becomes the one
 * that was kept before, if there is one. */
void sb_faults_keep(struct sb_faults *faults, const char *operation,
                    struct icrm_buf *body, bool swap);

/* What holds for the whole run. All take NULL for no plan. */
enum sb_logout sb_faults_logout(const struct sb_faults *faults);
bool sb_faults_has_race(const struct sb_faults *faults);
int64_t sb_faults_lag_ms(const struct sb_faults *faults);

/* Let a request pass a moment. False when it goes no further: its reply is the
 * fault's. The store must not be held. */
bool sb_faults_pass(struct sb_call *call, enum sb_moment moment);

/* Inside the open transaction of a write: undo half of it, or hide what it
 * made from queries for a while. Returns 0 or -1. */
int sb_faults_tear(struct sb_call *call);

/* True when the fault is one of bytes, which sb_faults_send must write. */
bool sb_faults_is_raw(const struct sb_fault *fault);

struct icrm_sandbox;
struct sb_reply;

/* Write what the fault leaves of the reply to a socket. The connection is to be
 * closed afterwards. */
void sb_faults_send(struct icrm_sandbox *sandbox, const struct sb_fault *fault,
                    const struct sb_reply *reply, int fd);

#endif
