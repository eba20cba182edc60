/* Arena, growing string, growing array. */
#include "ridge/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 * 1024, ALIGN_BYTES = 64 };

struct rg_arena_block {
    struct rg_arena_block *next;
    size_t used, size;
    char *data;
};

static struct rg_arena_block *arena_grow(rg_arena *arena, size_t need) {
    struct rg_arena_block *block = calloc(1, sizeof *block);
    if (!block) return NULL;
    block->size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
    block->data = aligned_alloc(ALIGN_BYTES, block->size);
    if (!block->data) {
        free(block);
        return NULL;
    }
    memset(block->data, 0, block->size);
    block->next = arena->first;
    arena->first = block;
    return block;
}

void *rg_arena_alloc(rg_arena *arena, size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2) return NULL;
    bytes = (bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    struct rg_arena_block *block = arena->first;
    if (!block || block->size - block->used < bytes) block = arena_grow(arena, bytes);
    if (!block) return NULL;
    void *p = block->data + block->used;
    block->used += bytes;
    return p;
}

char *rg_arena_strndup(rg_arena *arena, const char *s, size_t n) {
    char *copy = n < SIZE_MAX ? rg_arena_alloc(arena, n + 1, 1) : NULL;
    if (copy && n) memcpy(copy, s, n);
    return copy;
}

char *rg_arena_printf(rg_arena *arena, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = n >= 0 ? rg_arena_alloc(arena, (size_t)n + 1, 1) : NULL;
    if (!text) return NULL;
    va_start(args, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, args);
    va_end(args);
    return text;
}

void rg_arena_free(rg_arena *arena) {
    for (struct rg_arena_block *b = arena->first, *next; b; b = next) {
        next = b->next;
        free(b->data);
        free(b);
    }
    arena->first = NULL;
}

static bool str_reserve(rg_str *s, size_t more) {
    if (s->failed || more > SIZE_MAX / 4 || s->len > SIZE_MAX / 4) return !(s->failed = true);
    size_t need = s->len + more + 1;
    if (need <= s->cap) return true;
    size_t cap = s->cap ? s->cap : 256;
    while (cap < need) cap *= 2;
    char *data = realloc(s->data, cap);
    if (!data) return !(s->failed = true);
    s->data = data;
    s->cap = cap;
    return true;
}

void rg_str_add_n(rg_str *s, const char *text, size_t n) {
    if (!str_reserve(s, n)) return;
    if (n) memcpy(s->data + s->len, text, n);
    s->len += n;
    s->data[s->len] = 0;
}

void rg_str_add(rg_str *s, const char *text) {
    rg_str_add_n(s, text, strlen(text));
}

void rg_str_printf(rg_str *s, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) {
        s->failed = true;
        return;
    }
    if (!str_reserve(s, (size_t)n)) return;
    va_start(args, fmt);
    vsnprintf(s->data + s->len, (size_t)n + 1, fmt, args);
    va_end(args);
    s->len += (size_t)n;
}

void rg_str_free(rg_str *s) {
    free(s->data);
    *s = (rg_str){0};
}

bool rg_ends_with(const char *s, const char *ending) {
    const size_t n = strlen(s), m = strlen(ending);
    return n >= m && strcmp(s + n - m, ending) == 0;
}

/* Of an array that has `room` and needs room for n: at least twice as much. */
static size_t more_room(size_t room, size_t n) {
    enum { LEAST = 64 };
    const size_t twice = room <= SIZE_MAX / 2 ? 2 * room : n, more = twice < LEAST ? LEAST : twice;
    return more < n ? n : more;
}

bool rg_grow(void *array, size_t *room, size_t n, size_t size) {
    if (n <= *room) return true;
    const size_t more = more_room(*room, n);
    void *data;
    memcpy(&data, array, sizeof data); /* the pointer may be of any type */
    data = more <= SIZE_MAX / size ? realloc(data, more * size) : NULL;
    if (!data) return false;
    memcpy(array, &data, sizeof data);
    *room = more;
    return true;
}

bool rg_arena_grow(rg_arena *arena, void *array, size_t *room, size_t n, size_t size) {
    if (n <= *room) return true;
    const size_t more = more_room(*room, n);
    void *old, *data = rg_arena_alloc(arena, more, size);
    if (!data) return false;
    memcpy(&old, array, sizeof old);
    if (*room) memcpy(data, old, (n - 1) * size);
    memcpy(array, &data, sizeof data);
    *room = more;
    return true;
}
