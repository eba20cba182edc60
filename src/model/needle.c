/* The needle test: windows that fit, forward passes, figures by depth. */
#include "model/needle.h"

#include "model/load.h"
#include "model/pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 1024, DEPTHS = 5, TRIALS = 8, SHORTEST = 64 };

typedef struct test {
    const rg_model *model;
    const char *text;
    size_t size;
    const rg_needle_options *options;
    rg_needle_summary summary;
    pair_plan plan; /* [trials][depths] */
    pair_result result;
} test;

static rg_status settle(test *t, rg_error *err) {
    const rg_needle_options *o = t->options;
    rg_needle_summary *s = &t->summary;
    const size_t positions = (size_t)t->model->graph.max_positions;
    s->context = o->context ? o->context : positions < CONTEXT ? positions : CONTEXT;
    s->depths = o->depths ? o->depths : DEPTHS;
    s->trials = o->trials ? o->trials : TRIALS;
    if (s->context > positions || s->context < SHORTEST)
        return rg_fail(err, RG_ERR_USAGE, "context", "64 tokens up to the model's positions",
                       "a context of %zu tokens, the model has %zu positions", s->context, positions);
    if (s->depths > RG_NEEDLE_DEPTHS || s->trials > RG_NEEDLE_TRIALS)
        return rg_fail(err, RG_ERR_USAGE, "needle", "at most 32 depths and 4096 trials",
                       "%zu depths, %zu trials", s->depths, s->trials);
    for (size_t d = 0; d < s->depths; d++)
        s->depth[d] = s->depths > 1 ? (double)d / (double)(s->depths - 1) : 0.5;
    return RG_OK;
}

/* Tokens of context and value as they stand in a window, with BOS. */
static rg_status count(const test *t, const rg_str *context, const char *value, size_t *n, rg_error *err) {
    int32_t *ids;
    rg_str whole = {0};
    rg_str_add_n(&whole, context->data, context->len);
    rg_str_add(&whole, value);
    if (whole.failed) {
        rg_str_free(&whole);
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the text");
    }
    const rg_status status = rg_tokenize(t->model->tokenizer, whole.data, whole.len, &ids, n, err);
    rg_str_free(&whole);
    if (status != RG_OK) return status;
    free(ids);
    if (rg_tokenizer_adds_bos(t->model->tokenizer) && rg_tokenizer_bos(t->model->tokenizer) >= 0) ++*n;
    return RG_OK;
}

/* Most tokens that the fact's windows have with so much filler. */
static rg_status longest(const test *t, const needle_fact *fact, size_t filler, size_t *n, rg_error *err) {
    *n = 0;
    for (size_t d = 0; d < t->summary.depths; d++) {
        rg_str context;
        size_t here;
        RG_TRY(needle_context(fact, t->text, t->size, filler, t->summary.depth[d], &context, err));
        const rg_status status = count(t, &context, fact->value, &here, err);
        rg_str_free(&context);
        RG_TRY(status);
        if (here > *n) *n = here;
    }
    return RG_OK;
}

/* Bytes of filler with which the windows are as long as they may be, by bisection. */
static rg_status fit(const test *t, const needle_fact *fact, size_t *filler, rg_error *err) {
    const size_t left = t->size - fact->start, most = 16 * t->summary.context; /* tokens are seldom longer */
    size_t lo = 0, hi = left < most ? left : most, n;
    RG_TRY(longest(t, fact, 0, &n, err));
    if (n > t->summary.context)
        return rg_fail(err, RG_ERR_USAGE, "context", "room for the fact and the question", "%zu tokens",
                       t->summary.context);
    while (hi - lo > 4) {
        const size_t middle = lo + (hi - lo) / 2;
        RG_TRY(longest(t, fact, middle, &n, err));
        if (n <= t->summary.context)
            lo = middle;
        else
            hi = middle;
    }
    *filler = lo;
    return RG_OK;
}

static rg_status add_trial(test *t, uint64_t trial, size_t room, rg_error *err) {
    rg_needle_summary *s = &t->summary;
    needle_fact fact;
    size_t filler = 0;
    needle_fact_make(&fact, t->options->seed, trial, t->text, room);
    RG_TRY(fit(t, &fact, &filler, err));
    for (size_t d = 0; d < s->depths; d++) {
        rg_str context;
        size_t n;
        RG_TRY(needle_context(&fact, t->text, t->size, filler, s->depth[d], &context, err));
        const pair_text pair = {context.data,       fact.value,    context.len,
                                strlen(fact.value), (size_t)trial, (int)d};
        rg_status status = count(t, &context, fact.value, &n, err);
        if (status == RG_OK) status = pair_plan_add(&t->plan, t->model, &pair, err);
        rg_str_free(&context);
        RG_TRY(status);
        if (n > s->longest) s->longest = n;
        if (!s->shortest || n < s->shortest) s->shortest = n;
    }
    return RG_OK;
}

/* Filler may begin where enough of the text is left; a text without room for a window is refused. */
static rg_status add_trials(test *t, rg_error *err) {
    int32_t *ids = NULL;
    size_t n = 0;
    RG_TRY(load_check_tokenizer(t->model, err));
    const size_t sample =
        t->size < (size_t)64 * t->summary.context ? t->size : (size_t)64 * t->summary.context;
    RG_TRY(rg_tokenize(t->model->tokenizer, t->text, sample, &ids, &n, err));
    free(ids);
    if (n < t->summary.context)
        return rg_fail(err, RG_ERR_USAGE, "text", "more tokens than a window holds",
                       "the text has %zu tokens, the context is %zu", n, t->summary.context);
    /* half as much again as a window takes on the average, since texts are uneven */
    const size_t window = (size_t)(1.5 * (double)sample / (double)n * (double)t->summary.context);
    for (size_t i = 0; i < t->summary.trials; i++)
        RG_TRY(add_trial(t, i, t->size > window ? t->size - window : 0, err));
    for (size_t i = 0; i < t->plan.n; i++)
        t->summary.value_tokens += (double)t->plan.pair[i].n / (double)t->plan.n;
    return RG_OK;
}

static void by_depth(const test *t, size_t p, rg_needle_quality *q, double *delta) {
    const size_t trials = t->summary.trials, depths = t->summary.depths;
    for (size_t d = 0; d < depths; d++) {
        rg_needle_depth *at = &q->at[d];
        for (size_t i = 0; i < trials; i++) {
            const size_t k = i * depths + d;
            at->loglik += t->result.loglik[p][k] / (double)trials;
            at->exact += (double)t->result.greedy[p][k] / (double)trials;
            delta[i] = t->result.loglik[p][k] - t->result.loglik[0][k];
        }
        at->delta = rg_mean(delta, trials);
        at->delta_se = rg_standard_error(delta, trials);
        q->loglik += at->loglik / (double)depths;
    }
}

static void figures(const test *t, size_t p, rg_needle_quality *q, double *sum, double *n) {
    const size_t trials = t->summary.trials, depths = t->summary.depths;
    *q = (rg_needle_quality){.is_reference = !t->result.variants.variant_of[p]};
    memcpy(q->policy, t->result.variants.policy[p].text, sizeof q->policy);
    by_depth(t, p, q, sum);
    for (size_t i = 0; i < trials; i++) {
        sum[i] = 0;
        n[i] = (double)depths;
        for (size_t d = 0; d < depths; d++)
            sum[i] += t->result.loglik[0][i * depths + d] - t->result.loglik[p][i * depths + d];
    }
    q->difference = rg_cluster_t(sum, n, trials, 0.05);
    q->detectable = rg_detectable(q->difference.se, trials, 0.05);
    q->verdict = q->is_reference ? RG_EQUAL : rg_verdict_of(q->difference.lo, q->difference.hi, 0);
    rg_paired_shares_compare(trials * depths, t->result.greedy[0], t->result.greedy[p], &q->exact);
    if (q->is_reference) q->exact.verdict = RG_EQUAL;
}

static rg_status run(test *t, const char *const *policies, size_t n_policies, rg_needle_quality *out,
                     rg_error *err) {
    const rg_needle_options *o = t->options;
    RG_TRY(settle(t, err));
    RG_TRY(add_trials(t, err));
    const pair_options options = {o->threads, o->batch_tokens, o->progress, o->data_dir};
    RG_TRY(pair_run(t->model, &t->plan, policies, n_policies, &options, &t->result, err));
    const size_t done = t->result.n_done / t->summary.depths;
    t->summary.interrupted = done < t->summary.trials;
    if (!done) return rg_fail(err, RG_ERR_CANCELLED, NULL, NULL, "interrupted before the first trial");
    t->summary.trials = done;
    double *scratch = calloc(done, 2 * sizeof *scratch);
    if (!scratch) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t p = 0; p <= n_policies; p++) figures(t, p, &out[p], scratch, scratch + done);
    free(scratch);
    return RG_OK;
}

rg_status rg_needle_run(const rg_model *model, const char *text, size_t text_size,
                        const char *const *policies, size_t n_policies, const rg_needle_options *options,
                        rg_needle_summary *summary, rg_needle_quality *out, rg_error *err) {
    test t = {.model = model, .text = text, .size = text_size, .options = options, .plan = {.name = "trial"}};
    const rg_status status = run(&t, policies, n_policies, out, err);
    if (status == RG_OK) *summary = t.summary;
    pair_result_free(&t.result);
    pair_plan_free(&t.plan);
    return status;
}
