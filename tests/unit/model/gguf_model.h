/* A tiny llama or qwen3 model as GGUF bytes: width 8, 2 heads of 4, 1 key head, hidden 12, 2 layers, 257
   tokens. Tensors hold numbers that name their place, or random ones. */
#ifndef RIDGE_TEST_GGUF_MODEL_H
#define RIDGE_TEST_GGUF_MODEL_H

#include <stdio.h>

#include "unit/tensor/gguf_builder.h"

enum { GM_D = 8, GM_F = 12, GM_L = 2, GM_H = 2, GM_K = 1, GM_HD = 4, GM_VOCAB = 257 };

/* What a test may want different; zero: the plain model. */
typedef struct gguf_model {
    const char *architecture; /* llama */
    const char *pre;          /* gpt-2 */
    const char *extra_key;    /* a further key, below the architecture, of value extra_value */
    uint32_t extra_value;
    const char *skip_key;     /* key left out */
    const char *skip_tensor;  /* left out */
    const char *short_tensor; /* has one row more */
    const char *nan_tensor;   /* its element 3 is NaN */
    const char *extra_tensor; /* of 2 elements of extra_fill */
    float extra_fill;
    bool untied, biases, random;
    int n_tokens; /* of the tokenizer; 0: GM_VOCAB */
} gguf_model;

static inline void gm_key(gguf_builder *b, const gguf_model *m, const char *key, uint32_t value) {
    char full[128];
    if (m->skip_key && strcmp(m->skip_key, key) == 0) return;
    snprintf(full, sizeof full, "%s.%s", m->architecture ? m->architecture : "llama", key);
    add_u32(b, full, value);
}

/* Element (r, c) of the matrix is 100 r + c + 1 scaled to stay small, or normal. */
static inline void gm_tensor(gguf_builder *b, const gguf_model *m, const char *name, int rows, int cols) {
    static uint64_t stream;
    float data[(GM_VOCAB + 1) * GM_D];
    if (m->skip_tensor && strcmp(m->skip_tensor, name) == 0) return;
    if (m->short_tensor && strcmp(m->short_tensor, name) == 0) rows++;
    const int n = rows * (cols ? cols : 1);
    stream++;
    for (int i = 0; i < n; i++)
        data[i] = m->random ? 0.5f * (float)rg_random_normal(3, stream, (uint64_t)i) + (cols ? 0 : 1)
                            : (float)(100 * (i / (cols ? cols : 1)) + i % (cols ? cols : 1) + 1) / 1024;
    if (m->nan_tensor && strcmp(m->nan_tensor, name) == 0) data[3] = __builtin_nanf("");
    const uint64_t dim[2] = {(uint64_t)(cols ? cols : rows), (uint64_t)rows};
    add_tensor(b, name, cols ? 2 : 1, dim, 0, data, (size_t)n * 4);
}

/* 256 bytes as GPT-2 writes them, then "ab". */
static inline void gm_tokenizer(gguf_builder *b, const gguf_model *m) {
    const int n = m->n_tokens ? m->n_tokens : GM_VOCAB;
    add_string(b, "tokenizer.ggml.model", "gpt2");
    add_string(b, "tokenizer.ggml.pre", m->pre ? m->pre : "gpt-2");
    add_array(b, "tokenizer.ggml.tokens", 8, (uint64_t)n);
    for (int i = 0, other = 256; i < 256; i++) {
        const int c = (i > 32 && i < 127) || (i > 160 && i < 173) || i > 173 ? i : other++;
        char text[3] = {(char)c};
        if (c > 127) {
            text[0] = (char)(0xc0 | c >> 6);
            text[1] = (char)(0x80 | (c & 63));
        }
        put_string(&b->meta, text);
    }
    char text[16];
    for (int i = 256; i < n; i++) {
        snprintf(text, sizeof text, "pad%d", i);
        put_string(&b->meta, i == 256 ? "ab" : text);
    }
    add_array(b, "tokenizer.ggml.merges", 8, 1);
    put_string(&b->meta, "a b");
}

static inline void gm_layer(gguf_builder *b, const gguf_model *m, int layer, bool qwen) {
    static const struct {
        const char *name;
        int rows, cols, kind; /* 1: q-k norm, 2: bias */
    } parts[] = {{"attn_norm.weight", GM_D, 0, 0},
                 {"attn_q.weight", GM_H * GM_HD, GM_D, 0},
                 {"attn_k.weight", GM_K * GM_HD, GM_D, 0},
                 {"attn_v.weight", GM_K * GM_HD, GM_D, 0},
                 {"attn_output.weight", GM_D, GM_H * GM_HD, 0},
                 {"attn_q_norm.weight", GM_HD, 0, 1},
                 {"attn_k_norm.weight", GM_HD, 0, 1},
                 {"attn_q.bias", GM_H * GM_HD, 0, 2},
                 {"attn_k.bias", GM_K * GM_HD, 0, 2},
                 {"attn_v.bias", GM_K * GM_HD, 0, 2},
                 {"attn_output.bias", GM_D, 0, 2},
                 {"ffn_norm.weight", GM_D, 0, 0},
                 {"ffn_gate.weight", GM_F, GM_D, 0},
                 {"ffn_up.weight", GM_F, GM_D, 0},
                 {"ffn_down.weight", GM_D, GM_F, 0}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char name[64];
        if ((parts[i].kind == 1 && !qwen) || (parts[i].kind == 2 && !m->biases)) continue;
        snprintf(name, sizeof name, "blk.%d.%s", layer, parts[i].name);
        gm_tensor(b, m, name, parts[i].rows, parts[i].cols);
    }
}

/* malloc'ed. */
static inline uint8_t *gguf_model_bytes(const gguf_model *m, size_t *size) {
    gguf_builder b = {0};
    const char *architecture = m->architecture ? m->architecture : "llama";
    const bool qwen = strcmp(architecture, "qwen3") == 0;
    char key[128];
    add_string(&b, "general.architecture", architecture);
    add_string(&b, "general.name", "tiny");
    gm_key(&b, m, "block_count", GM_L);
    gm_key(&b, m, "context_length", 64);
    gm_key(&b, m, "embedding_length", GM_D);
    gm_key(&b, m, "feed_forward_length", GM_F);
    gm_key(&b, m, "attention.head_count", GM_H);
    gm_key(&b, m, "attention.head_count_kv", GM_K);
    gm_key(&b, m, "rope.dimension_count", GM_HD);
    if (qwen) gm_key(&b, m, "attention.key_length", GM_HD);
    snprintf(key, sizeof key, "%s.attention.layer_norm_rms_epsilon", architecture);
    add_f32(&b, key, 1e-5f);
    if (m->extra_key) gm_key(&b, m, m->extra_key, m->extra_value);
    gm_tokenizer(&b, m);
    gm_tensor(&b, m, "token_embd.weight", GM_VOCAB, GM_D);
    for (int l = 0; l < GM_L; l++) gm_layer(&b, m, l, qwen);
    gm_tensor(&b, m, "output_norm.weight", GM_D, 0);
    if (m->untied) gm_tensor(&b, m, "output.weight", GM_VOCAB, GM_D);
    if (m->extra_tensor)
        add_tensor(&b, m->extra_tensor, 1, (uint64_t[]){2}, 0, (float[]){m->extra_fill, m->extra_fill}, 8);
    return gguf_finish(&b, size);
}

#endif
