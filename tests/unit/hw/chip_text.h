/* A small chip file, and variants of it. */
#ifndef RIDGE_TEST_CHIP_TEXT_H
#define RIDGE_TEST_CHIP_TEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ridge/hw.h"

#define DATA RIDGE_SOURCE_DIR "/data"

static const char sample[] = "id: test\n"
                             "name: Test\n"
                             "vendor: Nobody\n"
                             "class: gpu\n"
                             "architecture: none\n"
                             "status: shipping\n"
                             "year: 2024\n"
                             "confidence: high\n"
                             "peaks: dense\n"
                             "sources:\n"
                             "  a: the sheet\n"
                             "rates:\n"
                             "  bf16: {value: 100 TFLOP/s, source: a}\n"
                             "memory:\n"
                             "  bandwidth: {value: 1 TB/s, source: a}\n"
                             "sets:\n"
                             "  mx4: 'mx(e2m1,32,*'\n"
                             "paths:\n"
                             "  - {weight: bf16, activation: bf16, runs_as: bf16, kind: native, source: a}\n"
                             "  - {weight: mx4, activation: '*', runs_as: fp4, kind: native, source: a}\n";

/* The sample with one piece of text replaced; the caller frees it. */
static inline char *replaced(const char *from, const char *to) {
    const char *at = strstr(sample, from);
    if (!at) fail_msg("no %s in the sample", from);
    char *out = malloc(sizeof sample + strlen(to) + 1);
    sprintf(out, "%.*s%s%s", (int)(at - sample), sample, to, at + strlen(from));
    return out;
}

#endif
