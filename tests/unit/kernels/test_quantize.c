/* Rounding to a grid: every instruction set gives the bits of the definition, written with the C library in
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

static const rg_grid grids[] = {
    {3, -6, 448, -0.0f},                   /* e4m3fn */
    {2, -14, 57344, -0.0f},                /* e5m2 */
    {2, -2, 28, -0.0f},                    /* e3m2 */
    {3, 0, 7.5f, -0.0f},                   /* e2m3 */
    {1, 0, 6, -0.0f},                      /* e2m1 */
    {10, -14, 65504, -0.0f},               /* fp16 */
    {7, RG_GRID_FP32_EXPONENT, 0, -0.0f},  /* bf16 */
    {10, RG_GRID_FP32_EXPONENT, 0, -0.0f}, /* tf32 */
    {7, 7, 127, 0},                        /* int8 */
    {3, 3, 7, 0},                          /* int4 */
    {1, 1, 1, 0},                          /* int2 */
};
enum { N_GRIDS = sizeof grids / sizeof *grids, N = 4099 };

static rg_grid grid_at(size_t i) {
    rg_grid g = grids[i];
    if (g.max == 0) g.max = ldexpf(2 - ldexpf(1, -g.mantissa_bits), 127);
    return g;
}

static float defined(const rg_grid *g, float x, float scale) {
    const float v = x / scale;
    double magnitude = fmin(fabs((double)v), (double)g->max);
    int e = magnitude > 0 ? ilogb(magnitude) : -1000;
    if (e < g->min_exponent) e = g->min_exponent;
    const double quantum = ldexp(1, e - g->mantissa_bits);
    float y = (float)fmin(rint(magnitude / quantum) * quantum, (double)g->max);
    if (signbit(v)) y = -y;
    if (y == 0 && !signbit(g->zero)) y = 0;
    return y * scale;
}

/* Any bits at all, values around the grid's range, exact ties, and the special points. */
static float input(const rg_grid *g, uint64_t i) {
    const uint32_t bits = rg_random_u32(41, (uint64_t)g->mantissa_bits, i);
    float x;
    const float points[] = {0,       -0.0f,    g->max, -g->max, FLT_MIN, FLT_TRUE_MIN,
                            FLT_MAX, -FLT_MAX, 1,      0.5f,    1.5f,    2.5f};
    if (i < sizeof points / sizeof *points) return points[i];
    if (i % 3 == 0) {
        memcpy(&x, &bits, sizeof x);
        return isfinite(x) ? x : 1;
    }
    const int e = i % 2 ? (int)(bits % 24) - 12 : g->min_exponent + (int)(bits % 6) - 3;
    if (i % 3 == 1) return (float)ldexp(rg_random_normal(42, 0, i), e);
    return (float)ldexp((double)(int)(bits >> 20) - 2048, e - g->mantissa_bits - 1); /* ties */
}

static void levels(void **state) {
    (void)state;
    const float scales[] = {1, 0.25f, 0.0137f, 3e5f};
    static float x[N], want[N], got[N];
    for (size_t level = 0; rg_kernels_level(level); level++) {
        const rg_kernels *kernels = rg_kernels_named(rg_kernels_level(level));
        if (!kernels) {
            print_message("skipped: this processor has no %s\n", rg_kernels_level(level));
            continue;
        }
        for (size_t i = 0; i < N_GRIDS * 4; i++) {
            const rg_grid grid = grid_at(i / 4);
            const float scale = scales[i % 4];
            for (uint64_t j = 0; j < N; j++) x[j] = input(&grid, j);
            for (size_t j = 0; j < N; j++)
                if (!isfinite(x[j] / scale)) x[j] = 1;
            for (size_t j = 0; j < N; j++) want[j] = defined(&grid, x[j], scale);
            kernels->quantize(&grid, N, x, scale, got);
            for (size_t j = 0; j < N; j++)
                if (memcmp(&want[j], &got[j], sizeof *got) != 0)
                    fail_msg("%s grid %zu: %a / %a gives %a, not %a", kernels->name, i / 4, x[j], scale,
                             got[j], want[j]);
            for (size_t n = 0; n < 40; n++) { /* any length, in place */
                memcpy(got, x, sizeof got);
                kernels->quantize(&grid, n, got, scale, got);
                assert_memory_equal(got, want, n * sizeof *got);
                assert_memory_equal(got + n, x + n, (N - n) * sizeof *got);
            }
        }
    }
}

static void largest(void **state) {
    (void)state;
    static float x[N];
    for (size_t level = 0; rg_kernels_level(level); level++) {
        const rg_kernels *kernels = rg_kernels_named(rg_kernels_level(level));
        if (!kernels) continue;
        for (size_t n = 0; n < 70; n++) {
            float want = 0;
            for (size_t i = 0; i < n; i++) {
                x[i] = (float)rg_random_normal(43, n, i);
                want = fmaxf(want, fabsf(x[i]));
            }
            assert_true(kernels->largest_magnitude(n, x) == want);
            for (size_t i = 0; i < n; i++) {
                const float kept = x[i];
                x[i] = -INFINITY;
                assert_true(isinf(kernels->largest_magnitude(n, x)));
                x[i] = i % 2 ? -NAN : NAN;
                assert_true(isnan(kernels->largest_magnitude(n, x)));
                x[i] = kept;
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(levels), cmocka_unit_test(largest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
