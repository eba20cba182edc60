/* Byte-level BPE from the metadata of a GGUF file (tokenizer.ggml.*). */
#include "model/tokenizer.h"

#include <stdio.h>
#include <string.h>

#define KEY(name) "tokenizer.ggml." name

enum { TYPE_NORMAL = 1, TYPE_USER_DEFINED = 4 }; /* of tokenizer.ggml.token_type */

typedef struct source {
    rg_tokenizer *t;
    const rg_tensor_file *file;
    vocabulary vocab;
    rg_arena scratch;
    rg_error *err;
} source;

static rg_status fail(const source *s, rg_status status, const char *key, const char *expected,
                      const char *text) {
    char where[256];
    const char *path = rg_tensor_file_path(s->file);
    const size_t n = strlen(path);
    snprintf(where, sizeof where, "%s (%s)", path + (n > 180 ? n - 180 : 0), key);
    return rg_fail(s->err, status, where, expected, "%s", text);
}

static rg_status read_vocabulary(source *s, int64_t expected) {
    static const char key[] = KEY("tokens");
    const size_t n = rg_tensor_meta_count(s->file, key);
    char text[200], wanted[64];
    if (n == 0 || n > TOKENIZER_MAX_VOCAB)
        return fail(s, RG_ERR_PARSE, key, "1 to 2^24 tokens",
                    n ? "too many tokens" : "the tokenizer has no tokens");
    if (expected > 0 && (int64_t)n != expected) {
        snprintf(text, sizeof text, "the tokenizer has %zu tokens", n);
        snprintf(wanted, sizeof wanted, "%lld, as the model's vocabulary", (long long)expected);
        return fail(s, RG_ERR_MISMATCH, key, wanted, text);
    }
    RG_TRY(vocabulary_init(&s->vocab, n, &s->scratch, s->err));
    for (size_t i = 0; i < n; i++) {
        size_t len;
        if (!rg_tensor_meta_string_at(s->file, key, i, &s->vocab.text[i], &len) || len > UINT32_MAX / 4)
            return fail(s, RG_ERR_PARSE, key, "strings", "tokens are no strings");
        s->vocab.len[i] = (uint32_t)len;
    }
    vocabulary_sort(&s->vocab);
    for (size_t i = 1; i < n; i++) {
        const int32_t a = s->vocab.order[i - 1], b = s->vocab.order[i];
        if (s->vocab.len[a] != s->vocab.len[b] ||
            memcmp(s->vocab.text[a], s->vocab.text[b], s->vocab.len[a]) != 0)
            continue;
        snprintf(text, sizeof text, "tokens %d and %d have the same text", a, b);
        return fail(s, RG_ERR_PARSE, key, "each text once", text);
    }
    s->t->vocab_size = (int64_t)n;
    return RG_OK;
}

/* User-defined tokens would be matched in the text before it is cut. */
static rg_status check_token_types(source *s) {
    static const char key[] = KEY("token_type");
    const size_t n = rg_tensor_meta_count(s->file, key);
    char text[200];
    if (n && n != s->vocab.n) {
        snprintf(text, sizeof text, "%zu token types for %zu tokens", n, s->vocab.n);
        return fail(s, RG_ERR_PARSE, key, "one for each token", text);
    }
    for (size_t i = 0; i < n; i++) {
        int64_t type;
        if (!rg_tensor_meta_int_at(s->file, key, i, &type))
            return fail(s, RG_ERR_PARSE, key, "whole numbers", "token types are no whole numbers");
        if (type != TYPE_USER_DEFINED) continue;
        snprintf(text, sizeof text, "token %zu is user-defined (matched before the text is cut)", i);
        return fail(s, RG_ERR_UNSUPPORTED, key, "normal, control, unknown or unused tokens", text);
    }
    return RG_OK;
}

/* Control, unknown and unused tokens stand for no text. */
static rg_status read_bytes(source *s) {
    size_t total = 0;
    for (size_t i = 0; i < s->vocab.n; i++) total += s->vocab.len[i];
    RG_TRY(token_bytes_init(&s->t->bytes, s->vocab.n, total, &s->t->arena, s->err));
    for (size_t i = 0; i < s->vocab.n; i++) {
        int64_t type;
        const bool other = rg_tensor_meta_int_at(s->file, KEY("token_type"), i, &type) && type != TYPE_NORMAL;
        token_bytes_add_mapped(&s->t->bytes, s->vocab.text[i], other ? 0 : s->vocab.len[i]);
    }
    return RG_OK;
}

static rg_status read_merge(source *s, size_t i) {
    static const char key[] = KEY("merges");
    char text[200], buf[1024];
    const char *m;
    size_t len;
    if (!rg_tensor_meta_string_at(s->file, key, i, &m, &len))
        return fail(s, RG_ERR_PARSE, key, "strings", "merges are no strings");
    const char *blank = len > 2 && len < sizeof buf ? memchr(m + 1, ' ', len - 1) : NULL;
    const size_t a = blank ? (size_t)(blank - m) : 0, b = len - a - 1;
    if (!blank || b == 0) {
        snprintf(text, sizeof text, "merge %zu is not two tokens", i);
        return fail(s, RG_ERR_PARSE, key, "two tokens and a blank between, below 1024 bytes", text);
    }
    memcpy(buf, m, a);
    memcpy(buf + a, blank + 1, b);
    const int32_t left = vocabulary_find(&s->vocab, m, a), right = vocabulary_find(&s->vocab, blank + 1, b);
    const int32_t joined = vocabulary_find(&s->vocab, buf, a + b);
    if (left < 0 || right < 0 || joined < 0) {
        snprintf(text, sizeof text, "merge %zu: its %s is no token", i,
                 left < 0    ? "left part"
                 : right < 0 ? "right part"
                             : "result");
        return fail(s, RG_ERR_PARSE, key, "tokens of the vocabulary", text);
    }
    pair_table_add(&s->t->pairs, left, right, (double)i, joined);
    return RG_OK;
}

/* -1 when absent. */
static rg_status read_special(source *s, const char *key, int32_t *out) {
    int64_t id = -1;
    char text[100];
    *out = -1;
    if (!rg_tensor_meta_int(s->file, key, &id)) return RG_OK;
    if (id < 0 || id >= s->t->vocab_size) {
        snprintf(text, sizeof text, "token id %lld", (long long)id);
        return fail(s, RG_ERR_PARSE, key, "an id of the vocabulary", text);
    }
    *out = (int32_t)id;
    return RG_OK;
}

static rg_status read_kind(source *s) {
    const char *text = "";
    size_t len = 0;
    char message[160];
    if (!rg_tensor_meta_string(s->file, KEY("model"), &text, &len) || len != 4 ||
        memcmp(text, "gpt2", 4) != 0) {
        snprintf(message, sizeof message, "tokenizer model \"%.*s\"", len < 100 ? (int)len : 100, text);
        return fail(s, RG_ERR_UNSUPPORTED, KEY("model"), "gpt2 (byte-level BPE)",
                    len ? message : "the file has no tokenizer");
    }
    if (!rg_tensor_meta_string(s->file, KEY("pre"), &text, &len))
        return fail(s, RG_ERR_UNSUPPORTED, KEY("pre"), "gpt-2 or smollm", "the pre-tokenizer is not named");
    return split_find(&s->t->pre, text, len, rg_tensor_file_path(s->file), s->err);
}

static rg_status read_all(source *s, int64_t vocab_size) {
    rg_tokenizer *t = s->t;
    RG_TRY(read_kind(s));
    RG_TRY(read_vocabulary(s, vocab_size));
    RG_TRY(check_token_types(s));
    RG_TRY(read_bytes(s));
    for (int b = 0; b < 256; b++) {
        char text[2];
        t->byte_id[b] = vocabulary_find(&s->vocab, text, byte_character(b, text));
    }
    const size_t n_merges = rg_tensor_meta_count(s->file, KEY("merges"));
    if (n_merges == 0) return fail(s, RG_ERR_PARSE, KEY("merges"), "merges", "the tokenizer has no merges");
    RG_TRY(pair_table_init(&t->pairs, n_merges, &t->arena, s->err));
    for (size_t i = 0; i < n_merges; i++) RG_TRY(read_merge(s, i));
    RG_TRY(read_special(s, KEY("bos_token_id"), &t->bos));
    RG_TRY(read_special(s, KEY("unknown_token_id"), &t->unknown));
    rg_tensor_meta_bool(s->file, KEY("add_bos_token"), &t->adds_bos); /* absent: no */
    if (t->adds_bos && t->bos < 0)
        return fail(s, RG_ERR_PARSE, KEY("add_bos_token"), KEY("bos_token_id"),
                    "a BOS is asked for that is not named");
    return split_compile(t, s->err);
}

rg_status tokenizer_from_gguf(rg_tokenizer *t, const rg_tensor_file *file, int64_t vocab_size,
                              rg_error *err) {
    source s = {.t = t, .file = file, .err = err};
    rg_status status = read_all(&s, vocab_size);
    rg_arena_free(&s.scratch);
    return status;
}
