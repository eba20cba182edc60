/* The GEMM of every instruction set at hand gives the bits of a plain triple loop of fmaf. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/kernels.h"

/* Values over many binades, so that every rounding and cancellation shows. */
static float *random_matrix(size_t n, uint64_t stream) {
    float *x = malloc((n + 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = ldexpf((float)rg_random_normal(7, stream, i), (int)(rg_random_u32(8, stream, i) % 12));
    return x;
}

static void naive(size_t m, size_t n, size_t k, const float *x, const float *w, float *y) {
    for (size_t r = 0; r < m; r++)
        for (size_t c = 0; c < n; c++) {
            float sum = 0;
            for (size_t i = 0; i < k; i++) sum = fmaf(x[r * k + i], w[c * k + i], sum);
            y[r * n + c] = sum;
        }
}

static void check_shape(const rg_kernels *kernels, size_t m, size_t n, size_t k) {
    float *x = random_matrix(m * k, 1), *w = random_matrix(n * k, 2);
    float *packed = random_matrix(rg_gemm_packed_size(kernels, n, k), 3);
    float *want = random_matrix(m * n, 4), *got = random_matrix(m * n, 5), *v = random_matrix(k * n, 6);
    naive(m, n, k, x, w, want);
    for (int threads = 1; threads <= 3; threads++) {
        rg_gemm_pack(kernels, threads, w, n, k, packed);
        memset(got, 0xff, m * n * sizeof *got);
        rg_gemm(kernels, threads, m, n, k, x, packed, got);
        assert_memory_equal(got, want, m * n * sizeof *got);
    }
    /* One row at a time: the rows beside it change nothing. */
    for (size_t r = 0; r < m; r++) kernels->multiply(1, n, k, x + r * k, k, packed, k, got + r * n, n);
    assert_memory_equal(got, want, m * n * sizeof *got);
    /* From the transpose. */
    for (size_t c = 0; c < n; c++)
        for (size_t i = 0; i < k; i++) v[i * n + c] = w[c * k + i];
    kernels->pack_transposed(v, n, k, n, packed);
    kernels->multiply(m, n, k, x, k, packed, k, got, n);
    assert_memory_equal(got, want, m * n * sizeof *got);
    free(x);
    free(w);
    free(packed);
    free(want);
    free(got);
    free(v);
}

static void check_level(const char *name) {
    const rg_kernels *kernels = rg_kernels_named(name);
    if (!kernels) {
        print_message("skipped: this processor has no %s\n", name);
        skip();
    }
    const size_t shapes[][3] = {{1, 1, 1},     {1, 1, 0},     {5, 7, 3},     {6, 16, 8},
                                {12, 32, 256}, {13, 33, 257}, {97, 19, 31},  {100, 65, 70},
                                {193, 47, 64}, {7, 530, 515}, {30, 172, 513}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check_shape(kernels, shapes[i][0], shapes[i][1], shapes[i][2]);
}

static void scalar_level(void **state) {
    (void)state;
    check_level("scalar");
}
static void avx2_level(void **state) {
    (void)state;
    check_level("avx2");
}
static void avx512_level(void **state) {
    (void)state;
    check_level("avx512");
}

/* A prefix of the packed depth, as attention uses it: keys beyond the query do not exist. */
static void shorter_depth(void **state) {
    (void)state;
    enum { M = 5, N = 40, K = 300, SHORT = 271 };
    for (size_t level = 0; rg_kernels_level(level); level++) {
        const rg_kernels *kernels = rg_kernels_named(rg_kernels_level(level));
        if (!kernels) continue;
        float *x = random_matrix(M * K, 1), *v = random_matrix(K * N, 2), *got = random_matrix(M * N, 3);
        float *packed = random_matrix(rg_gemm_packed_size(kernels, N, K), 4);
        kernels->pack_transposed(v, N, K, N, packed);
        kernels->multiply(M, N, SHORT, x, K, packed, K, got, N);
        for (size_t r = 0; r < M; r++)
            for (size_t c = 0; c < N; c++) {
                float sum = 0;
                for (size_t i = 0; i < SHORT; i++) sum = fmaf(x[r * K + i], v[i * N + c], sum);
                assert_memory_equal(&sum, &got[r * N + c], sizeof sum);
            }
        free(x);
        free(v);
        free(got);
        free(packed);
    }
}

static void selection(void **state) {
    (void)state;
    const rg_kernels *kernels = NULL;
    rg_error err;
    assert_int_equal(setenv("RIDGE_CPU", "scalar", 1), 0);
    assert_int_equal(rg_kernels_get(&kernels, &err), RG_OK);
    assert_string_equal(kernels->name, "scalar");
    assert_int_equal(setenv("RIDGE_CPU", "abacus", 1), 0);
    kernels = NULL;
    assert_int_equal(rg_kernels_get(&kernels, &err), RG_ERR_USAGE);
    assert_null(kernels);
    assert_non_null(strstr(err.message, "abacus"));
    assert_int_equal(unsetenv("RIDGE_CPU"), 0);
    assert_int_equal(rg_kernels_get(&kernels, &err), RG_OK);
    const rg_kernels *best = NULL; /* levels are listed slowest first */
    for (size_t i = 0; rg_kernels_level(i); i++)
        if (rg_kernels_named(rg_kernels_level(i))) best = rg_kernels_named(rg_kernels_level(i));
    assert_ptr_equal(kernels, best);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(scalar_level), cmocka_unit_test(avx2_level),
                                       cmocka_unit_test(avx512_level), cmocka_unit_test(shorter_depth),
                                       cmocka_unit_test(selection)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
