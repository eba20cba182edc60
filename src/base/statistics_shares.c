/* Exact tests and intervals of shares; detectable effects of paired outcomes. */
#include "ridge/statistics.h"

#include <math.h>

/* ---- normal ---------------------------------------------------------------------------------------------
 */

double rg_normal_two_sided(double z) {
    return erfc(fabs(z) * M_SQRT1_2);
}

/* Newton's steps on the smaller tail, whose relative error stays small however far out it is. */
double rg_normal_quantile(double p) {
    if (!(p >= 0 && p <= 1)) return NAN;
    if (p == 0 || p == 1) return p == 0 ? -INFINITY : INFINITY;
    const double tail = p < 0.5 ? p : 1 - p;
    double x = 0;
    for (int i = 0; i < 200; i++) {
        const double q = 0.5 * erfc(x * M_SQRT1_2), density = exp(-0.5 * x * x) / sqrt(2 * M_PI);
        const double step = (q - tail) / density; /* the tail is convex for x > 0: no step overshoots */
        x += step;
        if (fabs(step) < 1e-15 * (1 + x)) break;
    }
    return p < 0.5 ? -x : x;
}

/* ---- binomial -------------------------------------------------------------------------------------------
 */

/* A number that leaves the range of double: value = mantissa 2^exponent. */
typedef struct wide {
    double mantissa;
    int64_t exponent;
} wide;

static void wide_times(wide *w, double factor) {
    int e;
    w->mantissa = frexp(w->mantissa * factor, &e);
    w->exponent += e;
}

static double wide_value(wide w) {
    if (w.exponent < -1100) return 0;
    return ldexp(w.mantissa, (int)w.exponent);
}

/* P(X = k) of n trials. */
static double probability(uint64_t k, uint64_t n, double p) {
    const double q = 1 - p;
    wide w = {1, 0};
    const uint64_t m = k < n - k ? k : n - k; /* the shorter product */
    for (uint64_t j = 1; j <= m; j++) wide_times(&w, (double)(n - m + j) / (double)j);
    wide power = {1, 0};
    for (uint64_t j = 0; j < k; j++) wide_times(&power, p);
    for (uint64_t j = 0; j < n - k; j++) wide_times(&power, q);
    w.exponent += power.exponent;
    w.mantissa *= power.mantissa;
    return wide_value(w);
}

/* Outcomes that are no likelier than `limit`, from the mode outward on both sides. A side's sum ends where
   its terms no longer count. */
static double side(uint64_t from, uint64_t n, double p, int direction, double limit) {
    const double odds = p / (1 - p);
    double term = probability(from, n, p), sum = 0;
    for (uint64_t i = from;;) {
        if (term <= limit) sum += term;
        if (term <= sum * 1e-18 || (direction < 0 ? i == 0 : i == n)) break;
        if (direction < 0) {
            term *= (double)i / ((double)(n - i + 1) * odds);
            i--;
        } else {
            term *= (double)(n - i) * odds / (double)(i + 1);
            i++;
        }
    }
    return sum;
}

double rg_binomial_test(uint64_t k, uint64_t n, double p) {
    if (n == 0) return 1;
    if (p <= 0) return k == 0;
    if (p >= 1) return k == n;
    const double limit = probability(k, n, p) * (1 + 1e-7);
    uint64_t mode = (uint64_t)(((double)n + 1) * p);
    if (mode > n) mode = n;
    double sum = side(mode, n, p, -1, limit);
    if (mode < n) sum += side(mode + 1, n, p, +1, limit);
    return sum < 1 ? sum : 1;
}

double rg_mcnemar_exact(uint64_t only_a, uint64_t only_b) {
    const uint64_t n = only_a + only_b, k = only_a < only_b ? only_a : only_b;
    if (2 * k == n) return 1;
    double term = probability(k, n, 0.5), sum = 0;
    for (uint64_t i = k;; i--) {
        sum += term;
        if (i == 0 || term <= sum * 1e-18) break;
        term *= (double)i / (double)(n - i + 1);
    }
    return 2 * sum < 1 ? 2 * sum : 1;
}

void rg_wilson_interval(uint64_t k, uint64_t n, double confidence, double *lo, double *hi) {
    *lo = 0;
    *hi = 1;
    if (n == 0) return;
    const double z = rg_normal_quantile(0.5 + confidence / 2), m = (double)n, p = (double)k / m;
    const double centre = (p + z * z / (2 * m)) / (1 + z * z / m);
    const double half = z * sqrt(p * (1 - p) / m + z * z / (4 * m * m)) / (1 + z * z / m);
    if (k > 0) *lo = centre - half;
    if (k < n) *hi = centre + half;
}

double rg_two_proportions_test(uint64_t k1, uint64_t n1, uint64_t k2, uint64_t n2) {
    if (n1 == 0 || n2 == 0) return 1;
    const double a = (double)n1, b = (double)n2, p = (double)(k1 + k2) / (a + b);
    const double variance = p * (1 - p) * (1 / a + 1 / b);
    return variance > 0 ? rg_normal_two_sided(((double)k2 / b - (double)k1 / a) / sqrt(variance)) : 1;
}

/* ---- detectable effects ---------------------------------------------------------------------------------
 */

double rg_paired_items_needed(double discordant, double d, double alpha, double power) {
    if (!(fabs(d) <= discordant)) return NAN;
    if (d == 0) return INFINITY;
    const double root = rg_normal_quantile(1 - alpha / 2) * sqrt(discordant) +
                        rg_normal_quantile(power) * sqrt(discordant - d * d);
    return root * root / (d * d);
}

double rg_paired_detectable(uint64_t n, double discordant, double alpha, double power) {
    const double za = rg_normal_quantile(1 - alpha / 2), zb = rg_normal_quantile(power),
                 root_n = sqrt((double)n);
    double lo = 0, hi = 1; /* what is gained by d rises faster than what chance asks for: one crossing */
    if (!(root_n > za)) return NAN;
    for (int i = 0; i < 200 && hi - lo > 1e-15; i++) {
        const double d = 0.5 * (lo + hi), share = discordant > d ? discordant : d;
        if (root_n * d < za * sqrt(share) + zb * sqrt(share - d * d))
            lo = d;
        else
            hi = d;
    }
    return 0.5 * (lo + hi);
}

/* ---- verdicts -------------------------------------------------------------------------------------------
 */

const char *rg_verdict_name(rg_verdict verdict) {
    static const char *const names[] = {"equal", "cannot tell", "better", "worse", "within tolerance"};
    return (size_t)verdict < RG_N_VERDICTS ? names[verdict] : "unknown";
}

void rg_paired_shares_compare(size_t n, const uint8_t *reference, const uint8_t *candidate,
                              rg_paired_shares *out) {
    static const double level = 0.05, power = 0.8;
    rg_paired_shares s = {.n = n};
    for (size_t i = 0; i < n; i++) {
        s.right_reference += reference[i] != 0;
        s.right += candidate[i] != 0;
        s.to_right += candidate[i] && !reference[i];
        s.to_wrong += reference[i] && !candidate[i];
    }
    const double items = n ? (double)n : 1, flips = (double)(s.to_right + s.to_wrong) / items;
    s.share = (double)s.right / items;
    s.difference = ((double)s.to_right - (double)s.to_wrong) / items;
    rg_wilson_interval(s.right, n, 1 - level, &s.wilson_lo, &s.wilson_hi);
    s.mcnemar_p = rg_mcnemar_exact(s.to_wrong, s.to_right);
    s.unpaired_p = rg_two_proportions_test(s.right_reference, n, s.right, n);
    s.detectable = rg_paired_detectable(n, flips, level, power);
    s.items_needed = rg_paired_items_needed(flips, s.difference, level, power);
    s.verdict = s.mcnemar_p >= level ? RG_CANNOT_TELL : s.to_right > s.to_wrong ? RG_BETTER : RG_WORSE;
    *out = s;
}
