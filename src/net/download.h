/*
 * A file that comes in a reply, as base64 in a member of it (`filecontents` of
 * files_retrieve, `attachment` of retrievedocattachment): decoded while it
 * comes, into a draft beside the place where it is to stay. The draft is 0600,
 * has no name or one of its own, and is gone unless it is saved, so nothing
 * half is ever under the target's name.
 */
#ifndef ICRM_NET_DOWNLOAD_H
#define ICRM_NET_DOWNLOAD_H

#include "core/buf.h"
#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

struct icrm_download;

/* Make the draft for `target`: a file that does not exist, or a folder with
 * its slash. The content is in `member`, a static text. `most` bytes may come
 * when the reply does not tell its size
 * (`filesize`) before the content; -1: any number. One reference; NULL on
 * failure (kind store). */
struct icrm_download *icrm_download_new(const char *target, const char *member,
                                        int64_t most, struct icrm_error *err);
struct icrm_download *icrm_download_retain(struct icrm_download *download);
void icrm_download_release(struct icrm_download *download);

/* A reply begins: forget what an earlier one brought. */
int icrm_download_begin(struct icrm_download *download, struct icrm_error *err);

/* The next bytes of the reply. What is not content is added to `rest`, where
 * the content's place is "". Fails with kind decode (no base64, more than its
 * size), store (disk full), or canceled (closed). */
int icrm_download_feed(struct icrm_download *download, const char *bytes,
                       size_t len, struct icrm_buf *rest,
                       struct icrm_error *err);

/* The reply was whole and good: write what is left. */
int icrm_download_end(struct icrm_download *download, struct icrm_error *err);

/* Bytes that came, -1 when the reply had no content. */
int64_t icrm_download_size(const struct icrm_download *download);

/* Give the draft its name, which must not exist (code EXISTS), in the folder
 * it was made for. It is on the disk when this returns. */
int icrm_download_save(struct icrm_download *download, const char *path,
                       struct icrm_error *err);

/* Remove the draft if it was not saved; a reply under way fails. Idempotent.
 */
void icrm_download_close(struct icrm_download *download);

#endif
