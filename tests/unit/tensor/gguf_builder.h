/* Writes GGUF bytes for tests, after the specification and not after the reader. */
#ifndef RIDGE_TEST_GGUF_BUILDER_H
#define RIDGE_TEST_GGUF_BUILDER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ridge/base.h"

typedef struct gguf_builder {
    rg_str meta, infos, data;
    uint64_t n_meta, n_tensors;
    uint32_t version, alignment;
} gguf_builder;

static inline void put_u32(rg_str *s, uint32_t v) {
    rg_str_add_n(s, (const char *)&v, 4);
}
static inline void put_u64(rg_str *s, uint64_t v) {
    rg_str_add_n(s, (const char *)&v, 8);
}
static inline void put_string(rg_str *s, const char *text) {
    put_u64(s, strlen(text));
    rg_str_add(s, text);
}

static inline void add_key(gguf_builder *b, const char *key, uint32_t type) {
    put_string(&b->meta, key);
    put_u32(&b->meta, type);
    b->n_meta++;
}
/* type: 0 u8, 1 i8, 2 u16, 3 i16, 4 u32, 5 i32, 6 f32, 7 bool, 10 u64, 11 i64, 12 f64 */
static inline void add_number(gguf_builder *b, const char *key, uint32_t type, const void *value) {
    static const size_t bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    add_key(b, key, type);
    rg_str_add_n(&b->meta, value, bytes[type]);
}
static inline void add_u32(gguf_builder *b, const char *key, uint32_t v) {
    add_number(b, key, 4, &v);
}
static inline void add_f32(gguf_builder *b, const char *key, float v) {
    add_number(b, key, 6, &v);
}
static inline void add_bool(gguf_builder *b, const char *key, bool v) {
    add_number(b, key, 7, &v);
}
static inline void add_string(gguf_builder *b, const char *key, const char *text) {
    add_key(b, key, 8);
    put_string(&b->meta, text);
}
/* The elements follow by put_... on b->meta. */
static inline void add_array(gguf_builder *b, const char *key, uint32_t type, uint64_t n) {
    add_key(b, key, 9);
    put_u32(&b->meta, type);
    put_u64(&b->meta, n);
}

/* dim: innermost first, as in the file. */
static inline void add_tensor(gguf_builder *b, const char *name, uint32_t n_dims, const uint64_t *dim,
                              uint32_t type, const void *data, size_t bytes) {
    const size_t alignment = b->alignment ? b->alignment : 32;
    while (b->data.len % alignment) rg_str_add_n(&b->data, "", 1);
    put_string(&b->infos, name);
    put_u32(&b->infos, n_dims);
    for (uint32_t i = 0; i < n_dims; i++) put_u64(&b->infos, dim[i]);
    put_u32(&b->infos, type);
    put_u64(&b->infos, b->data.len);
    rg_str_add_n(&b->data, data, bytes);
    b->n_tensors++;
}

/* malloc'ed; frees the builder. */
static inline uint8_t *gguf_finish(gguf_builder *b, size_t *size) {
    const size_t alignment = b->alignment ? b->alignment : 32;
    rg_str out = {0};
    rg_str_add(&out, "GGUF");
    put_u32(&out, b->version ? b->version : 3);
    put_u64(&out, b->n_tensors);
    put_u64(&out, b->n_meta);
    if (b->meta.len) rg_str_add_n(&out, b->meta.data, b->meta.len);
    if (b->infos.len) rg_str_add_n(&out, b->infos.data, b->infos.len);
    while (b->data.len && out.len % alignment) rg_str_add_n(&out, "", 1);
    if (b->data.len) rg_str_add_n(&out, b->data.data, b->data.len);
    rg_str_free(&b->meta);
    rg_str_free(&b->infos);
    rg_str_free(&b->data);
    *size = out.len;
    return (uint8_t *)out.data;
}

#endif
