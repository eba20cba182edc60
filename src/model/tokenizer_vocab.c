/* Look-up of tokens by text and of pairs by ids. */
#include "model/tokenizer.h"

#include <stdlib.h>
#include <string.h>

rg_status vocabulary_init(vocabulary *v, size_t n, rg_arena *arena, rg_error *err) {
    *v = (vocabulary){.n = n,
                      .text = rg_arena_alloc(arena, n + 1, sizeof *v->text),
                      .len = rg_arena_alloc(arena, n + 1, sizeof *v->len),
                      .order = rg_arena_alloc(arena, n + 1, sizeof *v->order)};
    if (!v->text || !v->len || !v->order) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    return RG_OK;
}

static int compare_text(const char *a, size_t a_len, const char *b, size_t b_len) {
    const int c = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return c ? c : (a_len > b_len) - (a_len < b_len);
}

static int compare(const void *a, const void *b, void *context) {
    const vocabulary *v = context;
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    const int c = compare_text(v->text[x], v->len[x], v->text[y], v->len[y]);
    return c ? c : (x > y) - (x < y);
}

void vocabulary_sort(vocabulary *v) {
    for (size_t i = 0; i < v->n; i++) v->order[i] = (int32_t)i;
    qsort_r(v->order, v->n, sizeof *v->order, compare, v);
}

int32_t vocabulary_find(const vocabulary *v, const char *text, size_t len) {
    size_t low = 0, high = v->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int32_t id = v->order[middle];
        if (compare_text(v->text[id], v->len[id], text, len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == v->n) return -1;
    const int32_t id = v->order[low];
    return v->len[id] == len && memcmp(v->text[id], text, len) == 0 ? id : -1;
}

rg_status pair_table_init(pair_table *t, size_t n, rg_arena *arena, rg_error *err) {
    size_t slots = 16;
    while (slots < 2 * n) slots *= 2;
    *t = (pair_table){.mask = slots - 1, .slot = rg_arena_alloc(arena, slots, sizeof *t->slot)};
    return t->slot ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

static uint64_t pair_key(int32_t left, int32_t right) {
    return ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) + 1;
}

/* Slot of the pair, or the free one where it belongs. */
static pair *locate(const pair_table *t, uint64_t key) {
    uint64_t mixed = key * 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio */
    for (size_t i = (size_t)(mixed >> 32 ^ mixed >> 20);; i++) {
        pair *p = &t->slot[i & t->mask];
        if (!p->key || p->key == key) return p;
    }
}

void pair_table_add(pair_table *t, int32_t left, int32_t right, double rank, int32_t joined) {
    pair *p = locate(t, pair_key(left, right));
    if (!p->key) *p = (pair){pair_key(left, right), rank, joined};
}

const pair *pair_table_find(const pair_table *t, int32_t left, int32_t right) {
    const pair *p = locate(t, pair_key(left, right));
    return p->key ? p : NULL;
}
