/*
 * Values in the form of the calling user: what a server does that reads
 * numbers with the user's separators, dates in his order and times in his zone
 * and stores them in one form of its own, the database's. Replies are in the
 * database's form, for every user.
 */
#ifndef ICRM_SANDBOX_USER_FORM_H
#define ICRM_SANDBOX_USER_FORM_H

#include "sandbox/call.h"
#include "sandbox/values.h"

struct sb_user_form {
  char decimal, grouping; /* NUL for none */
  char date[12];          /* "dd-mm-yyyy" */
  char zone[48];
};

/* Read the settings of the caller from his record. */
void sb_user_form_load(struct sb_call *call, struct sb_user_form *form);

/* True when the element asks that nothing be converted. */
bool sb_user_form_skipped(const json_t *element);

/* What the user's text of a field means in the database's form, appended. With
 * `form` NULL the text is taken for the database's own: a number ends where it
 * is none, a date that is none is 0000-00-00. */
void sb_user_form_read(const struct sb_user_form *form,
                       const struct sb_field *field, const char *text,
                       struct icrm_buf *out);

/* A stored text of a field as the user would see it, appended. */
void sb_user_form_show(const struct sb_user_form *form,
                       const struct sb_field *field, const char *text,
                       struct icrm_buf *out);

/* Set a field from a value of the caller's. Returns 0 or -1. */
int sb_user_form_set(struct sb_values *values, struct icrm_sandbox *sandbox,
                     const struct sb_user_form *form, int field,
                     const json_t *value);

/* What the server does to the fields that an element leaves out when nothing
 * is converted: it fills them in as the user sees them and stores that.
 * Returns 0 or -1. */
int sb_user_form_spill(struct sb_call *call, const struct sb_user_form *form,
                       int64_t number, struct sb_values *values,
                       const json_t *element);

/* A new record's dates that the element does not name become today. Returns 0
 * or -1. */
int sb_user_form_today(struct sb_call *call, struct sb_values *values,
                       const json_t *element);

/* Set the fields that repeat a part of another one: the date, the time of a
 * datetime. Returns 0 or -1. */
int sb_user_form_follow(struct sb_call *call, struct sb_values *values);

#endif
