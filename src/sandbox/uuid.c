#include "sandbox/uuid.h"

#include "core/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASH = 32 };

void sb_uuid_make(int64_t number, char uuid[SB_UUID_SIZE]) {
  char hash[65] = "", digits[24];
  snprintf(digits, sizeof digits, "cbuuid %lld", (long long)number);
  icrm_digest_sha256(digits, strlen(digits), hash, NULL);
  snprintf(uuid, SB_UUID_SIZE, "%.*s%08llx", HASH, hash,
           (unsigned long long)number & 0xFFFFFFFF);
}

int64_t sb_uuid_number(const char *text) {
  char uuid[SB_UUID_SIZE];
  if (strlen(text) != SB_UUID_SIZE - 1)
    return 0;
  int64_t number = strtoll(text + HASH, NULL, 16);
  sb_uuid_make(number, uuid);
  return strcmp(text, uuid) == 0 ? number : 0;
}
