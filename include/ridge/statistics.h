/* Statistics of shares and of paired outcomes: exact tests, intervals, and how small an effect a sample can
   show. Probabilities are in [0, 1]; two-sided tests throughout. Tails are summed by recurrence in double
   (relative error below 1e-12 up to 1e6 items), without logarithms, so they are the same bits everywhere. */
#ifndef RIDGE_STATISTICS_H
#define RIDGE_STATISTICS_H

#include "ridge/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the normal distribution ------------------------------------------------------------------------- */

/* x with P(X <= x) = p, p in (0, 1); absolute error below 1e-12 for p in [1e-12, 1 - 1e-12]. -+infinity at 0
   and 1, NaN outside. */
double rg_normal_quantile(double p);
/* P(|X| >= |z|). */
double rg_normal_two_sided(double z);

/* ---- one share ----------------------------------------------------------------------------------------- */

/* Exact binomial test of k successes in n trials against the share `p`: total probability of the outcomes
   that are no likelier than k (within 1e-7 relative, against ties split by rounding). 1 for n = 0. */
double rg_binomial_test(uint64_t k, uint64_t n, double p);
/* Wilson score interval (Wilson 1927, without continuity correction) of the share k / n at a confidence in
   (0, 1), for example 0.95. [0, 1] for n = 0. */
void rg_wilson_interval(uint64_t k, uint64_t n, double confidence, double *lo, double *hi);

/* ---- two shares ---------------------------------------------------------------------------------------- */

/* Unpaired z test of k1 / n1 = k2 / n2 with the pooled variance. On outcomes that are paired it throws the
   pairing away and misses effects that McNemar's test sees: for contrast only. 1 where nothing varies. */
double rg_two_proportions_test(uint64_t k1, uint64_t n1, uint64_t k2, uint64_t n2);
/* McNemar's exact test (1947) of the same items under two treatments: `only_a` were right under the first
   alone, `only_b` under the second alone; the rest says nothing. Binomial with share 1/2. */
double rg_mcnemar_exact(uint64_t only_a, uint64_t only_b);

/* ---- how small an effect can be seen --------------------------------------------------------------------
   Normal approximation of McNemar's test (Connor 1987): with a share `discordant` of items whose outcomes
   differ, a difference d of the two shares of successes is found at level alpha with probability `power` by

       n = (z[1 - alpha/2] sqrt(discordant) + z[power] sqrt(discordant - d^2))^2 / d^2   items. */

/* Smallest difference that n items show. A difference cannot exceed the discordant share, so that share is
   raised to the difference where it is smaller. NaN where n items show none at all. */
double rg_paired_detectable(uint64_t n, double discordant, double alpha, double power);
/* Items needed for a difference of |d| <= discordant; infinity for d = 0, NaN for |d| > discordant. */
double rg_paired_items_needed(double discordant, double d, double alpha, double power);

/* ---- verdicts ------------------------------------------------------------------------------------------ */

/* Of a candidate against its reference. */
typedef enum rg_verdict {
    RG_EQUAL, /* the candidate is the reference */
    RG_CANNOT_TELL,
    RG_BETTER,
    RG_WORSE,
    RG_WITHIN, /* the difference lies within a tolerance that was given */
    RG_N_VERDICTS
} rg_verdict;
/* "equal", "cannot tell", "better", "worse", "within tolerance"; "unknown" outside the range. */
const char *rg_verdict_name(rg_verdict verdict);

/* The same n items under a reference and a candidate. Level 5 %, power 80 %. */
typedef struct rg_paired_shares {
    uint64_t n, right_reference, right; /* right: under the candidate */
    uint64_t to_right, to_wrong; /* flips: right under the candidate alone, under the reference alone */
    double share, wilson_lo, wilson_hi; /* of the candidate, at 95 % */
    double difference;                  /* share - share of the reference */
    double mcnemar_p, unpaired_p;       /* rg_mcnemar_exact, rg_two_proportions_test */
    double detectable;                  /* rg_paired_detectable at the observed share of flips */
    double items_needed; /* to find `difference`, at the observed share of flips; infinity for 0 */
    rg_verdict verdict;  /* by mcnemar_p < 0.05; never RG_EQUAL */
} rg_paired_shares;
/* reference[n] and candidate[n], item by item: 1 right, 0 wrong. */
void rg_paired_shares_compare(size_t n, const uint8_t *reference, const uint8_t *candidate,
                              rg_paired_shares *out);

#ifdef __cplusplus
}
#endif
#endif
