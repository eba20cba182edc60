/* How sure the figures are: every candidate against the reference, and candidates against each other. */
#include "model/eval.h"

#include <math.h>
#include <stdlib.h>

/* Of a variant, in units: what is resampled. */
enum { LOSS, DIVERGENCE, AGREEMENT, SERIES };

typedef struct tables {
    size_t m, n_candidates, n_series;
    double *count; /* [m] */
    double *sum;   /* [n_series][m]: SERIES of each candidate, then the pairs */
    rg_interval *interval;
} tables;

static void tables_free(tables *t) {
    free(t->count);
    free(t->sum);
    free(t->interval);
}

static rg_status tables_make(tables *t, const eval_scores *s, const eval_units *units, bool pairs,
                             rg_error *err) {
    const size_t c = s->n_variants - 1;
    *t = (tables){.m = units->n, .n_candidates = c, .n_series = SERIES * c + (pairs ? c * (c - 1) / 2 : 0)};
    t->count = calloc(t->m, sizeof *t->count);
    t->sum = calloc(t->n_series + 1, t->m * sizeof *t->sum);
    t->interval = calloc(t->n_series + 1, sizeof *t->interval);
    return t->count && t->sum && t->interval
               ? RG_OK
               : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the evaluation");
}

static void fill(tables *t, const eval_scores *s, const eval_units *units, bool pairs) {
    const eval_record *r = s->record;
    double *sum = t->sum;
    eval_units_count(units, s->n, t->count);
    for (size_t v = 1; v <= t->n_candidates; v++) {
        eval_units_sum(units, s->n, r[v].nll, r[0].nll, sum);
        eval_units_sum(units, s->n, r[v].kld, NULL, sum + t->m);
        for (size_t i = 0; i < s->n; i++) sum[2 * t->m + units->of[i]] += r[v].same[i];
        sum += SERIES * t->m;
    }
    for (size_t a = 1; pairs && a <= t->n_candidates; a++)
        for (size_t b = a + 1; b <= t->n_candidates; b++, sum += t->m)
            eval_units_sum(units, s->n, r[a].nll, r[b].nll, sum);
}

static rg_interval widened(rg_interval x, double factor) {
    x.se *= factor;
    x.lo = x.mean - factor * (x.mean - x.lo);
    x.hi = x.mean + factor * (x.hi - x.mean);
    return x;
}

static bool same_loss(const eval_scores *s, size_t a, size_t b) {
    for (size_t i = 0; i < s->n; i++)
        if (s->record[a].nll[i] != s->record[b].nll[i]) return false;
    return true;
}

static void judge(rg_quality *q, const eval_scores *s, const tables *t, size_t v, bool equal) {
    const double alpha = 1 - s->confidence;
    const rg_interval *x = t->interval + SERIES * (v - 1);
    q->delta_nll_se = x[LOSS].se;
    q->delta_nll_lo = x[LOSS].lo;
    q->delta_nll_hi = x[LOSS].hi;
    q->kld_mean_lo = x[DIVERGENCE].lo < 0 ? 0 : x[DIVERGENCE].lo;
    q->kld_mean_hi = x[DIVERGENCE].hi;
    q->same_top_lo = x[AGREEMENT].lo < 0 ? 0 : x[AGREEMENT].lo;
    q->same_top_hi = x[AGREEMENT].hi > 1 ? 1 : x[AGREEMENT].hi;
    if (!(x[AGREEMENT].se > 0)) /* no unit differs: nothing to resample, tokens alone speak */
        rg_wilson_interval((uint64_t)llround(q->same_top * (double)s->n), s->n, s->confidence,
                           &q->same_top_lo, &q->same_top_hi);
    q->verdict = equal ? RG_EQUAL : rg_verdict_of(q->delta_nll_lo, q->delta_nll_hi, s->tolerance);
    q->detectable = rg_detectable(q->delta_nll_se, t->m, alpha);
    const double distance = fabs(fabs(q->delta_nll) - s->tolerance);
    q->tokens_needed = rg_tokens_needed((double)s->n, q->detectable, distance);
}

/* Of the mean loss, by the delta method; where words count, per word. Over tokens where units are too few. */
static void loss_errors(const eval_scores *s, const eval_units *units, double *count, double *sum,
                        rg_quality *q) {
    eval_units_count(units, s->n, count);
    for (size_t v = 0; v < s->n_variants; v++) {
        eval_units_sum(units, s->n, s->record[v].nll, NULL, sum);
        double se = sqrt(units->design_effect) * rg_cluster_t(sum, count, units->n, 0.05).se;
        if (!isfinite(se)) se = rg_standard_error(s->record[v].nll, s->n);
        const double per_token = rg_log(q[v].token_ppl), per_piece = rg_log(q[v].ppl);
        q[v].ppl_se = q[v].ppl * se * (s->plan->words ? per_piece / per_token : 1);
    }
}

static void take_pairs(const tables *t, const eval_scores *s, rg_quality_pair *pair) {
    const rg_interval *x = t->interval + SERIES * t->n_candidates;
    for (size_t a = 1; a <= t->n_candidates; a++)
        for (size_t b = a + 1; b <= t->n_candidates; b++, pair++, x++)
            *pair = (rg_quality_pair){
                a,     b,     x->mean,
                x->lo, x->hi, same_loss(s, a, b) ? RG_EQUAL : rg_verdict_of(x->lo, x->hi, s->tolerance)};
}

rg_status eval_compare(const eval_scores *s, const eval_units *units, rg_quality *q, rg_quality_pair *pair,
                       rg_error *err) {
    enum { SEED = 20170416 }; /* any will do; the same draws for every evaluation */
    tables t;
    rg_status status = tables_make(&t, s, units, pair != NULL, err);
    if (status == RG_OK) {
        loss_errors(s, units, t.count, t.sum, q);
        for (size_t u = 0; u < t.m; u++) t.sum[u] = 0;
        fill(&t, s, units, pair != NULL);
        status =
            rg_cluster_bootstrap(t.sum, t.count, t.m, t.n_series, 1 - s->confidence, SEED, t.interval, err);
    }
    if (status == RG_OK) {
        for (size_t i = 0; i < t.n_series; i++)
            t.interval[i] = widened(t.interval[i], sqrt(units->design_effect));
        for (size_t v = 1; v < s->n_variants; v++) judge(&q[v], s, &t, v, same_loss(s, 0, v));
        if (pair) take_pairs(&t, s, pair);
    }
    tables_free(&t);
    return status;
}
