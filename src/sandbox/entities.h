/* HTML entity coding, as PHP's htmlentities does it for labels and names. */
#ifndef ICRM_SANDBOX_ENTITIES_H
#define ICRM_SANDBOX_ENTITIES_H

#include "core/buf.h"

/* Append a text with every character that has a named entity coded as that. */
void sb_entities_add(struct icrm_buf *out, const char *text, size_t len);

#endif
