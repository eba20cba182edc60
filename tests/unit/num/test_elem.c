/* Elements of 8 bits and fewer, against their definitions: every code, every rounding boundary, special
   values. LIBS: mpfr gmp */
#include "elem_oracle.h"

static void check(const oracle_layout *layout, uint64_t seed) {
    oracle o = oracle_open(layout);
    assert_int_equal(o.elem.bits, o.bits);
    oracle_check_ranges(&o);
    oracle_check_decode(&o);
    oracle_check_boundaries(&o);
    oracle_check_specials(&o);
    oracle_check_sample(&o, seed, 1 << 20);
    oracle_close(&o);
}

static void floats(void **state) {
    (void)state;
    for (size_t i = 0; i < ORACLE_COUNT(oracle_floats); i++) check(&oracle_floats[i], 100 + i);
}

static void ints(void **state) {
    (void)state;
    for (size_t i = 0; i < ORACLE_COUNT(oracle_ints); i++) check(&oracle_ints[i], 200 + i);
}

/* Random patterns seldom meet the range of a small format: as many with exponents around it. */
static void in_range(void **state) {
    (void)state;
    for (size_t i = 0; i < ORACLE_COUNT(oracle_floats) + ORACLE_COUNT(oracle_ints); i++) {
        const bool is_float = i < ORACLE_COUNT(oracle_floats);
        oracle o = oracle_open(is_float ? &oracle_floats[i] : &oracle_ints[i - ORACLE_COUNT(oracle_floats)]);
        for (size_t k = 0; k < 1 << 19; k++) {
            const uint32_t bits = rg_random_u32(300, i, k);
            const uint32_t exponent = 127 - 20 + (bits >> 23) % 40;
            oracle_check(&o, oracle_from_bits((bits & 0x807fffff) | exponent << 23));
        }
        oracle_close(&o);
    }
}

/* Values of the specifications, typed in by hand. */
static void known(void **state) {
    (void)state;
    static const struct {
        const char *format;
        float x, y;
    } cases[] = {
        {"e4m3fn", 449, 448},
        {"e4m3fn", 464, 448},
        {"e4m3fn", 465, 448},
        {"e4m3fn", 1.0625f, 1},
        {"e4m3fn", 1.1875f, 1.25f},
        {"e4m3fn", 0x1p-10f, 0},
        {"e4m3fn", 0x1.8p-9f, 0x1p-8f},
        {"e5m2", 61440, 57344},
        {"e5m2", 0x1p-17f, 0},
        {"e5m2", 1.125f, 1},
        {"e5m2", 1.375f, 1.5f},
        {"e2m1", 0.25f, 0},
        {"e2m1", 0.75f, 1},
        {"e2m1", 1.25f, 1},
        {"e2m1", 1.75f, 2},
        {"e2m1", 2.5f, 2},
        {"e2m1", 3.5f, 4},
        {"e2m1", 5, 4},
        {"e2m1", 7, 6},
        {"e3m2", 29, 28},
        {"e2m3", 0.0625f, 0},
        {"e2m3", 7.75f, 7.5f},
        {"bf16", 1.00390625f, 1},
        {"fp16", 65520, 65504},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rg_quant q;
        assert_int_equal(rg_quant_parse(cases[i].format, &q, NULL), RG_OK);
        for (int sign = -1; sign <= 1; sign += 2) {
            float y = 0, x = (float)sign * cases[i].x;
            rg_qdq(&q, &x, &y, 1, 1, false, NULL);
            if (oracle_to_bits(y) != oracle_to_bits((float)sign * cases[i].y))
                fail_msg("%s: %g gives %g", cases[i].format, (double)x, (double)y);
        }
    }
}

static void e8m0(void **state) {
    (void)state;
    rg_quant q;
    assert_int_equal(rg_quant_parse("mxfp8", &q, NULL), RG_OK);
    const rg_elem *e = &q.format.scale;
    assert_string_equal(e->name, "e8m0");
    for (uint32_t c = 0; c < 255; c++) {
        const float value = rg_elem_decode(e, c);
        assert_true((double)value == ldexp(1, (int)c - 127));
        assert_int_equal(rg_elem_encode(e, value), c);
    }
    assert_true(isnan(rg_elem_decode(e, 255)));
    assert_int_equal(rg_elem_encode(e, NAN), 255);
}

/* NaN, infinities and overflow are counted; -0 keeps its sign in floats. */
static void counts(void **state) {
    (void)state;
    static const char *const formats[] = {"e4m3fn", "e5m2", "e2m1", "e2m3", "e3m2", "fp16"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        rg_quant q;
        assert_int_equal(rg_quant_parse(formats[i], &q, NULL), RG_OK);
        const float max = (float)rg_elem_max(&q.format.elem);
        const float x[] = {NAN, -INFINITY, INFINITY, 1e30f, -0.0f, max, -max, 0};
        float y[8];
        rg_qdq_counts n = {.n_nan = 10};
        rg_qdq(&q, x, y, 1, 8, false, &n);
        assert_int_equal(n.n_nan, 11);
        assert_int_equal(n.n_inf, 2);
        assert_int_equal(n.n_overflow, 1);
        assert_true(q.format.elem.nan == RG_NAN_NONE ? y[0] == max : isnan(y[0]));
        assert_true(y[1] == -max && y[2] == max && y[3] == max && y[5] == max && y[6] == -max);
        assert_int_equal(oracle_to_bits(y[4]), 0x80000000);
        assert_int_equal(oracle_to_bits(y[7]), 0);
    }
}

/* Overflow is what rounds beyond the largest value, not what lies beyond it. */
static void overflow_starts(void **state) {
    (void)state;
    static const struct {
        const char *format;
        float last, first;
    } cases[] = {{"e4m3fn", 464, 0x1.d00002p8f},
                 {"e5m2", 0x1.dffffep15f, 61440},
                 {"e2m1", 0x1.bffffep2f, 7},
                 {"e2m3", 0x1.effffep2f, 7.75f},
                 {"e3m2", 0x1.dffffep4f, 30},
                 {"fp16", 0x1.ffdffep15f, 65520},
                 {"bf16", 0x1.fefffep127f, 0x1.ffp127f}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rg_quant q;
        rg_qdq_counts n = {0};
        float y;
        assert_int_equal(rg_quant_parse(cases[i].format, &q, NULL), RG_OK);
        rg_qdq(&q, &cases[i].last, &y, 1, 1, false, &n);
        if (n.n_overflow != 0) fail_msg("%s: %a overflows", cases[i].format, (double)cases[i].last);
        rg_qdq(&q, &cases[i].first, &y, 1, 1, false, &n);
        if (n.n_overflow != 1) fail_msg("%s: %a does not overflow", cases[i].format, (double)cases[i].first);
    }
}

static void fp32_is_identity(void **state) {
    (void)state;
    rg_quant q;
    assert_int_equal(rg_quant_parse("fp32", &q, NULL), RG_OK);
    assert_true(rg_quant_is_identity(&q));
    for (size_t i = 0; i < 1 << 16; i++) {
        const float x = oracle_from_bits(rg_random_u32(400, 0, i));
        float y;
        rg_qdq(&q, &x, &y, 1, 1, false, NULL);
        assert_memory_equal(&x, &y, sizeof x);
    }
    assert_int_equal(rg_quant_parse("bf16", &q, NULL), RG_OK);
    assert_false(rg_quant_is_identity(&q));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats),
        cmocka_unit_test(ints),
        cmocka_unit_test(in_range),
        cmocka_unit_test(known),
        cmocka_unit_test(e8m0),
        cmocka_unit_test(counts),
        cmocka_unit_test(overflow_starts),
        cmocka_unit_test(fp32_is_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
