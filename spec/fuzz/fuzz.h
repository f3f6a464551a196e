/*
 * What the fuzz targets share. Each target is one file with the function that
 * libFuzzer calls; it aborts when its oracle disagrees with the code.
 */
#ifndef ICRM_SPEC_FUZZ_H
#define ICRM_SPEC_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Called once per input, by libFuzzer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Fail the run: the input at hand is a finding. */
#define FINDING(...)                                                           \
  (fprintf(stderr, "FINDING %s:%d: ", __FILE__, __LINE__),                     \
   fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), abort())

#define MUST(condition)                                                        \
  ((condition) ? (void)0 : FINDING("%s does not hold", #condition))

#endif
