/* A small random llama2.c model and a tokenizer of single characters, written as files, so that tests of the
   evaluation need no data from elsewhere: 96 wide would be a luxury, so 24 wide, 2 layers, 512 tokens, 600
   positions. */
#ifndef RIDGE_TEST_TINY_MODEL_H
#define RIDGE_TEST_TINY_MODEL_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ridge/model.h"

enum {
    TINY_D = 24,
    TINY_F = 40,
    TINY_LAYERS = 2,
    TINY_HEADS = 4,
    TINY_KV = 2,
    TINY_VOCAB = 512,
    TINY_POSITIONS = 600
};

static inline void tiny_floats(FILE *f, size_t n, uint64_t stream, float mean, float scale) {
    for (size_t i = 0; i < n; i++) {
        float x = mean + scale * (float)rg_random_normal(21, stream, i);
        fwrite(&x, sizeof x, 1, f);
    }
}

/* Tokens 0-2 special, 3-258 bytes, 259-353 printable ASCII, the rest never occur. */
static inline void tiny_tokenizer(const char *path) {
    FILE *f = fopen(path, "wb");
    if (!f) abort();
    const int32_t longest = 8;
    fwrite(&longest, sizeof longest, 1, f);
    for (int i = 0; i < TINY_VOCAB; i++) {
        char text[16];
        const float score = i < 259 ? 0 : -(float)i;
        if (i < 3)
            snprintf(text, sizeof text, "%s", i == 0 ? "<unk>" : i == 1 ? "\n<s>\n" : "\n</s>\n");
        else if (i < 259)
            snprintf(text, sizeof text, "<0x%02X>", i - 3);
        else if (i < 354)
            snprintf(text, sizeof text, "%c", ' ' + i - 259);
        else
            snprintf(text, sizeof text, "\x01%d", i);
        const int32_t length = (int32_t)strlen(text);
        fwrite(&score, sizeof score, 1, f);
        fwrite(&length, sizeof length, 1, f);
        fwrite(text, 1, (size_t)length, f);
    }
    fclose(f);
}

/* Writes both files into a new folder below the current one and opens the model. */
static inline rg_status tiny_open(rg_model *model, rg_error *err) {
    char dir[] = "tiny-XXXXXX", path[64];
    if (!mkdtemp(dir)) abort();
    snprintf(path, sizeof path, "%s/tok512.bin", dir);
    tiny_tokenizer(path);
    snprintf(path, sizeof path, "%s/tiny.bin", dir);
    FILE *f = fopen(path, "wb");
    if (!f) abort();
    const int32_t header[7] = {TINY_D, TINY_F, TINY_LAYERS, TINY_HEADS, TINY_KV, TINY_VOCAB, TINY_POSITIONS};
    const size_t d = TINY_D, kv = TINY_D / TINY_HEADS * TINY_KV, l = TINY_LAYERS,
                 half = TINY_D / TINY_HEADS / 2;
    fwrite(header, sizeof header, 1, f);
    const struct {
        size_t n;
        float mean, scale;
    } parts[] = {{TINY_VOCAB * d, 0, 0.5f},
                 {l * d, 1, 0.1f},
                 {l * d * d, 0, 0.3f},
                 {l * kv * d, 0, 0.3f},
                 {l * kv * d, 0, 0.3f},
                 {l * d * d, 0, 0.3f},
                 {l * d, 1, 0.1f},
                 {l * TINY_F * d, 0, 0.3f},
                 {l * TINY_F * d, 0, 0.3f},
                 {l * TINY_F * d, 0, 0.3f},
                 {d, 1, 0.1f},
                 {2 * TINY_POSITIONS * half, 0, 0}}; /* rotation tables, which readers skip */
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        tiny_floats(f, parts[i].n, i, parts[i].mean, parts[i].scale);
    fclose(f);
    rg_status status = rg_model_open(model, path, RIDGE_SOURCE_DIR "/data", true, err);
    unlink(path);
    snprintf(path, sizeof path, "%s/tok512.bin", dir);
    unlink(path);
    rmdir(dir);
    return status;
}

/* The model of a whole test program, and its group set-up and tear-down. */
static rg_model model;

static int open_tiny(void **state) {
    (void)state;
    rg_error err = {0};
    if (tiny_open(&model, &err) == RG_OK) return 0;
    print_error("%s: %s; expected %s\n", err.where, err.message, err.expected);
    return -1;
}

static int close_tiny(void **state) {
    (void)state;
    rg_model_close(&model);
    return 0;
}

/* n printable characters. malloc'ed. */
static inline char *tiny_text(size_t n) {
    char *text = malloc(n + 1);
    if (!text) abort();
    for (size_t i = 0; i < n; i++) text[i] = (char)('a' + rg_random_u32(22, 0, i) % 26);
    text[n] = 0;
    return text;
}

#endif
