/* Buffers of the executor: activations come from a pool keyed by width, so that pages once touched are used
 * again. */
#include "model/exec.h"

#include <stdlib.h>

static float *aligned(size_t n) {
    if (n > SIZE_MAX / sizeof(float) - 64) return NULL;
    return aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64);
}

static rg_status no_memory(size_t n, rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, "a smaller --batch or fewer policies at once",
                   "out of memory for %.0f MB of activations", (double)n * sizeof(float) / 1e6);
}

rg_status exec_scratch_need(struct exec_scratch *scratch, size_t n, rg_error *err) {
    if (scratch->n >= n) return RG_OK;
    free(scratch->data);
    scratch->n = 0;
    scratch->data = aligned(n);
    if (!scratch->data) return no_memory(n, err);
    scratch->n = n;
    return RG_OK;
}

rg_status exec_take(exec *e, size_t width, float **out, rg_error *err) {
    struct exec_pool *pool = &e->pool;
    for (size_t i = 0; i < pool->n; i++) {
        struct exec_buffer *b = &pool->buffer[i];
        if (b->taken || b->width != width) continue;
        b->taken = true;
        *out = b->data;
        return RG_OK;
    }
    if (!rg_grow(&pool->buffer, &pool->room, pool->n + 1, sizeof *pool->buffer))
        return no_memory(pool->n, err);
    if (width && e->n_tokens > SIZE_MAX / sizeof(float) / width)
        return no_memory(SIZE_MAX / sizeof(float), err);
    float *data = aligned(e->n_tokens * width);
    if (!data) return no_memory(e->n_tokens * width, err);
    pool->buffer[pool->n++] = (struct exec_buffer){data, width, true};
    *out = data;
    return RG_OK;
}

void exec_release(exec *e, float *data) {
    for (size_t i = 0; i < e->pool.n; i++)
        if (e->pool.buffer[i].data == data) e->pool.buffer[i].taken = false;
}

void exec_pool_clear(exec *e) {
    for (size_t i = 0; i < e->pool.n; i++) free(e->pool.buffer[i].data);
    free(e->pool.buffer);
    e->pool = (struct exec_pool){0};
}

void exec_close(exec *e) {
    exec_pool_clear(e);
    exec_head_close(e);
    struct exec_scratch *const all[] = {&e->weight,   &e->packed,    &e->packed2,   &e->operand, &e->operand2,
                                        &e->operand3, &e->attention, &e->reference, &e->logits};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]->data);
    for (size_t v = 0; e->encoded && v < e->n_variants; v++) free(e->encoded[v].rows.data);
    rg_arena_free(&e->arena);
    *e = (exec){0};
}
