#include "sandbox/digest.h"

#include "core/digest.h"

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <string.h>

/* MD5 in a library context of its own, so that it works under FIPS defaults.
 * Returns the length of the digest, 0 on failure. */
static unsigned md5(const char *a, const char *b,
                    unsigned char out[EVP_MAX_MD_SIZE]) {
  OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
  OSSL_PROVIDER *provider =
      library ? OSSL_PROVIDER_load(library, "default") : NULL;
  EVP_MD *md = provider ? EVP_MD_fetch(library, "MD5", "-fips") : NULL;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  unsigned len = 0;
  if (!md || !context || !EVP_DigestInit_ex2(context, md, NULL) ||
      !EVP_DigestUpdate(context, a, strlen(a)) ||
      !EVP_DigestUpdate(context, b, strlen(b)) ||
      !EVP_DigestFinal_ex(context, out, &len))
    len = 0;
  EVP_MD_CTX_free(context);
  EVP_MD_free(md);
  OSSL_PROVIDER_unload(provider);
  OSSL_LIB_CTX_free(library);
  return len;
}

int sb_digest_login(const char *token, const char *key, char out[33]) {
  unsigned char md[EVP_MAX_MD_SIZE];
  if (md5(token, key, md) != 16)
    return -1;
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < 16; i++) {
    out[2 * i] = digits[md[i] >> 4];
    out[2 * i + 1] = digits[md[i] & 15];
  }
  out[32] = '\0';
  return 0;
}

void sb_digest_short(const char *text, char out[9]) {
  char hex[65] = "";
  icrm_digest_sha256(text, strlen(text), hex, NULL);
  memcpy(out, hex, 8);
  out[8] = '\0';
}
