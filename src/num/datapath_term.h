/* Terms of a datapath and the exact arithmetic on them. In the common subset of C and CUDA C. */
#ifndef RIDGE_NUM_DATAPATH_TERM_H
#define RIDGE_NUM_DATAPATH_TERM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "ridge/num.h"

typedef unsigned __int128 dp_u128;

/* An operand's element as a unit decodes it. */
typedef enum dp_special { DP_NO_SPECIAL, DP_NAN_TOP, DP_IEEE, DP_NAN_MINUS_ZERO } dp_special;
typedef struct dp_elem {
    bool is_int, is_signed, has_subnormals;
    int bits, exponent_bits, mantissa_bits, bias;
    dp_special special;
} dp_elem;

/* A float format that results are rounded to: IEEE layout. */
typedef struct dp_float {
    int exponent_bits, mantissa_bits;
} dp_float;
static inline int dp_emax(dp_float f) {
    return (1 << (f.exponent_bits - 1)) - 1;
}

typedef enum dp_kind { DP_FINITE, DP_INF, DP_NAN } dp_kind;
/* value = +- magnitude 2^lsb. `exponent` is what alignment compares: that of the operand's fields or the sum
   of such, never normalised. Absent: a zero, which alignment does not see. */
typedef struct dp_term {
    dp_u128 magnitude;
    int lsb, exponent;
    uint8_t kind;
    bool negative, present;
} dp_term;

static inline int dp_bit_length(dp_u128 x) {
    const uint64_t high = (uint64_t)(x >> 64), low = (uint64_t)x;
    return high ? 128 - __builtin_clzll(high) : low ? 64 - __builtin_clzll(low) : 0;
}

static inline dp_term dp_zero(bool negative) {
    dp_term t = {0};
    t.negative = negative;
    return t;
}
static inline dp_term dp_special_term(dp_kind kind, bool negative) {
    dp_term t = {0};
    t.kind = (uint8_t)kind;
    t.negative = negative && kind == DP_INF;
    t.present = true;
    return t;
}

/* Fields below the code's are cut off: what the tensor core does to the low 13 bits of an fp32 operand
 * (tf32). */
static inline dp_term dp_decode(const dp_elem *e, uint32_t code) {
    dp_term t = {0};
    if (e->is_int) {
        const int64_t wrap = (int64_t)1 << e->bits;
        int64_t v = (int64_t)(code & (uint32_t)(wrap - 1));
        if (e->is_signed && v >= wrap / 2) v -= wrap;
        t.negative = v < 0;
        t.magnitude = (dp_u128)(v < 0 ? -v : v);
        t.present = v != 0;
        return t;
    }
    const int fields = e->exponent_bits + e->mantissa_bits,
              padding = e->bits - (e->is_signed ? 1 : 0) - fields;
    const uint32_t all = (uint32_t)(((uint64_t)1 << fields) - 1), body = code >> padding & all;
    const uint32_t mantissa = body & ((UINT32_C(1) << e->mantissa_bits) - 1);
    const int field = (int)(body >> e->mantissa_bits), top = (1 << e->exponent_bits) - 1;
    t.negative = e->is_signed && code >> (e->bits - 1) & 1;
    if (e->special == DP_IEEE && field == top) return dp_special_term(mantissa ? DP_NAN : DP_INF, t.negative);
    if (e->special == DP_NAN_TOP && body == all) return dp_special_term(DP_NAN, false);
    if (e->special == DP_NAN_MINUS_ZERO && t.negative && body == 0) return dp_special_term(DP_NAN, false);
    const bool subnormal = field == 0 && e->has_subnormals;
    t.magnitude = subnormal ? mantissa : mantissa | UINT32_C(1) << e->mantissa_bits;
    t.exponent = (subnormal ? 1 : field) - e->bias;
    t.lsb = t.exponent - e->mantissa_bits;
    t.present = t.magnitude != 0;
    return t;
}

static inline dp_term dp_multiply(dp_term a, dp_term b) {
    if (a.kind != DP_FINITE || b.kind != DP_FINITE) {
        const bool nan = a.kind == DP_NAN || b.kind == DP_NAN || (a.kind == DP_FINITE && a.magnitude == 0) ||
                         (b.kind == DP_FINITE && b.magnitude == 0);
        return dp_special_term(nan ? DP_NAN : DP_INF, a.negative != b.negative);
    }
    dp_term t = {0};
    t.magnitude = a.magnitude * b.magnitude;
    t.lsb = a.lsb + b.lsb;
    t.exponent = a.exponent + b.exponent;
    t.negative = a.negative != b.negative;
    t.present = t.magnitude != 0;
    return t;
}

/* magnitude / 2^drop as an integer, drop >= 0. */
static inline dp_u128 dp_drop(dp_u128 magnitude, int drop, rg_rounding rounding, bool negative) {
    const dp_u128 kept = drop < 128 ? magnitude >> drop : 0;
    const bool inexact = drop < 128 ? (kept << drop) != magnitude : magnitude != 0;
    const dp_u128 half = drop > 0 && drop <= 128 ? (dp_u128)1 << (drop - 1) : 0;
    const dp_u128 rest = drop < 128 ? magnitude - (kept << drop) : magnitude;
    bool up = false;
    switch (rounding) {
    case RG_RNE:
        up = half && (rest > half || (rest == half && (kept & 1)));
        break;
    case RG_RNA:
        up = half && rest >= half;
        break;
    case RG_RU:
        up = inexact && !negative;
        break;
    case RG_RD:
        up = inexact && negative;
        break;
    case RG_RO:
        up = inexact && !(kept & 1);
        break;
    default:
        break;
    }
    return kept + up;
}

/* To a float format with gradual underflow; beyond its range infinity, whatever the rounding (what both
   MMA-Sim and MATLAB-tensor-core find). Zero keeps its sign. */
static inline dp_term dp_round(dp_term t, dp_float f, rg_rounding rounding) {
    if (t.kind != DP_FINITE) return t;
    if (t.magnitude == 0) return dp_zero(t.negative);
    const int emax = dp_emax(f), emin = 1 - emax;
    int e = dp_bit_length(t.magnitude) + t.lsb - 1;
    if (e < emin) e = emin;
    const int quantum = e - f.mantissa_bits;
    dp_u128 kept = t.lsb >= quantum ? t.magnitude << (t.lsb - quantum)
                                    : dp_drop(t.magnitude, quantum - t.lsb, rounding, t.negative);
    int lsb = quantum;
    if (kept >> (f.mantissa_bits + 1)) kept >>= 1, lsb++, e++;
    if (e > emax) return dp_special_term(DP_INF, t.negative);
    if (kept == 0) return dp_zero(t.negative);
    t.magnitude = kept;
    t.lsb = lsb;
    t.exponent = e;
    t.present = true;
    return t;
}

/* fp32 pattern of a term that was rounded to fp32 or less. */
static inline uint32_t dp_to_fp32(dp_term t, uint32_t nan) {
    const uint32_t sign = t.negative ? UINT32_C(0x80000000) : 0;
    if (t.kind == DP_NAN) return nan;
    if (t.kind == DP_INF) return sign | UINT32_C(0x7f800000);
    if (t.magnitude == 0) return sign;
    const int e = dp_bit_length(t.magnitude) + t.lsb - 1, quantum = (e < -126 ? -126 : e) - 23;
    const int shift = t.lsb - quantum; /* negative where trailing zeros go */
    const uint32_t m = (uint32_t)(shift >= 0 ? t.magnitude << shift : t.magnitude >> -shift);
    return sign | (e < -126 ? m : (uint32_t)(e + 127) << 23 | (m & UINT32_C(0x7fffff)));
}

static inline dp_term dp_from_fp32(float x) {
    const dp_elem fp32 = {false, true, true, 32, 8, 23, 127, DP_IEEE};
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return dp_decode(&fp32, bits);
}

#endif
