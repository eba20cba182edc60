/* Known disagreements of libraries on single values, counted over all fp32 inputs. Numbers come from
   exhaustive runs of the libraries, or are counted here from the definitions. */
#include "diff_check.h"

static const uint64_t ALL_NAN = 2 * ((1u << 23) - 1), POSITIVE_NAN = (1u << 23) - 1;

/* CPFloat's E4M3 reaches 480, OCP's 448. */
static void e4m3_range(void **state) {
    (void)state;
    rg_diff_result r = diff("cpfloat", "ocp", "e4m3fn");
    assert_int_equal(r.n_differences, 2097150);
    assert_int_equal(r.n_inputs, UINT64_C(1) << 32);
    assert_true(r.by_value && r.n_equated == both_signs_from(496));
    assert_int_equal(bits_of(r.first.point.x), 0x43e80001);
    assert_true(r.first.point.a_value == 480 && isnan(r.first.point.b_value));
    says(&r, "overflow above 464: 480 against NaN");
    r = diff("cpfloat-sat", "ocp-sat", "e4m3fn");
    assert_int_equal(r.n_differences, 1999634432);
    says(&r, "overflow above 464: 480 against 448");
    r = diff("qpytorch", "ocp-sat", "e4m3fn");
    assert_int_equal(of_kind(&r, "overflow") + of_kind(&r, "infinity"), both_signs_from(464));
    assert_int_equal(of_kind(&r, "nan"), ALL_NAN);
    says(&r, "ties: away from zero against to even (126)");
}

/* Overflow of e4m3fn: NaN or 448. NaN of both has one code, or two. */
static void overflow_default(void **state) {
    (void)state;
    const char *const saturating[] = {"cuda13", "te"};
    for (int i = 0; i < 2; i++) {
        const rg_diff_result r = diff("ml_dtypes", saturating[i], "e4m3fn");
        assert_int_equal(r.n_differences, 1999634432 + POSITIVE_NAN);
        assert_int_equal(of_kind(&r, "overflow") + of_kind(&r, "infinity"), 1999634432);
        says(&r, "overflow above 464: NaN against 448");
        assert_int_equal(bits_of(r.smallest.point.x), 0x43e80001);
    }
}

static void nan_of_small_floats(void **state) {
    (void)state;
    static const struct {
        const char *format, *cause;
    } rows[] = {{"e2m1", "NaN: -0 or 0 against 6"},
                {"e2m3", "NaN: -0 or 0 against 7.5"},
                {"e3m2", "NaN: -0 or 0 against 28"}};
    for (int i = 0; i < 3; i++) {
        rg_diff_result r = diff("ml_dtypes", "cuda13", rows[i].format);
        assert_int_equal(r.n_differences, ALL_NAN);
        says(&r, rows[i].cause);
        r = diff("universal", "cuda13", rows[i].format);
        assert_int_equal(r.n_differences, ALL_NAN);
        says(&r, "NaN: 0 against");
    }
    const int bits = 4;
    assert_int_equal(code_of("ml_dtypes", "e2m1", NAN), 1 << (bits - 1));
    assert_int_equal(code_of("ml_dtypes", "e2m1", -NAN), 0);
    assert_int_equal(code_of("cuda13", "e2m1", -NAN), 7);
}

static void nan_sign(void **state) {
    (void)state;
    rg_diff_result r = diff("ml_dtypes", "cuda13-nosat", "e4m3fn");
    assert_int_equal(r.n_differences, POSITIVE_NAN); /* those with a sign */
    says(&r, "NaN: code ff against code 7f");
    r = diff("ml_dtypes", "cuda13-nosat", "e5m2");
    assert_int_equal(r.n_differences, ALL_NAN);
    says(&r, "NaN: code 7e or code fe against code 7f");
}

/* e8m0: zero, negative numbers, infinity, thresholds, overflow. */
static void e8m0(void **state) {
    (void)state;
    static const struct {
        const char *who;
        float x;
        uint32_t code;
    } rows[] = {{"ml_dtypes", 0, 0xff},
                {"cuda13", 0, 0},
                {"te", 0, 0},
                {"universal", 0, 0},
                {"ml_dtypes", -1, 0xff},
                {"universal", -1, 0},
                {"cuda13", -1, 0x7f},
                {"ml_dtypes", INFINITY, 0xff},
                {"torchao-rceil", INFINITY, 0xff},
                {"te", INFINITY, 0xfe},
                {"cuda13", INFINITY, 0xfe},
                {"universal", INFINITY, 0xfe},
                {"cuda13-rz", 1.42f, 0x7f},
                {"cuda13-rz", 1.5f, 0x7f},
                {"cuda13", 1.42f, 0x80},
                {"cuda13", 1.5f, 0x80},
                {"ml_dtypes", 1.42f, 0x7f},
                {"ml_dtypes", 1.5f, 0x80},
                {"universal", 1.42f, 0x80},
                {"universal", 1.5f, 0x80},
                {"cuda13", 0x1.8p127f, 0xfe},
                {"cuda13-nosat", 0x1.8p127f, 0xff},
                {"ml_dtypes", 0x1.8p127f, 0xff},
                {"ml_dtypes", 0x1.7ffffep127f, 0xfe},
                {"ml_dtypes", 0x1p-127f, 0},
                {"ml_dtypes", 0x1.00001p-127f, 1},
                {"cuda13-rz", 0x1.fp-127f, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (code_of(rows[i].who, "e8m0", rows[i].x) != rows[i].code)
            fail_msg("%s: %a is not %x", rows[i].who, (double)rows[i].x, (unsigned)rows[i].code);
    rg_diff_result r = diff("universal", "ml_dtypes", "e8m0");
    assert_int_equal(of_kind(&r, "zero"), 2);
    assert_int_equal(of_kind(&r, "infinity"), 2);
    assert_int_equal(of_kind(&r, "negative"), 0x7f800000 - 1);
    says(&r, "from 41.4% to 50% of a gap: the farther from zero against the nearer");
    r = diff("cuda13", "cuda13-nosat", "e8m0");
    assert_int_equal(r.n_differences, both_signs_from(0x1.000002p127f));
    says(&r, "overflow above 2^127: 2^127 against NaN");
    r = diff("cuda13", "cuda13-rz", "e8m0");
    says(&r, "to 100% of a gap: the farther from zero against the nearer");
}

/* Converted by way of a wider format first. */
static void rounded_twice(void **state) {
    (void)state;
    rg_diff_result r = diff("intel", "ocp", "e5m2");
    assert_int_equal(r.n_positive, 557056);
    assert_int_equal(r.n_differences, 2 * 557056);
    assert_int_equal(bits_of(r.first.point.x), 0x37000001);
    says(&r, "rounded twice against once");
    r = diff("microfloats", "ocp-sat", "e4m3fn");
    assert_int_equal(r.n_positive, 4128768);
    says(&r, "rounded twice against once");
    r = diff("ocp", "microfloats", "e2m1");
    assert_int_equal(r.n_positive, 229376);
    says(&r, "rounded once against twice");
}

static void minus_zero(void **state) {
    (void)state;
    const rg_diff_result r = diff("te-python", "te", "e2m1");
    assert_int_equal(r.n_differences, bits_of(0.25f) + 1); /* all negative ones that round to zero */
    assert_int_equal(r.n_positive, 0);
    assert_int_equal(bits_of(r.first.point.x), 0x80000000);
    says(&r, "0 against -0");
}

/* Formats without infinity: gfloat says NaN, P3109 v4.0 the largest number. */
static void finite_domain(void **state) {
    (void)state;
    rg_diff_result r = diff("gfloat", "p3109", "binary8p4sf");
    assert_int_equal(r.n_differences, both_signs_from(248));
    says(&r, "overflow from 248: NaN against 240");
    r = diff("gfloat", "p3109", "binary8p4se");
    assert_int_equal(r.n_differences, 0);
    assert_string_equal(r.cause, "no difference");
}

static void posits(void **state) {
    (void)state;
    rg_diff_result r = diff("softposit", "universal", "posit8");
    says(&r, "252 of 256 codes stand for other numbers"); /* all but 0, 1, -1 and NaR */
    assert_true(r.by_value);
    r = diff("softposit", "universal", "posit16");
    says(&r, "65532 of 65536 codes stand for other numbers");
}

/* CPFloat's bfloat16 has no subnormal numbers. */
static void bf16_subnormals(void **state) {
    (void)state;
    const rg_diff_result r = diff("cpfloat", "ml_dtypes", "bf16");
    /* what rounds to a number strictly between 0 and 2^-126: from 2^-134, excluded, to below 2^-126 - 2^-134
     */
    assert_int_equal(r.n_differences, 2 * (uint64_t)(0x00800000 - 0x8000 - 0x8000 - 1));
    assert_int_equal(of_kind(&r, "subnormal"), r.n_differences);
    says(&r, "below the least normal number 2^-126: 0 or 2^-126 against numbers");
}

/* Causes of roundings, without a profile. */
static void roundings(void **state) {
    (void)state;
    static const struct {
        const char *a, *cause;
    } rows[] = {{"e4m3fn@rna", "ties: away from zero against to even"},
                {"e4m3fn@rz", "from 50% to 100% of a gap: the nearer to zero against the farther"},
                {"e4m3fn@rne(sub=flush)", "below the least normal number 0.015625: 0 against numbers"},
                {"e4m3fn@rne(via=bf16)", "beside ties"},
                {"e4m3fn@rne(zero=plus)", "zero: 0 against -0"},
                {"e4m3fn@ru", "rounded in other directions"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const rg_diff_result r = diff(rows[i].a, "e4m3fn", NULL);
        says(&r, rows[i].cause);
    }
    const rg_diff_result same = diff("mxfp4", "mx(e2m1,32,e8m0)@rne(scale=floor)", NULL);
    assert_int_equal(same.n_differences, 0);
    const rg_quant sr = behaviour("e4m3fn@sra(8)", NULL), rne = behaviour("e4m3fn", NULL);
    rg_diff_result r;
    assert_int_equal(rg_diff(&sr, &rne, NULL, &r, NULL), RG_ERR_UNSUPPORTED);
}

static int close_profiles(void **state) {
    (void)state;
    rg_profiles_close(&profiles);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(e4m3_range),
                                       cmocka_unit_test(overflow_default),
                                       cmocka_unit_test(nan_of_small_floats),
                                       cmocka_unit_test(nan_sign),
                                       cmocka_unit_test(e8m0),
                                       cmocka_unit_test(rounded_twice),
                                       cmocka_unit_test(minus_zero),
                                       cmocka_unit_test(finite_domain),
                                       cmocka_unit_test(posits),
                                       cmocka_unit_test(bf16_subnormals),
                                       cmocka_unit_test(roundings)};
    return cmocka_run_group_tests(tests, NULL, close_profiles);
}
