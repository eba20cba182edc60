/* Perplexity, divergence and agreement of one variant. */
#include "model/eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const double rg_delta_p_quantile[RG_DELTA_P_QUANTILES] = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};

rg_status eval_record_make(eval_record *record, rg_arena *arena, size_t n, rg_error *err) {
    record->nll = rg_arena_alloc(arena, n, sizeof *record->nll);
    record->kld = rg_arena_alloc(arena, n, sizeof *record->kld);
    record->reverse = rg_arena_alloc(arena, n, sizeof *record->reverse);
    record->same = rg_arena_alloc(arena, n, sizeof *record->same);
    return record->nll && record->kld && record->reverse && record->same
               ? RG_OK
               : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the evaluation");
}

void eval_score(const rg_kernels *kernels, size_t vocab, const float *reference, const float *logits,
                int32_t next, eval_record *record, size_t i, bool *finite) {
    const rg_row_compare c = kernels->compare(vocab, reference, logits);
    *finite = c.finite;
    if (!c.finite) return;
    const double log_a = rg_log(c.sum_a), log_b = rg_log(c.sum_b);
    /* sum p (a - b) + lse(b) - lse(a): differences of logits are exact, so small divergences stay right */
    const double shift = ((double)c.max_b - (double)c.max_a) + (log_b - log_a);
    record->nll[i] = log_b - ((double)logits[next] - (double)c.max_b);
    record->kld[i] = c.weighted / c.sum_a + shift;
    record->reverse[i] = (float)(-c.weighted_b / c.sum_b - shift);
    record->same[i] = c.top_a == c.top_b;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile_of_sorted(const double *x, size_t n, double q) {
    const double at = q * (double)(n - 1);
    const size_t i = (size_t)at;
    return i + 1 < n ? x[i] + (at - (double)i) * (x[i + 1] - x[i]) : x[n - 1];
}

static double same_share(const eval_record *r, size_t n) {
    size_t same = 0;
    for (size_t i = 0; i < n; i++) same += r->same[i];
    return (double)same / (double)n;
}

static void divergence(const eval_record *r, size_t n, double *scratch, rg_quality *out) {
    double reverse = 0;
    for (size_t i = 0; i < n; i++) reverse += (double)r->reverse[i];
    out->kld_reverse = reverse / (double)n;
    out->kld_mean = rg_mean(r->kld, n);
    out->kld_mean_se = rg_standard_error(r->kld, n);
    out->same_top = same_share(r, n);
    out->same_top_se = n > 1 ? sqrt(out->same_top * (1 - out->same_top) / (double)(n - 1)) : 0;
    memcpy(scratch, r->kld, n * sizeof *scratch);
    qsort(scratch, n, sizeof *scratch, ascending);
    out->kld_median = quantile_of_sorted(scratch, n, 0.5);
    out->kld_p90 = quantile_of_sorted(scratch, n, 0.9);
    out->kld_p99 = quantile_of_sorted(scratch, n, 0.99);
    out->kld_max = scratch[n - 1];
}

static void delta_p(const eval_record *r, const eval_record *reference, size_t n, double *scratch,
                    rg_quality *out) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        scratch[i] = rg_exp(-r->nll[i]) - rg_exp(-reference->nll[i]);
        sum += scratch[i];
        squares += scratch[i] * scratch[i];
    }
    out->delta_p_mean = sum / (double)n;
    out->delta_p_rms = sqrt(squares / (double)n);
    qsort(scratch, n, sizeof *scratch, ascending);
    for (int i = 0; i < RG_DELTA_P_QUANTILES; i++)
        out->delta_p[i] = quantile_of_sorted(scratch, n, rg_delta_p_quantile[i]);
}

/* Loss, words and bytes of what is scored as a whole. Where words count these are the documents that are
   complete among the first n tokens. */
static void text_of(const eval_scores *s, const double *nll, double *loss, double *words, double *bytes) {
    const eval_plan *plan = s->plan;
    size_t n = s->n;
    *loss = *words = *bytes = 0;
    if (plan->words)
        while (n && n < plan->n_scored && plan->document[n - 1] == plan->document[n]) n--;
    for (size_t i = 0; i < n; i++) {
        const char *text;
        size_t length = 0;
        *loss += nll[i];
        if (plan->words) continue;
        rg_tokenizer_token(s->tokenizer, plan->target[i], &text, &length);
        *bytes += (double)length;
    }
    for (size_t d = 0; plan->words && n && d <= plan->document[n - 1]; d++) {
        *words += plan->words[d];
        *bytes += plan->bytes[d];
    }
}

void eval_figures(const eval_scores *s, size_t variant, double *scratch, rg_quality *out) {
    const eval_record *r = &s->record[variant];
    double loss, words, bytes;
    text_of(s, r->nll, &loss, &words, &bytes);
    out->token_ppl = rg_exp(rg_mean(r->nll, s->n));
    out->ppl = !s->plan->words ? out->token_ppl : words > 0 ? rg_exp(loss / words) : NAN;
    out->byte_ppl = bytes > 0 ? rg_exp(loss / bytes) : NAN;
    out->bits_per_byte = bytes > 0 ? loss / 0.69314718055994530942 / bytes : NAN;
    divergence(r, s->n, scratch, out);
    delta_p(r, &s->record[0], s->n, scratch, out);
    out->delta_nll = 0;
    for (size_t i = 0; i < s->n; i++) out->delta_nll += r->nll[i] - s->record[0].nll[i];
    out->delta_nll /= (double)s->n;
    out->tokens = s->n;
}
