/* IEEE P3109 v4.0: every format of up to 10 bits, decoded and rounded by its defining formulas. */
#include "float_oracle.h"

/* 4.3: K bits, precision P, signed or not, extended or finite; B the bias. Value of code point c. */
static double p3109_value(uint32_t c, int k, int p, bool is_signed, bool extended) {
    const uint32_t half = 1u << (k - 1), all = (1u << k) - 1;
    const int bias = 1 << (is_signed ? k - p - 1 : k - p);
    if (c == (is_signed ? half : all)) return NAN;
    if (extended && is_signed && c == half - 1) return INFINITY;
    if (extended && is_signed && c == all) return -INFINITY;
    if (extended && !is_signed && c == all - 1) return INFINITY;
    if (is_signed && c > half) return -p3109_value(c - half, k, p, is_signed, extended);
    const int trailing = (int)(c % (1u << (p - 1))), exponent = (int)(c >> (p - 1));
    if (exponent == 0) return trailing * ldexp(1, 2 - p - bias);
    return (1 + trailing * ldexp(1, 1 - p)) * ldexp(1, exponent - bias);
}

static spec make_spec(char name[24], int k, int p, bool is_signed, bool extended) {
    snprintf(name, 24, "binary%dp%d%c%c", k, p, is_signed ? 's' : 'u', extended ? 'e' : 'f');
    const uint32_t top = is_signed ? (1u << (k - 1)) - 1 : (1u << k) - 2; /* largest code that is not NaN */
    return (spec){.name = name,
                  .e = is_signed ? k - p : k - p + 1,
                  .m = p - 1,
                  .bias = 1 << (is_signed ? k - p - 1 : k - p),
                  .is_signed = is_signed,
                  .max = top - extended,
                  .inf = extended ? top : 0,
                  .nan = is_signed ? 0 : top + 1,
                  .last_nan = is_signed ? 0 : top + 1};
}

static int for_all(int max_k, void (*check)(const spec *s, int k, int p, bool is_signed, bool extended)) {
    int n = 0;
    for (int k = 3; k <= max_k; k++)
        for (int kind = 0; kind < 4; kind++)
            for (int p = 1; p <= k - (kind < 2); p++, n++) {
                char name[24];
                const spec s = make_spec(name, k, p, kind < 2, kind % 2);
                check(&s, k, p, kind < 2, kind % 2);
            }
    return n;
}

static void check_decode(const spec *s, int k, int p, bool is_signed, bool extended) {
    const rg_elem e = spec_elem(s->name);
    assert_int_equal(e.bits, k);
    for (uint32_t c = 0; c < 1u << k; c++) {
        const double want = p3109_value(c, k, p, is_signed, extended), got = rg_elem_decode_double(&e, c);
        double significand;
        const int exponent = rg_elem_decode_exact(&e, c, &significand);
        if (!(got == want || (isnan(got) && isnan(want))))
            fail_msg("%s: code 0x%x decodes to %a, not %a", s->name, (unsigned)c, got, want);
        assert_true(isnan(want) || ldexp(significand, exponent) == want);
        assert_false(want == 0 && signbit(got));
    }
}

static void decode(void **state) {
    (void)state;
    assert_int_equal(for_all(10, check_decode), 192);
}

/* Every gap of up to 8 bits, a sample of the wider ones: six roundings, four saturations. */
static void check_round(const spec *s, int k, int p, bool is_signed, bool extended) {
    (void)p;
    (void)is_signed;
    (void)extended;
    const rg_elem e = spec_elem(s->name);
    spec_check_gaps(s, &e, k <= 8 ? 1 : 13);
}

static void rounding(void **state) {
    (void)state;
    for_all(10, check_round);
}

/* 4.6.2: where the significand is one bit, a tie goes to the even code: between 2^k and 2^(k+1) to the one
   whose exponent field is even; 8p1 has 2^0 at the even code 0x40. */
static void precision_one(void **state) {
    (void)state;
    const rg_elem e = spec_elem("binary8p1se");
    assert_int_equal(rg_elem_encode(&e, 1.5f), 0x40);
    assert_int_equal(rg_elem_encode(&e, 3), 0x42);
    assert_int_equal(rg_elem_encode(&e, 6), 0x42);
    assert_int_equal(rg_elem_encode(&e, 0x1.8p-63f), 0x02);
    assert_int_equal(rg_elem_encode(&e, 0x1p-64f), 0x00); /* the tie with zero */
    assert_int_equal(rg_elem_encode(&e, 0x1.000002p-64f), 0x01);
    const rg_cast odd = {.rounding = RG_RO};
    assert_int_equal(rg_elem_cast(&e, &odd, 1.25f, 0), 0x41);
    assert_int_equal(rg_elem_cast(&e, &odd, 2.5f, 0), 0x41);
}

/* 4.6.3 and 4.7 by hand. */
static void saturation(void **state) {
    (void)state;
    static const struct {
        const char *text;
        float x;
        uint32_t code;
    } cases[] = {
        {"binary8p3se", INFINITY, 0x7e},
        {"binary8p3se", -1e9f, 0xfe},
        {"binary8p3se@rne(sat=propagate)", INFINITY, 0x7f},
        {"binary8p3se@rne(sat=propagate)", 1e9f, 0x7e},
        {"binary8p3se@rne(sat=none)", 1e9f, 0x7f},
        {"binary8p3se@rz(sat=none)", 1e9f, 0x7e},
        {"binary8p3se@rz(sat=none)", -INFINITY, 0xff},
        {"binary8p3se@ru(sat=none)", -1e9f, 0xfe},
        {"binary8p3se@rd(sat=none)", -1e9f, 0xff},
        {"binary8p3se@ro(sat=none)", 1e9f, 0x7e},
        {"binary8p3sf@rne(sat=none)", INFINITY, 0x7f},
        {"binary8p3sf@rne(sat=none)", -INFINITY, 0xff},
        {"binary8p3sf@rne(sat=propagate)", INFINITY, 0x7f},
        {"binary8p3ue@rne", -1, 0},
        {"binary8p3ue@rne(sat=propagate)", -INFINITY, 0},
        {"binary8p3ue@rne(sat=none)", -1, 0xff},
        {"binary8p3ue@rne(sat=none)", -INFINITY, 0xff},
        {"binary8p3ue@rne(sat=none)", -0.0f, 0},
        {"binary8p3ue@rne(sat=none)", -0x1p-40f, 0}, /* rounds to zero first, which is in range */
        {"binary8p3ue@rd(sat=none)", -0x1p-40f, 0xff},
        {"binary8p3uf@rne(sat=none)", 1e30f, 0xfe},
        {"binary8p3se", NAN, 0x80},
        {"binary8p3ue", NAN, 0xff},
        {"binary8p3se", -0.0f, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rg_quant q;
        assert_int_equal(rg_quant_parse(cases[i].text, &q, NULL), RG_OK);
        const uint32_t got = rg_elem_cast(&q.format.elem, &q.cast, cases[i].x, 0);
        if (got != cases[i].code)
            fail_msg("%s: %a gives 0x%x, not 0x%x", cases[i].text, (double)cases[i].x, (unsigned)got,
                     (unsigned)cases[i].code);
    }
}

/* Formats whose exponents leave double: fp32 lies in the middle of their range, ends stay exact. */
static void extreme(void **state) {
    (void)state;
    const rg_elem e = spec_elem("binary16p1se"), u = spec_elem("binary16p2uf");
    double significand;
    assert_int_equal(rg_elem_max_exponent(&e), 16382);
    assert_int_equal(rg_elem_decode_exact(&e, 1, &significand), -16383);
    assert_true(significand == 1);
    assert_int_equal(rg_elem_max_exponent(&u), 16383);
    assert_int_equal(rg_elem_decode_exact(&u, 1, &significand), -16384);
    assert_int_equal(rg_elem_decode_exact(&u, 0xfffe, &significand), 16383);
    assert_true(significand == 1);
    assert_true(isinf(rg_elem_max(&e)) != 0 && rg_elem_decode(&e, 1) == 0);
    for (int k = -149; k < 128; k++) {
        const float x = ldexpf(1, k);
        assert_true(rg_elem_decode(&e, rg_elem_encode(&e, x)) == x);
        assert_true(rg_elem_decode(&e, rg_elem_encode(&e, -x)) == -x);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(decode), cmocka_unit_test(rounding),
                                       cmocka_unit_test(precision_one), cmocka_unit_test(saturation),
                                       cmocka_unit_test(extreme)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
