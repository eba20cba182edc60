/* Paired comparisons of clustered data: two candidates answer on the same tokens, tokens of one document (or
   window) hang together, so documents are the sample. docs/quality.md, "How sure". */
#ifndef RIDGE_PAIRED_H
#define RIDGE_PAIRED_H

#include "ridge/statistics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* t with P(T <= t) = p, p in (0, 1), for Student's distribution: exact up to 200 degrees of freedom, an
   expansion beyond. */
double rg_t_quantile(double p, double degrees);
/* P(T <= t), whole degrees of freedom. */
double rg_t_probability(double t, double degrees);

/* Fewer clusters than this give no interval. */
enum { RG_CLUSTERS_MIN = 8, RG_RESAMPLES = 2000 };

/* A mean per token over clusters of tokens. Without an interval (too few clusters) se, lo and hi are NaN. */
typedef struct rg_interval {
    double mean; /* sum over all tokens / number of tokens */
    double se;   /* of the ratio of cluster sums, with the factor m / (m - 1) */
    double lo, hi;
} rg_interval;

/* sum[m]: of each cluster; n[m]: its tokens (> 0). The t interval with m - 1 degrees of freedom at error
   `alpha` (0.05: a 95 % interval). */
rg_interval rg_cluster_t(const double *sum, const double *n, size_t m, double alpha);

/* Studentized bootstrap over clusters (bootstrap-t: each resample's deviation is divided by its own standard
   error, so that few and skewed clusters keep their coverage), RG_RESAMPLES resamples drawn from `seed`, one
   draw for all series: what is compared stays paired. sum[series][m], n[m] and alpha as above, out[series].
   RG_ERR_MEMORY alone. */
rg_status rg_cluster_bootstrap(const double *sum, const double *n, size_t m, size_t series, double alpha,
                               uint64_t seed, rg_interval *out, rg_error *err);

/* What an interval of (candidate - reference) loss says. Better: hi < -tolerance; worse: lo > tolerance;
   within: both inside +- tolerance, where that is above 0. NaN cannot tell. */
rg_verdict rg_verdict_of(double lo, double hi, double tolerance);

/* Smallest true difference that a sample like this finds in 8 of 10 cases (power 0.8, two-sided alpha). */
double rg_detectable(double se, size_t m, double alpha);
/* Tokens with which a true difference of `effect` (distance from the nearest bound of tolerance) would be
   found so, given what `tokens` tokens can detect; NaN where the effect is 0. */
double rg_tokens_needed(double tokens, double detectable, double effect);

#ifdef __cplusplus
}
#endif
#endif
