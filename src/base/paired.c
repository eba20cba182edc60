/* Intervals of means over clusters, verdicts, and how large a sample would have to be. */
#include "ridge/paired.h"

#include <math.h>
#include <stdlib.h>

static const double pi = 3.14159265358979323846;

/* The finite series for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4). */
double rg_t_probability(double t, double degrees) {
    const int n = (int)degrees;
    const double theta = atan(t / sqrt(degrees)), c = cos(theta), c2 = c * c;
    double term = n % 2 ? c : 1, sum = n > 1 ? term : 0;
    for (int k = n % 2 ? 3 : 2; k < n; k += 2) {
        term *= c2 * (double)(k - 1) / (double)k;
        sum += term;
    }
    const double a = n % 2 ? 2 / pi * (theta + sin(theta) * sum) : sin(theta) * sum;
    return 0.5 + 0.5 * a;
}

/* Abramowitz and Stegun 26.7.5. */
static double t_expansion(double z, double n) {
    const double z2 = z * z, z3 = z * z2, z5 = z3 * z2, z7 = z5 * z2, z9 = z7 * z2;
    return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n) +
           (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n) +
           (79 * z9 + 776 * z7 + 1482 * z5 - 1920 * z3 - 945 * z) / (92160 * n * n * n * n);
}

double rg_t_quantile(double p, double degrees) {
    if (degrees > 200) return t_expansion(rg_normal_quantile(p), degrees);
    if (p < 0.5) return -rg_t_quantile(1 - p, degrees);
    double high = 1;
    while (high < 1e15 && rg_t_probability(high, degrees) < p) high *= 2;
    double low = 0;
    for (int i = 0; i < 100; i++) {
        const double middle = 0.5 * (low + high);
        *(rg_t_probability(middle, degrees) < p ? &low : &high) = middle;
    }
    return 0.5 * (low + high);
}

static double total(const double *x, size_t m) {
    double sum = 0;
    for (size_t i = 0; i < m; i++) sum += x[i];
    return sum;
}

static rg_interval point(const double *sum, const double *n, size_t m) {
    const double tokens = total(n, m);
    rg_interval out = {tokens > 0 ? total(sum, m) / tokens : NAN, NAN, NAN, NAN};
    if (m < RG_CLUSTERS_MIN || !(tokens > 0)) return out;
    double squares = 0;
    for (size_t i = 0; i < m; i++) {
        const double excess = sum[i] - out.mean * n[i];
        squares += excess * excess;
    }
    out.se = sqrt(squares * (double)m / (double)(m - 1)) / tokens;
    return out;
}

rg_interval rg_cluster_t(const double *sum, const double *n, size_t m, double alpha) {
    rg_interval out = point(sum, n, m);
    if (m < RG_CLUSTERS_MIN) return out;
    const double reach = out.se * rg_t_quantile(1 - alpha / 2, (double)(m - 1));
    out.lo = out.mean - reach;
    out.hi = out.mean + reach;
    return out;
}

/* The deviation of one resample (cluster i taken times[i] times) in units of its own standard error. */
static double studentized(const double *sum, const double *n, const uint32_t *times, size_t m, double mean) {
    double tokens = 0, all = 0, squares = 0;
    for (size_t i = 0; i < m; i++) {
        tokens += times[i] * n[i];
        all += times[i] * sum[i];
    }
    const double here = all / tokens;
    for (size_t i = 0; i < m; i++) {
        const double excess = sum[i] - here * n[i];
        squares += times[i] * (excess * excess);
    }
    const double se = sqrt(squares * (double)m / (double)(m - 1)) / tokens;
    /* One cluster drawn m times over has no error of its own: as far out as can be. */
    return se > 0 ? (here - mean) / se : here > mean ? HUGE_VAL : here < mean ? -HUGE_VAL : 0;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Order statistics that hold alpha / 2 of the resamples outside. */
static void close_interval(rg_interval *out, double *t, double alpha) {
    qsort(t, RG_RESAMPLES, sizeof *t, ascending);
    size_t out_of_it = (size_t)(alpha / 2 * (RG_RESAMPLES + 1));
    if (out_of_it < 1) out_of_it = 1;
    out->lo = out->mean - out->se * t[RG_RESAMPLES - out_of_it];
    out->hi = out->mean - out->se * t[out_of_it - 1];
}

rg_status rg_cluster_bootstrap(const double *sum, const double *n, size_t m, size_t series, double alpha,
                               uint64_t seed, rg_interval *out, rg_error *err) {
    double *t = NULL;
    uint32_t *times = NULL;
    if (m >= RG_CLUSTERS_MIN && series > 0) {
        t = calloc(series, RG_RESAMPLES * sizeof *t);
        times = calloc(m, sizeof *times);
        if (!t || !times) {
            free(t);
            free(times);
            return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the bootstrap");
        }
    }
    for (size_t s = 0; s < series; s++) out[s] = point(sum + s * m, n, m);
    for (size_t r = 0; t && r < RG_RESAMPLES; r++) {
        for (size_t i = 0; i < m; i++) times[i] = 0;
        for (size_t i = 0; i < m; i++)
            times[(uint64_t)rg_random_u32(seed, 0, (uint64_t)r * m + i) * m >> 32]++;
        for (size_t s = 0; s < series; s++)
            t[s * RG_RESAMPLES + r] = out[s].se > 0 ? studentized(sum + s * m, n, times, m, out[s].mean) : 0;
    }
    for (size_t s = 0; t && s < series; s++) close_interval(&out[s], t + s * RG_RESAMPLES, alpha);
    free(t);
    free(times);
    return RG_OK;
}

rg_verdict rg_verdict_of(double lo, double hi, double tolerance) {
    if (hi < -tolerance) return RG_BETTER;
    if (lo > tolerance) return RG_WORSE;
    return tolerance > 0 && lo >= -tolerance && hi <= tolerance ? RG_WITHIN : RG_CANNOT_TELL;
}

double rg_detectable(double se, size_t m, double alpha) {
    if (m < RG_CLUSTERS_MIN) return NAN;
    const double degrees = (double)(m - 1);
    return se * (rg_t_quantile(1 - alpha / 2, degrees) + rg_t_quantile(0.8, degrees));
}

double rg_tokens_needed(double tokens, double detectable, double effect) {
    const double ratio = detectable / fabs(effect);
    return effect != 0 && isfinite(ratio) ? ceil(tokens * ratio * ratio) : NAN;
}
