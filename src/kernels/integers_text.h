/* Elements as integers under scales, one text for every instruction set. Included only by the cast_*.c files.
 */
#ifndef RIDGE_KERNELS_INTEGERS_TEXT_H
#define RIDGE_KERNELS_INTEGERS_TEXT_H

#include "kernels/block_text.h"

/* n elements under one scale. */
OP void integers_run(const rg_cast_plan *p, int kind, float scale, float per_unit, size_t n, const float *x,
                     uint64_t first, random_bits *r, int8_t *q) {
    const scaling s = scaling_of(scale);
    const int by = s.by == SCALE_DIVIDE ? SCALE_DIVIDE : SCALE_MULTIPLY;
    const float factor = s.by == SCALE_NONE ? 1 : s.factor;
    float zero[PIECE], value[PIECE];
    for (size_t i = 0; i < n;) {
        size_t run = min_size(n - i, PIECE);
        const uint32_t *random = draws(kind) ? random_at(r, p, first + i, &run) : NULL;
        const float *from = x + i;
        if (scale == 0) signs_of(run, from, zero), from = zero;
        qdq_run(p, kind, by, per_unit, factor, run, from, random, false, value);
        for (size_t k = 0; k < run; k++) q[i + k] = (int8_t)(int32_t)value[k];
        i += run;
    }
}

static void integers_run_any(const rg_cast_plan *p, int kind, float scale, float per_unit, size_t n,
                             const float *x, uint64_t first, random_bits *r, int8_t *q) {
    integers_run(p, kind, scale, per_unit, n, x, first, r, q);
}

/* A whole block of finite numbers, rounded by the adder. */
OP void plain_integers(const rg_cast_plan *p, float scale, float per_unit, size_t n, const float *x,
                       int8_t *q) {
    const scaling s = scaling_of(scale);
    const fvec factor = f_all(s.factor), units = f_all(per_unit);
    for (size_t i = 0; i < n; i += LANES)
        i_store_bytes((uint8_t *)q + i, i_from(plain_value(p, s.by == SCALE_DIVIDE, factor, units, x + i)));
}

OP bool four_is_better(const rg_cast_plan *p, int kind, const chunk *c, size_t i, bool plain, size_t n,
                       const float *x, uint64_t first, random_bits *r) {
    if (plain && n <= PIECE && c->scale[i] != 0 && c->four[i] != 0)
        return plain_better(p, c->scale[i], c->four[i], n, x, NULL);
    return better_run(p, kind, c->scale[i], c->four[i], n, x, first, r, NULL);
}

OP void integers_all(const rg_block_plan *b, int kind, float unit, size_t n, const float *x, float tensor,
                     uint64_t first, int8_t *q, float *scales) {
    const rg_cast_plan copy = b->elem, *p = &copy;
    const size_t block = b->block;
    const bool simple = kind == RG_CAST_ADD && block % LANES == 0;
    const float per_unit = 1 / unit;
    random_bits r;
    if (draws(kind)) random_open(&r, p);
    for (size_t at = 0; at < n; at += CHUNK * block) {
        chunk c;
        const size_t end = min_size(n, at + CHUNK * block), count = (end - at + block - 1) / block;
        chunk_scales(b, &c, end - at, x + at, tensor);
        for (size_t i = 0; i < count; i++) {
            const size_t here = at + i * block, width = min_size(block, end - here);
            const bool plain = simple && c.finite && width == block;
            float scale = c.scale[i];
            if (b->four_over_six && four_is_better(p, kind, &c, i, plain, width, x + here, first + here, &r))
                scale = c.four[i];
            if (plain && scale != 0)
                plain_integers(p, scale, per_unit, block, x + here, q + here);
            else
                integers_run_any(p, kind, scale, per_unit, width, x + here, first + here, &r, q + here);
            *scales++ = scale * unit;
        }
    }
}

static void integers(const rg_block_plan *b, float unit, size_t n, const float *x, float tensor,
                     uint64_t first, int8_t *q, float *scales) {
    if (b->elem.kind == RG_CAST_ADD)
        integers_all(b, RG_CAST_ADD, unit, n, x, tensor, first, q, scales);
    else
        integers_all(b, b->elem.kind, unit, n, x, tensor, first, q, scales);
}

static void integers_flat(const rg_cast_plan *plan, float unit, size_t n, const float *x, float scale,
                          uint64_t first, int8_t *q) {
    const rg_cast_plan copy = *plan, *p = &copy;
    random_bits r;
    if (draws(p->kind)) random_open(&r, p);
    if (p->kind == RG_CAST_ADD)
        integers_run(p, RG_CAST_ADD, scale, 1 / unit, n, x, first, &r, q);
    else
        integers_run_any(p, p->kind, scale, 1 / unit, n, x, first, &r, q);
}

#endif
