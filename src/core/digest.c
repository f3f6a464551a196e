#include "core/digest.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void to_hex(char *out, const unsigned char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++)
    snprintf(out + 2 * i, 3, "%02x", bytes[i]);
  out[2 * len] = '\0';
}

static int failed(struct icrm_error *err) {
  return icrm_error_set(err, ICRM_ERROR_STORE,
                        "OpenSSL could not compute a SHA-256");
}

struct icrm_digest {
  EVP_MD_CTX *context;
  bool failed;
};

struct icrm_digest *icrm_digest_begin(struct icrm_digest *old) {
  struct icrm_digest *out = old ? old : calloc(1, sizeof *out);
  if (out && !out->context)
    out->context = EVP_MD_CTX_new();
  if (!out || !out->context ||
      !EVP_DigestInit_ex2(out->context, EVP_sha256(), NULL)) {
    icrm_digest_free(out);
    return NULL;
  }
  out->failed = false;
  return out;
}

void icrm_digest_add(struct icrm_digest *digest, const void *data, size_t len) {
  digest->failed =
      digest->failed || !EVP_DigestUpdate(digest->context, data, len);
}

int icrm_digest_end(struct icrm_digest *digest, char out[65],
                    struct icrm_error *err) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  if (digest->failed || !EVP_DigestFinal_ex(digest->context, hash, NULL))
    return failed(err);
  to_hex(out, hash, 32);
  return 0;
}

void icrm_digest_free(struct icrm_digest *digest) {
  if (digest)
    EVP_MD_CTX_free(digest->context);
  free(digest);
}

int icrm_digest_sha256(const void *data, size_t len, char out[65],
                       struct icrm_error *err) {
  struct icrm_digest *digest = icrm_digest_begin(NULL);
  if (!digest)
    return failed(err);
  icrm_digest_add(digest, data, len);
  int rc = icrm_digest_end(digest, out, err);
  icrm_digest_free(digest);
  return rc;
}

int icrm_digest_sha256_file(const char *path, char out[65],
                            struct icrm_error *err) {
  char bytes[65536];
  size_t n;
  FILE *file = fopen(path, "rbe");
  if (!file)
    return icrm_error_set(err, ICRM_ERROR_STORE, "cannot open %s: %s", path,
                          strerror(errno));
  struct icrm_digest *digest = icrm_digest_begin(NULL);
  while (digest && (n = fread(bytes, 1, sizeof bytes, file)) > 0)
    icrm_digest_add(digest, bytes, n);
  int rc = digest ? icrm_digest_end(digest, out, err) : failed(err);
  if (rc == 0 && ferror(file))
    rc = icrm_error_set(err, ICRM_ERROR_STORE, "cannot read %s", path);
  icrm_digest_free(digest);
  fclose(file);
  return rc;
}

int icrm_digest_md5(const char *first, size_t first_len, const char *second,
                    size_t second_len, char out[33], struct icrm_error *err) {
  unsigned char hash[16];
  OSSL_PROVIDER *provider = NULL;
  EVP_MD *md5 = NULL;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
  if (library)
    provider = OSSL_PROVIDER_load(library, "default");
  if (provider)
    md5 = EVP_MD_fetch(library, "MD5", "-fips");
  bool done = context && md5 && EVP_DigestInit_ex2(context, md5, NULL) &&
              EVP_DigestUpdate(context, first, first_len) &&
              EVP_DigestUpdate(context, second, second_len) &&
              EVP_DigestFinal_ex(context, hash, NULL);
  if (done)
    to_hex(out, hash, sizeof hash);
  explicit_bzero(hash, sizeof hash);
  EVP_MD_CTX_free(context);
  EVP_MD_free(md5);
  if (provider)
    OSSL_PROVIDER_unload(provider);
  OSSL_LIB_CTX_free(library);
  ERR_clear_error();
  if (done)
    return 0;
  return icrm_error_set(err, ICRM_ERROR_CONFIG,
                        "this machine's OpenSSL has no MD5, which the CRM's "
                        "login demands");
}

int icrm_digest_tag(const char *input, const char *module, const char *key,
                    char out[ICRM_DIGEST_TAG_LEN + 1], struct icrm_error *err) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ23456789";
  unsigned char text[1024], hash[EVP_MAX_MD_SIZE];
  size_t hash_len = 0;
  size_t module_len = strlen(module) + 1, key_len = strlen(key);
  if (module_len + key_len > sizeof text)
    return icrm_error_set(err, ICRM_ERROR_INPUT,
                          "the row key is longer than 900 bytes: %.40s…", key);
  memcpy(text, module, module_len);
  memcpy(text + module_len, key, key_len);
  if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, input, strlen(input), text,
                 module_len + key_len, hash, sizeof hash, &hash_len))
    return failed(err);
  out[0] = 'I';
  out[1] = 'C';
  for (size_t i = 2; i < ICRM_DIGEST_TAG_LEN; i++)
    out[i] = letters[hash[i] % (sizeof letters - 1)];
  out[ICRM_DIGEST_TAG_LEN] = '\0';
  return 0;
}

void icrm_digest_random_hex(char *out, size_t bytes) {
  unsigned char random[64];
  size_t have = 0;
  while (have < bytes) {
    ssize_t n = getrandom(random + have, bytes - have, 0);
    if (n > 0)
      have += (size_t)n;
  }
  to_hex(out, random, bytes);
}
