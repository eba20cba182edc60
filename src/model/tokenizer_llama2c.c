/* Tokenizer files of llama2.c (tokenizer.py: a SentencePiece BPE vocabulary with scores). */
#include "model/tokenizer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_BYTE = 3, BOS = 1, MAX_TOKEN = 256 }; /* tokens 3 to 258 are the bytes 0 to 255 */

static rg_status fail_at(const char *path, size_t at, const char *expected, const char *text, rg_error *err) {
    char where[256];
    const size_t n = strlen(path);
    snprintf(where, sizeof where, "%s@byte %zu", path + (n > 200 ? n - 200 : 0), at);
    return rg_fail(err, RG_ERR_PARSE, where, expected, "%s", text);
}

typedef struct span {
    const char *text;
    size_t len;
} span;

/* Score, length and text of each token, one after the other. */
static rg_status read_tokens(rg_tokenizer *t, const char *data, size_t size, const char *path, float *score,
                             span *text_of, rg_error *err) {
    char text[160];
    size_t at = 4;
    for (size_t i = 0; i < t->vocab.n; i++) {
        int32_t len;
        if (size - at < 8) {
            snprintf(text, sizeof text, "truncated: the file ends at byte %zu, before token %zu", size, i);
            return fail_at(path, at, "a score and a length", text, err);
        }
        memcpy(&score[i], data + at, 4);
        memcpy(&len, data + at + 4, 4);
        if (len < 0 || len > MAX_TOKEN || (size_t)len > size - at - 8) {
            snprintf(text, sizeof text, "token %zu has %d bytes, of which the file has %zu", i, len,
                     size - at - 8);
            return fail_at(path, at + 4, "0 to 256, within the file", text, err);
        }
        if (!isfinite(score[i])) return fail_at(path, at, "a finite score", "a score is not finite", err);
        text_of[i] = (span){data + at + 8, (size_t)len};
        vocabulary_add(&t->vocab, (int32_t)i, data + at + 8, (size_t)len); /* of equal ones the first */
        at += 8 + (size_t)len;
    }
    if (at == size) return RG_OK;
    snprintf(text, sizeof text, "%zu bytes follow the last of %zu tokens", size - at, t->vocab.n);
    return fail_at(path, at, "a tokenizer of the model's vocabulary", text, err);
}

/* As its decoder prints them: special tokens stand for no text, "<0xE9>" for a byte. */
static rg_status fill_bytes(rg_tokenizer *t, const span *text_of, size_t size, rg_error *err) {
    RG_TRY(token_bytes_init(&t->bytes, t->vocab.n, size, &t->arena, err));
    for (size_t i = 0; i < t->vocab.n; i++) {
        const int value = byte_token_value(text_of[i].text, text_of[i].len);
        const char byte = (char)value;
        if (i < FIRST_BYTE)
            token_bytes_add(&t->bytes, NULL, 0);
        else if (value >= 0)
            token_bytes_add(&t->bytes, &byte, 1);
        else
            token_bytes_add(&t->bytes, text_of[i].text, text_of[i].len);
    }
    return RG_OK;
}

rg_status tokenizer_from_llama2c(rg_tokenizer *t, const char *data, size_t size, const char *path,
                                 int64_t vocab_size, rg_error *err) {
    if (vocab_size < FIRST_BYTE + 256 || vocab_size > TOKENIZER_MAX_VOCAB)
        return rg_fail(err, RG_ERR_UNSUPPORTED, path,
                       "259 to 2^24 tokens: three special ones, 256 bytes, pieces",
                       "llama2.c tokenizer for a vocabulary of %lld", (long long)vocab_size);
    if (size < 4) return fail_at(path, 0, "a llama2.c tokenizer", "truncated: too short for a header", err);
    RG_TRY(vocabulary_init(&t->vocab, (size_t)vocab_size, &t->arena, err));
    float *score = rg_arena_alloc(&t->arena, (size_t)vocab_size, sizeof *score);
    span *text_of = rg_arena_alloc(&t->arena, (size_t)vocab_size, sizeof *text_of);
    if (!score || !text_of) return rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    RG_TRY(read_tokens(t, data, size, path, score, text_of, err));
    RG_TRY(fill_bytes(t, text_of, size, err));
    for (int b = 0; b < 256; b++) t->byte_id[b] = FIRST_BYTE + b;
    t->kind = TOKENIZER_SCORES;
    t->score = score;
    t->byte_fallback = t->blank_first = true;
    t->vocab_size = vocab_size;
    t->bos = BOS;
    t->adds_bos = true;
    return RG_OK;
}
