/* Intervals over clusters: quantiles against published tables, coverage by simulation, verdicts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "ridge/paired.h"

static void near(double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance)) fail_msg("%.10g, not %.10g", got, want);
}

static void quantiles(void **state) {
    (void)state;
    /* Printed tables of Student's t. */
    near(rg_t_quantile(0.975, 1), 12.7062047, 1e-6);
    near(rg_t_quantile(0.975, 2), 4.30265273, 1e-7);
    near(rg_t_quantile(0.975, 7), 2.36462425, 1e-7);
    near(rg_t_quantile(0.975, 10), 2.22813885, 1e-7);
    near(rg_t_quantile(0.9995, 30), 3.64595864, 1e-6);
    near(rg_t_quantile(0.05, 5), -2.01504837, 1e-7);
    near(rg_t_quantile(0.8, 120), 0.845, 5e-4);
    near(rg_t_quantile(0.975, 1000), 1.96233908, 1e-7);
    for (int n = 1; n < 200; n += 13) near(rg_t_probability(rg_t_quantile(0.83, n), n), 0.83, 1e-12);
    near(rg_t_quantile(0.999, 200), rg_t_quantile(0.999, 200.5), 2e-4); /* the branches meet */
}

/* Clusters of unequal size with a common shift each: `skew` 0 normal, else exponential shifts. */
static void draw(uint64_t trial, size_t m, bool skew, double *sum, double *n) {
    for (size_t c = 0; c < m; c++) {
        n[c] = 20 + (double)(rg_random_u32(3, trial, c) % 30);
        const double u = rg_random_uniform(4, trial, c);
        const double shift = skew ? -log(1 - u) - 1 : rg_random_normal(4, trial, c);
        sum[c] = shift * n[c];
        for (size_t i = 0; i < (size_t)n[c]; i++) sum[c] += rg_random_normal(5, trial, c * 64 + i);
    }
}

enum { MOST = 64 };

/* Share of 600 trials whose 95 % interval holds the true mean 0. The binomial error of the share is 0.9
   points. */
static void coverage(void **state) {
    (void)state;
    const struct {
        size_t m;
        bool skew;
        double least, most; /* of the bootstrap */
    } cases[] = {
        {20, false, 0.93, 0.97}, {20, true, 0.93, 0.97}, {40, true, 0.93, 0.97}, {8, false, 0.92, 0.99}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        int held = 0, held_t = 0, naive = 0;
        const int trials = 600;
        for (int trial = 0; trial < trials; trial++) {
            double sum[MOST], n[MOST];
            rg_interval b;
            draw((uint64_t)trial, cases[k].m, cases[k].skew, sum, n);
            assert_int_equal(rg_cluster_bootstrap(sum, n, cases[k].m, 1, 0.05, 9, &b, NULL), RG_OK);
            const rg_interval t = rg_cluster_t(sum, n, cases[k].m, 0.05);
            held += b.lo <= 0 && b.hi >= 0;
            held_t += t.lo <= 0 && t.hi >= 0;
            double tokens = 0; /* the error that tokens would have if they were independent: variance 2 */
            for (size_t c = 0; c < cases[k].m; c++) tokens += n[c];
            naive += fabs(b.mean) <= 1.96 * sqrt(2 / tokens);
        }
        print_message("%zu clusters, %s: bootstrap covers %.1f %%, t %.1f %%, tokens as a sample %.1f %%\n",
                      cases[k].m, cases[k].skew ? "skewed" : "normal", 100.0 * held / trials,
                      100.0 * held_t / trials, 100.0 * naive / trials);
        assert_true(held >= cases[k].least * trials && held <= cases[k].most * trials);
        assert_true(cases[k].skew || (held_t >= 0.93 * trials && held_t <= 0.97 * trials));
        assert_true(naive < 0.6 * trials); /* what all this is for */
    }
}

/* Ten equal clusters: mean and error by hand; two series share the draws; degenerate data. */
static void by_hand(void **state) {
    (void)state;
    double sum[3][10], n[10];
    rg_interval got[3], again[3];
    for (int i = 0; i < 10; i++) {
        n[i] = 4;
        sum[0][i] = 4 * (i + 1);
        sum[1][i] = -4 * (i + 1);
        sum[2][i] = 2;
    }
    assert_int_equal(rg_cluster_bootstrap(sum[0], n, 10, 3, 0.05, 1, got, NULL), RG_OK);
    near(got[0].mean, 5.5, 1e-12);
    near(got[0].se, sqrt(82.5 / 9 / 10), 1e-12); /* variance of 1..10 is 82.5 / 9 */
    near(got[1].lo, -got[0].hi, 1e-12);
    near(got[1].hi, -got[0].lo, 1e-12);
    assert_true(got[2].mean == 0.5 && got[2].lo == 0.5 && got[2].hi == 0.5 && got[2].se == 0);
    assert_int_equal(rg_cluster_bootstrap(sum[0], n, 10, 3, 0.05, 1, again, NULL), RG_OK);
    assert_memory_equal(got, again, sizeof got);
    const rg_interval t = rg_cluster_t(sum[0], n, 10, 0.05);
    near(t.hi - t.mean, 2.26215716 * got[0].se, 1e-6);
    assert_int_equal(rg_cluster_bootstrap(sum[0], n, RG_CLUSTERS_MIN - 1, 1, 0.05, 1, got, NULL), RG_OK);
    assert_true(got[0].mean == 4 && isnan(got[0].lo) && isnan(got[0].hi) && isnan(got[0].se));
    assert_int_equal(rg_verdict_of(got[0].lo, got[0].hi, 0), RG_CANNOT_TELL);
}

static void verdicts(void **state) {
    (void)state;
    assert_string_equal(rg_verdict_name(rg_verdict_of(0.1, 0.2, 0)), "worse");
    assert_string_equal(rg_verdict_name(rg_verdict_of(-0.2, -0.1, 0)), "better");
    assert_string_equal(rg_verdict_name(rg_verdict_of(-0.1, 0.1, 0)), "cannot tell");
    assert_string_equal(rg_verdict_name(rg_verdict_of(0, 0, 0)), "cannot tell");
    assert_string_equal(rg_verdict_name(rg_verdict_of(0.1, 0.2, 0.15)), "cannot tell");
    assert_string_equal(rg_verdict_name(rg_verdict_of(0.1, 0.2, 0.3)), "within tolerance");
    assert_string_equal(rg_verdict_name(rg_verdict_of(0.1, 0.2, 0.05)), "worse");
}

/* An effect as large as what is detectable is found in 80 % of samples; of half that size, four times the
   sample is needed. */
static void power(void **state) {
    (void)state;
    enum { M = 30 };
    int found = 0;
    const double se = 1 / sqrt(M), effect = rg_detectable(se, M, 0.05);
    for (uint64_t trial = 0; trial < 4000; trial++) {
        double sum[M], n[M];
        for (size_t i = 0; i < M; i++) n[i] = 1, sum[i] = effect + rg_random_normal(8, trial, i);
        found += rg_cluster_t(sum, n, M, 0.05).lo > 0;
    }
    print_message("power %.3f\n", found / 4000.0);
    near(found / 4000.0, 0.8, 0.025);
    near(rg_tokens_needed(1000, 0.02, -0.01), 4000, 1e-9);
    assert_true(isnan(rg_tokens_needed(1000, 0.02, 0)) && isnan(rg_tokens_needed(1000, NAN, 1)));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(quantiles), cmocka_unit_test(coverage),
                                       cmocka_unit_test(by_hand), cmocka_unit_test(verdicts),
                                       cmocka_unit_test(power)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
