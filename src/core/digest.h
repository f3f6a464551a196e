/* Hashes and random names. */
#ifndef ICRM_CORE_DIGEST_H
#define ICRM_CORE_DIGEST_H

#include "core/error.h"

#include <stddef.h>

/* A witness written into a record: "IC" and 18 of A-Z2-9. Upper case, no
 * punctuation: it survives trimming, case folding and entity coding. */
#define ICRM_DIGEST_TAG_LEN 20

/* sha256 of `len` bytes, lower-case hexadecimal. */
int icrm_digest_sha256(const void *data, size_t len, char out[65],
                       struct icrm_error *err);

/* A sha256 of bytes that come in pieces. */
struct icrm_digest;

/* Begin one; `old` is begun anew, NULL makes a new one. NULL on failure, and
 * `old` is freed then. The caller frees it. */
struct icrm_digest *icrm_digest_begin(struct icrm_digest *old);
void icrm_digest_add(struct icrm_digest *digest, const void *data, size_t len);
int icrm_digest_end(struct icrm_digest *digest, char out[65],
                    struct icrm_error *err);
void icrm_digest_free(struct icrm_digest *digest);

/* sha256 of a file's content, read in pieces. Fails with kind store. */
int icrm_digest_sha256_file(const char *path, char out[65],
                            struct icrm_error *err);

/* md5 of two texts in a row, lower-case hexadecimal: what the CRM's login
 * demands, and good for nothing else. It is fetched in a library context of
 * its own with "-fips", so it works where FIPS is the machine's default.
 * Fails with kind config. */
int icrm_digest_md5(const char *first, size_t first_len, const char *second,
                    size_t second_len, char out[33], struct icrm_error *err);

/* The tag of a row: HMAC-SHA256 keyed with the identity of the input, over
 * module, NUL, row key. The same row of the same input always has the same
 * tag, whichever run sends it. */
int icrm_digest_tag(const char *input, const char *module, const char *key,
                    char out[ICRM_DIGEST_TAG_LEN + 1], struct icrm_error *err);

/* `bytes` (at most 64) random bytes as 2 * bytes hexadecimal digits and NUL. */
void icrm_digest_random_hex(char *out, size_t bytes);

#endif
