/*
 * The parts of a workbook's ZIP container, read forward in pieces. What a file
 * is, is told by its first bytes and not by its name; what it is not is said
 * in one sentence with the way to save it. Sizes are counted while reading:
 * what a container says of itself is not believed.
 */
#ifndef ICRM_WORKBOOK_PACKAGE_H
#define ICRM_WORKBOOK_PACKAGE_H

#include "core/buf.h"
#include "core/error.h"

#include <stdbool.h>

struct icrm_package;
struct icrm_part;

enum { ICRM_PACKAGE_PIECE = 64 * 1024 };

/* Whether the file at `path` begins like a container or like something that is
 * no text (an old workbook, a PDF, HTML, JSON, gzip): what icrm_package_open
 * takes or refuses with a sentence. False for what may be a CSV file, and for
 * what cannot be opened or is a pipe. */
bool icrm_package_is_claimed(const char *path);

/* Open the container at `path`. Error: input, with the sentence; store when
 * the file cannot be read. Free with _close. */
int icrm_package_open(struct icrm_package **out, const char *path,
                      struct icrm_error *err);

const char *icrm_package_path(const struct icrm_package *package);

/* Whether there is a part of that name. */
bool icrm_package_has(const struct icrm_package *package, const char *name);

/* Begin to read a part. Error: input, "… has no part NAME". The package stays
 * open until the part is closed. */
int icrm_part_open(struct icrm_part **out, struct icrm_package *package,
                   const char *name, struct icrm_error *err);

/* Read the next piece, ICRM_PACKAGE_PIECE bytes at most, into `piece`. Returns
 * the number of bytes, 0 at the end (the checksum is right then), -1 when the
 * part is damaged or larger than a workbook may be. */
int icrm_part_read(struct icrm_part *part, char *piece, struct icrm_error *err);

const char *icrm_part_name(const struct icrm_part *part);

/* NULL is allowed. */
void icrm_part_close(struct icrm_part *part);
void icrm_package_close(struct icrm_package *package);

#endif
