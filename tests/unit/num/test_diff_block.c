/* Known disagreements of libraries on blocks. */
#include "diff_check.h"

static void near(double got, double low, double high) {
    if (!(got >= 0.9 * low && got <= 1.1 * high)) fail_msg("%g is not about %g to %g", got, low, high);
}

static const rg_diff_options some = {.n_values = 1 << 16};

static double share(uint64_t n, uint64_t of) {
    return (double)n / (double)of;
}

static void qdq(const char *who, const char *format, const float *x, float *y, size_t n) {
    const rg_quant q = behaviour(who, format);
    rg_qdq(&q, x, y, 1, n, false, NULL);
}

/* microxcaling's "nearest" takes ties away from zero: 2.5 to 3, 5 to 6. */
static void mx_ties(void **state) {
    (void)state;
    const float x[] = {6, 2.5f, 5, -2.5f, 3.5f};
    float a[5], b[5];
    qdq("microxcaling", "mxfp4", x, a, 5);
    qdq("ocp", "mxfp4", x, b, 5);
    assert_true(a[1] == 3 && a[2] == 6 && a[3] == -3 && a[4] == 4);
    assert_true(b[1] == 2 && b[2] == 4 && b[3] == -2 && b[4] == 4);
    static const char *const formats[] = {"mxfp8", "mxfp6", "mxfp4", "mxint8"};
    for (int i = 0; i < 4; i++) {
        const rg_diff_result r = diff_by("microxcaling", "ocp", formats[i], &some);
        says(&r, "ties: away from zero against to even");
    }
    /* every tie: half way between two elements, the farther even in half of them or not */
    const rg_diff_options ties = {.input = RG_DIFF_TIES, .n_values = 1 << 18};
    const rg_diff_result r = diff_by("mxfp4@rna", "mxfp4", NULL, &ties);
    near(share(r.n_differences, r.n_inputs), 4 / 7.0, 4 / 7.0); /* the lower one is even in 4 of 7 */
    assert_int_equal(of_kind(&r, "tie"), r.n_differences);
}

/* Logarithms in fp32 give one exponent too many just below a power of two. */
static void rounded_logarithm(void **state) {
    (void)state;
    const float x[] = {7.9999995f, 1};
    float a[2], b[2];
    qdq("microxcaling", "mxfp4", x, a, 2);
    qdq("ocp", "mxfp4", x, b, 2);
    assert_true(a[0] == 8 && b[0] == 6);
    const rg_diff_result r = diff_by("microxcaling-even", "ocp", "mxfp4", &some);
    assert_int_equal(r.n_amax_differences, 7404);
    assert_int_equal(r.n_amax, 0x7f800000 - 0x00800000);
    says(&r, "scales: that of A is larger, 2 times, where amax / 2^k lies from 1.99999");
    assert_true(of_kind(&r, "scale") > 0);
}

/* A block that holds infinity: all NaN, the largest scale, or as if it were not there. */
static void special_blocks(void **state) {
    (void)state;
    const float x[] = {1, INFINITY, -6};
    float y[3];
    qdq("microxcaling", "mxfp4", x, y, 3);
    assert_true(isnan(y[0]) && isnan(y[1]) && isnan(y[2]));
    uint8_t codes[3], scale;
    const rg_quant te = behaviour("te", "mxfp8");
    rg_encode(&te, x, codes, &scale, 1, 3, false, NULL);
    assert_true(scale == 0xfe && codes[0] == 0 && codes[1] == 0x7e && codes[2] == 0x80);
    qdq("ocp", "mxfp4", x, y, 3);
    assert_true(y[0] == 1 && y[1] == 6 && y[2] == -6);
    rg_diff_result r = diff_by("te", "torchao-rceil", "mxfp8", &some);
    says(&r, "blocks that hold NaN or infinity: numbers against NaN");
    assert_int_equal(of_kind(&r, "special block"), r.n_differences);
    assert_true(r.smallest.n >= 1 && !isfinite(r.smallest.value[r.smallest.n - 1]));
}

/* Universal scales elements by an exponent that it cannot store. */
static void tiny_blocks(void **state) {
    (void)state;
    const float tiny[] = {0x1p-120f, 0x1p-121f}, good[] = {0x1p-119f, 0x1p-121f};
    float y[2];
    qdq("universal", "mxfp8", tiny, y, 2);
    assert_true(isnan(y[0]) && isnan(y[1]));
    qdq("universal", "mxfp8", good, y, 2);
    assert_true(y[0] == good[0] && y[1] == good[1]);
    qdq("ocp", "mxfp8", tiny, y, 2);
    assert_true(y[0] == tiny[0] && y[1] == tiny[1]);
    const rg_diff_result r = diff_by("universal", "ocp", "mxfp8", &some);
    says(&r, "scales at the end of their range");
    says(&r, "NaN against numbers");
}

/* The rest of section 2.4: shares of mantissas of amax that get another exponent. */
static void scale_rules(void **state) {
    (void)state;
    static const struct {
        const char *a, *b, *format;
        double share;
    } rows[] = {{"quark", "ocp", "mxfp4", 0.25},
                {"torchao-even", "torchao-rceil", "mxfp4", 0.25},
                {"torchao", "torchao-rceil", "mxfp4", 0.5},
                {"torchao-ceil", "torchao-rceil", "mxfp4", 0.5},
                {"torchao-ceil", "cudnn", "mxfp8", 0.75},
                {"ocp", "cudnn", "mxfp8", 0.25},
                {"quark", "cudnn", "mxfp8", 0.1875},
                {"trainium", "ocp", "mxfp8", 1},
                {"mlx-before-4353", "torchao-rceil", "mxfp4", 0.625},
                {"vllm-before-43557", "torchao-rceil", "mxfp4", 1}};
    const rg_diff_options few = {.n_values = 1 << 10};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const rg_diff_result r = diff_by(rows[i].a, rows[i].b, rows[i].format, &few);
        if (fabs(share(r.n_amax_differences, r.n_amax) - rows[i].share) > 1e-4)
            fail_msg("%s, %s: %g, not %g", rows[i].a, rows[i].b, share(r.n_amax_differences, r.n_amax),
                     rows[i].share);
    }
}

/* Dividing by a scale, or multiplying by its reciprocal: every scale of e4m3 with every tie of e2m1. */
static void reciprocal(void **state) {
    (void)state;
    const rg_diff_options ties = {.input = RG_DIFF_TIES},
                          gaussian = {.input = RG_DIFF_GAUSSIAN, .n_values = 1 << 18};
    rg_diff_result r = diff_by("nvfp4@rne(apply=reciprocal)", "nvfp4", NULL, &ties);
    near(share(r.n_differences, r.n_inputs), 0.0476, 0.0476);
    assert_int_equal(of_kind(&r, "tie"), r.n_differences);
    r = diff_by("mx(e2m1,16,e4m3fn)@rne(apply=reciprocal)", "mx(e2m1,16,e4m3fn)", NULL, &ties);
    near(share(r.n_differences, r.n_inputs), 0.0476, 0.0476);
    says(&r, "ties: away from zero against to even");
    r = diff_by("nvfp4@rne(apply=reciprocal)", "nvfp4", NULL, &gaussian);
    assert_true(r.n_differences <= 1); /* random values hide it */
    /* powers of two are exact either way */
    r = diff_by("mxfp4@rne(apply=reciprocal)", "mxfp4", NULL, &some);
    assert_int_equal(r.n_differences, 0);
}

static void int8_lowest(void **state) {
    (void)state;
    const float x[] = {-1.999f, 1.999f};
    float y[2];
    qdq("pychop", "mxint8", x, y, 2);
    assert_true(y[0] == -2 && y[1] == 127 / 64.0f);
    qdq("microxcaling", "mxint8", x, y, 2);
    assert_true(y[0] == -127 / 64.0f && y[1] == 127 / 64.0f);
    const rg_diff_result r = diff_by("pychop", "ocp", "mxint8", &some);
    assert_int_equal(of_kind(&r, "overflow") + of_kind(&r, "special block"), r.n_differences);
    says(&r, "128 against 127");
}

/* Other spans and shapes of scales: no crash, sane counts. */
static void other_formats(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"int8@rna", "int8"},
                                           {"int4(asym,group=32,scale=fp16)", "int4"},
                                           {"e4m3fn(scale=tensor)", "e4m3fn"},
                                           {"mx(e2m1,4x32,e8m0)", "mxfp4"},
                                           {"mxfp4", "nvfp4"},
                                           {"e4m3fn(scale=tensor)", "e4m3fn(scale=row)"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (int input = 1; input < RG_N_DIFF_INPUTS; input++) {
            const rg_diff_options o = {.input = (rg_diff_input)input, .n_values = 1 << 13};
            const rg_diff_result r = diff_by(pairs[i][0], pairs[i][1], NULL, &o);
            assert_true(r.n_differences <= r.n_inputs && r.cause[0]);
        }
}

static int close_profiles(void **state) {
    (void)state;
    rg_profiles_close(&profiles);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(mx_ties),        cmocka_unit_test(rounded_logarithm),
                                       cmocka_unit_test(special_blocks), cmocka_unit_test(tiny_blocks),
                                       cmocka_unit_test(scale_rules),    cmocka_unit_test(reciprocal),
                                       cmocka_unit_test(int8_lowest),    cmocka_unit_test(other_formats)};
    return cmocka_run_group_tests(tests, NULL, close_profiles);
}
