/* What a narrow accumulator does to a long dot product: K = 4096, e4m3fn, 13 fraction bits cut off. For data
   of zero mean the largest error is about 1.5 % of the output's rms, promotion every 128 makes the rms error
   about 11 times smaller; all-positive data comes out 7 % low. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/dot.h"

enum { M = 64, N = 512, K = 4096 };

typedef struct data {
    float *x, *w, *y;
    double *exact; /* of the encoded operands */
} data;

static float *draw(size_t n, uint64_t stream, bool positive) {
    float *x = malloc(n * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) { /* sum of uniforms: near enough to normal, and quick */
        const uint32_t r = rg_random_u32(91, stream, i), s = rg_random_u32(92, stream, i);
        const float v =
            ((float)(r & 0xffff) + (float)(r >> 16) + (float)(s & 0xffff) + (float)(s >> 16)) * 0x1p-16f - 2;
        x[i] = positive ? fabsf(v) * 1.7f : v * 1.7f;
    }
    return x;
}

static data make(bool positive) {
    data d = {draw((size_t)M * K, 1, positive), draw((size_t)N * K, 2, positive),
              malloc(sizeof(float) * M * N), malloc(sizeof(double) * M * N)};
    rg_quant q;
    assert_true(d.y && d.exact && rg_quant_parse("e4m3fn", &q, NULL) == RG_OK);
    rg_qdq(&q, d.x, d.x, M, K, true, NULL);
    rg_qdq(&q, d.w, d.w, N, K, false, NULL);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++) {
            float part[8] = {
                0}; /* exact: e4m3fn products are multiples of 2^-18 below 2^18, of which few are added */
            double sum = 0;
            for (size_t k = 0; k < K; k += 8) {
                for (size_t l = 0; l < 8; l++) part[l] = d.x[i * K + k + l] * d.w[j * K + k + l];
                for (size_t l = 0; l < 8; l++) sum += (double)part[l];
            }
            d.exact[i * N + j] = sum;
        }
    return d;
}

static void drop(data *d) {
    free(d->x);
    free(d->w);
    free(d->y);
    free(d->exact);
}

typedef struct errors {
    double rms, max, bias; /* relative to the rms of the exact results; bias to their mean */
} errors;

static errors run(const data *d, const char *text) {
    const rg_kernels *kernels;
    rg_datapath *dp;
    rg_quant q;
    dot_plan plan;
    dot_matrix x, w;
    assert_int_equal(rg_kernels_get(&kernels, NULL), RG_OK);
    assert_int_equal(rg_datapath_open(&dp, text, RIDGE_SOURCE_DIR "/data", NULL), RG_OK);
    assert_int_equal(rg_quant_parse("e4m3fn", &q, NULL), RG_OK);
    assert_int_equal(dot_plan_make(&plan, kernels, dp, &q, &q, K, NULL), RG_OK);
    assert_int_equal(dot_matrix_make(&x, &plan, 1, 0, d->x, M, NULL), RG_OK);
    assert_int_equal(dot_matrix_make(&w, &plan, 1, 1, d->w, N, NULL), RG_OK);
    dot_gemm(&plan, 1, &x, &w, d->y);
    dot_matrix_free(&x);
    dot_matrix_free(&w);
    rg_datapath_close(dp);
    double square = 0, error = 0, most = 0, sum = 0, sum_error = 0;
    for (size_t i = 0; i < (size_t)M * N; i++) {
        const double e = (double)d->y[i] - d->exact[i];
        square += d->exact[i] * d->exact[i];
        error += e * e;
        most = fmax(most, fabs(e));
        sum += d->exact[i];
        sum_error += e;
    }
    return (errors){sqrt(error / square), most / sqrt(square / (M * N)), sum_error / sum};
}

static void zero_mean(void **state) {
    (void)state;
    data d = make(false);
    const errors plain = run(&d, "h100-e4m3-wgmma"), promoted = run(&d, "h100-e4m3-wgmma(promote=128)");
    print_message("max %.2f %% of rms, rms %.3f %%, promotion %.1f times better\n", 100 * plain.max,
                  100 * plain.rms, plain.rms / promoted.rms);
    assert_true(plain.max > 0.01 && plain.max < 0.02);
    assert_true(plain.rms / promoted.rms > 9 && plain.rms / promoted.rms < 13);
    drop(&d);
}

static void positive(void **state) {
    (void)state;
    data d = make(true);
    const errors plain = run(&d, "h100-e4m3-wgmma");
    print_message("all positive: %.2f %%\n", 100 * plain.bias);
    assert_true(plain.bias < -0.06 && plain.bias > -0.08);
    drop(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(zero_mean), cmocka_unit_test(positive)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
