/* Files of Documents: the multipart part `filename` of a stock server,
 * filename_attachment and related_to of Initiative, and files_retrieve. */
#ifndef ICRM_SANDBOX_DOCUMENTS_H
#define ICRM_SANDBOX_DOCUMENTS_H

#include "sandbox/call.h"
#include "sandbox/values.h"

/* What comes with the create of a document. */
struct sb_document {
  bool present; /* a file came, even under a part name that is not read */
  char name[256];
  const char *type;
  struct icrm_buf data; /* its own when `owned` */
  bool owned;
  int64_t related_to; /* record to link to, 0 for none */
};

/* Find the file of a create and put its name, type and size into the values.
 * Does nothing for other modules. Returns 0 or -1. */
int sb_documents_read(struct sb_call *call, struct sb_values *values,
                      const json_t *element, struct sb_document *document);

/* What a change of a document does to the fields of its file that the element
 * leaves out: they are emptied, and without `filename` the file goes. Does
 * nothing for other modules. Returns 0 or -1. */
int sb_documents_lose(struct sb_call *call, int64_t number,
                      struct sb_values *values, const json_t *element);

/* Store the file and the link of the document that was created. */
int sb_documents_store(struct sb_call *call, const struct sb_document *document,
                       int64_t number);
void sb_documents_free(struct sb_document *document);

enum sb_outcome sb_documents_retrieve_file(struct sb_call *call);

#endif
