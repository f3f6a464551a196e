/* What the sandbox hashes. */
#ifndef ICRM_SANDBOX_DIGEST_H
#define ICRM_SANDBOX_DIGEST_H

/* md5(token + key), lower-case hexadecimal. Returns 0 or -1. */
int sb_digest_login(const char *token, const char *key, char out[33]);

/* The first 8 hexadecimal digits of sha256: names a session in the log without
 * telling it. */
void sb_digest_short(const char *text, char out[9]);

#endif
