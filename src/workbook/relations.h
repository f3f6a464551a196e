/* Which part of a package refers to which: its .rels files. */
#ifndef ICRM_WORKBOOK_RELATIONS_H
#define ICRM_WORKBOOK_RELATIONS_H

#include "workbook/package.h"

struct icrm_relation {
  char *id;
  char *type;   /* the last word of its address: "worksheet", "styles", … */
  char *target; /* name of the part, resolved */
};

struct icrm_relations {
  struct icrm_relation *list;
  size_t count;
};

/* Read the relations of `part` ("" for those of the package); none when it has
 * no .rels. Free with _free, also after a failure. */
int icrm_relations_read(struct icrm_relations *relations,
                        struct icrm_package *package, const char *part,
                        struct icrm_error *err);

/* Find by id or, with `id` NULL, the first of a type; NULL when there is none.
 */
const struct icrm_relation *
icrm_relations_find(const struct icrm_relations *relations, const char *id,
                    const char *type);

void icrm_relations_free(struct icrm_relations *relations);

#endif
