/* Formats known by their sorted values, once more from their definitions: values by the formulas of the
   papers on the bits as they stand, rounding by a linear list of values and turning points. Shares nothing
   with src/num. */
#ifndef RIDGE_TEST_ORDERED_ORACLE_H
#define RIDGE_TEST_ORDERED_ORACLE_H

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

typedef struct sorted {
    rg_elem elem;
    char text[48];
    size_t n;
    uint32_t *code; /* [n], ascending by value */
    double *value;  /* [n] */
    double *turn;   /* [n - 1]: between i and i + 1 */
    bool exact;     /* values are dyadic: equal to the last bit */
} sorted;

static inline rg_elem oracle_elem(const char *text) {
    rg_quant q;
    rg_error err = {0};
    if (rg_quant_parse(text, &q, &err) != RG_OK) fail_msg("%s: %s; %s", text, err.message, err.expected);
    return q.format.elem;
}

/* Bit i of n from the left. */
static inline int bit_at(uint64_t code, int n, int i) {
    return i < n ? (int)(code >> (n - 1 - i) & 1) : 0;
}

/* Standard for Posit Arithmetic (2022) 3.3: ((1 - 3 s) + f) 2^((1 - 2 s) (2^es r + e + s)), bits as they
 * stand. */
static inline double posit_formula(uint64_t code, int n, int es) {
    const int s = bit_at(code, n, 0), first = bit_at(code, n, 1);
    if (code << (65 - n) == 0 && n < 65) return s ? NAN : 0;
    int k = 0;
    while (1 + k < n && bit_at(code, n, 1 + k) == first) k++;
    const int r = first ? k - 1 : -k;
    int at = 1 + k + 1, e = 0;
    for (int i = 0; i < es; i++) e = 2 * e + bit_at(code, n, at++);
    double f = 0;
    for (int i = 1; at < n; i++, at++) f += ldexp(bit_at(code, n, at), -i);
    return ldexp(1 - 3 * s + f, (1 - 2 * s) * ((1 << es) * r + e + s));
}

/* arXiv 2404.18603, definitions of linear and logarithmic takums: S, D, R, C, M of the bits as they stand,
   zeros behind. `is_log`: (-1)^S sqrt(e)^((-1)^S (c + m)); else ((1 - 3 S) + m) 2^((-1)^S (c + S)). */
static inline double takum_formula(uint64_t code, int n, int is_log) {
    const int s = bit_at(code, n, 0), d = bit_at(code, n, 1);
    if (code << (65 - n) == 0) return s ? NAN : 0;
    int r = 0, c = 0, at = 5;
    for (int i = 2; i < 5; i++) r = 2 * r + bit_at(code, n, i);
    if (!d) r = 7 - r;
    for (int i = 0; i < r; i++) c = 2 * c + bit_at(code, n, at++);
    c += d ? (1 << r) - 1 : -(2 << r) + 1;
    double m = 0;
    for (int i = 1; at < n; i++, at++) m += ldexp(bit_at(code, n, at), -i);
    if (!is_log) return ldexp(1 - 3 * s + m, (1 - 2 * s) * (c + s));
    mpfr_t l;
    mpfr_init2(l, 200);
    mpfr_set_d(l, (1 - 2 * s) * (c + m) / 2, MPFR_RNDN); /* exact */
    mpfr_exp(l, l, MPFR_RNDN);
    const double y = mpfr_get_d(l, MPFR_RNDN);
    mpfr_clear(l);
    return s ? -y : y;
}

/* 2^(k / gamma) with the sign. */
static inline double lns_power(double k, int gamma) {
    mpfr_t l;
    mpfr_init2(l, 200);
    mpfr_set_d(l, k / gamma, MPFR_RNDN);
    mpfr_exp2(l, l, MPFR_RNDN);
    const double y = mpfr_get_d(l, MPFR_RNDN);
    mpfr_clear(l);
    return y;
}

static inline sorted sorted_room(const char *text, size_t n, bool exact) {
    sorted s = {.elem = oracle_elem(text), .n = n, .exact = exact};
    snprintf(s.text, sizeof s.text, "%s", text);
    s.code = calloc(n, sizeof *s.code);
    s.value = calloc(n, sizeof *s.value);
    s.turn = calloc(n, sizeof *s.turn);
    assert_true(s.code && s.value && s.turn);
    return s;
}

static inline void sorted_close(sorted *s) {
    free(s->code);
    free(s->value);
    free(s->turn);
}

/* Two's complement integers from NaR + 1 on; rounding turns at the string with a one appended, at zero for
   zero's neighbours. */
static inline sorted sorted_strings(const char *text, int bits, int p,
                                    double (*formula)(uint64_t code, int n, int p), bool exact) {
    const uint64_t all = ((uint64_t)1 << bits) - 1, first = ((uint64_t)1 << (bits - 1)) + 1;
    sorted s = sorted_room(text, all, exact);
    for (size_t i = 0; i < s.n; i++) {
        s.code[i] = (uint32_t)((first + i) & all);
        s.value[i] = formula(s.code[i], bits, p);
        s.turn[i] = formula(((uint64_t)s.code[i] << 1 | 1) & (2 * all + 1), bits + 1, p);
        if (s.code[i] == 0 || s.code[i] == all) s.turn[i] = 0;
        if (i) assert_true(s.value[i] > s.value[i - 1]);
    }
    return s;
}

/* The code of x between numbers i and i + 1, both given. */
static inline uint32_t sorted_pick(const sorted *s, size_t i, rg_rounding rounding, double x) {
    const uint32_t low = s->code[i], high = s->code[i + 1];
    if (x == s->value[i]) return low;
    if (x == s->value[i + 1]) return high;
    switch (rounding) {
    case RG_RZ:
        return x > 0 ? low : high;
    case RG_RU:
        return high;
    case RG_RD:
        return low;
    case RG_RO:
        return low % 2 ? low : high;
    case RG_RNA:
        return x > s->turn[i] || (x == s->turn[i] && x > 0) ? high : low;
    default:
        return x > s->turn[i] || (x == s->turn[i] && low % 2) ? high : low;
    }
}

static inline void sorted_check(const sorted *s, size_t i, float x) {
    if (!((double)x >= s->value[i] && (double)x <= s->value[i + 1]) || x == 0) return;
    for (int r = RG_RNE; r <= RG_RO; r++) {
        const rg_cast cast = {.rounding = (rg_rounding)r};
        const uint32_t want = sorted_pick(s, i, cast.rounding, x), got = rg_elem_cast(&s->elem, &cast, x, 0);
        if (want != got)
            fail_msg("%s, rounding %d: %a encodes to 0x%x, not 0x%x", s->text, r, (double)x, (unsigned)got,
                     (unsigned)want);
    }
}

static inline void sorted_check_around(const sorted *s, size_t i, double x) {
    const float y = (float)x;
    sorted_check(s, i, y);
    sorted_check(s, i, nextafterf(y, INFINITY));
    sorted_check(s, i, nextafterf(y, -INFINITY));
}

/* Every `step`-th gap: its ends, its turning point, a third; every code's value. */
static inline void sorted_check_all(const sorted *s, size_t step) {
    for (size_t i = 0; i < s->n; i++) {
        const double got = rg_elem_decode_double(&s->elem, s->code[i]), want = s->value[i];
        if (s->exact ? got != want : !(fabs(got - want) <= 0x1p-52 * fabs(want)))
            fail_msg("%s: code 0x%x decodes to %a, not %a", s->text, (unsigned)s->code[i], got, want);
        assert_true(rg_elem_decode(&s->elem, s->code[i]) == (float)want);
        if (s->exact && (double)(float)want == want)
            assert_int_equal(rg_elem_encode(&s->elem, (float)want), s->code[i]);
    }
    for (size_t i = 0; i + 1 < s->n; i += step) {
        sorted_check_around(s, i, s->value[i]);
        sorted_check_around(s, i, s->value[i + 1]);
        sorted_check_around(s, i, s->turn[i]);
        sorted_check_around(s, i, (2 * s->value[i] + s->value[i + 1]) / 3);
    }
}

#endif
