/* Sizes of the stored form, bits per element, and signal to noise on Gaussian and Laplace data. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ridge/num.h"

static rg_quant parse(const char *text) {
    rg_quant q;
    rg_error err = {0};
    if (rg_quant_parse(text, &q, &err) != RG_OK) fail_msg("%s: %s", text, err.message);
    return q;
}

static void bits_per_element(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double bits;
    } cases[] = {{"mxfp4", 4.25},
                 {"mxfp6", 6.25},
                 {"mxfp8", 8.25},
                 {"nvfp4", 4.5},
                 {"int4", 4.5},
                 {"int3", 3.5},
                 {"int4(sym,group=128,scale=fp16)", 4.125},
                 {"int8(sym,group=32,scale=fp32)", 9},
                 {"mx(e2m1,16,e8m0)", 4.5},
                 {"bf16", 16},
                 {"e4m3fn", 8},
                 {"e2m3", 6},
                 {"fp32", 32},
                 {"int8", 8 + 32.0 / 4096}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const rg_quant q = parse(cases[i].text);
        const double bits = rg_format_bits(&q.format, 4096);
        if (fabs(bits - cases[i].bits) > 1e-12) fail_msg("%s: %g bits", cases[i].text, bits);
    }
}

/* [3][172]: tails are blocks. */
static void sizes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t code_bytes, scale_bytes, row_scale_bytes; /* the last: per_row */
        uint64_t packed_bits;
    } cases[] = {
        {"e4m3fn", 516, 0, 0, 8 * 516},
        {"bf16", 1032, 0, 0, 16 * 516},
        {"tf32", 2064, 0, 0, 0},
        {"fp32", 2064, 0, 0, 32 * 516},
        {"e2m1", 516, 0, 0, 4 * 516},
        {"mxfp4", 516, 18, 18, 4 * 516 + 8 * 18},
        {"mxfp6", 516, 18, 18, 6 * 516 + 8 * 18},
        {"mxfp8", 516, 18, 18, 8 * 516 + 8 * 18},
        {"nvfp4", 516, 33 + 4, 33 + 12, 4 * 516 + 8 * 33 + 32},
        {"int4", 516, 36, 36, 4 * 516 + 16 * 18},
        {"int8", 516, 12, 12, 8 * 516 + 32 * 3},
        {"int8(sym,tensor,scale=fp32)", 516, 4, 12, 8 * 516 + 32},
        {"e4m3fn(scale=tensor)", 516, 4, 12, 8 * 516 + 32},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const rg_quant q = parse(cases[i].text);
        const rg_stored_size matrix = rg_format_stored_size(&q.format, 3, 172, false);
        const rg_stored_size rows = rg_format_stored_size(&q.format, 3, 172, true);
        if (matrix.code_bytes != cases[i].code_bytes || matrix.scale_bytes != cases[i].scale_bytes ||
            rows.scale_bytes != cases[i].row_scale_bytes ||
            (cases[i].packed_bits && matrix.packed_bits != cases[i].packed_bits))
            fail_msg("%s: %zu codes, %zu scales (%zu by rows), %llu bits", cases[i].text, matrix.code_bytes,
                     matrix.scale_bytes, rows.scale_bytes, (unsigned long long)matrix.packed_bits);
    }
}

static void empty(void **state) {
    (void)state;
    const char *name;
    for (size_t i = 0; (name = rg_format_preset(i, NULL)); i++) {
        const rg_quant q = parse(name);
        float y = 5;
        unsigned char codes = 6, scales[16];
        rg_qdq(&q, &y, &y, 0, 0, false, NULL);
        assert_int_equal(rg_format_stored_size(&q.format, 0, 0, false).code_bytes, 0);
        assert_true(rg_format_stored_size(&q.format, 0, 0, false).scale_bytes <= sizeof scales);
        rg_encode(&q, &y, &codes, scales, 0, 0, false, NULL);
        rg_decode(&q.format, &codes, scales, &y, 0, 0, false);
        assert_true(y == 5 && codes == 6);
    }
}

/* Scales in their own width, the tensor scale before them. */
static void layout(void **state) {
    (void)state;
    static float x[64];
    unsigned char codes[64], scales[32];
    for (int i = 0; i < 64; i++) x[i] = (float)(i % 7 - 3) * (i < 32 ? 1 : 4);
    rg_quant q = parse("mxfp4"); /* largest values 3 and 12: exponents 1 - 2 and 3 - 2 */
    rg_encode(&q, x, codes, scales, 1, 64, false, NULL);
    assert_int_equal(scales[0], 126);
    assert_int_equal(scales[1], 128);
    assert_int_equal(codes[6], 7);  /* 3 = 6 / 2 */
    assert_int_equal(codes[0], 15); /* -3 */
    q = parse("int4");              /* 3 / 7 and 12 / 7 in fp16 */
    rg_encode(&q, x, codes, scales, 1, 64, false, NULL);
    assert_int_equal(scales[0] | scales[1] << 8, 0x36db);
    assert_int_equal(scales[2] | scales[3] << 8, 0x3edb);
    assert_int_equal(codes[6], 7);
    assert_int_equal(codes[0], 9); /* -7 in 4 bits */
    q = parse("nvfp4");            /* t = 12 / 2688; block scales 3 / 6 / t = 112 and 448 */
    rg_encode(&q, x, codes, scales, 1, 64, false, NULL);
    float t;
    memcpy(&t, scales, sizeof t);
    assert_true(t == 12.0f / 2688);
    assert_int_equal(scales[4], 0x6e);
    assert_int_equal(scales[5], 0x6e);
    assert_int_equal(scales[6], 0x7e);
    assert_int_equal(scales[7], 0x7e);
}

/* OCP MX v1.0: a scale that is NaN makes the whole block NaN, and no other. */
static void nan_scale(void **state) {
    (void)state;
    const rg_quant q = parse("mxfp4");
    const unsigned char codes[64] = {1, 2, 3}, scales[] = {0xff, 127};
    float y[64];
    rg_decode(&q.format, codes, scales, y, 1, 64, false);
    for (int i = 0; i < 64; i++) assert_int_equal(isnan(y[i]) != 0, i < 32);
}

enum { N = 1 << 20 };

static double sqnr_db(const rg_quant *q, const float *x) {
    static float y[N];
    double signal = 0, noise = 0;
    rg_qdq(q, x, y, N / 4096, 4096, false, NULL);
    for (size_t i = 0; i < N; i++) {
        signal += (double)x[i] * x[i];
        noise += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
    }
    return 10 * log10(signal / noise);
}

/* Figures of an independent float64 script, seeds and generator its own; 0.1 dB is their sampling error. */
static void signal_to_noise(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double gauss, laplace;
    } cases[] = {
        {"mx(int8,32,e8m0)", 41.67, 40.00},
        {"mxfp8", 30.64, 29.98},
        {"mx(e5m2,32,e8m0)", 25.36, 25.21},
        {"mxfp6", 30.95, 30.29},
        {"mx(e3m2,32,e8m0)", 25.36, 25.21},
        {"mxfp4", 18.77, 17.94},
        {"nvfp4", 20.43, 20.66},
        {"int4(sym,group=32,scale=fp16)", 20.26, 18.33},
        {"int4(sym,group=128,scale=fp16)", 18.60, 15.90},
        {"int8(sym,group=128,scale=fp16)", 43.78, 40.96},
    };
    float *gauss = malloc(N * sizeof *gauss), *laplace = malloc(N * sizeof *laplace);
    assert_true(gauss && laplace);
    for (size_t i = 0; i < N; i++) {
        gauss[i] = (float)rg_random_normal(71, 0, i);
        const double u = rg_random_uniform(72, 0, i) - 0.5;
        laplace[i] = (float)copysign(log1p(-2 * fabs(u)), u);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const rg_quant q = parse(cases[i].text);
        const double g = sqnr_db(&q, gauss), l = sqnr_db(&q, laplace);
        if (!(fabs(g - cases[i].gauss) <= 0.1) || !(fabs(l - cases[i].laplace) <= 0.1))
            fail_msg("%s: %.2f dB and %.2f dB, not %.2f and %.2f", cases[i].text, g, l, cases[i].gauss,
                     cases[i].laplace);
    }
    free(gauss);
    free(laplace);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_per_element), cmocka_unit_test(sizes),     cmocka_unit_test(empty),
        cmocka_unit_test(layout),           cmocka_unit_test(nan_scale), cmocka_unit_test(signal_to_noise)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
