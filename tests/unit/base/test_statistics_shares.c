/* Tests and intervals of shares: against scipy 1.17 (binomtest, its Wilson interval, norm), by enumeration of
   all outcomes, and detectable effects by the exact power of the test. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "ridge/statistics.h"

static void close_to(double got, double want, double relative) {
    if (!(fabs(got - want) <= relative * fabs(want) + 1e-300)) fail_msg("%.17g, expected %.17g", got, want);
}

static void mcnemar_agrees_with_scipy(void **state) {
    (void)state;
    const struct {
        uint64_t a, b;
        double p;
    } rows[] = {{10, 27, 0.007632078602910042},
                {27, 10, 0.007632078602910042},
                {0, 0, 1},
                {0, 5, 0.0625},
                {3, 3, 1},
                {1, 9, 0.021484375},
                {500, 430, 0.023608839292547163},
                {1234, 1100, 0.005894093085247736},
                {40000, 40500, 0.07862036880511007}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        close_to(rg_mcnemar_exact(rows[i].a, rows[i].b), rows[i].p, 1e-10);
}

/* 220 items, 133 right under both, 10 under A alone, 27 under B alone. */
static void pairing_finds_what_the_unpaired_test_misses(void **state) {
    (void)state;
    const double paired = rg_mcnemar_exact(10, 27), unpaired = rg_two_proportions_test(143, 220, 160, 220);
    assert_true(fabs(paired - 0.008) < 0.0005);
    assert_true(fabs(unpaired - 0.080) < 0.0005);
    close_to(unpaired, 0.08007965031669928, 1e-12);
    close_to(rg_two_proportions_test(10, 100, 10, 100), 1, 0);
    close_to(rg_two_proportions_test(1, 50, 9, 40), 0.0021050255367521305, 1e-12);
    close_to(rg_two_proportions_test(300, 1000, 420, 1000), 2.2684748592600777e-08, 1e-11);
    close_to(rg_two_proportions_test(0, 10, 0, 10), 1, 0);
    close_to(rg_two_proportions_test(0, 0, 0, 10), 1, 0);
}

static void mcnemar_is_the_enumeration(void **state) {
    (void)state;
    for (unsigned n = 1; n <= 16; n++) {
        unsigned count[17] = {0};
        for (unsigned x = 0; x < 1u << n; x++) count[__builtin_popcount(x)]++;
        for (unsigned k = 0; k <= n; k++) {
            unsigned as_far = 0; /* outcomes at least as far from n / 2 */
            for (unsigned j = 0; j <= n; j++)
                if (abs((int)(2 * j) - (int)n) >= abs((int)(2 * k) - (int)n)) as_far += count[j];
            close_to(rg_mcnemar_exact(k, n - k), (double)as_far / (double)(1u << n), 1e-14);
            close_to(rg_binomial_test(k, n, 0.5), (double)as_far / (double)(1u << n), 1e-13);
        }
    }
}

static void binomial_agrees_with_scipy(void **state) {
    (void)state;
    const struct {
        uint64_t k, n;
        double p, want;
    } rows[] = {{3, 20, 0.3, 0.22041826738070913},
                {0, 10, 0.1, 0.6125795109999999},
                {10, 10, 0.9, 0.612579511},
                {143, 220, 0.7, 0.10607883226054625},
                {7, 1000, 0.01, 0.42635159262273126},
                {5000, 10000, 0.49, 0.04654168501674097},
                {0, 5, 0, 1},
                {1, 5, 0, 0},
                {5, 5, 1, 1},
                {2, 5, 0.5, 1},
                {1, 3, 1.0 / 3, 1},
                {0, 0, 0.3, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        close_to(rg_binomial_test(rows[i].k, rows[i].n, rows[i].p), rows[i].want, 1e-10);
}

static void wilson_agrees_with_scipy(void **state) {
    (void)state;
    const struct {
        uint64_t k, n;
        double confidence, lo, hi;
    } rows[] = {{143, 220, 0.95, 0.5848888108500723, 0.709962734291387},
                {0, 20, 0.95, 0, 0.16112515805281935},
                {20, 20, 0.95, 0.8388748419471808, 1},
                {1, 3, 0.99, 0.04042662929608476, 0.855783984952333},
                {5000, 10000, 0.9, 0.4917768441952793, 0.5082231558047208},
                {0, 0, 0.95, 0, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double lo, hi;
        rg_wilson_interval(rows[i].k, rows[i].n, rows[i].confidence, &lo, &hi);
        close_to(lo, rows[i].lo, 1e-11);
        close_to(hi, rows[i].hi, 1e-12);
    }
}

static void quantiles_agree_with_scipy(void **state) {
    (void)state;
    const double rows[][2] = {
        {0.8, 0.8416212335729143},    {0.9, 1.2815515655446004},   {0.95, 1.6448536269514722},
        {0.975, 1.959963984540054},   {0.995, 2.5758293035489004}, {0.9995, 3.2905267314919255},
        {0.025, -1.9599639845400545}, {1e-9, -5.9978070150076865}, {0.3, -0.5244005127080409}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        close_to(rg_normal_quantile(rows[i][0]), rows[i][1], 1e-12);
    assert_true(rg_normal_quantile(0.5) == 0);
    assert_true(isinf(rg_normal_quantile(0)) && isinf(rg_normal_quantile(1)));
    assert_true(isnan(rg_normal_quantile(-0.1)) && isnan(rg_normal_quantile(NAN)));
    close_to(rg_normal_two_sided(1.959963984540054), 0.05, 1e-12);
}

static void detectable_effects_agree_with_their_formula(void **state) {
    (void)state;
    const struct {
        uint64_t n;
        double discordant, alpha, power, want;
    } rows[] = {
        {220, 37.0 / 220, 0.05, 0.8, 0.07704644987204863}, {2376, 0.05, 0.05, 0.8, 0.012845473368057778},
        {100, 0.02, 0.05, 0.8, 0.07665613424623571},       {20, 0, 0.05, 0.8, 0.3483160924343245},
        {1838, 0, 0.05, 0.8, 0.004264861921667081},        {100, 0.2, 0.01, 0.9, 0.16829430201110177}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const double d = rg_paired_detectable(rows[i].n, rows[i].discordant, rows[i].alpha, rows[i].power);
        close_to(d, rows[i].want, 1e-10);
        if (d <= rows[i].discordant)
            close_to(rg_paired_items_needed(rows[i].discordant, d, rows[i].alpha, rows[i].power),
                     (double)rows[i].n, 1e-9);
    }
    assert_true(isnan(rg_paired_detectable(3, 0.3, 0.05, 0.8)));
    assert_true(isnan(rg_paired_detectable(0, 0.3, 0.05, 0.8)));
    close_to(rg_paired_items_needed(37.0 / 220, 17.0 / 220, 0.05, 0.8), 218.69947204203913, 1e-10);
    close_to(rg_paired_items_needed(0.1, -0.002, 0.05, 0.8), 196219.63546862418, 1e-10);
    assert_true(isinf(rg_paired_items_needed(0.1, 0, 0.05, 0.8)));
    assert_true(isnan(rg_paired_items_needed(0.1, 0.2, 0.05, 0.8)));
}

/* P(X = k) by logarithms. */
static double choose(double n, double k, double p) {
    return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p));
}

/* Probability that the exact test at 5 % sees a difference d: over all numbers of discordant items and all
   their splits. */
static double exact_power(unsigned n, double discordant, double d) {
    const double up = 0.5 * (1 + d / discordant); /* of a discordant item */
    double power = 0;
    for (unsigned m = 1; m <= n; m++) {
        const double weight = choose(n, m, discordant);
        if (weight < 1e-9) continue;
        for (unsigned k = 0; k <= m; k++)
            if (rg_mcnemar_exact(k, m - k) < 0.05) power += weight * choose(m, k, up);
    }
    return power;
}

/* The exact test is a little conservative, so it finds the effect somewhat less often than 80 %. */
static void detectable_effects_are_found_as_often_as_promised(void **state) {
    (void)state;
    const struct {
        unsigned n;
        double discordant;
    } rows[] = {{220, 0.17}, {400, 0.1}, {600, 0.3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const double d = rg_paired_detectable(rows[i].n, rows[i].discordant, 0.05, 0.8),
                     power = exact_power(rows[i].n, rows[i].discordant, d);
        if (!(power > 0.72 && power < 0.82)) fail_msg("n %u: power %g", rows[i].n, power);
        assert_true(exact_power(rows[i].n, rows[i].discordant, d / 2) < 0.4);
    }
}

static void verdicts_follow_the_paired_test(void **state) {
    (void)state;
    enum { N = 220 };
    uint8_t a[N], b[N];
    for (int i = 0; i < N; i++) {
        a[i] = i < 143; /* 133 right under both, 10 under A alone, 27 under B alone */
        b[i] = i < 133 || (i >= 143 && i < 170);
    }
    rg_paired_shares s;
    rg_paired_shares_compare(N, a, b, &s);
    assert_int_equal(s.right_reference, 143);
    assert_int_equal(s.right, 160);
    assert_int_equal(s.to_right, 27);
    assert_int_equal(s.to_wrong, 10);
    close_to(s.mcnemar_p, 0.007632078602910042, 1e-10);
    close_to(s.difference, 17.0 / 220, 1e-14);
    close_to(s.items_needed, 218.69947204203913, 1e-10);
    assert_int_equal(s.verdict, RG_BETTER);
    rg_paired_shares_compare(N, b, a, &s);
    assert_int_equal(s.verdict, RG_WORSE);
    rg_paired_shares_compare(N, a, a, &s);
    assert_int_equal(s.verdict, RG_CANNOT_TELL);
    assert_true(isinf(s.items_needed));
    rg_paired_shares_compare(0, a, a, &s);
    assert_int_equal(s.verdict, RG_CANNOT_TELL);
    assert_true(isnan(s.detectable));
    assert_string_equal(rg_verdict_name(RG_CANNOT_TELL), "cannot tell");
    assert_string_equal(rg_verdict_name(RG_N_VERDICTS), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mcnemar_agrees_with_scipy),
        cmocka_unit_test(pairing_finds_what_the_unpaired_test_misses),
        cmocka_unit_test(mcnemar_is_the_enumeration),
        cmocka_unit_test(binomial_agrees_with_scipy),
        cmocka_unit_test(wilson_agrees_with_scipy),
        cmocka_unit_test(quantiles_agree_with_scipy),
        cmocka_unit_test(detectable_effects_agree_with_their_formula),
        cmocka_unit_test(verdicts_follow_the_paired_test),
        cmocka_unit_test(detectable_effects_are_found_as_often_as_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
