/* Certificates once more, from the definitions of the formats: values by MPFR, the first fp32 pattern that
   rounds to each code by comparing with values and midpoints. Shares nothing with src/num and src/kernels but
   the CRC of a run. */
#ifndef RIDGE_TEST_CAST_ORACLE_H
#define RIDGE_TEST_CAST_ORACLE_H

#include <math.h>
#include <mpfr.h>
#include <zlib.h>

#include "certificates.h"

typedef enum oracle_nan { NO_NAN, TOP, IEEE, MINUS_ZERO } oracle_nan;
typedef struct oracle_format {
    const char *name;
    int exponent, mantissa, bias, bits;
    oracle_nan nan;
    bool inf, is_signed, powers;
} oracle_format;

static const oracle_format oracle_formats[] = {
    {"tf32", 8, 10, 127, 32, IEEE, true, true, false},
    {"bf16", 8, 7, 127, 16, IEEE, true, true, false},
    {"fp16", 5, 10, 15, 16, IEEE, true, true, false},
    {"e5m2", 5, 2, 15, 8, IEEE, true, true, false},
    {"e4m3fn", 4, 3, 7, 8, TOP, false, true, false},
    {"e3m2", 3, 2, 3, 6, NO_NAN, false, true, false},
    {"e2m3", 2, 3, 1, 6, NO_NAN, false, true, false},
    {"e2m1", 2, 1, 1, 4, NO_NAN, false, true, false},
    {"e1m2", 1, 2, 1, 4, NO_NAN, false, true, false},
    {"e8m0", 8, 0, 127, 8, TOP, false, false, true},
    {"ue4m3", 4, 3, 7, 7, TOP, false, false, false},
    {"e4m3", 4, 3, 7, 8, IEEE, true, true, false},
    {"e3m4", 3, 4, 3, 8, IEEE, true, true, false},
    {"e3m4fn", 3, 4, 3, 8, TOP, false, true, false},
    {"e4m3fnuz", 4, 3, 8, 8, MINUS_ZERO, false, true, false},
    {"e5m2fnuz", 5, 2, 16, 8, MINUS_ZERO, false, true, false},
    {"e4m3b11fnuz", 4, 3, 11, 8, MINUS_ZERO, false, true, false},
    {"binary8p3se", 5, 2, 16, 8, MINUS_ZERO, true, true, false},
    {"binary8p4se", 4, 3, 8, 8, MINUS_ZERO, true, true, false},
};

static uint32_t oracle_ones(const oracle_format *f) {
    return (UINT32_C(1) << (f->exponent + f->mantissa)) - 1;
}

/* Fields of infinity and of the largest number. */
static uint32_t oracle_inf(const oracle_format *f) {
    return f->nan == IEEE  ? oracle_ones(f) >> f->mantissa << f->mantissa
           : f->nan == TOP ? oracle_ones(f) - 1
                           : oracle_ones(f);
}
static uint32_t oracle_max(const oracle_format *f) {
    return f->nan == IEEE ? oracle_inf(f) - 1 : oracle_ones(f) - (f->nan == TOP) - f->inf;
}

/* Value of the fields `code`, one beyond the largest included; halves for the midpoint above it. */
static double oracle_value(const oracle_format *f, uint32_t code, bool midpoint) {
    const uint32_t e = code >> f->mantissa, m = code & ((UINT32_C(1) << f->mantissa) - 1);
    const bool normal = e || f->powers;
    mpfr_t v;
    mpfr_init2(v, 80);
    mpfr_set_ui(v, 2 * m + midpoint, MPFR_RNDN);
    mpfr_div_2si(v, v, f->mantissa + 1, MPFR_RNDN);
    if (normal) mpfr_add_ui(v, v, 1, MPFR_RNDN);
    mpfr_mul_2si(v, v, (e || f->powers ? (long)e : 1) - f->bias, MPFR_RNDN);
    const double d = mpfr_get_d(v, MPFR_RNDN);
    assert_int_equal(mpfr_cmp_d(v, d), 0);
    mpfr_clear(v);
    return d;
}

/* First pattern of a magnitude at or (`beyond`) above v. */
static uint32_t first_pattern(double v, bool beyond) {
    if (v >= 0x1p128) return 0x7f800000;
    float x = (float)v;
    if ((double)x < v || (beyond && (double)x == v)) x = nextafterf(x, INFINITY);
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* First magnitude that becomes code + 1 or more. */
static uint32_t turn(const oracle_format *f, rg_rounding r, bool negative, uint32_t code) {
    const bool odd = code & 1;
    switch (r) {
    case RG_RNE:
        return first_pattern(oracle_value(f, code, true), !odd);
    case RG_RNA:
        return first_pattern(oracle_value(f, code, true), false);
    case RG_RO:
        return odd ? first_pattern(oracle_value(f, code + 1, false), false)
                   : first_pattern(oracle_value(f, code, false), true);
    default:
        return r == (negative ? RG_RD : RG_RU) ? first_pattern(oracle_value(f, code, false), true)
                                               : first_pattern(oracle_value(f, code + 1, false), false);
    }
}

typedef struct oracle_sum {
    const oracle_format *format;
    uint32_t crc;
} oracle_sum;

static void add_run(oracle_sum *s, uint32_t code, bool negative, uint64_t n) {
    const oracle_format *f = s->format;
    const int width = f->bits <= 8 ? 1 : f->bits <= 16 ? 2 : 4;
    const int padding = f->bits - f->is_signed - f->exponent - f->mantissa;
    uint32_t whole = code << padding;
    if (negative && !(f->nan == MINUS_ZERO && code == 0)) whole |= UINT32_C(1) << (f->bits - 1);
    s->crc = (uint32_t)crc32_combine(s->crc, rg_certify_repeated(whole, width, n), (z_off_t)n * width);
}

/* What an overflow becomes; 1 << (exponent + mantissa): the NaN of MINUS_ZERO. */
static uint32_t beyond(const oracle_format *f, const rg_cast *c, bool infinite, bool negative) {
    const bool away =
        c->rounding == RG_RNE || c->rounding == RG_RNA || c->rounding == (negative ? RG_RD : RG_RU);
    if (c->saturation == RG_SAT_OCP)
        return f->inf                 ? oracle_inf(f)
               : f->nan == NO_NAN     ? oracle_max(f)
               : f->nan == MINUS_ZERO ? oracle_ones(f) + 1
                                      : oracle_ones(f);
    if (!f->inf || c->saturation == RG_SAT_FINITE) return oracle_max(f);
    if (c->saturation == RG_SAT_PROPAGATE) return infinite ? oracle_inf(f) : oracle_max(f);
    return infinite || away ? oracle_inf(f) : oracle_max(f);
}

static uint32_t nan_code(const oracle_format *f) {
    return f->nan == NO_NAN ? oracle_max(f) : f->nan == MINUS_ZERO ? oracle_ones(f) + 1 : oracle_ones(f);
}

static void add_half(oracle_sum *s, const rg_cast *c, bool minus) {
    const oracle_format *f = s->format;
    const bool negative = minus && f->is_signed; /* e8m0 takes magnitudes */
    uint32_t at = 0;
    if (minus && !f->is_signed && !f->powers) {
        const uint32_t in_range = c->saturation == RG_SAT_NONE ? turn(f, c->rounding, true, 0) : 0x7f800001;
        add_run(s, 0, false, in_range); /* -0, and what rounds to it */
        add_run(s, nan_code(f), false, 0x7f800001 - in_range);
    } else {
        for (uint32_t code = 0; code <= oracle_max(f); code++) {
            const uint32_t end = turn(f, c->rounding, negative, code);
            if (end > at) add_run(s, code, negative, end - at);
            if (end > at) at = end;
        }
        add_run(s, beyond(f, c, false, negative), negative, 0x7f800000 - at);
        add_run(s, beyond(f, c, true, negative), negative, 1);
    }
    add_run(s, nan_code(f), false, 0x7fffff);
}

/* False: not a format of the oracle. */
static bool oracle_certificate(const rg_quant *q, uint32_t *crc) {
    for (size_t i = 0; i < sizeof oracle_formats / sizeof *oracle_formats; i++) {
        if (strcmp(oracle_formats[i].name, q->format.elem.name) != 0) continue;
        oracle_sum s = {&oracle_formats[i], 0};
        add_half(&s, &q->cast, false);
        add_half(&s, &q->cast, true);
        *crc = s.crc;
        return true;
    }
    return false;
}

#endif
