/* Functions of a row: the same bits from every instruction set at hand, and right against the C library in
 * double. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/kernels.h"

enum { MAX = 1000 };
static const size_t lengths[] = {1, 2, 15, 16, 17, 31, 64, 172, 577, MAX};

typedef struct results { /* everything the kernels compute from one input */
    float norm[MAX], swiglu[MAX], softmax[MAX], softmax_sum, exp[MAX], log[MAX];
    rg_row_compare compare;
} results;

static void fill(size_t n, uint64_t stream, float scale, float *x) {
    for (size_t i = 0; i < n; i++) x[i] = scale * (float)rg_random_normal(11, stream, i);
}

static void compute(const rg_kernels *k, size_t n, const float *a, const float *b, results *r) {
    memset(r, 0, sizeof *r);
    float positive[MAX];
    for (size_t i = 0; i < n; i++) positive[i] = fabsf(a[i]) + FLT_MIN;
    k->rmsnorm(n, a, b, 1e-5, r->norm);
    k->swiglu(n, a, b, r->swiglu);
    memcpy(r->softmax, a, n * sizeof *a);
    r->softmax_sum = k->softmax(n, 0.125f, r->softmax);
    k->exp(n, a, r->exp);
    k->log(n, positive, r->log);
    rg_row_compare c = k->compare(n, a, b); /* field by field: padding has no meaning */
    r->compare.max_a = c.max_a, r->compare.max_b = c.max_b, r->compare.sum_a = c.sum_a;
    r->compare.sum_b = c.sum_b, r->compare.weighted = c.weighted, r->compare.top_a = c.top_a;
    r->compare.top_b = c.top_b, r->compare.finite = c.finite, r->compare.weighted_b = c.weighted_b;
}

static void same_bits(void **state) {
    (void)state;
    const rg_kernels *scalar = rg_kernels_named("scalar");
    assert_non_null(scalar);
    static float a[MAX], b[MAX];
    static results want, got;
    for (size_t level = 1; rg_kernels_level(level); level++) {
        const rg_kernels *fast = rg_kernels_named(rg_kernels_level(level));
        if (!fast) {
            print_message("skipped: this processor has no %s\n", rg_kernels_level(level));
            continue;
        }
        for (uint64_t trial = 0; trial < 60; trial++) {
            size_t n = lengths[trial % (sizeof lengths / sizeof *lengths)];
            fill(n, 2 * trial, trial < 30 ? 3 : 40, a);
            fill(n, 2 * trial + 1, 1, b);
            compute(scalar, n, a, b, &want);
            compute(fast, n, a, b, &got);
            assert_memory_equal(&want, &got, sizeof want);
        }
    }
}

/* exp and log over the whole range and at special values: equal bits, and at most 1 ULP off. */
static void exp_log(void **state) {
    (void)state;
    const float special[] = {0,       -0.0f, 1,    -1,    88.72283f, 88.7229f, 89,       -87.4f,
                             -103.9f, -104,  -150, 1e30f, -1e30f,    INFINITY, -INFINITY};
    float x[256], y[256], z[256];
    for (uint64_t trial = 0; trial < 400; trial++) {
        for (size_t i = 0; i < 256; i++)
            x[i] = trial == 0 && i < sizeof special / sizeof *special
                       ? special[i]
                       : (float)(210 * rg_random_uniform(3, trial, i) - 110);
        rg_kernels_named("scalar")->exp(256, x, y);
        for (size_t level = 1; rg_kernels_level(level); level++) {
            const rg_kernels *fast = rg_kernels_named(rg_kernels_level(level));
            if (!fast) continue;
            fast->exp(256, x, z);
            assert_memory_equal(y, z, sizeof y);
        }
        for (size_t i = 0; i < 256; i++) {
            double want = exp((double)x[i]);
            if (want > FLT_MAX || want < FLT_MIN) continue; /* overflow, and subnormals: compared above */
            assert_true(fabs((double)y[i] - want) <= 1.0 * (nextafterf(y[i], INFINITY) - y[i]));
        }
        for (size_t i = 0; i < 256; i++)
            x[i] = ldexpf((float)(1 + rg_random_uniform(4, trial, i)),
                          (int)(rg_random_u32(5, trial, i) % 250) - 125);
        rg_kernels_named("scalar")->log(256, x, y);
        for (size_t level = 1; rg_kernels_level(level); level++) {
            const rg_kernels *fast = rg_kernels_named(rg_kernels_level(level));
            if (!fast) continue;
            fast->log(256, x, z);
            assert_memory_equal(y, z, sizeof y);
        }
        for (size_t i = 0; i < 256; i++) {
            double want = log((double)x[i]), ulp = nextafterf(fabsf(y[i]), INFINITY) - fabsf(y[i]);
            assert_true(fabs((double)y[i] - want) <= 1.0 * ulp);
        }
    }
}

/* Against the definitions in double. The bounds are 16 roundings of fp32 for a sum, a few for the rest. */
static void accuracy(void **state) {
    (void)state;
    static float a[MAX], b[MAX];
    static results r;
    const rg_kernels *kernels;
    assert_int_equal(rg_kernels_get(&kernels, NULL), RG_OK);
    const double eps = FLT_EPSILON;
    for (uint64_t trial = 0; trial < 20; trial++) {
        size_t n = lengths[trial % (sizeof lengths / sizeof *lengths)];
        fill(n, 2 * trial, 3, a);
        fill(n, 2 * trial + 1, 2, b);
        compute(kernels, n, a, b, &r);
        double squares = 0, top = -INFINITY, sum = 0, sum_a = 0, sum_b = 0, kl = 0, reverse = 0,
               max_a = -INFINITY, max_b = -INFINITY;
        for (size_t i = 0; i < n; i++) {
            squares += (double)a[i] * a[i];
            top = fmax(top, 0.125 * a[i]);
            max_a = fmax(max_a, a[i]);
            max_b = fmax(max_b, b[i]);
        }
        for (size_t i = 0; i < n; i++) {
            sum += exp(0.125 * a[i] - top);
            sum_a += exp((double)a[i] - max_a);
            sum_b += exp((double)b[i] - max_b);
        }
        for (size_t i = 0; i < n; i++) {
            double p = exp((double)a[i] - max_a) / sum_a;
            kl += p * ((a[i] - max_a - log(sum_a)) - (b[i] - max_b - log(sum_b)));
            reverse += exp((double)b[i] - max_b) / sum_b *
                       ((b[i] - max_b - log(sum_b)) - (a[i] - max_a - log(sum_a)));
            double norm = a[i] / sqrt(squares / (double)n + 1e-5) * b[i],
                   silu = a[i] / (1 + exp(-(double)a[i])) * b[i];
            assert_true(fabs(r.norm[i] - norm) <= 16 * eps * fabs(norm));
            assert_true(fabs(r.swiglu[i] - silu) <= 8 * eps * fabs(silu));
            assert_true(fabs(r.softmax[i] - exp(0.125 * a[i] - top)) <= 4 * eps);
        }
        assert_true(fabs(r.softmax_sum - sum) <= 16 * eps * sum);
        assert_true(r.compare.finite);
        assert_true(r.compare.max_a == (float)max_a && a[r.compare.top_a] == (float)max_a);
        assert_true(r.compare.max_b == (float)max_b && b[r.compare.top_b] == (float)max_b);
        double got = r.compare.weighted / r.compare.sum_a + (r.compare.max_b + log(r.compare.sum_b)) -
                     (r.compare.max_a + log(r.compare.sum_a));
        assert_true(fabs(got - kl) <= 8 * eps * (1 + fabs(kl)));
        got = -r.compare.weighted_b / r.compare.sum_b + (r.compare.max_a + log(r.compare.sum_a)) -
              (r.compare.max_b + log(r.compare.sum_b));
        assert_true(fabs(got - reverse) <= 8 * eps * (1 + fabs(reverse)));
    }
}

/* A few steps with a state of its own: equal bits, and close to the definition in double. */
static void recurrences(void **state) {
    (void)state;
    enum { ROWS = 37, COLS = 161, STEPS = 9 };
    static const size_t widths[] = {1, 15, 16, 17, 64, 79, 128, COLS};
    static float u[STEPS][ROWS], w[STEPS][ROWS], v[STEPS][COLS], decay[ROWS];
    static float got[3][2][ROWS * COLS], out[3][2][STEPS][COLS];
    for (int r = 0; r < ROWS; r++) decay[r] = 0.5f + 0.01f * (float)r;
    fill(STEPS * ROWS, 1, 0.3f, u[0]);
    fill(STEPS * ROWS, 2, 0.3f, w[0]);
    fill(STEPS * COLS, 3, 1, v[0]);
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        const size_t cols = widths[i];
        memset(got, 0, sizeof got), memset(out, 0, sizeof out);
        for (size_t level = 0; rg_kernels_level(level); level++) {
            const rg_kernels *k = rg_kernels_named(rg_kernels_level(level));
            for (int t = 0; k && t < STEPS; t++) {
                k->state_step(ROWS, cols, 0.9f, u[t], v[t], w[t], got[level][0], out[level][0][t]);
                k->delta_step(ROWS, cols, decay, 0.7f, u[t], v[t], w[t], got[level][1], out[level][1][t]);
            }
            if (!k) continue;
            assert_memory_equal(got[0], got[level], sizeof got[0]);
            assert_memory_equal(out[0], out[level], sizeof out[0]);
        }
        for (size_t j = 0; j < cols; j++) { /* columns do not meet */
            double s[ROWS] = {0}, d[ROWS] = {0};
            for (int t = 0; t < STEPS; t++) {
                double seen = 0, read = 0, read_d = 0;
                for (int r = 0; r < ROWS; r++) seen += u[t][r] * decay[r] * d[r];
                for (int r = 0; r < ROWS; r++) {
                    s[r] = 0.9f * s[r] + u[t][r] * v[t][j];
                    d[r] = decay[r] * d[r] + 0.7f * (v[t][j] - seen) * u[t][r];
                    read += w[t][r] * s[r];
                    read_d += w[t][r] * d[r];
                }
                assert_true(fabs(out[0][0][t][j] - read) < 1e-5);
                assert_true(fabs(out[0][1][t][j] - read_d) < 1e-5);
            }
        }
    }
}

static void compare_edges(void **state) {
    (void)state;
    for (size_t level = 0; rg_kernels_level(level); level++) {
        const rg_kernels *kernels = rg_kernels_named(rg_kernels_level(level));
        if (!kernels) continue;
        float a[37], b[37];
        fill(37, 1, 1, a);
        memcpy(b, a, sizeof b);
        rg_row_compare same = kernels->compare(37, a, b);
        assert_true(same.finite && same.weighted == 0 && same.sum_a == same.sum_b &&
                    same.top_a == same.top_b);
        a[5] = a[30] = 9; /* of equals the first */
        assert_int_equal(kernels->compare(37, a, b).top_a, 5);
        for (size_t i = 0; i < 37; i++) {
            float kept = b[i];
            b[i] = NAN;
            assert_false(kernels->compare(37, a, b).finite);
            assert_false(kernels->compare(37, b, a).finite);
            b[i] = -INFINITY;
            assert_false(kernels->compare(37, a, b).finite);
            b[i] = kept;
        }
        assert_true(kernels->compare(37, a, b).finite);
    }
}

static void scalars(void **state) {
    (void)state;
    double s, c;
    for (uint64_t i = 0; i < 2000; i++) {
        double x = 20 * rg_random_uniform(6, 0, i) - 10;
        rg_sincos(100 * x, &s, &c);
        assert_true(fabs(s - sin(100 * x)) <= 4 * DBL_EPSILON && fabs(c - cos(100 * x)) <= 4 * DBL_EPSILON);
        assert_true(fabs(rg_exp(x) - exp(x)) <= 2 * DBL_EPSILON * exp(x));
        assert_true(fabs(rg_log(x + 11) - log(x + 11)) <= 2 * DBL_EPSILON * (1 + log(x + 11)));
        assert_true(fabs(rg_pow(10000, x / 10) - pow(10000, x / 10)) <= 2 * DBL_EPSILON * pow(10000, x / 10));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bits), cmocka_unit_test(exp_log),
                                       cmocka_unit_test(accuracy),  cmocka_unit_test(compare_edges),
                                       cmocka_unit_test(scalars),   cmocka_unit_test(recurrences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
