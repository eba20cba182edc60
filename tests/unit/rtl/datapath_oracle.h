/* What a unit must compute, written from the definition with GMP and MPFR: no code of Ridge decodes, aligns,
   sums or rounds here. Aligned units: exact products whose exponent is the sum of the operands' (subnormals
   keep the format's smallest), aligned to the largest exponent of a nonzero product, at least -126; F
   fraction bits kept, magnitudes truncated; integer sum; fp32 toward zero. */
#ifndef RIDGE_TEST_DATAPATH_ORACLE_H
#define RIDGE_TEST_DATAPATH_ORACLE_H

#include <gmp.h>
#include <mpfr.h>
#include <stdio.h>
#include <string.h>

#include "ridge/rtl.h"

/* Formats by their published layouts: exponent and mantissa bits, bias, what the top codes are. */
typedef struct layout {
    const char *name;
    int exponent, mantissa, bias; /* exponent 0: integer of `mantissa` bits */
    enum { FINITE, ONE_NAN, IEEE } top;
} layout;
static const layout layouts[] = {
    {"int8", 0, 8, 0, FINITE}, {"int4", 0, 4, 0, FINITE},    {"int2", 0, 2, 0, FINITE},
    {"int5", 0, 5, 0, FINITE}, {"e2m1", 2, 1, 1, FINITE},    {"e2m3", 2, 3, 1, FINITE},
    {"e3m2", 3, 2, 3, FINITE}, {"e4m3fn", 4, 3, 7, ONE_NAN}, {"e5m2", 5, 2, 15, IEEE},
    {"fp16", 5, 10, 15, IEEE}, {"bf16", 8, 7, 127, IEEE}};

static inline const layout *layout_of(const char *name) {
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (strcmp(layouts[i].name, name) == 0) return &layouts[i];
    return NULL;
}

/* (-1)^negative significand 2^(exponent - fraction) */
typedef struct number {
    bool nan, inf, negative;
    long significand;
    int exponent, fraction;
} number;

static inline number number_of(const layout *l, uint32_t code) {
    if (l->exponent == 0) {
        long v = (long)code;
        if (v >= 1L << (l->mantissa - 1)) v -= 1L << l->mantissa;
        return (number){.negative = v < 0, .significand = v < 0 ? -v : v};
    }
    const long m = code & ((1u << l->mantissa) - 1), e = (code >> l->mantissa) & ((1u << l->exponent) - 1);
    const long e_top = (1 << l->exponent) - 1, m_top = (1 << l->mantissa) - 1;
    number v = {.negative = code >> (l->mantissa + l->exponent) & 1, .fraction = l->mantissa};
    v.nan = l->top == IEEE ? e == e_top && m : l->top == ONE_NAN && e == e_top && m == m_top;
    v.inf = l->top == IEEE && e == e_top && !m;
    v.significand = e ? m + m_top + 1 : m;
    v.exponent = (int)(e ? e : 1) - l->bias;
    return v;
}

/* 0: all finite; otherwise the fp32 bits that NaN and infinities give. */
static inline uint32_t special_result(const number *a, const number *b, int n) {
    bool nan = false, plus = false, minus = false;
    for (int i = 0; i < n; i++) {
        const bool a_zero = !a[i].inf && !a[i].nan && a[i].significand == 0;
        const bool b_zero = !b[i].inf && !b[i].nan && b[i].significand == 0;
        nan = nan || a[i].nan || b[i].nan || (a[i].inf && b_zero) || (b[i].inf && a_zero);
        if (!a[i].inf && !b[i].inf) continue;
        if (a[i].negative == b[i].negative)
            plus = true;
        else
            minus = true;
    }
    if (nan || (plus && minus)) return 0x7fffffffu;
    return plus ? 0x7f800000u : minus ? 0xff800000u : 0;
}

/* Adds +-significands 2^shift, magnitudes truncated to integers. */
static inline void add_product(mpz_t sum, const number *a, const number *b, long shift) {
    mpz_t p;
    mpz_init_set_si(p, a->significand);
    mpz_mul_si(p, p, b->significand);
    if (shift >= 0)
        mpz_mul_2exp(p, p, (mp_bitcnt_t)shift);
    else
        mpz_fdiv_q_2exp(p, p, (mp_bitcnt_t)-shift);
    if (a->negative != b->negative)
        mpz_sub(sum, sum, p);
    else
        mpz_add(sum, sum, p);
    mpz_clear(p);
}

static inline uint32_t oracle_aligned(const number *a, const number *b, int n, int f) {
    const uint32_t special = special_result(a, b, n);
    if (special) return special;
    long top = -126;
    bool any = false;
    for (int i = 0; i < n; i++) {
        if (a[i].significand == 0 || b[i].significand == 0) continue;
        const long e = a[i].exponent + b[i].exponent;
        if (!any || e > top) top = e;
        any = true;
    }
    if (top < -126) top = -126;
    mpz_t sum;
    mpz_init(sum);
    for (int i = 0; i < n; i++) {
        const long e = a[i].exponent + b[i].exponent;
        add_product(sum, &a[i], &b[i], f + e - top - a[i].fraction - b[i].fraction);
    }
    mpfr_t x;
    mpfr_init2(x, 400);
    mpfr_set_z_2exp(x, sum, top - f, MPFR_RNDN); /* exact */
    const float result = mpz_sgn(sum) ? mpfr_get_flt(x, MPFR_RNDZ) : 0;
    mpfr_clear(x);
    mpz_clear(sum);
    uint32_t bits;
    memcpy(&bits, &result, 4);
    return bits;
}

/* Bits of an exact unit: two's complement sum in units of the smallest product, above it `invalid` where the
   formats have NaN or infinity. `width`: of the whole. Returns false when the sum does not fit. */
static inline bool oracle_exact(const layout *la, const layout *lb, const number *a, const number *b, int n,
                                int width, unsigned __int128 *out) {
    const bool flag = la->top != FINITE || lb->top != FINITE;
    const int bits = width - flag;
    bool odd = false;
    for (int i = 0; i < n; i++) odd = odd || a[i].nan || a[i].inf || b[i].nan || b[i].inf;
    if (odd) {
        *out = (unsigned __int128)1 << bits;
        return true;
    }
    const int lowest = (la->exponent ? 1 - la->bias : 0) + (lb->exponent ? 1 - lb->bias : 0);
    mpz_t sum, limit;
    mpz_init(sum);
    for (int i = 0; i < n; i++) add_product(sum, &a[i], &b[i], a[i].exponent + b[i].exponent - lowest);
    mpz_init_set_ui(limit, 1);
    mpz_mul_2exp(limit, limit, (mp_bitcnt_t)(bits - 1));
    const bool fits = mpz_cmp(sum, limit) < 0 && mpz_cmpabs(sum, limit) <= 0;
    mpz_mul_2exp(limit, limit, 1);
    mpz_fdiv_r(sum, sum, limit); /* two's complement */
    uint64_t word[2] = {0};
    mpz_export(word, NULL, -1, 8, -1, 0, sum);
    *out = (unsigned __int128)word[1] << 64 | word[0];
    mpz_clear(limit);
    mpz_clear(sum);
    return fits;
}

/* The unit's result against the oracle's; fails the test with the operands. */
static inline void check_vector(const rg_rtl_unit *u, const uint32_t *a, const uint32_t *b) {
    const layout *la = layout_of(u->a.name), *lb = layout_of(u->b.name);
    number x[64], y[64];
    assert_true(la && lb);
    for (int i = 0; i < u->n; i++) x[i] = number_of(la, a[i]), y[i] = number_of(lb, b[i]);
    uint64_t got[2] = {0};
    rg_rtl_unit_eval(u, a, b, got);
    unsigned __int128 want = 0;
    bool good = true;
    if (u->exact)
        good = oracle_exact(la, lb, x, y, u->n, u->output_bits, &want);
    else
        want = oracle_aligned(x, y, u->n, u->align);
    if (good && ((unsigned __int128)got[1] << 64 | got[0]) == want) return;
    print_message("%s: got %016llx%016llx want %016llx%016llx%s\n", u->text, (unsigned long long)got[1],
                  (unsigned long long)got[0], (unsigned long long)(want >> 64), (unsigned long long)want,
                  good ? "" : " (does not fit)");
    for (int i = 0; i < u->n; i++) print_message("  a %x b %x\n", a[i], b[i]);
    fail();
}

static inline rg_rtl_unit unit_of(const char *text) {
    rg_rtl_unit u;
    rg_error e = {0};
    if (rg_rtl_unit_parse(text, &u, &e) != RG_OK) fail_msg("%s: %s", text, e.message);
    return u;
}

#endif
