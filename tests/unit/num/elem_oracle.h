/* Element formats as their specifications define them (OFP8 v1.0, OCP MX v1.0, IEEE 754, TF32), values by
   MPFR, rounding by search among the values: shares nothing with src/num. */
#ifndef RIDGE_TEST_ELEM_ORACLE_H
#define RIDGE_TEST_ELEM_ORACLE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <mpfr.h>

#include "ridge/num.h"

typedef struct oracle_layout {
    const char *name;
    int exponent_bits, mantissa_bits, bias; /* exponent_bits 0: two's complement of mantissa_bits + 1 bits */
    uint32_t max_code;                      /* of the largest finite value */
    uint32_t nan_code;                      /* what NaN becomes, as CUDA's conversions do */
    double max, min_normal, min_subnormal;
} oracle_layout;

static const oracle_layout oracle_floats[] = {
    {"e5m2", 5, 2, 15, 0x7b, 0x7f, 57344, 0x1p-14, 0x1p-16},
    {"e4m3fn", 4, 3, 7, 0x7e, 0x7f, 448, 0x1p-6, 0x1p-9},
    {"e3m2", 3, 2, 3, 0x1f, 0x1f, 28, 0.25, 0.0625},
    {"e2m3", 2, 3, 1, 0x1f, 0x1f, 7.5, 1, 0.125},
    {"e2m1", 2, 1, 1, 0x7, 0x7, 6, 1, 0.5},
};
static const oracle_layout oracle_ints[] = {
    {"int2", 0, 1, 0, 1, 1, 1, 1, 1},       {"int3", 0, 2, 0, 3, 3, 3, 1, 1},
    {"int4", 0, 3, 0, 7, 7, 7, 1, 1},       {"int5", 0, 4, 0, 15, 15, 15, 1, 1},
    {"int6", 0, 5, 0, 31, 31, 31, 1, 1},    {"int7", 0, 6, 0, 63, 63, 63, 1, 1},
    {"int8", 0, 7, 0, 127, 127, 127, 1, 1},
};
static const oracle_layout oracle_wide[] = {
    {"fp16", 5, 10, 15, 0x7bff, 0x7fff, 65504, 0x1p-14, 0x1p-24},
    {"bf16", 8, 7, 127, 0x7f7f, 0x7fff, 0x1.fep127, 0x1p-126, 0x1p-133},
    {"tf32", 8, 10, 127, 0x3fbff, 0x3ffff, 0x1.ffcp127, 0x1p-126, 0x1p-136},
};
#define ORACLE_COUNT(list) (sizeof list / sizeof *list)

typedef struct oracle {
    const oracle_layout *layout;
    rg_elem elem; /* the element under test */
    int shift;    /* of its codes: tf32 may keep them in the high bits of 32 */
    int bits;     /* sign included */
    bool is_int;
    double *value; /* [max_code + 1]: ascending, from 0 */
} oracle;

/* Value of a magnitude code by the definition, exact: every one fits a double. */
static inline double oracle_magnitude(const oracle_layout *f, uint32_t code) {
    if (f->exponent_bits == 0) return code;
    const uint32_t e = code >> f->mantissa_bits, m = code & ((UINT32_C(1) << f->mantissa_bits) - 1);
    mpfr_t v;
    mpfr_init2(v, 80);
    mpfr_set_ui_2exp(v, m, -f->mantissa_bits, MPFR_RNDN);
    if (e) mpfr_add_ui(v, v, 1, MPFR_RNDN);
    mpfr_mul_2si(v, v, (e ? (long)e : 1) - f->bias, MPFR_RNDN);
    const double d = mpfr_get_d(v, MPFR_RNDN);
    assert_int_equal(mpfr_cmp_d(v, d), 0);
    mpfr_clear(v);
    return d;
}

static inline oracle oracle_open(const oracle_layout *layout) {
    rg_quant q;
    rg_error err = {0};
    if (rg_quant_parse(layout->name, &q, &err) != RG_OK) fail_msg("%s: %s", layout->name, err.message);
    oracle o = {.layout = layout, .elem = q.format.elem, .is_int = layout->exponent_bits == 0};
    o.bits = 1 + layout->exponent_bits + layout->mantissa_bits;
    o.shift = o.elem.bits - o.bits;
    o.value = calloc(layout->max_code + 1, sizeof *o.value);
    assert_non_null(o.value);
    for (uint32_t c = 0; c <= layout->max_code; c++) o.value[c] = oracle_magnitude(layout, c);
    return o;
}

static inline void oracle_close(oracle *o) {
    free(o->value);
}

/* Code of a magnitude: the nearest value, of two the one with the even code, none above the largest. */
static inline uint32_t oracle_round(const oracle *o, double magnitude) {
    uint32_t lo = 0, hi = o->layout->max_code;
    if (magnitude >= o->value[hi]) return hi;
    while (hi - lo > 1) { /* value[lo] <= magnitude < value[hi] */
        const uint32_t middle = lo + (hi - lo) / 2;
        if (o->value[middle] <= magnitude)
            lo = middle;
        else
            hi = middle;
    }
    const double below = magnitude - o->value[lo], above = o->value[hi] - magnitude;
    if (below != above) return below < above ? lo : hi;
    return lo & 1 ? hi : lo;
}

/* A magnitude code with a sign, as the format stores it. */
static inline uint32_t oracle_sign(const oracle *o, uint32_t magnitude, bool negative) {
    if (!negative) return magnitude << o->shift;
    if (o->is_int) return (0 - magnitude) & ((UINT32_C(1) << o->bits) - 1);
    return (magnitude | UINT32_C(1) << (o->bits - 1)) << o->shift;
}

/* What encoding x must give. */
static inline uint32_t oracle_encode(const oracle *o, float x) {
    if (isnan(x)) return o->layout->nan_code << o->shift;
    return oracle_sign(o, oracle_round(o, fabs((double)x)), signbit(x));
}

static inline float oracle_from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t oracle_to_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Encoding x gives the code of the definition. Of TF32's NaN only that it is one. */
static inline void oracle_check(const oracle *o, float x) {
    const uint32_t want = oracle_encode(o, x), got = rg_elem_encode(&o->elem, x);
    if (got == want || (isnan(x) && o->bits == 19 && isnan(rg_elem_decode(&o->elem, got)))) return;
    fail_msg("%s: %a (0x%08x) encodes to 0x%x, not 0x%x", o->layout->name, (double)x,
             (unsigned)oracle_to_bits(x), (unsigned)got, (unsigned)want);
}

/* x, its fp32 neighbours, and the negatives of all three. */
static inline void oracle_check_around(const oracle *o, float x) {
    const float near[] = {x, nextafterf(x, INFINITY), nextafterf(x, -INFINITY)};
    for (int i = 0; i < 3; i++) {
        oracle_check(o, near[i]);
        oracle_check(o, -near[i]);
    }
}

/* Decoding gives the value of the definition, sign of zero included; what is above the largest finite code is
   infinity or NaN. */
static inline void oracle_check_decode(const oracle *o) {
    const uint32_t half = UINT32_C(1) << (o->bits - 1);
    for (uint32_t c = 0; c < half; c++)
        for (int negative = 0; negative < 2; negative++) {
            if (o->is_int && negative && c == 0) continue;
            const float got = rg_elem_decode(&o->elem, oracle_sign(o, c, negative));
            bool good;
            if (c <= o->layout->max_code) {
                const float value = (float)o->value[c];
                const float want = negative ? -value : value;
                good = oracle_to_bits(got) == oracle_to_bits(want);
            } else if (c == o->layout->max_code + 1 && o->layout->max_code + 1 != o->layout->nan_code) {
                good = got == (negative ? -INFINITY : INFINITY);
            } else {
                good = isnan(got);
            }
            if (!good)
                fail_msg("%s: code 0x%x decodes to %a", o->layout->name,
                         (unsigned)oracle_sign(o, c, negative), (double)got);
        }
    if (o->is_int) assert_true(rg_elem_decode(&o->elem, half) == -(float)half);
}

/* Every finite code survives decoding and encoding; values, midpoints and their neighbours round as defined.
 */
static inline void oracle_check_boundaries(const oracle *o) {
    for (uint32_t c = 0; c <= o->layout->max_code; c++) {
        oracle_check_around(o, (float)o->value[c]);
        if (c < o->layout->max_code) {
            const double middle = (o->value[c] + o->value[c + 1]) / 2;
            assert_true((double)(float)middle == middle);
            oracle_check_around(o, (float)middle);
        }
        for (int negative = 0; negative < 2; negative++) {
            const uint32_t code = oracle_sign(o, c, negative);
            assert_int_equal(rg_elem_encode(&o->elem, rg_elem_decode(&o->elem, code)), code);
        }
    }
}

static inline void oracle_check_specials(const oracle *o) {
    const uint32_t nans[] = {0x7fc00000, 0xffc00000, 0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff};
    const float others[] = {
        0.0f,     1e-45f,       0x1p-126f, 0x1.fffffcp-127f, 0x1p-149f,       INFINITY, 0x1.fffffep127f,
        0x1p127f, 0x1.fffp127f, 464.0f,    480.0f,           61440.0f,        65520.0f, 28.5f,
        30.0f,    7.75f,        7.0f,      0x1.ffp127f,      0x1.ffe002p127f, 1.0f};
    for (size_t i = 0; i < sizeof nans / sizeof *nans; i++) oracle_check(o, oracle_from_bits(nans[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) oracle_check_around(o, others[i]);
}

static inline void oracle_check_sample(const oracle *o, uint64_t seed, size_t n) {
    for (size_t i = 0; i < n; i++) oracle_check(o, oracle_from_bits(rg_random_u32(seed, 0, i)));
}

static inline void oracle_check_ranges(const oracle *o) {
    const oracle_layout *f = o->layout;
    assert_true(rg_elem_max(&o->elem) == f->max && f->max == o->value[f->max_code]);
    if (o->is_int) return;
    assert_true(rg_elem_min_normal(&o->elem) == f->min_normal);
    assert_true(rg_elem_min_subnormal(&o->elem) == f->min_subnormal && f->min_subnormal == o->value[1]);
    assert_int_equal(o->elem.bias, f->bias);
    assert_int_equal(o->elem.mantissa_bits, f->mantissa_bits);
    assert_int_equal(o->elem.exponent_bits, f->exponent_bits);
}

#endif
