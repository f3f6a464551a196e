#include "workbook/markup.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 256, ATTRIBUTE_MAX = 64 * 1024 };
#define SEPARATOR '\x1f' /* in no name and no address */

struct icrm_markup {
  struct icrm_part *part;
  const char *path;
  XML_Parser parser;
  const struct icrm_markup_handler *handler;
  void *context;
  int depth;
  bool is_paused, is_last;
  bool has_failed;
  struct icrm_error failure;
};

#define TRANSITIONAL "http://schemas.openxmlformats.org/"
#define STRICT "http://purl.oclc.org/ooxml/"
#define ODF "urn:oasis:names:tc:opendocument:xmlns:"

static const struct {
  const char *address;
  enum icrm_namespace ns;
} namespaces[] = {
    {TRANSITIONAL "spreadsheetml/2006/main", ICRM_NS_SHEET},
    {STRICT "spreadsheetml/main", ICRM_NS_SHEET},
    {TRANSITIONAL "package/2006/relationships", ICRM_NS_RELATIONSHIPS},
    {TRANSITIONAL "officeDocument/2006/relationships", ICRM_NS_OFFICE_REL},
    {STRICT "officeDocument/relationships", ICRM_NS_OFFICE_REL},
    {ODF "office:1.0", ICRM_NS_ODF_OFFICE},
    {ODF "table:1.0", ICRM_NS_ODF_TABLE},
    {ODF "text:1.0", ICRM_NS_ODF_TEXT},
    {ODF "style:1.0", ICRM_NS_ODF_STYLE},
    {ODF "datastyle:1.0", ICRM_NS_ODF_NUMBER},
    {ODF "manifest:1.0", ICRM_NS_ODF_MANIFEST},
    {"urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
     ICRM_NS_CALC_EXTENSION},
};

/* Take a full name apart. */
static const char *local_name(const char *full, enum icrm_namespace *ns) {
  const char *cut = strchr(full, SEPARATOR);
  *ns = ICRM_NS_OTHER;
  if (!cut)
    return full;
  size_t len = (size_t)(cut - full);
  for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++)
    if (strncmp(namespaces[i].address, full, len) == 0 &&
        namespaces[i].address[len] == '\0')
      *ns = namespaces[i].ns;
  return cut + 1;
}

void icrm_markup_pause(struct icrm_markup *markup) {
  markup->is_paused = true;
  XML_StopParser(markup->parser, XML_TRUE);
}

void icrm_markup_fail(struct icrm_markup *markup,
                      const struct icrm_error *err) {
  if (markup->has_failed)
    return;
  markup->has_failed = true;
  markup->failure = *err;
  XML_StopParser(markup->parser, XML_FALSE);
}

static void refuse(struct icrm_markup *markup, const char *what) {
  struct icrm_error err;
  icrm_error_set(&err, ICRM_ERROR_INPUT, "%s: its part %.200s %s", markup->path,
                 icrm_part_name(markup->part), what);
  icrm_markup_fail(markup, &err);
}

static bool has_huge_attribute(const char **attributes) {
  for (; *attributes; attributes += 2)
    if (strlen(attributes[1]) > ATTRIBUTE_MAX)
      return true;
  return false;
}

static void on_start(void *data, const char *full, const char **attributes) {
  struct icrm_markup *markup = data;
  if (++markup->depth > DEPTH_MAX) {
    refuse(markup, "is nested deeper than 256 elements; no workbook is");
  } else if (has_huge_attribute(attributes)) {
    refuse(markup, "has an attribute of more than 64 KiB; no workbook has");
  } else {
    struct icrm_element element = {.attributes = attributes};
    element.name = local_name(full, &element.ns);
    markup->handler->start(markup->context, &element);
  }
}

static void on_end(void *data, const char *full) {
  struct icrm_markup *markup = data;
  static const char *none[] = {NULL};
  struct icrm_element element = {.attributes = none};
  element.name = local_name(full, &element.ns);
  markup->depth--;
  markup->handler->end(markup->context, &element);
}

static void on_text(void *data, const char *text, int len) {
  struct icrm_markup *markup = data;
  if (markup->handler->text)
    markup->handler->text(markup->context, text, (size_t)len);
}

static void on_doctype(void *data, const char *name, const char *system,
                       const char *public, int has_subset) {
  (void)name, (void)system, (void)public, (void)has_subset;
  refuse(data, "declares a document type, as no workbook does; it is not read");
}

int icrm_markup_open(struct icrm_markup **out, struct icrm_package *package,
                     const char *part,
                     const struct icrm_markup_handler *handler, void *context,
                     struct icrm_error *err) {
  struct icrm_markup *markup = calloc(1, sizeof *markup);
  if (markup)
    markup->parser = XML_ParserCreateNS(NULL, SEPARATOR);
  if (!markup || !markup->parser) {
    free(markup);
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  }
  markup->path = icrm_package_path(package);
  markup->handler = handler;
  markup->context = context;
  if (icrm_part_open(&markup->part, package, part, err) < 0) {
    icrm_markup_close(markup);
    return -1;
  }
  XML_SetUserData(markup->parser, markup);
  XML_SetElementHandler(markup->parser, on_start, on_end);
  XML_SetCharacterDataHandler(markup->parser, on_text);
  XML_SetStartDoctypeDeclHandler(markup->parser, on_doctype);
  *out = markup;
  return 0;
}

static int say_why(struct icrm_markup *markup, struct icrm_error *err) {
  if (markup->has_failed) {
    if (err)
      *err = markup->failure;
    return -1;
  }
  return icrm_error_set(err, ICRM_ERROR_INPUT,
                        "%s is damaged: its part %.200s is broken at line %lu "
                        "(%s); open it in the table program and save it again",
                        markup->path, icrm_part_name(markup->part),
                        XML_GetCurrentLineNumber(markup->parser),
                        XML_ErrorString(XML_GetErrorCode(markup->parser)));
}

static int feed(struct icrm_markup *markup, enum XML_Status *status,
                struct icrm_error *err) {
  char *piece = XML_GetBuffer(markup->parser, ICRM_PACKAGE_PIECE);
  if (!piece)
    return icrm_error_set(err, ICRM_ERROR_STORE, "out of memory");
  int got = icrm_part_read(markup->part, piece, err);
  if (got < 0)
    return -1;
  markup->is_last = got == 0;
  *status = XML_ParseBuffer(markup->parser, got, markup->is_last);
  return 0;
}

int icrm_markup_run(struct icrm_markup *markup, struct icrm_error *err) {
  enum XML_Status status = XML_STATUS_OK;
  if (markup->has_failed)
    return say_why(markup, err);
  bool resumes = markup->is_paused;
  markup->is_paused = false;
  if (resumes)
    status = XML_ResumeParser(markup->parser);
  while (status == XML_STATUS_OK && !markup->is_paused && !markup->is_last)
    if (feed(markup, &status, err) < 0)
      return -1;
  if (status == XML_STATUS_ERROR)
    return say_why(markup, err);
  return markup->is_paused ? 1 : 0;
}

const char *icrm_markup_attribute(const struct icrm_element *element,
                                  enum icrm_namespace ns, const char *name) {
  for (const char **at = element->attributes; *at; at += 2) {
    enum icrm_namespace own;
    if (strcmp(local_name(*at, &own), name) == 0 && own == ns)
      return at[1];
  }
  return NULL;
}

bool icrm_markup_is_true(const char *value) {
  return value && (strcmp(value, "1") == 0 || strcmp(value, "true") == 0);
}

void icrm_markup_close(struct icrm_markup *markup) {
  if (!markup)
    return;
  XML_ParserFree(markup->parser);
  icrm_part_close(markup->part);
  free(markup);
}
