/* The vector of the instruction set that this file is compiled for, and a block of 16 lanes made of such
   vectors. Included only by the isa_*.c files. */
#ifndef RIDGE_KERNELS_VEC_H
#define RIDGE_KERNELS_VEC_H

#include <math.h>
#include <stddef.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif
#include <sleef.h>
#include "kernels/kernels.h"

#define UNROLL _Pragma("GCC unroll 16")

#if defined(__AVX512F__)
enum { LANES = 16, TILE_M = 8, TILE_VECTORS = 2 };
typedef float vec __attribute__((vector_size(64)));
static inline vec vec_fma(vec a, vec b, vec c) {
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
static inline vec vec_log(vec x) {
    return (vec)Sleef_finz_logf16_u10avx512f((__m512)x);
}
#define ISA_NAME "avx512"
#elif defined(__AVX2__)
enum { LANES = 8, TILE_M = 6, TILE_VECTORS = 2 };
typedef float vec __attribute__((vector_size(32)));
static inline vec vec_fma(vec a, vec b, vec c) {
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
static inline vec vec_log(vec x) {
    return (vec)Sleef_finz_logf8_u10avx2((__m256)x);
}
#define ISA_NAME "avx2"
#else
enum { LANES = 1, TILE_M = 4, TILE_VECTORS = 2 };
typedef float vec;
static inline vec vec_fma(vec a, vec b, vec c) {
    return fmaf(a, b, c);
}
static inline vec vec_log(vec x) {
    return Sleef_finz_logf1_u10purecfma(x);
}
static inline vec vec_all(float x) {
    return x;
}
static inline vec vec_max(vec a, vec b) {
    return a > b ? a : b;
}
#define ISA_NAME "scalar"
#endif
enum { TILE_N = LANES * TILE_VECTORS, PARTS = RG_ROW_LANES / LANES };

static inline vec vec_load(const float *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void vec_store(float *p, vec v) {
    memcpy(p, &v, sizeof v);
}
#if defined(__AVX2__)
static inline vec vec_all(float x) {
    return x - (vec){0};
}
/* a > b ? a : b in each lane: what the instruction is defined to do, zeros and NaN included. */
static inline vec vec_max(vec a, vec b) {
#if defined(__AVX512F__)
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#else
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#endif
}
#endif

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

/* e^x, at most 0.94 ULP off where it is a normal number (all arguments tried), the same bits on every
   instruction set; inline, since a call (SLEEF's) spills every vector in use. x = n ln 2 + r, |r| <= ln 2 /
   2; Taylor's series of e^r to r^7 (the rest is below 2^-27); 2^n in two factors, so that subnormal results
   are rounded once. */
static inline vec vec_exp(vec x) {
    const vec low = vec_all(-150), high = vec_all(100), magic = vec_all(0x1.8p23f), zero = vec_all(0);
    x = vec_max(low, x); /* NaN stays */
    x = zero - vec_max(zero - high, zero - x);
    const vec shifted = vec_fma(x, vec_all(0x1.715476p+0f), magic), n = shifted - magic;
    vec r = vec_fma(n, vec_all(-0x1.62e43p-1f), x);
    r = vec_fma(n, vec_all(0x1.05c61p-29f), r);
    vec p = vec_all(1 / 5040.0f);
    p = vec_fma(p, r, vec_all(1 / 720.0f));
    p = vec_fma(p, r, vec_all(1 / 120.0f));
    p = vec_fma(p, r, vec_all(1 / 24.0f));
    p = vec_fma(p, r, vec_all(1 / 6.0f));
    p = vec_fma(p, r, vec_all(0.5f));
    p = vec_fma(p, r, vec_all(1));
    p = vec_fma(p, r, vec_all(1));
    const ivec power = bits_of(shifted) - ivec_all(0x4b400000), half = power >> 1;
    const vec first = value_of((half + ivec_all(127)) << 23),
              second = value_of((power - half + ivec_all(127)) << 23);
    return p * first * second;
}

/* 16 lanes. */
typedef struct block {
    vec part[PARTS];
} block;

static inline block block_all(float x) {
    block b;
    UNROLL for (int i = 0; i < PARTS; i++) b.part[i] = vec_all(x);
    return b;
}
static inline block block_load(const float *p) {
    block b;
    UNROLL for (int i = 0; i < PARTS; i++) b.part[i] = vec_load(p + i * LANES);
    return b;
}
/* The first n lanes from p, the others `rest`. */
static inline block block_load_part(const float *p, size_t n, float rest) {
    if (n >= RG_ROW_LANES) return block_load(p);
    float lanes[RG_ROW_LANES];
    for (int i = 0; i < RG_ROW_LANES; i++) lanes[i] = rest;
    memcpy(lanes, p, n * sizeof *p);
    return block_load(lanes);
}
static inline void block_store(float *p, block b) {
    UNROLL for (int i = 0; i < PARTS; i++) vec_store(p + i * LANES, b.part[i]);
}
static inline void block_store_part(float *p, size_t n, block b) {
    if (n >= RG_ROW_LANES) {
        block_store(p, b);
        return;
    }
    float lanes[RG_ROW_LANES];
    block_store(lanes, b);
    memcpy(p, lanes, n * sizeof *p);
}
#define BLOCK_MAP(name, arguments, expression)                                                               \
    static inline block name arguments {                                                                     \
        block y;                                                                                             \
        UNROLL for (int i = 0; i < PARTS; i++) y.part[i] = expression;                                       \
        return y;                                                                                            \
    }
BLOCK_MAP(block_add, (block a, block b), a.part[i] + b.part[i])
BLOCK_MAP(block_subtract, (block a, block b), a.part[i] - b.part[i])
BLOCK_MAP(block_multiply, (block a, block b), a.part[i] * b.part[i])
BLOCK_MAP(block_divide, (block a, block b), a.part[i] / b.part[i])
BLOCK_MAP(block_fma, (block a, block b, block c), vec_fma(a.part[i], b.part[i], c.part[i]))
BLOCK_MAP(block_exp, (block a), vec_exp(a.part[i]))
BLOCK_MAP(block_log, (block a), vec_log(a.part[i]))
BLOCK_MAP(block_max, (block a, block b), vec_max(a.part[i], b.part[i]))

/* Lane i with lane i + 8, then + 4, + 2, + 1. */
static inline float block_sum(block b) {
    float lane[RG_ROW_LANES];
    block_store(lane, b);
    for (int half = RG_ROW_LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}
static inline float block_largest(block b) {
    float lane[RG_ROW_LANES];
    block_store(lane, b);
    for (int half = RG_ROW_LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] = lane[i] > lane[i + half] ? lane[i] : lane[i + half];
    return lane[0];
}

#endif
