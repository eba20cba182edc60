/* Rounding to the grid of an element format, one text for every instruction set. Included only by the isa_*.c
 * files. */
#ifndef RIDGE_KERNELS_QDQ_TEXT_H
#define RIDGE_KERNELS_QDQ_TEXT_H

#include "kernels/vec.h"

/* 32-bit integers in the lanes of a vec. */
#if defined(__AVX2__)
typedef int32_t ivec __attribute__((vector_size(sizeof(vec))));
static inline ivec ivec_all(int32_t x) {
    return x - (ivec){0};
}
#else
typedef int32_t ivec;
static inline ivec ivec_all(int32_t x) {
    return x;
}
#endif
static inline ivec bits_of(vec x) {
    ivec y;
    memcpy(&y, &x, sizeof y);
    return y;
}
static inline vec value_of(ivec x) {
    vec y;
    memcpy(&y, &x, sizeof y);
    return y;
}
static inline vec vec_min(vec a, vec b) {
    return -vec_max(-a, -b);
}
/* Greater of two integers that are not negative: their order is that of the floats with these bits. */
static inline ivec ivec_max(ivec a, ivec b) {
#if defined(__AVX2__)
    ivec greater = a > b;
    return (a & greater) | (b & ~greater);
#else
    return a > b ? a : b;
#endif
}

/* |v| <= max, rounded to a multiple of its binade's quantum: adding 2^23 quanta leaves the sum no bits below
   one, and the processor rounds to nearest even. */
static inline vec round_magnitude(const rg_grid *grid, vec v) {
    const ivec exponent = ivec_max(bits_of(v) >> 23, ivec_all(grid->min_exponent + 127));
    const vec big = value_of((exponent + ivec_all(23 - grid->mantissa_bits)) << 23);
    return (v + big) - big;
}

/* Formats with fp32's exponent: the upper bits of the fp32 pattern. */
static inline vec round_upper_bits(const rg_grid *grid, vec v) {
    const int drop = 23 - grid->mantissa_bits;
    const ivec bits = bits_of(v), odd = (bits >> drop) & 1;
    return value_of((bits + odd + ivec_all((1 << (drop - 1)) - 1)) & ivec_all(-(1 << drop)));
}

static inline vec to_grid(const rg_grid *grid, vec x, vec scale, vec max) {
    const vec v = x / scale;
    const ivec sign = bits_of(v) & ivec_all(INT32_MIN);
    vec magnitude = vec_min(value_of(bits_of(v) & ivec_all(INT32_MAX)), max);
    if (grid->min_exponent == RG_GRID_FP32_EXPONENT)
        magnitude = round_upper_bits(grid, magnitude);
    else
        magnitude = round_magnitude(grid, magnitude);
    return (value_of(bits_of(magnitude) | sign) + vec_all(grid->zero)) * scale;
}

static void quantize(const rg_grid *grid, size_t n, const float *x, float scale, float *y) {
    const vec scales = vec_all(scale), max = vec_all(grid->max);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) vec_store(y + i, to_grid(grid, vec_load(x + i), scales, max));
    if (i < n) {
        float lanes[LANES] = {0};
        memcpy(lanes, x + i, (n - i) * sizeof *x);
        vec_store(lanes, to_grid(grid, vec_load(lanes), scales, max));
        memcpy(y + i, lanes, (n - i) * sizeof *y);
    }
}

static float largest_magnitude(size_t n, const float *x) {
    ivec top = ivec_all(0);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) top = ivec_max(bits_of(vec_load(x + i)) & ivec_all(INT32_MAX), top);
    int32_t lanes[LANES], largest = 0;
    memcpy(lanes, &top, sizeof top);
    for (int j = 0; j < LANES; j++) largest = lanes[j] > largest ? lanes[j] : largest;
    for (; i < n; i++) {
        int32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= INT32_MAX;
        largest = bits > largest ? bits : largest;
    }
    float value;
    memcpy(&value, &largest, sizeof value);
    return value;
}

#endif
