/* Products of integers give the bits of the definition (num_integer_split, num_integer_dot): every
   instruction set, tails, zero blocks, ends of the range, special inputs, threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/integer.h"

typedef struct pair {
    const char *x, *w;
} pair;

static const pair pairs[] = {{"nvfp4", "nvfp4"},
                             {"mxfp4", "mxfp4"},
                             {"mxfp6", "mxfp6"},
                             {"int8", "int8"},
                             {"int8", "int4"},
                             {"int4", "int4"},
                             {"mxfp4", "nvfp4"},
                             {"nvfp4", "mxfp6"},
                             {"nvfp4@rne(scale=4over6)", "nvfp4@rne(scale=4over6)"},
                             {"mxfp4@sra(8)", "mxfp4@rne(scale=even)"},
                             {"mxfp4@rne(scale=mse)", "mx(e2m1,16x16,e4m3fn,tensor)"},
                             {"int8@src(10)", "int8(sym,tensor,scale=fp32)"},
                             {"mx(int8,32,e8m0)", "mx(int8,32,e8m0)"},
                             {"int5(sym,group=10,scale=fp16)", "int5(sym,group=10,scale=fp16)"},
                             {"int3(sym,group=7,scale=fp16)@rz", "int8"},
                             {"int4(sym,group=128,scale=bf16)", "int2(sym,group=64,scale=fp16)"},
                             {"e2m1", "e2m3(scale=row)"},
                             {"e2m3(scale=tensor)@ru", "e2m1(scale=tensor)"}};

static float *hostile(size_t rows, size_t cols, uint64_t stream) {
    const size_t n = rows * cols;
    float *x = malloc((n + 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        const int binade = (int)(rg_random_u32(5, stream, i / cols) % 40) - 20;
        x[i] = ldexpf((float)rg_random_normal(6, stream, i), binade + (int)(rg_random_u32(7, stream, i) % 3));
        if (rg_random_u32(8, stream, i / 16) % 9 == 0) x[i] = i % 2 ? -0.0f : 0;         /* empty blocks */
        if (rg_random_u32(9, stream, i / 16) % 23 == 0) x[i] = i % 3 ? 1e-41f : -3e-39f; /* subnormal ones */
        if (rg_random_u32(10, stream, i / 16) % 29 == 0)
            x[i] = i % 2 ? -ldexpf(1, binade + 2) : ldexpf(1, binade + 2);
        const uint32_t odd = rg_random_u32(11, stream, i) % 997;
        if (odd == 0) x[i] = NAN;
        if (odd == 1) x[i] = INFINITY;
        if (odd == 2) x[i] = -INFINITY;
    }
    return x;
}

static void *room(size_t bytes) {
    void *p = malloc(bytes + 1);
    assert_non_null(p);
    memset(p, 0xa5, bytes + 1);
    return p;
}

/* By the definition: y[m][n]. */
static void defined(const integer_plan *p, const float *x, size_t m, uint64_t first, const float *w, size_t n,
                    float *y) {
    const size_t k = p->k;
    int8_t *xq = room(m * k), *wq = room(n * k);
    float *xs = room(m * k * sizeof *xs), *ws = room(n * k * sizeof *ws);
    const num_integer_form *fx = &p->side[0].form, *fw = &p->side[1].form;
    const size_t nx = (k + fx->span - 1) / fx->span, nw = (k + fw->span - 1) / fw->span;
    num_integer_split(&p->side[0].quant, fx, x, m, k, true, first, xq, xs);
    num_integer_split(&p->side[1].quant, fw, w, n, k, false, 0, wq, ws);
    for (size_t r = 0; r < m; r++)
        for (size_t c = 0; c < n; c++) {
            const num_integers a = {xq + r * k, xs + r * nx, fx->span},
                               b = {wq + c * k, ws + c * nw, fw->span};
            y[r * n + c] = num_integer_dot(&a, &b, p->block, k);
        }
    free(xq);
    free(wq);
    free(xs);
    free(ws);
}

static void same(const float *got, const float *want, size_t n, const char *what) {
    for (size_t i = 0; i < n; i++)
        if (memcmp(&got[i], &want[i], sizeof *got) != 0 && !(isnan(got[i]) && isnan(want[i])))
            fail_msg("%s: output %zu is %a, not %a", what, i, (double)got[i], (double)want[i]);
}

static void check(const rg_kernels *kernels, const pair *q, size_t m, size_t n, size_t k) {
    rg_quant x_quant, w_quant;
    integer_plan p;
    char what[200];
    assert_int_equal(rg_quant_parse(q->x, &x_quant, NULL), RG_OK);
    assert_int_equal(rg_quant_parse(q->w, &w_quant, NULL), RG_OK);
    snprintf(what, sizeof what, "%s, %s times %s, %zu x %zu x %zu", kernels->name, q->x, q->w, m, n, k);
    if (!integer_plan_make(&p, kernels, &x_quant, &w_quant, k)) fail_msg("%s: no plan", what);
    float *x = hostile(m, k, 1), *w = hostile(n, k, 2), *want = room(m * n * 4), *got = room(m * n * 4);
    uint8_t *rows = room(integer_rows_bytes(&p, m)), *panels = room(integer_panels_bytes(&p, n));
    void *work = room(integer_work_bytes(&p, 3, n));
    defined(&p, x, m, 70, w, n, want);
    for (int threads = 1; threads <= 3; threads += 2) {
        integer_encode(&p, threads, x, m, 70, work, rows);
        integer_pack(&p, threads, w, n, work, panels);
        integer_gemm(&p, threads, m, n, rows, panels, got);
        same(got, want, m * n, what);
    }
    /* One row at a time. */
    for (size_t r = 0; r < m && r < 9; r++) {
        integer_encode(&p, 1, x + r * k, 1, 70 + r * k, work, rows);
        integer_gemm(&p, 1, 1, n, rows, panels, got + r * n);
        same(got + r * n, want + r * n, n, what);
    }
    free(x);
    free(w);
    free(want);
    free(got);
    free(rows);
    free(panels);
    free(work);
}

static void level(const char *name) {
    const rg_kernels *kernels = rg_kernels_named(name);
    if (!kernels) {
        print_message("skipped: this processor has no %s\n", name);
        skip();
    }
    print_message("integers by %s\n", rg_integer_kernels_of(kernels)->name);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        check(kernels, &pairs[i], 13, 37, 172);
        check(kernels, &pairs[i], 1, 1, 1);
        check(kernels, &pairs[i], 7, 33, 64);
        check(kernels, &pairs[i], 12, 64, 1184);
    }
    check(kernels, &pairs[0], 203, 530, 96);
}
static void scalar_level(void **state) {
    (void)state;
    level("scalar");
}
static void avx2_level(void **state) {
    (void)state;
    level("avx2");
}
static void avx512_level(void **state) {
    (void)state;
    level("avx512");
}

/* The largest integers everywhere, over the longest block that a sum in 32 bits allows. */
static void largest_sums(void **state) {
    (void)state;
    enum { K = 133000 };
    for (size_t l = 0; rg_kernels_level(l); l++) {
        const rg_kernels *kernels = rg_kernels_named(rg_kernels_level(l));
        rg_quant q;
        integer_plan p;
        if (!kernels) continue;
        assert_int_equal(rg_quant_parse("int8", &q, NULL), RG_OK);
        assert_true(integer_plan_make(&p, kernels, &q, &q, K));
        assert_false(integer_plan_make(&p, kernels, &q, &q, K + 200));
        assert_true(integer_plan_make(&p, kernels, &q, &q, K));
        float *x = room(K * sizeof *x), y[2];
        for (int sign = 0; sign < 2; sign++) {
            for (size_t i = 0; i < K; i++) x[i] = sign ? -127 : 127;
            uint8_t *rows = room(integer_rows_bytes(&p, 1)), *panels = room(integer_panels_bytes(&p, 1));
            void *work = room(integer_work_bytes(&p, 1, 1));
            integer_encode(&p, 1, x, 1, 0, work, rows);
            for (size_t i = 0; i < K; i++) x[i] = 127;
            integer_pack(&p, 1, x, 1, work, panels);
            integer_gemm(&p, 1, 1, 1, rows, panels, &y[sign]);
            free(rows);
            free(panels);
            free(work);
        }
        assert_true(y[0] == (float)(K * 127LL * 127) && y[1] == -y[0]);
        free(x);
    }
}

static void refused(void **state) {
    (void)state;
    const rg_kernels *kernels = rg_kernels_named("scalar");
    rg_quant int8, other;
    integer_plan p;
    assert_int_equal(rg_quant_parse("int8", &int8, NULL), RG_OK);
    assert_false(integer_plan_make(&p, kernels, NULL, &int8, 64));
    assert_false(integer_plan_make(&p, kernels, &int8, NULL, 64));
    static const char *const texts[] = {"mxfp8", "bf16", "int4(asym,group=32,scale=fp16)"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(rg_quant_parse(texts[i], &other, NULL), RG_OK);
        assert_false(integer_plan_make(&p, kernels, &other, &int8, 64));
        assert_false(integer_plan_make(&p, kernels, &int8, &other, 64));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(scalar_level), cmocka_unit_test(avx2_level),
                                       cmocka_unit_test(avx512_level), cmocka_unit_test(largest_sums),
                                       cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
