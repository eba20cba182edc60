/* Files of llama2.c (karpathy/llama2.c, export.py): fp32 tensors in a fixed order behind a header of sizes.
   The legacy form has no magic number, so that its size must fit its header to the byte; version 1 begins
   with "ak42". Tensors get the names of a Hugging Face checkpoint, sizes the metadata keys of GGUF. */
#include "tensor/file.h"

#include <stdio.h>

enum { LEGACY_HEADER = 28, V1_HEADER = 256, V1_MAGIC = 0x616b3432 };

typedef struct sizes {
    int64_t dim, hidden, layers, heads, kv_heads, vocab, positions;
    int64_t kv_dim, head_dim;
    bool shared; /* output head and embedding are one */
} sizes;

/* Rows and columns of a part, as offsets of members of sizes; 0 columns: a vector. */
typedef struct part {
    const char *name; /* "%d" is the layer: then the part holds one tensor for each */
    size_t rows, cols;
} part;

#define SIZE(member) (offsetof(sizes, member) + 1)
#define LAYER        "model.layers.%d."
#define EMBED                                                                                                \
    { "model.embed_tokens.weight", SIZE(vocab), SIZE(dim) }
#define NORM_A                                                                                               \
    { LAYER "input_layernorm.weight", SIZE(dim), 0 }
#define NORM_F                                                                                               \
    { LAYER "post_attention_layernorm.weight", SIZE(dim), 0 }
#define NORM                                                                                                 \
    { "model.norm.weight", SIZE(dim), 0 }
#define ATTENTION                                                                                            \
    {LAYER "self_attn.q_proj.weight", SIZE(dim), SIZE(dim)},                                                 \
        {LAYER "self_attn.k_proj.weight", SIZE(kv_dim), SIZE(dim)},                                          \
        {LAYER "self_attn.v_proj.weight", SIZE(kv_dim), SIZE(dim)}, {                                        \
        LAYER "self_attn.o_proj.weight", SIZE(dim), SIZE(dim)                                                \
    }
#define MLP                                                                                                  \
    {LAYER "mlp.gate_proj.weight", SIZE(hidden), SIZE(dim)},                                                 \
        {LAYER "mlp.down_proj.weight", SIZE(dim), SIZE(hidden)}, {                                           \
        LAYER "mlp.up_proj.weight", SIZE(hidden), SIZE(dim)                                                  \
    }
#define ROPE_TABLES ""
#define HEAD                                                                                                 \
    { "lm_head.weight", SIZE(vocab), SIZE(dim) }

static const part legacy_parts[] = {EMBED, NORM_A, ATTENTION, NORM_F, MLP, NORM, {ROPE_TABLES, 0, 0},
                                    HEAD,  {0}};
static const part v1_parts[] = {NORM_A, NORM_F, NORM, EMBED, ATTENTION, MLP, HEAD, {0}};

static int64_t size_of(const sizes *s, size_t member) {
    return member ? *(const int64_t *)((const char *)s + member - 1) : 1;
}

/* Version 1 has a magic number; the legacy form is known by its size alone. */
static bool is_v1(const rg_tensor_file *file) {
    return file->size >= 4 && load_u32(file->data) == V1_MAGIC;
}

/* Limits that keep every product below 2^60; a header beyond them is no llama2.c file. */
static bool read_sizes(const uint8_t *p, bool v1, sizes *s) {
    int64_t *const field[7] = {&s->dim,      &s->hidden, &s->layers,   &s->heads,
                               &s->kv_heads, &s->vocab,  &s->positions};
    static const int64_t limit[7] = {1 << 20, 1 << 20, 1 << 12, 1 << 16, 1 << 16, 1 << 24, 1 << 24};
    for (int i = 0; i < 7; i++) *field[i] = (int32_t)load_u32(p + 4 * i);
    s->shared = v1 ? p[28] == 1 : s->vocab > 0;
    if (!v1 && s->vocab < 0) s->vocab = -s->vocab;
    for (int i = 0; i < 7; i++)
        if (*field[i] < 1 || *field[i] > limit[i]) return false;
    if ((v1 && p[28] > 1) || s->dim % s->heads || s->heads % s->kv_heads || s->dim / s->heads % 2)
        return false;
    s->head_dim = s->dim / s->heads;
    s->kv_dim = s->head_dim * s->kv_heads;
    return true;
}

/* Walks the parts in file order; with `out` NULL only counts. Returns the end of the last part. */
static uint64_t lay_out(rg_tensor_file *file, const part *parts, const sizes *s, uint64_t at,
                        rg_tensor_info *out, size_t *n) {
    *n = 0;
    for (const part *p = parts; p->name; p++) {
        if (!*p->name) {
            at += 4 * (uint64_t)(s->positions * s->head_dim);
            continue;
        }
        if (s->shared && strcmp(p->name, "lm_head.weight") == 0) continue;
        const int64_t rows = size_of(s, p->rows), cols = size_of(s, p->cols);
        const int copies = strchr(p->name, '%') ? (int)s->layers : 1;
        for (int i = 0; i < copies; i++, ++*n) {
            const uint64_t bytes = 4 * (uint64_t)(rows * cols);
            if (out) {
                char name[80];
                const char *digits = strchr(p->name, '%');
                if (digits)
                    snprintf(name, sizeof name, "%.*s%d%s", (int)(digits - p->name), p->name, i, digits + 2);
                else
                    snprintf(name, sizeof name, "%s", p->name);
                out[*n] = (rg_tensor_info){.name = rg_arena_strndup(&file->arena, name, strlen(name)),
                                           .n_dims = p->cols ? 2 : 1,
                                           .shape = {rows, p->cols ? cols : 0},
                                           .format = "f32",
                                           .bytes = bytes,
                                           .offset = at};
            }
            at += bytes;
        }
    }
    return at;
}

/* Sizes as the metadata that a GGUF file of the same model has. llama2.c fixes the last two in its code. */
static rg_status add_metadata(rg_tensor_file *file, const sizes *s, rg_error *err) {
    const float epsilon = 1e-5f, theta = 10000.0f;
    const struct {
        const char *key;
        uint32_t type;
        int64_t value;
        const float *real;
    } entries[] = {{"llama.embedding_length", META_I64, s->dim, NULL},
                   {"llama.feed_forward_length", META_I64, s->hidden, NULL},
                   {"llama.block_count", META_I64, s->layers, NULL},
                   {"llama.attention.head_count", META_I64, s->heads, NULL},
                   {"llama.attention.head_count_kv", META_I64, s->kv_heads, NULL},
                   {"llama.vocab_size", META_I64, s->vocab, NULL},
                   {"llama.context_length", META_I64, s->positions, NULL},
                   {"llama.attention.layer_norm_rms_epsilon", META_F32, 0, &epsilon},
                   {"llama.rope.freq_base", META_F32, 0, &theta}};
    enum { N = sizeof entries / sizeof *entries };
    static const char architecture[] = "\5\0\0\0\0\0\0\0llama";
    file->meta = rg_arena_alloc(&file->arena, N + 1, sizeof *file->meta);
    uint8_t *values = rg_arena_alloc(&file->arena, N, 8);
    const uint8_t **strings = rg_arena_alloc(&file->arena, 1, sizeof *strings);
    if (!file->meta || !values || !strings) return file_no_memory(file, err);
    for (size_t i = 0; i < N; i++) {
        memcpy(values + 8 * i, entries[i].real ? (const void *)entries[i].real : &entries[i].value,
               entries[i].real ? 4 : 8);
        file->meta[i] =
            (meta_entry){.key = entries[i].key, .type = entries[i].type, .count = 1, .data = values + 8 * i};
    }
    strings[0] = (const uint8_t *)architecture;
    file->meta[N] =
        (meta_entry){.key = "general.architecture", .type = META_STRING, .count = 1, .strings = strings};
    file->n_meta = N + 1;
    return RG_OK;
}

static rg_status unknown_file(rg_tensor_file *file, rg_error *err) {
    char where[FILE_WHERE];
    return rg_fail(err, RG_ERR_PARSE, file_where(file, 0, where),
                   "\"GGUF\", or the header of a llama2.c file with sizes that fit together",
                   "not a model file that Ridge knows");
}

rg_status llama2c_parse(rg_tensor_file *file, rg_error *err) {
    const bool v1 = is_v1(file);
    const uint64_t header = v1 ? V1_HEADER : LEGACY_HEADER;
    const part *parts = v1 ? v1_parts : legacy_parts;
    char where[FILE_WHERE], expected[160];
    sizes s = {0};
    if (file->size < header) return unknown_file(file, err);
    if (v1 && load_u32(file->data + 4) != 1)
        return rg_fail(err, RG_ERR_UNSUPPORTED, file_where(file, 4, where), "1 (fp32)",
                       "llama2.c file of version %u", load_u32(file->data + 4));
    if (!read_sizes(file->data + (v1 ? 8 : 0), v1, &s)) return unknown_file(file, err);
    const uint64_t end = lay_out(file, parts, &s, header, NULL, &file->n_tensors);
    if (end != file->size) {
        snprintf(
            expected, sizeof expected,
            "%llu bytes for the header's %lld layers, width %lld, %lld tokens (or \"GGUF\" at its start)",
            (unsigned long long)end, (long long)s.layers, (long long)s.dim, (long long)s.vocab);
        return rg_fail(err, RG_ERR_PARSE, file_where(file, file->size < end ? file->size : end, where),
                       expected, "llama2.c file of %zu bytes", file->size);
    }
    file->tensor = rg_arena_alloc(&file->arena, file->n_tensors, sizeof *file->tensor);
    if (!file->tensor) return file_no_memory(file, err);
    lay_out(file, parts, &s, header, file->tensor, &file->n_tensors);
    for (size_t i = 0; i < file->n_tensors; i++)
        if (!file->tensor[i].name) return file_no_memory(file, err);
    return add_metadata(file, &s, err);
}
