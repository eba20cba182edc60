/* Look-up of tokens by text and of pairs by ids. */
#include "model/tokenizer.h"

#include <stdlib.h>
#include <string.h>

rg_status vocabulary_init(vocabulary *v, size_t n, rg_arena *arena, rg_error *err) {
    size_t slots = 16;
    while (slots < 2 * n) slots *= 2;
    *v = (vocabulary){.n = n,
                      .text = rg_arena_alloc(arena, n + 1, sizeof *v->text),
                      .len = rg_arena_alloc(arena, n + 1, sizeof *v->len),
                      .mask = slots - 1,
                      .slot = rg_arena_alloc(arena, slots, sizeof *v->slot)};
    if (!v->text || !v->len || !v->slot) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    return RG_OK;
}

/* 2^64 / golden ratio */
#define GOLDEN 0x9e3779b97f4a7c15u

static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 32) * GOLDEN;
    return (x ^ x >> 29) * GOLDEN;
}

/* Slot of the text, or the free one where it belongs. */
static size_t locate_text(const vocabulary *v, const char *text, size_t len) {
    uint64_t h = len;
    for (size_t at = 0; at < len; at += 8) {
        uint64_t word = 0;
        memcpy(&word, text + at, len - at < 8 ? len - at : 8);
        h = mix(h ^ word);
    }
    for (size_t i = (size_t)(h >> 16);; i++) {
        const int32_t id = v->slot[i & v->mask] - 1;
        if (id < 0 || (v->len[id] == len && memcmp(v->text[id], text, len) == 0)) return i & v->mask;
    }
}

int32_t vocabulary_add(vocabulary *v, int32_t id, const char *text, size_t len) {
    const size_t slot = locate_text(v, text, len);
    if (v->slot[slot]) return v->slot[slot] - 1;
    v->text[id] = text;
    v->len[id] = (uint32_t)len;
    v->slot[slot] = id + 1;
    if (len > v->longest) v->longest = (uint32_t)len;
    return -1;
}

int32_t vocabulary_find(const vocabulary *v, const char *text, size_t len) {
    return len > v->longest ? -1 : v->slot[locate_text(v, text, len)] - 1;
}

rg_status pair_table_init(pair_table *t, size_t n, rg_arena *arena, rg_error *err) {
    size_t slots = 16;
    while (slots < 2 * n) slots *= 2;
    *t = (pair_table){.mask = slots - 1, .slot = rg_arena_alloc(arena, slots, sizeof *t->slot)};
    return t->slot ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

uint64_t pair_key(int32_t left, int32_t right) {
    return ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) + 1;
}

/* Slot of the pair, or the free one where it belongs. */
static pair *locate(const pair_table *t, uint64_t key) {
    for (size_t i = (size_t)(mix(key) >> 16);; i++) {
        pair *p = &t->slot[i & t->mask];
        if (!p->key || p->key == key) return p;
    }
}

void pair_table_add(pair_table *t, pair p, bool replace) {
    pair *slot = locate(t, p.key);
    if (!slot->key || replace) *slot = p;
}

const pair *pair_table_find(const pair_table *t, int32_t left, int32_t right) {
    const pair *p = locate(t, pair_key(left, right));
    return p->key ? p : NULL;
}
