/*
 * The XML of a part, read forward: elements and text come as events, names
 * without their prefixes. A document type, too much depth or a huge attribute
 * ends the reading, so that no entity is ever expanded.
 */
#ifndef ICRM_WORKBOOK_MARKUP_H
#define ICRM_WORKBOOK_MARKUP_H

#include "workbook/package.h"

struct icrm_markup;

/* The namespaces that matter; both forms of OOXML are one. */
enum icrm_namespace {
  ICRM_NS_OTHER,
  ICRM_NS_SHEET,         /* spreadsheetml */
  ICRM_NS_RELATIONSHIPS, /* of a package */
  ICRM_NS_OFFICE_REL,    /* r:id */
  ICRM_NS_ODF_OFFICE,
  ICRM_NS_ODF_TABLE,
  ICRM_NS_ODF_TEXT,
  ICRM_NS_ODF_STYLE,
  ICRM_NS_ODF_NUMBER,
  ICRM_NS_ODF_MANIFEST,
  ICRM_NS_CALC_EXTENSION /* LibreOffice's value types */
};

struct icrm_element {
  enum icrm_namespace ns;
  const char *name;        /* local */
  const char **attributes; /* for icrm_markup_attribute */
};

/* Events; `context` is the caller's. A handler that wants the reading to pause
 * after it calls icrm_markup_pause, one that fails calls icrm_markup_fail. */
struct icrm_markup_handler {
  void (*start)(void *context, const struct icrm_element *element);
  void (*end)(void *context, const struct icrm_element *element);
  void (*text)(void *context, const char *text, size_t len);
};

/* Read a part; it is closed with the markup. Free with _close. */
int icrm_markup_open(struct icrm_markup **out, struct icrm_package *package,
                     const char *part,
                     const struct icrm_markup_handler *handler, void *context,
                     struct icrm_error *err);

/* Read on until a handler pauses (1) or the part is at its end (0); -1 when
 * the part is no XML, or a handler failed. */
int icrm_markup_run(struct icrm_markup *markup, struct icrm_error *err);

/* For handlers: return from _run after this event. */
void icrm_markup_pause(struct icrm_markup *markup);

/* For handlers: end the reading with this error. */
void icrm_markup_fail(struct icrm_markup *markup, const struct icrm_error *err);

/* The value of an attribute without a prefix of its own (ns OTHER), or of the
 * namespace given; NULL when it is not there. */
const char *icrm_markup_attribute(const struct icrm_element *element,
                                  enum icrm_namespace ns, const char *name);

/* Whether an xsd:boolean is true. NULL is not. */
bool icrm_markup_is_true(const char *value);

/* NULL is allowed. */
void icrm_markup_close(struct icrm_markup *markup);

#endif
