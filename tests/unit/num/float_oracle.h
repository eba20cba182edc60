/* The table of float formats, typed in from their specifications, and casts to them by search among the
   values that the definition gives. Shares nothing with src/num. */
#ifndef RIDGE_TEST_FLOAT_ORACLE_H
#define RIDGE_TEST_FLOAT_ORACLE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ridge/num.h"

typedef struct spec {
    const char *name;
    int e, m, bias;
    bool is_signed;
    uint32_t max, inf, nan, last_nan; /* magnitude codes; inf, nan 0: none (or see minus_zero) */
    bool minus_zero;                  /* the sign alone is -0; signed formats without: NaN */
    double max_value, min_normal, min_subnormal;
    double overflow; /* first fp32 that rounds beyond max by rne; 0: none of the formats' own */
} spec;

/* Sources: IEEE 754-2019 3.6 (fp16, tf32 and bf16 by the same rules); OCP OFP8 v1.0 table 1 (e5m2, e4m3fn);
   OCP MX v1.0 5.3 (e3m2, e2m3, e2m1, e8m0); ml_dtypes 0.5 (e4m3, e3m4, fnuz); Intel FP8 emulation toolkit
   (e3m4fn); Ascend 950 (e1m2); PTX (ue4m3); IEEE P3109 v4.0 4.3 and its value tables (binary8). */
static const spec specs[] = {
    {"tf32", 8, 10, 127, true, 0x3fbff, 0x3fc00, 0x3fc01, 0x3ffff, true, 0x1.ffcp127, 0x1p-126, 0x1p-136,
     0x1.ffep127},
    {"bf16", 8, 7, 127, true, 0x7f7f, 0x7f80, 0x7f81, 0x7fff, true, 0x1.fep127, 0x1p-126, 0x1p-133,
     0x1.ffp127},
    {"fp16", 5, 10, 15, true, 0x7bff, 0x7c00, 0x7c01, 0x7fff, true, 65504, 0x1p-14, 0x1p-24, 65520},
    {"e5m2", 5, 2, 15, true, 0x7b, 0x7c, 0x7d, 0x7f, true, 57344, 0x1p-14, 0x1p-16, 61440},
    {"e4m3fn", 4, 3, 7, true, 0x7e, 0, 0x7f, 0x7f, true, 448, 0x1p-6, 0x1p-9, 0x1.d00002p8},
    {"e4m3", 4, 3, 7, true, 0x77, 0x78, 0x79, 0x7f, true, 240, 0x1p-6, 0x1p-9, 248},
    {"e3m4", 3, 4, 3, true, 0x6f, 0x70, 0x71, 0x7f, true, 15.5, 0x1p-2, 0x1p-6, 15.75},
    {"e3m4fn", 3, 4, 3, true, 0x7e, 0, 0x7f, 0x7f, true, 30, 0x1p-2, 0x1p-6, 0x1.e80002p4},
    {"e4m3fnuz", 4, 3, 8, true, 0x7f, 0, 0, 0, false, 240, 0x1p-7, 0x1p-10, 248},
    {"e5m2fnuz", 5, 2, 16, true, 0x7f, 0, 0, 0, false, 57344, 0x1p-15, 0x1p-17, 61440},
    {"e4m3b11fnuz", 4, 3, 11, true, 0x7f, 0, 0, 0, false, 30, 0x1p-10, 0x1p-13, 31},
    {"e3m2", 3, 2, 3, true, 0x1f, 0, 0, 0, true, 28, 0.25, 0.0625, 30},
    {"e2m3", 2, 3, 1, true, 0x1f, 0, 0, 0, true, 7.5, 1, 0.125, 7.75},
    {"e2m1", 2, 1, 1, true, 7, 0, 0, 0, true, 6, 1, 0.5, 7},
    {"e1m2", 1, 2, 1, true, 7, 0, 0, 0, true, 1.75, 1, 0.25, 1.875},
    {"ue4m3", 4, 3, 7, false, 0x7e, 0, 0x7f, 0x7f, false, 448, 0x1p-6, 0x1p-9, 0x1.d00002p8},
    {"e8m0", 8, 0, 127, false, 0xfe, 0, 0xff, 0xff, false, 0x1p127, 0x1p-127, 0, 0},
    {"binary8p1se", 7, 0, 64, true, 0x7e, 0x7f, 0, 0, false, 0x1p62, 0x1p-63, 0, 0x1.800002p62},
    {"binary8p2se", 6, 1, 32, true, 0x7e, 0x7f, 0, 0, false, 0x1p31, 0x1p-31, 0x1p-32, 0x1.400002p31},
    {"binary8p3se", 5, 2, 16, true, 0x7e, 0x7f, 0, 0, false, 49152, 0x1p-15, 0x1p-17, 0x1.a00002p15},
    {"binary8p4se", 4, 3, 8, true, 0x7e, 0x7f, 0, 0, false, 224, 0x1p-7, 0x1p-10, 0x1.d00002p7},
    {"binary8p5se", 3, 4, 4, true, 0x7e, 0x7f, 0, 0, false, 15, 0x1p-3, 0x1p-7, 0x1.e80002p3},
};
enum { N_SPECS = sizeof specs / sizeof *specs };

static inline rg_elem spec_elem(const char *name) {
    rg_quant q;
    rg_error err = {0};
    if (rg_quant_parse(name, &q, &err) != RG_OK) fail_msg("%s: %s; %s", name, err.message, err.expected);
    return q.format.elem;
}

static inline bool spec_has_zero(const spec *s) {
    return strcmp(s->name, "e8m0") != 0;
}

/* Value of a magnitude code, those above the largest too: as if there were more exponents and no special
 * codes. */
static inline double spec_value(const spec *s, uint32_t code) {
    const int e = (int)(code >> s->m), t = (int)(code & ((1u << s->m) - 1));
    if (e == 0 && spec_has_zero(s)) return ldexp(t, 1 - s->bias - s->m);
    return ldexp(1 + ldexp(t, -s->m), e - s->bias);
}

static inline float spec_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The magnitude code that |x| rounds to were there no largest one; lo: the last value not above it. */
static inline uint32_t spec_round(const spec *s, rg_rounding rounding, double size, uint32_t lo,
                                  bool negative) {
    const double low = spec_value(s, lo), high = spec_value(s, lo + 1);
    const double below = size - low, above = high - size; /* exact: both have few bits */
    if (size <= low) return lo;                           /* below the least of a format without zero, too */
    switch (rounding) {
    case RG_RZ:
        return lo;
    case RG_RU:
        return lo + !negative;
    case RG_RD:
        return lo + negative;
    case RG_RO:
        return lo | 1;
    case RG_RNA:
        return lo + (below >= above);
    default:
        return lo + (below > above || (below == above && lo % 2));
    }
}

static inline uint32_t spec_below(const spec *s, double size) {
    uint32_t lo = 0;
    for (uint32_t step = 1u << (s->e + s->m); step; step >>= 1)
        if (lo + step <= s->max + 1 && spec_value(s, lo + step) <= size) lo += step;
    return lo;
}

/* What a cast must give: the code, whole. `lo` as above. */
static inline uint32_t spec_cast_near(const spec *s, const rg_cast *cast, float x, uint32_t lo) {
    const uint32_t sign = s->is_signed ? 1u << (s->e + s->m) : 0;
    const uint32_t nan = s->last_nan ? s->last_nan : s->is_signed && !s->minus_zero ? sign : s->max;
    const bool finite_only = !s->inf, negative = signbit(x) != 0;
    if (isnan(x)) return nan;
    uint32_t code = isinf(x) ? s->max + 1 : spec_round(s, cast->rounding, fabs((double)x), lo, negative);
    if (negative && !s->is_signed && x != 0) {
        if (!spec_has_zero(s)) {
            code = isinf(x) ? s->max + 1 : spec_round(s, cast->rounding, fabs((double)x), lo, false);
        } else {
            return cast->saturation == RG_SAT_NONE && code != 0 ? nan : 0;
        }
    }
    if (code > s->max) {
        const bool inward = cast->rounding == RG_RZ || cast->rounding == RG_RO ||
                            cast->rounding == (negative ? RG_RU : RG_RD);
        const bool ocp = cast->saturation == RG_SAT_OCP || (cast->saturation == RG_SAT_CLAMP && isinf(x));
        const bool to_inf = cast->saturation == RG_SAT_PROPAGATE ? isinf(x)
                            : cast->saturation == RG_SAT_NONE    ? isinf(x) || !inward
                                                                 : ocp;
        code = s->max;
        if (to_inf && !finite_only) code = s->inf;
        if (ocp && finite_only && nan != s->max) {
            if (nan == sign) return nan;
            code = nan;
        }
    }
    if (!negative || !s->is_signed || (code == 0 && !s->minus_zero)) return code;
    return code | sign;
}

static inline void spec_check(const spec *s, const rg_elem *elem, const rg_cast *cast, float x, uint32_t lo) {
    const int padding = elem->bits - (s->is_signed ? 1 : 0) - s->e - s->m;
    const uint32_t want = spec_cast_near(s, cast, x, lo) << padding, got = rg_elem_cast(elem, cast, x, 0);
    if (want != got)
        fail_msg("%s, rounding %d, saturation %d: %a encodes to 0x%x, not 0x%x", s->name, cast->rounding,
                 cast->saturation, (double)x, (unsigned)got, (unsigned)want);
}

/* x, its neighbours, and both signs, by every deterministic rounding and saturation. */
static inline void spec_check_around(const spec *s, const rg_elem *elem, double x) {
    const float y = (float)x, near[] = {y, nextafterf(y, INFINITY), nextafterf(y, 0)};
    for (int i = 0; i < 3; i++) {
        if (isnan(near[i]) || near[i] < 0) continue;
        const uint32_t lo = isinf(near[i]) ? s->max + 1 : spec_below(s, (double)near[i]);
        for (int k = 0; k < (RG_RO + 1) * RG_N_SATURATIONS; k++) {
            const rg_cast cast = {.rounding = (rg_rounding)(k % (RG_RO + 1)),
                                  .saturation = (rg_saturation)(k / (RG_RO + 1))};
            spec_check(s, elem, &cast, near[i], lo);
            spec_check(s, elem, &cast, -near[i], lo);
        }
    }
}

/* Every `step`-th gap: the value, the midpoint, a quarter, with neighbours; the edges of overflow; specials.
 */
static inline void spec_check_gaps(const spec *s, const rg_elem *elem, uint32_t step) {
    const uint32_t last = s->max > 4 ? s->max - 4 : 0; /* from here on every gap */
    for (uint32_t c = 0; c <= s->max + 1; c += c >= last ? 1 : c + step > last ? last - c : step) {
        const double low = spec_value(s, c), high = spec_value(s, c + 1);
        if (low >= 0x1p128 || high < 0x1p-149) continue;
        spec_check_around(s, elem, low);
        spec_check_around(s, elem, low / 2 + high / 2);
        spec_check_around(s, elem, low * 0.75 + high * 0.25);
    }
    const float specials[] = {0,         INFINITY,         0x1p-149f,       0x1p-148f,
                              0x1p-126f, 0x1.fffffcp-127f, 0x1.fffffep127f, 1};
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
        spec_check_around(s, elem, (double)specials[i]);
    for (int k = 0; k < (RG_RO + 1) * RG_N_SATURATIONS; k++) {
        const rg_cast cast = {.rounding = (rg_rounding)(k % (RG_RO + 1)),
                              .saturation = (rg_saturation)(k / (RG_RO + 1))};
        spec_check(s, elem, &cast, spec_float(0x7fc00000), 0);
        spec_check(s, elem, &cast, spec_float(0xff800001), 0);
    }
}

/* Every code decodes to what the definition says. */
static inline void spec_check_decode(const spec *s, const rg_elem *elem) {
    const int width = s->e + s->m, padding = elem->bits - (s->is_signed ? 1 : 0) - width;
    for (uint32_t c = 0; c < 1u << width; c++)
        for (int negative = 0; negative <= (int)s->is_signed; negative++) {
            const double got = rg_elem_decode_double(elem, (c | (negative ? 1u << width : 0)) << padding);
            double want = s->inf && c == s->inf                       ? INFINITY
                          : s->nan && c >= s->nan && c <= s->last_nan ? NAN
                                                                      : spec_value(s, c);
            if (negative) want = -want;
            if (negative && c == 0 && !s->minus_zero) want = NAN;
            const bool good =
                isnan(want) ? isnan(got) != 0 : got == want && (signbit(got) != 0) == (signbit(want) != 0);
            if (!good)
                fail_msg("%s: code 0x%x, sign %d: %a, not %a", s->name, (unsigned)c, negative, got, want);
        }
}

#endif
