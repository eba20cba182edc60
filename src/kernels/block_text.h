/* Blocks with a scale each, one text for every instruction set. Included only by the cast_*.c files. */
#ifndef RIDGE_KERNELS_BLOCK_TEXT_H
#define RIDGE_KERNELS_BLOCK_TEXT_H

#include "kernels/cast_loops.h"

/* Blocks whose scales are found together; elements of a block whose error is. */
enum { CHUNK = 64, PIECE = 64 };

/* ---- scales ---------------------------------------------------------------------------------------------
 */

/* Power of two by the bits of the largest magnitude; e8m0 ends at 2^-127 and 2^127. */
OP float power_scale(const rg_block_plan *b, uint32_t amax) {
    int exponent = (int)(amax >> 23) - 127;
    uint32_t significand = (amax & 0x7fffff) | 0x800000;
    if (amax < 0x800000 && amax) {
        const int shift = __builtin_clz(amax) - 8;
        significand = amax << shift;
        exponent = -126 - shift;
    }
    const int parity = exponent & 1;
    exponent += b->base[parity] + (significand >= b->threshold[parity]);
    if (exponent < -127 || amax == 0) exponent = -127;
    if (exponent > 127) exponent = 127;
    exponent += b->unit;
    const uint32_t bits =
        exponent >= -126 ? (uint32_t)(exponent + 127) << 23 : UINT32_C(1) << (exponent + 149);
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return scale;
}

/* amax / largest, under the tensor's scale, rounded to the format of scales. */
OP void quotient_scales(const rg_block_plan *b, size_t n, const float *amax, float largest, float tensor,
                        float *scale) {
    for (size_t i = 0; i < n; i += LANES) {
        fvec s = f_div(f_of(i_load(amax + i)), f_all(largest));
        if (b->tensor_scale) s = tensor != 0 ? f_div(s, f_all(tensor)) : f_all(0);
        if (!b->scale.fp32)
            s = b->scale.kind == RG_CAST_ADD ? qdq_lanes(&b->scale, RG_CAST_ADD, i_of(s), i_all(0))
                                             : qdq_any(&b->scale, b->scale.kind, i_of(s), i_all(0));
        if (b->tensor_scale) s = f_mul(s, f_all(tensor));
        i_store(scale + i, i_of(s));
    }
}

static void block_scales(const rg_block_plan *b, size_t n, const float *amax, float tensor, float *scale) {
    if (b->power_of_two) {
        uint32_t bits[CHUNK];
        memcpy(bits, amax, n * sizeof *bits);
        for (size_t i = 0; i < n; i++) scale[i] = power_scale(b, bits[i]);
    } else {
        quotient_scales(b, n, amax, b->max, tensor, scale);
    }
}

/* ---- elements -------------------------------------------------------------------------------------------
 */

/* n elements under one scale. */
OP void scaled_run(const rg_cast_plan *p, int kind, float scale, size_t n, const float *x, uint64_t first,
                   random_bits *r, bool stream, float *y) {
    const scaling s = scaling_of(scale);
    if (scale == 0) signs_of(n, x, y), x = y;
    for (size_t i = 0; i < n;) {
        size_t run = n - i;
        const uint32_t *random = draws(kind) ? random_at(r, p, first + i, &run) : NULL;
        if (s.by == SCALE_DIVIDE)
            qdq_run(p, kind, SCALE_DIVIDE, s.scale, s.factor, run, x + i, random, false, y + i);
        else
            qdq_run(p, kind, SCALE_MULTIPLY, s.scale, s.factor, run, x + i, random, stream, y + i);
        i += run;
    }
}

/* Any kind, in one copy. */
static void scaled_run_any(const rg_cast_plan *p, int kind, float scale, size_t n, const float *x,
                           uint64_t first, random_bits *r, float *y) {
    scaled_run(p, kind, scale, n, x, first, r, false, y);
}

/* Sum of squared errors over the finite elements, in their order, in double: the definition's. Leaves the
   last piece of values in y[PIECE]. */
OP double block_error(const rg_cast_plan *p, int kind, float scale, size_t n, const float *x, uint64_t first,
                      random_bits *r, float *y) {
    double sum = 0;
    for (size_t i = 0; i < n; i += PIECE) {
        const size_t run = n - i < PIECE ? n - i : PIECE;
        float given[PIECE], made[PIECE];
        double square[PIECE];
        scaled_run(p, kind, scale, run, x + i, first + i, r, false, y);
        for (size_t k = 0; k < run; k += LANES) {
            const size_t left = run - k;
            const ivec v = left < LANES ? i_load_part(x + i + k, left) : i_load(x + i + k);
            const mask finite = i_greater(i_all(0x7f800000), magnitude_of(v));
            i_store(given + k, i_select(finite, v, i_all(0)));
            i_store(made + k, i_select(finite, i_load(y + k), i_all(0)));
        }
        for (size_t k = 0; k < run; k++) {
            const double d = (double)made[k] - (double)given[k];
            square[k] = d * d;
        }
        for (size_t k = 0; k < run; k++) sum += square[k];
    }
    return sum;
}

/* The better of two scales, of equals the first: whether it is `four`. y may be absent. */
static bool better_run(const rg_cast_plan *p, int kind, float six, float four, size_t n, const float *x,
                       uint64_t first, random_bits *r, float *y) {
    float value[2][PIECE] = {{0}};
    const float scale[2] = {six, four};
    double error[2];
    for (int k = 0; k < 2; k++)
        error[k] = kind == RG_CAST_ADD ? block_error(p, RG_CAST_ADD, scale[k], n, x, first, r, value[k])
                                       : block_error(p, kind, scale[k], n, x, first, r, value[k]);
    const int best = error[1] < error[0];
    if (!y) return best;
    if (n <= PIECE)
        memcpy(y, value[best], n * sizeof *y);
    else
        scaled_run_any(p, kind, scale[best], n, x, first, r, y);
    return best;
}

OP size_t min_size(size_t a, size_t b) {
    return a < b ? a : b;
}

/* ---- whole blocks of finite numbers, rounded by the adder ------------------------------------------------
 */

OP fvec plain_value(const rg_cast_plan *p, bool divides, fvec factor, fvec scale, const float *x) {
    const fvec v = divides ? f_div(f_of(i_load(x)), factor) : f_mul(f_of(i_load(x)), factor);
    return f_mul(qdq_add(p, RG_CAST_ADD, i_of(v), i_all(0), true), scale);
}

OP void plain_run(const rg_cast_plan *p, float scale, size_t n, const float *x, bool stream, float *y) {
    const scaling s = scaling_of(scale);
    const fvec factor = f_all(s.factor), scales = f_all(scale);
    if (s.by == SCALE_DIVIDE) {
        for (size_t i = 0; i < n; i += LANES)
            i_store(y + i, i_of(plain_value(p, true, factor, scales, x + i)));
    } else if (stream) {
        for (size_t i = 0; i < n; i += LANES)
            i_stream(y + i, i_of(plain_value(p, false, factor, scales, x + i)));
    } else {
        for (size_t i = 0; i < n; i += LANES)
            i_store(y + i, i_of(plain_value(p, false, factor, scales, x + i)));
    }
}

/* Both scales side by side: the two sums, each in the order of the elements, run at the same time. n is at
   most PIECE. Whether `four` is the better. */
OP bool plain_better(const rg_cast_plan *p, float six, float four, size_t n, const float *x, float *y) {
    const fvec by_six = f_all(six), by_four = f_all(four);
    float value[2][PIECE];
    double square[2][PIECE], error[2] = {0, 0};
    for (size_t i = 0; i < n; i += LANES) {
        const fvec v = f_of(i_load(x + i)), a = plain_value(p, true, by_six, by_six, x + i),
                   b = plain_value(p, true, by_four, by_four, x + i);
        i_store(value[0] + i, i_of(a));
        i_store(value[1] + i, i_of(b));
        f_squares(a, v, square[0] + i);
        f_squares(b, v, square[1] + i);
    }
    for (size_t i = 0; i < n; i++) {
        error[0] += square[0][i];
        error[1] += square[1][i];
    }
    const int best = error[1] < error[0];
    if (y) memcpy(y, value[best], n * sizeof *y);
    return best;
}

/* ---- all of a row ----------------------------------------------------------------------------------------
 */

typedef struct chunk {
    float largest[CHUNK], scale[CHUNK], four[CHUNK];
    bool finite;
} chunk;

OP void chunk_scales(const rg_block_plan *b, chunk *c, size_t n, const float *x, float tensor) {
    const size_t block = b->block, count = (n + block - 1) / block;
    c->finite = true;
    for (size_t i = 0; i < count; i++) {
        const size_t width = min_size(block, n - i * block);
        int32_t bits = top_bits(width, x + i * block);
        if (bits >= 0x7f800000) bits = finite_bits(width, x + i * block), c->finite = false;
        memcpy(&c->largest[i], &bits, sizeof bits);
    }
    for (size_t i = count; i % LANES; i++) c->largest[i] = 0;
    block_scales(b, count, c->largest, tensor, c->scale);
    if (b->four_over_six) quotient_scales(b, count, c->largest, 4, tensor, c->four);
}

OP void blocks_all(const rg_block_plan *b, int kind, size_t n, const float *x, float tensor, uint64_t first,
                   bool stream, float *y) {
    const rg_cast_plan copy = b->elem, *p = &copy;
    const size_t block = b->block;
    const bool streams = stream && LANES > 1 && is_aligned(y) && block % LANES == 0 && n % LANES == 0;
    const bool simple = kind == RG_CAST_ADD && block % LANES == 0 && (!b->four_over_six || block <= PIECE);
    random_bits r;
    if (draws(kind)) random_open(&r, p);
    for (size_t at = 0; at < n; at += CHUNK * block) {
        chunk c;
        const size_t end = min_size(n, at + CHUNK * block), count = (end - at + block - 1) / block;
        chunk_scales(b, &c, end - at, x + at, tensor);
        for (size_t i = 0; i < count; i++) {
            const size_t here = at + i * block, width = min_size(block, end - here);
            const float scale = c.scale[i];
            const bool plain = simple && c.finite && width == block && scale != 0;
            if (plain && b->four_over_six && c.four[i] != 0)
                plain_better(p, scale, c.four[i], block, x + here, y + here);
            else if (plain && !b->four_over_six)
                plain_run(p, scale, block, x + here, streams, y + here);
            else if (b->four_over_six)
                better_run(p, kind, scale, c.four[i], width, x + here, first + here, &r, y + here);
            else
                scaled_run_any(p, kind, scale, width, x + here, first + here, &r, y + here);
        }
    }
    if (stream) fence();
}

static void blocks(const rg_block_plan *b, size_t n, const float *x, float tensor, uint64_t first,
                   bool stream, float *y) {
    if (b->elem.kind == RG_CAST_ADD)
        blocks_all(b, RG_CAST_ADD, n, x, tensor, first, stream, y);
    else
        blocks_all(b, b->elem.kind, n, x, tensor, first, stream, y);
}

#endif
