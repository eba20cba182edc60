/* Perplexity, divergence and agreement of one variant, with their standard errors. */
#include "model/eval.h"

#include <math.h>

void eval_score(const rg_kernels *kernels, size_t vocab, const float *reference, const float *logits,
                int32_t next, eval_record *record, size_t i, bool *finite) {
    const rg_row_compare c = kernels->compare(vocab, reference, logits);
    *finite = c.finite;
    if (!c.finite) return;
    const double log_a = rg_log(c.sum_a), log_b = rg_log(c.sum_b);
    record->nll[i] = log_b - ((double)logits[next] - (double)c.max_b);
    /* sum p (a - b) + lse(b) - lse(a): differences of logits are exact, so small divergences stay right */
    record->kld[i] = c.weighted / c.sum_a + ((double)c.max_b - (double)c.max_a) + (log_b - log_a);
    record->same[i] = c.top_a == c.top_b;
}

/* Tokens of a window share their context, so that their losses hang together: with 8 windows or more the
   windows' mean losses are the sample (weighted by their numbers of tokens), else the tokens. */
static double loss_standard_error(const double *nll, const size_t *window_of, size_t n, double mean) {
    enum { ENOUGH = 8 };
    const size_t n_windows = n ? window_of[n - 1] + 1 : 0;
    if (n_windows < ENOUGH) return rg_standard_error(nll, n);
    double squares = 0;
    for (size_t i = 0; i < n;) {
        double excess = 0;
        const size_t w = window_of[i];
        for (; i < n && window_of[i] == w; i++) excess += nll[i] - mean;
        squares += excess * excess;
    }
    return sqrt(squares * (double)n_windows / (double)(n_windows - 1)) / (double)n;
}

void eval_summarize(eval_record *record, const size_t *window_of, size_t n, rg_quality *out) {
    const double loss = rg_mean(record->nll, n);
    out->ppl = rg_exp(loss);
    out->ppl_se = out->ppl * loss_standard_error(record->nll, window_of, n, loss);
    out->kld_mean = rg_mean(record->kld, n);
    out->kld_mean_se = rg_standard_error(record->kld, n);
    out->same_top = rg_mean(record->same, n);
    out->same_top_se = rg_standard_error(record->same, n);
    out->kld_p99 = rg_quantile(record->kld, n, 0.99);
    out->tokens = n;
}
