/* Quality of policies in lock step: resolve, cut the text, run batches, sum up. */
#include "model/eval.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room that the activations of a batch may take. */
static const double activation_bytes = 512e6;

typedef struct evaluation {
    const rg_model *model;
    eval_plan plan;
    size_t n_policies; /* with the reference at 0 */
    rg_policy *policy; /* [n_policies] */
    bool *touched;     /* [n_policies] something is quantized */
    size_t n_variants; /* those that run: the reference and every touched policy */
    size_t *policy_of; /* [n_variants] */
    exec_use *use;     /* [n_variants][n_nodes] */
    exec_datapaths datapaths;
    eval_record *record;   /* [n_variants] */
    size_t *window_of;     /* [n_scored] */
    size_t *scored, *next; /* [n_scored] offsets into plan.token: whose logits, and the token that came */
    size_t *start;         /* [n_windows + 1] of the batch */
    exec exec;
    size_t first_scored; /* of the batch being run */
    rg_arena arena;
} evaluation;

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the evaluation");
}

static rg_status resolve(evaluation *ev, const char *const *policies, rg_error *err) {
    const rg_graph *graph = &ev->model->graph;
    ev->policy = rg_arena_alloc(&ev->arena, ev->n_policies, sizeof *ev->policy);
    ev->touched = rg_arena_alloc(&ev->arena, ev->n_policies, sizeof *ev->touched);
    ev->policy_of = rg_arena_alloc(&ev->arena, ev->n_policies, sizeof *ev->policy_of);
    if (graph->n_nodes > SIZE_MAX / sizeof *ev->use) return no_memory(err);
    ev->use = rg_arena_alloc(&ev->arena, ev->n_policies, graph->n_nodes * sizeof *ev->use);
    if (!ev->policy || !ev->touched || !ev->policy_of || !ev->use) return no_memory(err);
    for (size_t i = 0; i < ev->n_policies; i++) {
        RG_TRY(rg_policy_parse(i ? policies[i - 1] : "fp32", &ev->policy[i], err));
        exec_use *use = ev->use + ev->n_variants * graph->n_nodes;
        RG_TRY(exec_resolve(graph, &ev->policy[i], &ev->datapaths, use, &ev->touched[i], err));
        if (i == 0 || ev->touched[i]) ev->policy_of[ev->n_variants++] = i;
    }
    return RG_OK;
}

static rg_status make_records(evaluation *ev, rg_error *err) {
    const eval_plan *plan = &ev->plan;
    const size_t n = plan->n_scored;
    ev->record = rg_arena_alloc(&ev->arena, ev->n_variants, sizeof *ev->record);
    ev->window_of = rg_arena_alloc(&ev->arena, n, sizeof *ev->window_of);
    ev->scored = rg_arena_alloc(&ev->arena, n, sizeof *ev->scored);
    ev->next = rg_arena_alloc(&ev->arena, n, sizeof *ev->next);
    ev->start = rg_arena_alloc(&ev->arena, plan->n_windows + 1, sizeof *ev->start);
    if (!ev->record || !ev->window_of || !ev->scored || !ev->next || !ev->start) return no_memory(err);
    for (size_t v = 0; v < ev->n_variants; v++) {
        eval_record *r = &ev->record[v];
        r->nll = rg_arena_alloc(&ev->arena, n, sizeof *r->nll);
        r->kld = rg_arena_alloc(&ev->arena, n, sizeof *r->kld);
        r->same = rg_arena_alloc(&ev->arena, n, sizeof *r->same);
        if (!r->nll || !r->kld || !r->same) return no_memory(err);
    }
    size_t i = 0;
    for (size_t w = 0; w < plan->n_windows; w++)
        for (size_t p = plan->window[w].first_scored; p + 1 < plan->window[w].length; p++, i++) {
            ev->window_of[i] = w;
            ev->scored[i] = plan->window[w].start + p;
            ev->next[i] = ev->scored[i] + 1;
        }
    return RG_OK;
}

static rg_status not_finite(const evaluation *ev, size_t variant, size_t i, rg_error *err) {
    const eval_window *w = &ev->plan.window[ev->window_of[i]];
    const size_t position = ev->next[i] - 1 - w->start;
    char where[160];
    snprintf(where, sizeof where, "token %lld of the text (position %zu of window %zu)",
             (long long)w->text_index + (long long)position, position, ev->window_of[i]);
    return rg_fail(err, RG_ERR_MISMATCH, where, "finite logits",
                   "policy %s gives an infinite or undefined logit", ev->policy[ev->policy_of[variant]].text);
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
        eval_score(ev->exec.kernels, vocab, reference + r * vocab, logits + r * vocab,
                   ev->plan.token[ev->next[i]], &ev->record[variant], i, &finite);
        if (!finite && i < bad) bad = i;
    }
    return bad == SIZE_MAX ? RG_OK : not_finite(ev, variant, bad, err);
}

static rg_status run_batches(evaluation *ev, size_t batch_tokens, const rg_progress *progress,
                             rg_error *err) {
    const eval_plan *plan = &ev->plan;
    if (!batch_tokens) batch_tokens = (size_t)(activation_bytes / (double)exec_bytes_per_token(&ev->exec));
    size_t scored_end = 0;
    for (size_t first = 0; first < plan->n_windows;) {
        const size_t base = plan->window[first].start;
        size_t last = first, n = 0;
        ev->first_scored = scored_end;
        do {
            ev->start[last - first] = n;
            n += plan->window[last].length;
            last++;
        } while (last < plan->n_windows && n + plan->window[last].length <= batch_tokens);
        ev->start[last - first] = n;
        while (scored_end < plan->n_scored && ev->window_of[scored_end] < last)
            ev->scored[scored_end++] -= base;
        const exec_batch batch = {last - first,
                                  ev->start,
                                  plan->token + base,
                                  scored_end - ev->first_scored,
                                  ev->scored + ev->first_scored,
                                  base};
        const double total = (double)plan->n_tokens,
                     share[2] = {(double)base / total, (double)(base + n) / total};
        RG_TRY(exec_run(&ev->exec, &batch, take, ev, progress, share, err));
        first = last;
    }
    return rg_progress_step(progress, "quality: forward passes", 1, 1)
               ? RG_OK
               : rg_fail(err, RG_ERR_CANCELLED, NULL, NULL, "interrupted");
}

static void summarize(evaluation *ev, rg_quality *out) {
    rg_quality reference = {0};
    for (size_t v = 0; v < ev->n_variants; v++) {
        rg_quality *q = &out[ev->policy_of[v]];
        eval_summarize(&ev->record[v], ev->window_of, ev->plan.n_scored, q);
        if (v == 0) reference = *q;
    }
    for (size_t i = 0; i < ev->n_policies; i++) {
        if (!ev->touched[i]) out[i] = reference;
        out[i].is_reference = !ev->touched[i];
        memcpy(out[i].policy, ev->policy[i].text, sizeof out[i].policy);
    }
}

static rg_status evaluate(evaluation *ev, const char *text, size_t text_size, const char *const *policies,
                          const rg_eval_options *options, rg_quality *out, rg_error *err) {
    RG_TRY(resolve(ev, policies, err));
    RG_TRY(
        eval_plan_make(&ev->plan, ev->model, options->protocol, text, text_size, options->max_tokens, err));
    RG_TRY(make_records(ev, err));
    const int threads = options->threads > 0 ? options->threads : omp_get_num_procs();
    RG_TRY(exec_open(&ev->exec, ev->model, ev->use, ev->n_variants, threads, ev->plan.max_length, err));
    RG_TRY(run_batches(ev, options->batch_tokens, options->progress, err));
    summarize(ev, out);
    return RG_OK;
}

rg_status rg_eval_run(rg_model *model, const char *text, size_t text_size, const char *const *policies,
                      size_t n_policies, const rg_eval_options *options, rg_quality *out, rg_error *err) {
    evaluation ev = {
        .model = model, .n_policies = n_policies + 1, .datapaths = {.data_dir = options->data_dir}};
    rg_status status = evaluate(&ev, text, text_size, policies, options, out, err);
    exec_close(&ev.exec);
    exec_datapaths_close(&ev.datapaths);
    eval_plan_free(&ev.plan);
    rg_arena_free(&ev.arena);
    return status;
}
