/* Quality of policies in lock step: resolve, cut the text, run batches, sum up. */
#include "model/eval.h"
#include "model/layers.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct evaluation {
    const rg_model *model;
    eval_plan plan;
    exec_variants variants;
    eval_record *record; /* [variants.n] */
    size_t *scored;      /* [n_scored] offsets into the tokens of the batch whose logits are wanted */
    size_t *start;       /* [n_windows + 1] of the batch */
    exec exec;
    size_t first_scored; /* of the batch being run: all before it are known of all variants */
    eval_looks looks;
    layers layers;
    size_t tokens_run;
    bool stopped;
    double confidence, tolerance;
    rg_arena arena;
} evaluation;

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the evaluation");
}

static rg_status make_records(evaluation *ev, rg_error *err) {
    const eval_plan *plan = &ev->plan;
    ev->record = rg_arena_alloc(&ev->arena, ev->variants.n, sizeof *ev->record);
    ev->scored = rg_arena_alloc(&ev->arena, plan->n_scored, sizeof *ev->scored);
    ev->start = rg_arena_alloc(&ev->arena, plan->n_windows + 1, sizeof *ev->start);
    if (!ev->record || !ev->scored || !ev->start) return no_memory(err);
    for (size_t v = 0; v < ev->variants.n; v++)
        RG_TRY(eval_record_make(&ev->record[v], &ev->arena, plan->n_scored, err));
    return RG_OK;
}

static rg_status not_finite(const evaluation *ev, size_t variant, size_t i, rg_error *err) {
    size_t n = 0;
    while (i >= ev->plan.window[n].n_scored) i -= ev->plan.window[n++].n_scored;
    const eval_window *w = &ev->plan.window[n];
    const size_t position = w->first_scored + i;
    char where[160];
    snprintf(where, sizeof where, "token %lld of the text (position %zu of window %zu)",
             (long long)w->text_index + (long long)position, position, n);
    return rg_fail(err, RG_ERR_MISMATCH, where, "finite logits",
                   "policy %s gives an infinite or undefined logit",
                   ev->variants.policy[ev->variants.policy_of[variant]].text);
}

static rg_status take(void *context, size_t variant, size_t first, size_t n, const float *reference,
                      const float *logits, rg_error *err) {
    evaluation *ev = context;
    const size_t vocab = (size_t)ev->model->graph.vocab_size;
    size_t bad = SIZE_MAX;
#pragma omp parallel for num_threads(ev->exec.threads) reduction(min : bad)
    for (size_t r = 0; r < n; r++) {
        const size_t i = ev->first_scored + first + r;
        bool finite;
        eval_score(ev->exec.kernels, vocab, reference + r * vocab, logits + r * vocab, ev->plan.target[i],
                   &ev->record[variant], i, &finite);
        if (!finite && i < bad) bad = i;
    }
    return bad == SIZE_MAX ? RG_OK : not_finite(ev, variant, bad, err);
}

/* Windows from `first` on that go together: what fits, up to the next look; returns the one after the last.
 */
static size_t cut_batch(evaluation *ev, size_t first, size_t batch_tokens, exec_batch *batch) {
    const eval_plan *plan = &ev->plan;
    const size_t end = ev->looks.on && ev->looks.next < plan->n_windows ? ev->looks.next : plan->n_windows;
    size_t last = first, n = 0, n_scored = 0;
    do {
        const eval_window *w = &plan->window[last];
        ev->start[last - first] = n;
        for (size_t i = 0; i < w->n_scored; i++) ev->scored[n_scored++] = n + w->first_scored + i;
        n += w->length;
        last++;
    } while (last < end && n + plan->window[last].length <= batch_tokens);
    ev->start[last - first] = n;
    const size_t base = plan->window[first].start;
    *batch = (exec_batch){last - first, ev->start, plan->token + base, n_scored, ev->scored, base};
    return last;
}

static eval_scores scores_of(const evaluation *ev) {
    return (eval_scores){&ev->plan,  ev->model->tokenizer, ev->first_scored, ev->variants.n,
                         ev->record, ev->confidence,       ev->tolerance};
}

static rg_status run_batches(evaluation *ev, size_t batch_tokens, const rg_progress *progress,
                             rg_error *err) {
    const eval_plan *plan = &ev->plan;
    if (!batch_tokens) batch_tokens = exec_batch_tokens(&ev->exec);
    for (size_t first = 0; first < plan->n_windows && !ev->stopped;) {
        exec_batch batch;
        const size_t last = cut_batch(ev, first, batch_tokens, &batch);
        const double total = (double)plan->n_tokens, from = (double)plan->window[first].start,
                     share[2] = {from / total, (from + (double)batch.start[batch.n_windows]) / total};
        RG_TRY(exec_run(&ev->exec, &batch, take, ev, progress, share, err));
        ev->first_scored += batch.n_scored;
        ev->tokens_run += batch.start[batch.n_windows];
        first = last;
        if (ev->looks.on && (last == ev->looks.next || last == plan->n_windows)) {
            const eval_scores scores = scores_of(ev);
            ev->stopped = eval_looks_take(&ev->looks, &scores, last) && last < plan->n_windows;
        }
    }
    /* The work is done: asked to stop now, there is nothing to stop. */
    rg_progress_step(progress, "quality: forward passes", 1, 1);
    return RG_OK;
}

/* What all looks together say takes the place of the interval that a single look would have. */
static void take_looks(const evaluation *ev, rg_quality *q) {
    for (size_t v = 1; v < ev->variants.n && ev->looks.n_looks; v++) {
        q[v].delta_nll_lo = ev->looks.lo[v];
        q[v].delta_nll_hi = ev->looks.hi[v];
        if (q[v].verdict != RG_EQUAL)
            q[v].verdict = rg_verdict_of(q[v].delta_nll_lo, q[v].delta_nll_hi, ev->tolerance);
    }
}

/* Figures of the variants to their policies. */
static void spread(const evaluation *ev, const rg_quality *q, rg_quality *out) {
    for (size_t v = 0; v < ev->variants.n; v++) out[ev->variants.policy_of[v]] = q[v];
    for (size_t i = 0; i < ev->variants.n_policies; i++) {
        if (!ev->variants.variant_of[i]) out[i] = q[0];
        out[i].is_reference = !ev->variants.variant_of[i];
        memcpy(out[i].policy, ev->variants.policy[i].text, sizeof out[i].policy);
    }
}

/* Of the reference against itself. */
static void exactly_equal(rg_quality *q) {
    q->kld_mean_lo = q->kld_mean_hi = q->delta_nll_se = q->delta_nll_lo = q->delta_nll_hi = 0;
    q->same_top_lo = q->same_top_hi = 1;
    q->detectable = q->tokens_needed = NAN;
    q->verdict = RG_EQUAL;
}

/* Pairs of policies from pairs of variants; a policy that quantizes nothing is variant 0. */
static void spread_pairs(const evaluation *ev, const rg_quality *q, const rg_quality_pair *of_variants,
                         rg_eval_report *out) {
    const size_t c = ev->variants.n - 1;
    for (size_t a = 1; a < ev->variants.n_policies; a++)
        for (size_t b = a + 1; b < ev->variants.n_policies; b++) {
            const size_t va = ev->variants.variant_of[a], vb = ev->variants.variant_of[b];
            rg_quality_pair *p = &out->pair[out->n_pairs++];
            if (va && vb) /* a < b and variants ascend with policies */
                *p = of_variants[(va - 1) * (2 * c - va) / 2 + (vb - va - 1)];
            else if (va)
                *p = (rg_quality_pair){
                    0, 0, q[va].delta_nll, q[va].delta_nll_lo, q[va].delta_nll_hi, q[va].verdict};
            else if (vb)
                *p = (rg_quality_pair){0,
                                       0,
                                       -q[vb].delta_nll,
                                       -q[vb].delta_nll_hi,
                                       -q[vb].delta_nll_lo,
                                       q[vb].verdict == RG_BETTER  ? RG_WORSE
                                       : q[vb].verdict == RG_WORSE ? RG_BETTER
                                                                   : q[vb].verdict};
            else
                *p = (rg_quality_pair){.verdict = RG_EQUAL};
            p->a = a;
            p->b = b;
        }
}

/* Errors of the variants to their policies. */
static rg_status take_layers(evaluation *ev, rg_eval_report *out, rg_error *err) {
    const size_t n = ev->variants.n_policies - 1, c = ev->variants.n - 1;
    rg_layer_error *of_variants = NULL;
    rg_status status =
        layers_report(&ev->layers, out->complete, &out->layer, &of_variants, &out->n_layers, err);
    out->layer_error = calloc(out->n_layers * n + 1, sizeof *out->layer_error);
    if (status == RG_OK && !out->layer_error) status = no_memory(err);
    for (size_t i = 0; status == RG_OK && i < out->n_layers; i++) {
        for (size_t p = 0; p < n; p++)
            out->layer_error[i * n + p] = (rg_layer_error){
                NAN, NAN, out->layer[i].mean, out->layer[i].rms, out->layer[i].max_abs, out->layer[i].sha256};
        for (size_t v = 1; v <= c; v++)
            out->layer_error[i * n + ev->variants.policy_of[v] - 1] = of_variants[i * c + v - 1];
    }
    free(of_variants);
    return status;
}

static rg_status summarize(evaluation *ev, rg_eval_report *out, rg_error *err) {
    const eval_scores s = scores_of(ev);
    const size_t n = ev->variants.n_policies - 1, c = ev->variants.n - 1;
    const bool paired = n <= RG_EVAL_MAX_PAIRED;
    rg_quality *q = rg_arena_alloc(&ev->arena, ev->variants.n, sizeof *q);
    rg_quality_pair *pair = rg_arena_alloc(&ev->arena, c * c + 1, sizeof *pair);
    double *scratch = rg_arena_alloc(&ev->arena, s.n, sizeof *scratch);
    out->quality = calloc(ev->variants.n_policies, sizeof *out->quality);
    out->pair = calloc(paired ? n * n + 1 : 1, sizeof *out->pair);
    if (!q || !pair || !scratch || !out->quality || !out->pair) return no_memory(err);
    for (size_t v = 0; v < ev->variants.n; v++) eval_figures(&s, v, scratch, &q[v]);
    eval_units units;
    RG_TRY(eval_units_make(&units, &ev->plan, s.n, err));
    rg_status status = eval_compare(&s, &units, q, paired ? pair : NULL, err);
    exactly_equal(&q[0]);
    take_looks(ev, q);
    spread(ev, q, out->quality);
    if (paired) spread_pairs(ev, q, pair, out);
    if (status == RG_OK && ev->exec.watch) status = take_layers(ev, out, err);
    out->n_qualities = ev->variants.n_policies;
    out->unit = units.name;
    out->n_units = units.n;
    eval_units_free(&units);
    return status;
}

static rg_status evaluate(evaluation *ev, const char *text, size_t text_size, const char *const *policies,
                          size_t n_policies, const rg_eval_options *options, rg_error *err) {
    RG_TRY(
        exec_variants_open(&ev->variants, &ev->model->graph, policies, n_policies, options->data_dir, err));
    RG_TRY(
        eval_plan_make(&ev->plan, ev->model, options->protocol, text, text_size, options->max_tokens, err));
    RG_TRY(make_records(ev, err));
    if (options->stop_when_sure) RG_TRY(eval_looks_open(&ev->looks, &ev->plan, ev->variants.n, err));
    const int threads = options->threads > 0 ? options->threads : omp_get_num_procs();
    const exec_use *use = ev->variants.use;
    if (options->layers) {
        RG_TRY(layers_open(&ev->layers, ev->model, ev->variants.use, ev->variants.n, threads,
                           ev->plan.max_length, options->digests, err));
        use =
            ev->layers.plain; /* values are seen before their readers quantize them; the bits are the same */
    }
    RG_TRY(exec_open(&ev->exec, ev->model, use, ev->variants.n, threads, ev->plan.max_length, err));
    if (options->layers) ev->exec.watch = &ev->layers.watch;
    return run_batches(ev, options->batch_tokens, options->progress, err);
}

static rg_status check_options(const rg_eval_options *o, rg_error *err) {
    if (o->confidence < 0 || o->confidence >= 1)
        return rg_fail(err, RG_ERR_USAGE, "confidence", "above 0 and below 1", "%g", o->confidence);
    if (!(o->tolerance >= 0))
        return rg_fail(err, RG_ERR_USAGE, "tolerance", "0 nats or more", "%g", o->tolerance);
    return RG_OK;
}

rg_status rg_eval_report_make(rg_eval_report *out, rg_model *model, const char *text, size_t text_size,
                              const char *const *policies, size_t n_policies, const rg_eval_options *options,
                              rg_error *err) {
    evaluation ev = {.model = model,
                     .confidence = options->confidence > 0 ? options->confidence : 0.95,
                     .tolerance = options->tolerance};
    RG_TRY(check_options(options, err));
    rg_eval_report report = {.confidence = ev.confidence, .tolerance = ev.tolerance};
    rg_status status = evaluate(&ev, text, text_size, policies, n_policies, options, err), made = status;
    report.complete = status == RG_OK;
    if ((status == RG_OK || status == RG_ERR_CANCELLED) && ev.first_scored > 0)
        made = summarize(&ev, &report, status == RG_OK ? err : NULL);
    if (status == RG_OK) status = made;
    report.protocol = ev.plan.protocol;
    report.stopped_early = ev.stopped;
    report.n_looks = ev.looks.n_looks;
    report.tokens = ev.first_scored;
    report.tokens_run = ev.tokens_run;
    report.tokens_planned = ev.plan.n_scored;
    layers_close(&ev.layers);
    exec_close(&ev.exec);
    exec_variants_close(&ev.variants);
    eval_looks_close(&ev.looks);
    eval_plan_free(&ev.plan);
    rg_arena_free(&ev.arena);
    if (status == RG_OK || status == RG_ERR_CANCELLED)
        *out = report;
    else
        rg_eval_report_free(&report);
    return status;
}

void rg_eval_report_free(rg_eval_report *report) {
    free(report->quality);
    free(report->pair);
    free(report->layer);
    free(report->layer_error);
    *report = (rg_eval_report){0};
}

rg_status rg_eval_run(rg_model *model, const char *text, size_t text_size, const char *const *policies,
                      size_t n_policies, const rg_eval_options *options, rg_quality *out, rg_error *err) {
    rg_eval_report report = {0};
    const rg_status status =
        rg_eval_report_make(&report, model, text, text_size, policies, n_policies, options, err);
    if (status == RG_OK) memcpy(out, report.quality, (n_policies + 1) * sizeof *out);
    rg_eval_report_free(&report);
    return status;
}
