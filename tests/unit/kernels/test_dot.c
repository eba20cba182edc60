/* Matrix products under a datapath: the fast path against the walk, bit for bit, on operands made to hurt. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/dot.h"

enum { M = 3, N = 17, MAX_K = 200, KINDS = 8 };

static const char *data_dir(void) {
    return RIDGE_SOURCE_DIR "/data";
}

/* Codes of one kind of data; `mask`: those that the format has. */
static uint32_t code_of(const dp_elem *e, int kind, uint64_t stream, uint64_t i) {
    const uint32_t r = rg_random_u32(71, stream * 16 + (uint64_t)kind, i),
                   one = (uint32_t)e->bias << e->mantissa_bits;
    const int pad = e->is_int ? 0 : e->bits - 1 - e->exponent_bits - e->mantissa_bits;
    const uint32_t sign = r >> 31 << (e->bits - 1), mantissa = r & ((1u << e->mantissa_bits) - 1);
    const uint32_t top = (UINT32_C(1) << e->exponent_bits) - 1;
    if (e->is_int) kind = 1;
    switch (kind) {
    case 0: /* near 1 */
        return sign | (one + ((r >> 20 & 1) << e->mantissa_bits) + mantissa) << pad;
    case 1: /* any code, NaN and infinity among them */
        return e->bits == 32 ? r : r & ((1u << e->bits) - 1);
    case 2: /* subnormals and zeros */
        return sign | (r & 64 ? mantissa : 0) << pad;
    case 3: /* the largest */
        return sign | (((top - 1) << e->mantissa_bits) + (r & 64 ? mantissa : 0)) << pad;
    case 4: /* what cancels: few values, alternating signs */
        return (i & 1 ? sign : 0) | (one + (r >> 8 & 3)) << pad;
    case 5: /* one huge among small */
        return sign | (i % 23 == 7 ? ((top - 1) << e->mantissa_bits) : (one / 2 + mantissa)) << pad;
    case 6: /* wide range of exponents */
        return sign | ((r >> 10) % top << e->mantissa_bits | mantissa) << pad;
    default: /* all positive */
        return (one + mantissa) << pad;
    }
}

static void refill(dot_matrix *m, const dot_plan *plan, int side, int kind) {
    const dp_elem *e = &plan->datapath->input[side].elem;
    for (size_t i = 0; i < m->rows * plan->k; i++) {
        const uint32_t code = code_of(e, kind, (uint64_t)side, i);
        if (e->bits <= 8)
            m->codes[i] = (uint8_t)code;
        else
            memcpy(m->codes + i * (e->bits <= 16 ? 2 : 4), &code, e->bits <= 16 ? 2 : 4);
    }
    dot_matrix_pack(m, plan, 1, side);
}

/* One level of kernels against `want` [KINDS + 1][M N], which the first level's walk fills. */
static void compare_level(const rg_kernels *kernels, const rg_datapath *dp, const rg_quant q[2], size_t k,
                          bool expect_fast, bool fill, float want[][M * N]) {
    static float values[N * MAX_K], got[M * N];
    rg_error err = {0};
    dot_plan plan;
    dot_matrix x, w;
    const char *text = rg_datapath_text(dp);
    if (dot_plan_make(&plan, kernels, dp, &q[0], &q[1], k, &err) != RG_OK)
        fail_msg("%s: %s", text, err.message);
    if (plan.fast != expect_fast) fail_msg("%s: fast %d", text, plan.fast);
    for (size_t i = 0; i < N * MAX_K; i++) values[i] = (float)rg_random_normal(3, 0, i);
    assert_int_equal(dot_matrix_make(&x, &plan, 1, 0, values, M, NULL), RG_OK);
    assert_int_equal(dot_matrix_make(&w, &plan, 1, 1, values, N, NULL), RG_OK);
    for (int kind = 0; kind <= KINDS; kind++) {
        if (kind < KINDS) refill(&x, &plan, 0, kind), refill(&w, &plan, 1, kind);
        if (fill) dot_gemm_walk(&plan, 1, &x, &w, want[kind]);
        dot_gemm(&plan, k > 90 && kind == 0 ? 2 : 1, &x, &w, got);
        for (size_t i = 0; i < M * N; i++)
            if (memcmp(&want[kind][i], &got[i], sizeof *got) != 0)
                fail_msg("%s, k %zu, %s, data %d: [%zu][%zu] %a, not %a", text, k, kernels->name, kind, i / N,
                         i % N, (double)got[i], (double)want[kind][i]);
    }
    dot_matrix_free(&x);
    dot_matrix_free(&w);
}

static void compare(const char *text, const char *x_format, const char *w_format, size_t k,
                    bool expect_fast) {
    static float want[KINDS + 1][M * N];
    rg_datapath *dp;
    rg_quant q[2];
    rg_error err = {0};
    const char *name;
    if (rg_datapath_open(&dp, text, data_dir(), &err) != RG_OK) fail_msg("%s: %s", text, err.message);
    assert_int_equal(rg_quant_parse(x_format, &q[0], NULL), RG_OK);
    assert_int_equal(rg_quant_parse(w_format, &q[1], NULL), RG_OK);
    for (size_t level = 0; (name = rg_kernels_level(level)); level++)
        if (rg_kernels_named(name) && (expect_fast || level == 0))
            compare_level(rg_kernels_named(name), dp, q, k, expect_fast, level == 0, want);
    rg_datapath_close(dp);
}

static const struct {
    const char *datapath, *x, *w;
    bool fast;
} cases[] = {
    {"v100-fp16", "fp16", "fp16", true},
    {"a100-fp16", "fp16", "fp16", true},
    {"a100-bf16", "bf16", "bf16", true},
    {"a100-tf32", "tf32", "tf32", true},
    {"h100-fp16", "fp16", "fp16", true},
    {"h100-bf16", "bf16", "bf16", true},
    {"h100-tf32", "tf32", "tf32", true},
    {"ada-e4m3", "e4m3fn", "e4m3fn", true},
    {"h100-e4m3-wgmma", "e4m3fn", "e4m3fn", true},
    {"h100-e5m2-wgmma", "e5m2", "e5m2", true},
    {"h100-e4m3-wgmma", "e4m3fn(scale=row)", "e4m3fn(scale=tensor)", true},
    {"h100-e4m3-wgmma", "mxfp8", "mxfp8", true},
    {"h100-e4m3-wgmma(promote=128)", "e4m3fn", "mx(e4m3fn,128,fp16)", true},
    {"b200-e4m3-tcgen05", "e4m3fn", "e4m3fn", true},
    {"b200-mxfp8", "mxfp8", "mxfp8", true},
    {"dot(a=e4m3fn,b=e5m2,n=20,align=17,floor=-4,acc=fp32@rne,c=after)", "e4m3fn", "e5m2", true},
    {"dot(a=bf16,b=fp16,n=64,align=28,acc=bf16@rz,promote=128,order=reverse)", "bf16", "fp16", true},
    {"dot(a=fp16,b=fp16,n=7,align=12,acc=fp32@rne,promote=21,order=interleave)", "fp16", "fp16", true},
    {"dot(a=e2m1,b=e2m3,n=1,align=0,acc=e8m3@rz)", "e2m1", "e2m3", true},
    {"b200-nvfp4", "nvfp4", "nvfp4", false},
    {"mi300-fp16", "fp16", "fp16", false},
    {"dot(a=int8,b=int8,n=32,acc=fp32@rne)", "int8", "int8", false},
};

static void fast_is_walk(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 1; k <= MAX_K; k = k * 5 + 11)
            compare(cases[i].datapath, cases[i].x, cases[i].w, k, cases[i].fast);
}

/* A format that is not the datapath's input is named. */
static void mismatches(void **state) {
    (void)state;
    static const char *const wrong[][3] = {{"h100-e4m3-wgmma", "e5m2", "e4m3fn"},
                                           {"h100-e4m3-wgmma", "e4m3fn", "int8"},
                                           {"b200-mxfp8", "e4m3fn", "mxfp8"},
                                           {"h100-fp16", "fp16", "bf16"}};
    const rg_kernels *kernels;
    assert_int_equal(rg_kernels_get(&kernels, NULL), RG_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        rg_datapath *dp;
        rg_quant x, w;
        rg_error err = {0};
        dot_plan plan;
        assert_int_equal(rg_datapath_open(&dp, wrong[i][0], data_dir(), NULL), RG_OK);
        assert_int_equal(rg_quant_parse(wrong[i][1], &x, NULL), RG_OK);
        assert_int_equal(rg_quant_parse(wrong[i][2], &w, NULL), RG_OK);
        assert_int_equal(dot_plan_make(&plan, kernels, dp, &x, &w, 64, &err), RG_ERR_USAGE);
        assert_non_null(strstr(err.message, wrong[i][0]));
        assert_int_equal(dot_plan_make(&plan, kernels, dp, NULL, &w, 64, &err), RG_ERR_USAGE);
        assert_non_null(strstr(err.message, "fp32"));
        rg_datapath_close(dp);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(fast_is_walk), cmocka_unit_test(mismatches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
