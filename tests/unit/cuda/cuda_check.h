/* The kernels of a device (or the CPU in its place) against the scalar definitions, bit for bit. */
#ifndef RIDGE_TESTS_CUDA_CHECK_H
#define RIDGE_TESTS_CUDA_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/dot.h"
#include "ridge/cuda.h"

/* Data of five kinds: normal, any bit pattern, huge and tiny by turns, zeros and few values, with specials.
 */
enum { CHECK_KINDS = 5 };

static void check_fill(float *x, size_t n, int kind) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t r = rg_random_u32(91, (uint64_t)kind, i);
        const float normal = (float)rg_random_normal(92, (uint64_t)kind, i);
        switch (kind) {
        case 0:
            x[i] = normal;
            break;
        case 1:
            memcpy(&x[i], &r, sizeof r);
            break;
        case 2:
            x[i] = ldexpf(normal, (int)(r % 280) - 150);
            break;
        case 3:
            x[i] = r % 3 ? (float)((int)(r % 13) - 6) * 0.25f : r & 4 ? -0.0f : 0.0f;
            break;
        default:
            x[i] = r % 101 == 0 ? NAN : r % 89 == 0 ? (r & 1 ? INFINITY : -INFINITY) : normal * 100;
        }
    }
}

static rg_quant check_quant(const char *text) {
    rg_quant q;
    rg_error err = {0};
    if (rg_quant_parse(text, &q, &err) != RG_OK) fail_msg("%s: %s", text, err.message);
    return q;
}

static void check_same(const char *text, const char *what, int kind, const void *a, const void *b,
                       size_t size) {
    const uint8_t *x = a, *y = b;
    for (size_t i = 0; i < size; i++)
        if (x[i] != y[i]) fail_msg("%s, data %d: %s differ at byte %zu of %zu", text, kind, what, i, size);
}

static void *check_room(size_t size) {
    void *p = calloc(size + 1, 1);
    assert_non_null(p);
    return p;
}

/* One format on one matrix: values, counts, codes, scales, packed codes. */
static void check_matrix(rg_cuda *cuda, const char *text, size_t rows, size_t cols, bool per_row) {
    const rg_quant q = check_quant(text);
    const size_t n = rows * cols;
    const rg_stored_size size = rg_format_stored_size(&q.format, rows, cols, per_row);
    const size_t packed_bytes = rows * rg_packed_row_bytes(&q.format.elem, cols);
    float *x = check_room(n * 4), *want = check_room(n * 4), *got = check_room(n * 4);
    uint8_t *codes[2], *scales[2], *packed[2], *unpacked = check_room(size.code_bytes);
    for (int i = 0; i < 2; i++) {
        codes[i] = check_room(size.code_bytes);
        scales[i] = check_room(size.scale_bytes);
        packed[i] = check_room(packed_bytes);
    }
    for (int kind = 0; kind < CHECK_KINDS; kind++) {
        rg_qdq_counts counts[2] = {{0}, {0}};
        rg_error err = {0};
        check_fill(x, n, kind);
        rg_qdq_from(&q, x, want, rows, cols, per_row, 12345, &counts[0]);
        if (rg_cuda_qdq(cuda, &q, x, got, rows, cols, per_row, 12345, &counts[1], &err) != RG_OK)
            fail_msg("%s: %s", text, err.message);
        check_same(text, "values", kind, want, got, n * 4);
        check_same(text, "counts", kind, &counts[0], &counts[1], sizeof counts[0]);
        rg_encode(&q, x, codes[0], scales[0], rows, cols, per_row, NULL);
        rg_pack(&q.format.elem, codes[0], packed[0], rows, cols);
        if (rg_cuda_encode(cuda, &q, x, codes[1], scales[1], packed[1], rows, cols, per_row, NULL, &err))
            fail_msg("%s: %s", text, err.message);
        check_same(text, "codes", kind, codes[0], codes[1], size.code_bytes);
        check_same(text, "scales", kind, scales[0], scales[1], size.scale_bytes);
        check_same(text, "packed codes", kind, packed[0], packed[1], packed_bytes);
        rg_unpack(&q.format.elem, packed[1], unpacked, rows, cols);
        check_same(text, "unpacked codes", kind, codes[0], unpacked, size.code_bytes);
    }
    for (int i = 0; i < 2; i++) free(codes[i]), free(scales[i]), free(packed[i]);
    free(x), free(want), free(got), free(unpacked);
}

static const char *const check_formats[] = {"fp32",
                                            "bf16",
                                            "fp16",
                                            "tf32",
                                            "e5m2",
                                            "e4m3fn",
                                            "e3m2",
                                            "e2m3",
                                            "e2m1",
                                            "e8m0",
                                            "e4m3fnuz",
                                            "binary8p4se",
                                            "e4m3fn(scale=tensor)",
                                            "e4m3fn(scale=row)",
                                            "int8",
                                            "int8(sym,tensor,scale=fp32)",
                                            "int4",
                                            "int3(sym,group=32,scale=fp16)",
                                            "int4(asym,group=32,scale=fp16)",
                                            "int8(asym,tensor,scale=fp32)",
                                            "int4(asym,row,scale=fp32)@ru",
                                            "mxfp8",
                                            "mxfp6",
                                            "mxfp4",
                                            "mxint8",
                                            "mxfp4@rne(scale=even)",
                                            "mxfp4@rne(scale=ceil)",
                                            "mxfp4@rne(scale=rceil)",
                                            "mxfp4@rne(scale=log)",
                                            "mxfp8@rne(scale=rne)",
                                            "mxfp6@rne(scale=mse)",
                                            "mxfp4@rne(scale=mae,special=max)",
                                            "mxfp8@rne(special=nan)",
                                            "mxfp8@rne(apply=reciprocal)",
                                            "mx(e2m1,16,e8m0,sub=8)",
                                            "nvfp4",
                                            "nvfp4@rne(scale=4over6)",
                                            "nvfp4@rne(apply=reciprocal2,least=normal)",
                                            "nvfp4@rne(order=folded,apply=reciprocal)",
                                            "mx(e2m1,16x16,e4m3fn,tensor)",
                                            "e4m3fn@rz(sat=ocp,nan=signed)",
                                            "e5m2@ru(sat=none)",
                                            "fp16@rd(sat=propagate)",
                                            "e3m2@ro",
                                            "e2m3@rna",
                                            "e4m3fn@rne(via=fp16)",
                                            "bf16@sra(8,seed=3)",
                                            "e4m3fn@srb(5,seed=3,stream=7)",
                                            "e2m1@src(16,seed=4)",
                                            "nvfp4@sra(8,seed=5)",
                                            "int4@sra(12,seed=6)",
                                            "mxfp8@src(32,seed=7)"};

static void check_all_formats(rg_cuda *cuda, size_t rows, size_t cols) {
    for (size_t i = 0; i < sizeof check_formats / sizeof *check_formats; i++) {
        check_matrix(cuda, check_formats[i], rows, cols, false);
        check_matrix(cuda, check_formats[i], rows, cols, true);
        check_matrix(cuda, check_formats[i], 1, 1, false);
    }
}

typedef struct check_product {
    const char *datapath, *x, *w;
} check_product;
static const check_product check_products[] = {
    {"h100-fp16", "fp16", "fp16"},
    {"a100-bf16", "bf16", "bf16"},
    {"h100-tf32", "tf32", "tf32"},
    {"v100-fp16", "fp16", "fp16"},
    {"ada-e4m3", "e4m3fn", "e4m3fn"},
    {"h100-e4m3-wgmma", "e4m3fn(scale=row)", "e4m3fn(scale=tensor)"},
    {"h100-e4m3-wgmma", "mx(e4m3fn,32,fp32)", "mx(e4m3fn,128,fp32)"},
    {"b200-mxfp8", "mxfp8", "mxfp8"},
    {"b200-mxfp4", "mxfp4", "mxfp4"},
    {"dot(a=e4m3fn,b=e4m3fn,n=32,align=13,acc=e8m13@rz,promote=128)", "e4m3fn", "e4m3fn"},
    {"dot(a=e4m3fn,b=e4m3fn,n=16,align=25,acc=fp32@rne,c=after)", "e4m3fn", "e4m3fn(scale=row)"},
    {"dot(a=e2m1,b=e2m1,n=32,align=10,acc=fp32@rz,order=interleave)", "e2m1", "e2m1"},
    {"dot(a=bf16,b=bf16,n=8,align=24,floor=-60,acc=fp32@rz)", "bf16", "bf16"}};

/* Against the walk, on every kind of data. Returns whether there is a kernel for it. */
static bool check_gemm(rg_cuda *cuda, const check_product *p, size_t m, size_t n, size_t k) {
    const rg_quant qx = check_quant(p->x), qw = check_quant(p->w);
    float *x = check_room(m * k * 4), *w = check_room(n * k * 4);
    float *want = check_room(m * n * 4), *got = check_room(m * n * 4);
    rg_datapath *dp = NULL;
    rg_error err = {0};
    dot_plan plan;
    if (rg_datapath_open(&dp, p->datapath, RIDGE_SOURCE_DIR "/data", &err) != RG_OK)
        fail_msg("%s: %s", p->datapath, err.message);
    if (dot_plan_make(&plan, rg_kernels_named("scalar"), dp, &qx, &qw, k, &err) != RG_OK)
        fail_msg("%s: %s", p->datapath, err.message);
    for (int kind = 0; plan.fast && kind < CHECK_KINDS; kind++) {
        dot_matrix a, b;
        check_fill(x, m * k, kind);
        check_fill(w, n * k, kind == 1 ? 0 : kind);
        assert_int_equal(dot_matrix_make(&a, &plan, 1, 0, x, m, NULL), RG_OK);
        assert_int_equal(dot_matrix_make(&b, &plan, 1, 1, w, n, NULL), RG_OK);
        dot_gemm_walk(&plan, 1, &a, &b, want);
        dot_matrix_free(&a);
        dot_matrix_free(&b);
        if (rg_cuda_gemm(cuda, dp, &qx, &qw, x, w, got, m, n, k, &err) != RG_OK)
            fail_msg("%s: %s", p->datapath, err.message);
        check_same(p->datapath, "results", kind, want, got, m * n * 4);
    }
    if (!plan.fast)
        assert_int_equal(rg_cuda_gemm(cuda, dp, &qx, &qw, x, w, got, m, n, k, &err), RG_ERR_UNSUPPORTED);
    rg_datapath_close(dp);
    free(x), free(w), free(want), free(got);
    return plan.fast;
}

static void check_all_products(rg_cuda *cuda, size_t m, size_t n, size_t k) {
    size_t n_kernels = 0;
    for (size_t i = 0; i < sizeof check_products / sizeof *check_products; i++)
        n_kernels += check_gemm(cuda, &check_products[i], m, n, k);
    assert_true(n_kernels >= 12);
    const check_product rounds_down = {"mi300-fp16", "fp16", "fp16"};
    assert_false(check_gemm(cuda, &rounds_down, m, n, k));
}

static void check_refusals(rg_cuda *cuda) {
    const rg_quant q = check_quant("posit(8,2)");
    const float x = 1;
    float y = 7;
    rg_error err = {0};
    assert_int_equal(rg_cuda_qdq(cuda, &q, &x, &y, 1, 1, false, 0, NULL, &err), RG_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "posit(8,2)"));
    assert_true(y == 7);
    const rg_quant empty = check_quant("nvfp4");
    assert_int_equal(rg_cuda_qdq(cuda, &empty, NULL, NULL, 0, 5, false, 0, NULL, &err), RG_OK);
}

#endif
