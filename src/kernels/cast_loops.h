/* Casts of arrays: loops over the lanes of cast_text.h. Included only by the cast_*.c files. */
#ifndef RIDGE_KERNELS_CAST_LOOPS_H
#define RIDGE_KERNELS_CAST_LOOPS_H

#include <math.h>

#include "kernels/cast_text.h"

OP bool draws(int kind) {
    return kind == RG_SRA || kind == RG_SRB || kind == RG_SRC || kind == RG_CAST_DRAW;
}

/* Calls a function with the plan's kind: the common ones as constants, so that each has its own loop. */
#define EACH_KIND(kind, CALL)                                                                                \
    if ((kind) == RG_CAST_ADD)                                                                               \
        CALL(RG_CAST_ADD);                                                                                   \
    else if ((kind) == RG_CAST_DRAW)                                                                         \
        CALL(RG_CAST_DRAW);                                                                                  \
    else                                                                                                     \
        CALL(other_kind(kind));

OP int other_kind(int kind) {
    if (kind >= RG_CAST_ADD) __builtin_unreachable();
    return kind;
}

/* ---- codes ----------------------------------------------------------------------------------------------
 */

OP void store_codes(void *at, size_t i, int width, ivec code) {
    if (width == 1)
        i_store_bytes((uint8_t *)at + i, code);
    else if (width == 2)
        i_store_halves((uint16_t *)at + i, code);
    else
        i_store((uint32_t *)at + i, code);
}

OP void store_codes_part(void *at, size_t i, int width, size_t n, ivec code) {
    uint32_t lanes[LANES];
    uint16_t halves[LANES];
    uint8_t bytes[LANES];
    if (width == 4) {
        i_store_part((uint32_t *)at + i, n, code);
        return;
    }
    i_store(lanes, code);
    for (size_t k = 0; k < n; k++)
        if (width == 1)
            bytes[k] = (uint8_t)lanes[k];
        else
            halves[k] = (uint16_t)lanes[k];
    memcpy((uint8_t *)at + i * (size_t)width, width == 1 ? (const void *)bytes : halves, n * (size_t)width);
}

/* One run with the same stripe of random bits. */
OP void encode_run(const rg_cast_plan *p, int kind, int width, size_t n, const float *x,
                   const uint32_t *random, void *codes) {
    size_t i = 0;
    if (width == 1)
        for (; i + 4 * LANES <= n; i += 4 * LANES) {
            ivec four[4];
            for (size_t k = 0; k < 4; k++) {
                const size_t at = i + k * LANES;
                four[k] = encode_lanes(p, kind, i_load(x + at), draws(kind) ? i_load(random + at) : i_all(0));
            }
            i_store_4_bytes((uint8_t *)codes + i, four);
        }
    for (; i + LANES <= n; i += LANES)
        store_codes(codes, i, width,
                    encode_lanes(p, kind, i_load(x + i), draws(kind) ? i_load(random + i) : i_all(0)));
    if (i < n)
        store_codes_part(
            codes, i, width, n - i,
            encode_lanes(p, kind, i_load_part(x + i, n - i), draws(kind) ? i_load(random + i) : i_all(0)));
}

OP void encode_all(const rg_cast_plan *plan, int kind, int width, size_t n, const float *x, uint64_t first,
                   void *codes) {
    const rg_cast_plan copy = *plan, *p = &copy; /* what is written cannot change it */
    random_bits r;
    if (!draws(kind)) {
        encode_run(p, kind, width, n, x, NULL, codes);
        return;
    }
    random_open(&r, p);
    for (size_t i = 0; i < n;) {
        size_t run = n - i;
        const uint32_t *random = random_at(&r, p, first + i, &run);
        encode_run(p, kind, width, run, x + i, random, (uint8_t *)codes + i * (size_t)width);
        i += run;
    }
}

static void encode(const rg_cast_plan *p, size_t n, const float *x, uint64_t first, void *codes) {
    if (p->fp32) {
        memcpy(codes, x, n * sizeof *x);
        return;
    }
#define ENCODE_BYTES(kind) encode_all(p, kind, 1, n, x, first, codes)
#define ENCODE_WIDE(kind)  encode_all(p, kind, p->width, n, x, first, codes)
    if (p->width == 1) {
        EACH_KIND(p->kind, ENCODE_BYTES)
    } else {
        EACH_KIND(p->kind, ENCODE_WIDE)
    }
}

/* ---- values ---------------------------------------------------------------------------------------------
 */

/* How x / scale is formed: by a product where scale is a power of two whose reciprocal fp32 holds, which
   gives the bits of the quotient. */
typedef struct scaling {
    enum { SCALE_NONE, SCALE_MULTIPLY, SCALE_DIVIDE } by;
    float scale;
    float factor; /* reciprocal, or divisor */
} scaling;

OP scaling scaling_of(float scale) {
    uint32_t bits;
    memcpy(&bits, &scale, sizeof bits);
    /* 2^-126 .. 2^127: reciprocals 2^126 .. 2^-127 */
    if ((bits & 0x7fffff) == 0 && bits >= 0x00800000 && bits < 0x7f800000)
        return (scaling){scale == 1 ? SCALE_NONE : SCALE_MULTIPLY, scale, 1 / scale};
    return (scaling){SCALE_DIVIDE, scale, scale == 0 ? 1 : scale};
}

/* What scale 0 divides: zeros with the signs of x, and NaN. */
static void signs_of(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n; i++) y[i] = isnan(x[i]) ? x[i] : copysignf(0, x[i]);
}

OP ivec scaled_down(int by, ivec x, fvec factor) {
    return by == SCALE_NONE       ? x
           : by == SCALE_MULTIPLY ? i_of(f_mul(f_of(x), factor))
                                  : i_of(f_div(f_of(x), factor));
}

OP void qdq_run(const rg_cast_plan *p, int kind, int by, float scale, float factor, size_t n, const float *x,
                const uint32_t *random, bool stream, float *y) {
    const fvec factors = f_all(factor), scales = f_all(scale);
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        ivec v = left < LANES ? i_load_part(x + i, left) : i_load(x + i);
        v = scaled_down(by, v, factors);
        fvec q = qdq_lanes(p, kind, v, draws(kind) ? i_load(random + i) : i_all(0));
        if (by != SCALE_NONE) q = f_mul(q, scales);
        if (left < LANES)
            i_store_part(y + i, left, i_of(q));
        else if (stream)
            i_stream(y + i, i_of(q));
        else
            i_store(y + i, i_of(q));
    }
}

OP bool is_aligned(const float *y) {
    return (uintptr_t)y % (LANES * sizeof *y) == 0;
}

/* Up to the first element that a streaming store may begin at. */
OP size_t before_aligned(const float *y, size_t n) {
    const size_t over = (uintptr_t)y / sizeof *y % LANES, head = over ? LANES - over : 0;
    return head < n ? head : n;
}

OP void qdq_pieces(const rg_cast_plan *plan, int kind, int by, const scaling *s, size_t n, const float *x,
                   uint64_t first, bool stream, float *y) {
    const rg_cast_plan copy = *plan, *p = &copy;
    random_bits r;
    if (draws(kind)) random_open(&r, p);
    for (size_t i = 0; i < n;) {
        size_t run = n - i;
        bool streams = stream && LANES > 1;
        if (streams && !is_aligned(y + i)) run = before_aligned(y + i, run), streams = false;
        const uint32_t *random = draws(kind) ? random_at(&r, p, first + i, &run) : NULL;
        qdq_run(p, kind, by, s->scale, s->factor, run, x + i, random, streams, y + i);
        i += run;
    }
    if (stream) fence();
}

static void qdq(const rg_cast_plan *p, size_t n, const float *x, float scale, uint64_t first, bool stream,
                float *y) {
    const scaling s = scaling_of(scale);
    if (scale == 0) signs_of(n, x, y), x = y, stream = false;
    if (p->fp32) {
        for (size_t i = 0; i < n; i++)
            y[i] = s.by == SCALE_NONE ? x[i] : x[i] / (scale == 0 ? 1 : scale) * scale;
        return;
    }
#define QDQ_PLAIN(kind)  qdq_pieces(p, kind, SCALE_NONE, &s, n, x, first, stream, y)
#define QDQ_SCALED(kind) qdq_pieces(p, kind, s.by, &s, n, x, first, stream, y)
    if (s.by == SCALE_NONE) {
        EACH_KIND(p->kind, QDQ_PLAIN)
    } else {
        EACH_KIND(p->kind, QDQ_SCALED)
    }
}

OP ivec finite_magnitude(ivec bits) {
    const ivec magnitude = magnitude_of(bits);
    return i_select(i_greater(i_all(0x7f800000), magnitude), magnitude, i_all(0));
}

/* Bits of the largest |x|, which may be infinite or NaN. */
OP int32_t top_bits(size_t n, const float *x) {
    ivec top = i_all(0);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) top = i_max(top, magnitude_of(i_load(x + i)));
    if (i < n) top = i_max(top, magnitude_of(i_load_part(x + i, n - i)));
    return i_largest(top);
}

static int32_t finite_bits(size_t n, const float *x) {
    ivec top = i_all(0);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) top = i_max(top, finite_magnitude(i_load(x + i)));
    if (i < n) top = i_max(top, finite_magnitude(i_load_part(x + i, n - i)));
    return i_largest(top);
}

static float amax(size_t n, const float *x) {
    const int32_t top = top_bits(n, x), bits = top < 0x7f800000 ? top : finite_bits(n, x);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
