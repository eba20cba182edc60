/* Error attribution: parts add up, and each shows up where it is known to be. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ridge/explain.h"

enum { M = 24, N = 20, MAX_K = 4096 };
static float x[M * MAX_K], w[N * MAX_K];

static rg_explained explain(const char *a, const char *b, const char *datapath, rg_distribution dist,
                            size_t k) {
    rg_quant qa, qb;
    rg_datapath *dp = NULL;
    rg_explained e;
    rg_error err = {0};
    assert_int_equal(rg_quant_parse(a, &qa, &err), RG_OK);
    assert_int_equal(rg_quant_parse(b, &qb, &err), RG_OK);
    if (datapath && rg_datapath_open(&dp, datapath, RIDGE_SOURCE_DIR "/data", &err) != RG_OK)
        fail_msg("%s", err.message);
    rg_distribution_fill(dist, 1, 0, x, M, k);
    rg_distribution_fill(dist, 1, 1, w, N, k);
    if (rg_num_explain(&qa, &qb, dp, x, w, M, N, k, &e, &err) != RG_OK) fail_msg("%s: %s", a, err.message);
    rg_datapath_close(dp);
    return e;
}

/* Total error from rg_qdq and a plain sum in long double. */
static double total_rms(const char *a, const char *b, size_t k) {
    static float qx[M * MAX_K], qw[N * MAX_K];
    rg_quant qa, qb;
    double error = 0, power = 0;
    rg_quant_parse(a, &qa, NULL);
    rg_quant_parse(b, &qb, NULL);
    rg_qdq(&qa, x, qx, M, k, true, NULL);
    rg_qdq(&qb, w, qw, N, k, false, NULL);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++) {
            long double exact = 0;
            float chain = 0;
            for (size_t c = 0; c < k; c++) {
                exact += (long double)x[i * k + c] * (long double)w[j * k + c];
                chain = fmaf(qx[i * k + c], qw[j * k + c], chain);
            }
            error += pow((double)((long double)chain - exact), 2);
            power += pow((double)exact, 2);
        }
    return sqrt(error / power);
}

static void close_to(const char *what, double got, double want, double within) {
    if (!(fabs(got - want) <= within)) fail_msg("%s: %.6g, expected %.6g +- %.3g", what, got, want, within);
}

static void parts_add_up(void **state) {
    static const char *const pairs[][2] = {{"nvfp4", "nvfp4"},
                                           {"mxfp4", "mxfp8"},
                                           {"e4m3fn(scale=row)", "e4m3fn(scale=tensor)"},
                                           {"int8", "int4"},
                                           {"e2m1", "bf16"},
                                           {"int4(asym,group=32,scale=fp16)", "int8(asym,row)"},
                                           {"mxint8", "mxfp6@rz"},
                                           {"fp32", "nf4(group=64,scale=fp32)"},
                                           {"posit(8,1)", "fp16"},
                                           {"mx(e2m1,16x16,e4m3fn,tensor)", "mx(e2m1,16,e8m0,sub=8)"},
                                           {"mxfp4@sra(8)", "nvfp4@rne(scale=4over6,apply=reciprocal)"}};
    (void)state;
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        for (int dist = 0; dist < RG_N_DISTS; dist++) {
            const rg_explained e = explain(pairs[p][0], pairs[p][1], NULL, (rg_distribution)dist, 200);
            double share = 0, own = 0, cross = 0;
            for (int i = 0; i < RG_N_ERROR_PARTS; i++) {
                share += e.part[i].share;
                own += e.part[i].own;
                cross += e.part[i].cross;
                close_to("share", e.part[i].share, e.part[i].own + e.part[i].cross, 1e-9);
                close_to("rms", e.part[i].rms, e.rms * sqrt(e.part[i].own), 1e-9);
            }
            close_to("shares", share, 1, 1e-9);
            assert_true(e.part[0].cross == 0); /* nothing came before */
            close_to("own and cross", own + cross, 1, 1e-9);
            close_to(pairs[p][0], e.rms, total_rms(pairs[p][0], pairs[p][1], 200), 1e-7 + 1e-6 * e.rms);
        }
}

static void gaussian_nvfp4(void **state) {
    (void)state;
    const rg_explained e = explain("nvfp4", "nvfp4", NULL, RG_DIST_GAUSSIAN, 2048);
    close_to("dB of a", e.operand_sqnr_db[0], 20.4, 0.15); /* relative error 0.00904 */
    close_to("dB of b", e.operand_sqnr_db[1], 20.4, 0.15);
    close_to("dB of the product", e.sqnr_db, 20.4 - 3.01, 0.3);
    const double rounding = e.part[RG_PART_A_ROUNDING].share + e.part[RG_PART_B_ROUNDING].share;
    if (!(rounding > 0.9)) fail_msg("rounding has a share of %g", rounding);
    assert_true(e.part[RG_PART_ACCUMULATION].share < 1e-4);
    assert_true(e.largest == RG_PART_A_ROUNDING || e.largest == RG_PART_B_ROUNDING);
}

static void clipping_mxfp4(void **state) {
    (void)state;
    const rg_explained floor = explain("mxfp4", "fp32", NULL, RG_DIST_GAUSSIAN, 1024);
    assert_true(floor.n_clipped[0] > 0 && floor.n_clipped[1] == 0);
    assert_true(floor.part[RG_PART_A_CLIPPING].share > 0.1);
    assert_true(floor.part[RG_PART_B_CLIPPING].own == 0 && floor.part[RG_PART_B_ROUNDING].own == 0);
    const rg_explained ceil = explain("mxfp4@rne(scale=rceil)", "fp32", NULL, RG_DIST_GAUSSIAN, 1024);
    assert_true(ceil.n_clipped[0] == 0 && ceil.part[RG_PART_A_CLIPPING].own == 0);
    assert_true(ceil.part[RG_PART_A_SCALE].share > 0.1);
    /* without a scale, outliers of 20 and more meet a largest value of 6 */
    const rg_explained plain = explain("e2m1", "fp32", NULL, RG_DIST_OUTLIERS, 1024);
    assert_int_equal(plain.largest, RG_PART_A_CLIPPING);
    assert_true(plain.part[RG_PART_A_SCALE].own == 0);
}

static void accumulation_e4m3(void **state) {
    (void)state;
    const char *short_sum = "dot(a=e4m3fn,b=e4m3fn,n=32,align=13,acc=e8m13@rz)";
    const char *promoted = "dot(a=e4m3fn,b=e4m3fn,n=32,align=13,acc=e8m13@rz,promote=128)";
    const char *q = "e4m3fn(scale=row)";
    rg_distribution_fill(RG_DIST_GAUSSIAN, 1, 0, x, M, MAX_K);
    const rg_explained fp32 = explain(q, q, NULL, RG_DIST_GAUSSIAN, MAX_K);
    const rg_explained cut = explain(q, q, short_sum, RG_DIST_GAUSSIAN, MAX_K);
    const rg_explained again = explain(q, q, promoted, RG_DIST_GAUSSIAN, MAX_K);
    const int part = RG_PART_ACCUMULATION;
    if (!(cut.part[part].rms > 20 * fp32.part[part].rms && cut.part[part].rms > 2 * again.part[part].rms))
        fail_msg("accumulation %g, promoted %g, fp32 %g", cut.part[part].rms, again.part[part].rms,
                 fp32.part[part].rms);
    /* nothing else changed */
    close_to("rounding", cut.part[RG_PART_A_ROUNDING].rms, fp32.part[RG_PART_A_ROUNDING].rms, 1e-12);
    /* numbers that e4m3fn holds exactly leave the sum alone */
    for (size_t i = 0; i < M * MAX_K; i++) x[i] = (float)(rg_random_u32(5, 0, i) % 8) + 1;
    for (size_t i = 0; i < N * MAX_K; i++) w[i] = (float)(rg_random_u32(5, 1, i) % 8) + 1;
    rg_quant plain;
    rg_datapath *dp;
    rg_explained e;
    assert_int_equal(rg_quant_parse("e4m3fn", &plain, NULL), RG_OK);
    assert_int_equal(rg_datapath_open(&dp, short_sum, NULL, NULL), RG_OK);
    assert_int_equal(rg_num_explain(&plain, &plain, dp, x, w, M, N, MAX_K, &e, NULL), RG_OK);
    rg_datapath_close(dp);
    assert_true(e.part[part].share == 1 && e.part[part].cross == 0 && e.largest == RG_PART_ACCUMULATION);
}

static void refusals(void **state) {
    rg_quant q, open;
    rg_explained e;
    rg_error err = {0};
    (void)state;
    assert_int_equal(rg_quant_parse("e4m3fn", &q, NULL), RG_OK);
    assert_int_equal(rg_quant_parse("e4m3fn@rne(sat=ocp)", &open, NULL), RG_OK);
    const float fine[4] = {1, 2, 3, 4}, bad[4] = {1, 2, INFINITY, 4}, large[4] = {1, 2, 3, 1000};
    assert_int_equal(rg_num_explain(&q, &q, NULL, bad, fine, 2, 2, 2, &e, &err), RG_ERR_USAGE);
    assert_string_equal(err.where, "a[1][0]");
    assert_int_equal(rg_num_explain(&q, &open, NULL, fine, large, 2, 2, 2, &e, &err), RG_ERR_USAGE);
    assert_string_equal(err.where, "b[1][1]");
    assert_int_equal(rg_num_explain(&q, &q, NULL, fine, fine, 0, 2, 2, &e, &err), RG_ERR_USAGE);
    assert_int_equal(rg_num_explain(&q, &q, NULL, fine, fine, 2, 2, 2, &e, &err), RG_OK);
    assert_true(e.rms == 0 && isnan(e.part[0].share));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(parts_add_up), cmocka_unit_test(gaussian_nvfp4),
                                       cmocka_unit_test(clipping_mxfp4), cmocka_unit_test(accumulation_e4m3),
                                       cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
