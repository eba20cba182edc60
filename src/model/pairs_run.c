/* Forward passes over the windows of a plan: log-likelihoods of their continuations. */
#include "model/pairs.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A predicted token. */
typedef struct prediction {
    size_t row; /* offset of its logits in plan.token */
    size_t pair;
    int32_t token;
    double log_probability; /* of the variant being taken */
} prediction;

typedef struct runner {
    const rg_model *model;
    const pair_plan *plan;
    pair_result *result;
    double **sum;           /* [n_policies][plan.n], as result.loglik */
    uint8_t **greedy;       /* the same */
    prediction *prediction; /* [plan.n_targets] by row, then pair */
    size_t n_rows;          /* rows of logits; pairs that share a window share rows */
    size_t *row;            /* [n_rows] ascending offsets in plan.token, later in the batch */
    size_t *first;          /* [n_rows + 1] in prediction */
    size_t *start;          /* [n_windows + 1] of the batch */
    size_t first_row;       /* of the batch being run */
    exec exec;
    rg_arena arena;
} runner;

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the evaluation");
}

static rg_status make_results(runner *r, rg_error *err) {
    pair_result *out = r->result;
    const size_t n = out->variants.n_policies;
    out->loglik = r->sum = rg_arena_alloc(&out->arena, n, sizeof *r->sum);
    out->greedy = r->greedy = rg_arena_alloc(&out->arena, n, sizeof *r->greedy);
    if (!r->sum || !r->greedy) return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const bool runs = i == 0 || out->variants.variant_of[i];
        r->sum[i] = runs ? rg_arena_alloc(&out->arena, r->plan->n, sizeof(double)) : r->sum[0];
        r->greedy[i] = runs ? rg_arena_alloc(&out->arena, r->plan->n, 1) : r->greedy[0];
        if (!r->sum[i] || !r->greedy[i]) return no_memory(err);
        if (runs) memset(r->greedy[i], 1, r->plan->n);
    }
    return RG_OK;
}

static int by_row(const void *a, const void *b) {
    const prediction *x = a, *y = b;
    return x->row != y->row ? (x->row > y->row) - (x->row < y->row)
                            : (x->pair > y->pair) - (x->pair < y->pair);
}

static rg_status list_rows(runner *r, rg_error *err) {
    const pair_plan *plan = r->plan;
    const size_t n = plan->n_targets;
    r->prediction = rg_arena_alloc(&r->arena, n, sizeof *r->prediction);
    r->row = rg_arena_alloc(&r->arena, n, sizeof *r->row);
    r->first = rg_arena_alloc(&r->arena, n + 1, sizeof *r->first);
    r->start = rg_arena_alloc(&r->arena, plan->n_windows + 1, sizeof *r->start);
    if (!r->prediction || !r->row || !r->first || !r->start) return no_memory(err);
    size_t i = 0;
    for (size_t p = 0; p < plan->n; p++)
        for (size_t k = 0; k < plan->pair[p].n; k++, i++)
            r->prediction[i] =
                (prediction){.row = plan->start[plan->pair[p].window] + plan->pair[p].first + k,
                             .pair = p,
                             .token = plan->target[plan->pair[p].target + k]};
    qsort(r->prediction, n, sizeof *r->prediction, by_row);
    for (i = 0; i < n; i++) {
        if (i && r->prediction[i].row == r->prediction[i - 1].row) continue;
        r->row[r->n_rows] = r->prediction[i].row;
        r->first[r->n_rows++] = i;
    }
    r->first[r->n_rows] = n;
    return RG_OK;
}

static rg_status not_finite(const runner *r, size_t variant, size_t row, rg_error *err) {
    const pair_item *pair = &r->plan->pair[r->prediction[r->first[row]].pair];
    char where[256];
    snprintf(where, sizeof where, "%.200s:%zu (choice %d)", r->plan->name, pair->line, pair->option);
    return rg_fail(err, RG_ERR_MISMATCH, where, "finite logits",
                   "policy %s gives an infinite or undefined logit",
                   r->result->variants.policy[r->result->variants.policy_of[variant]].text);
}

static rg_status take(void *context, size_t variant, size_t first, size_t n, const float *reference,
                      const float *logits, rg_error *err) {
    (void)reference;
    runner *r = context;
    const size_t vocab = (size_t)r->model->graph.vocab_size, base = r->first_row + first;
    double *sum = r->sum[r->result->variants.policy_of[variant]];
    uint8_t *greedy = r->greedy[r->result->variants.policy_of[variant]];
    size_t bad = SIZE_MAX;
#pragma omp parallel for num_threads(r->exec.threads) reduction(min : bad)
    for (size_t i = 0; i < n; i++) {
        const float *row = logits + i * vocab;
        const rg_row_compare c = r->exec.kernels->compare(vocab, row, row);
        if (!c.finite && i < bad) bad = i;
        for (size_t k = r->first[base + i]; c.finite && k < r->first[base + i + 1]; k++) {
            prediction *p = &r->prediction[k];
            p->log_probability = (double)row[p->token] - (double)c.max_b - rg_log(c.sum_b);
            if (c.top_b != (size_t)p->token) {
#pragma omp atomic write
                greedy[p->pair] = 0;
            }
        }
    }
    if (bad != SIZE_MAX) return not_finite(r, variant, base + bad, err);
    for (size_t k = r->first[base]; k < r->first[base + n]; k++)
        sum[r->prediction[k].pair] += r->prediction[k].log_probability;
    return RG_OK;
}

/* Windows first .. last - 1 and their rows up to *end_row. */
static rg_status run_batch(runner *r, size_t first, size_t last, size_t *end_row, const rg_progress *progress,
                           rg_error *err) {
    const pair_plan *plan = r->plan;
    const size_t base = plan->start[first], n = plan->start[last] - base;
    r->first_row = *end_row;
    for (size_t w = first; w <= last; w++) r->start[w - first] = plan->start[w] - base;
    size_t end = r->first_row;
    while (end < r->n_rows && r->row[end] < base + n) r->row[end++] -= base;
    const exec_batch batch = {last - first,          r->start, plan->token + base, end - r->first_row,
                              r->row + r->first_row, base};
    const double total = (double)plan->start[plan->n_windows],
                 share[2] = {(double)base / total, (double)(base + n) / total};
    RG_TRY(exec_run(&r->exec, &batch, take, r, progress, share, err));
    *end_row = end;
    return RG_OK;
}

static rg_status run_batches(runner *r, size_t batch_tokens, const rg_progress *progress, rg_error *err) {
    const pair_plan *plan = r->plan;
    if (!batch_tokens) batch_tokens = exec_batch_tokens(&r->exec);
    size_t end_row = 0;
    for (size_t first = 0, last; first < plan->n_windows; first = last) {
        last = first + 1;
        while (last < plan->n_windows && plan->start[last + 1] - plan->start[first] <= batch_tokens) last++;
        const rg_status status = run_batch(r, first, last, &end_row, progress, err);
        if (status == RG_ERR_CANCELLED && r->result->n_done) return RG_OK;
        RG_TRY(status);
        while (r->result->n_done < plan->n && plan->pair[r->result->n_done].window < last)
            r->result->n_done++;
    }
    rg_progress_step(progress, "quality: forward passes", 1, 1);
    return RG_OK;
}

static rg_status run(runner *r, const char *const *policies, size_t n_policies, const pair_options *options,
                     rg_error *err) {
    exec_variants *v = &r->result->variants;
    if (!r->plan->n) return RG_OK;
    RG_TRY(exec_variants_open(v, &r->model->graph, policies, n_policies, options->data_dir, err));
    RG_TRY(make_results(r, err));
    RG_TRY(list_rows(r, err));
    const int threads = options->threads > 0 ? options->threads : omp_get_num_procs();
    RG_TRY(exec_open(&r->exec, r->model, v->use, v->n, threads, r->plan->max_length, err));
    return run_batches(r, options->batch_tokens, options->progress, err);
}

rg_status pair_run(const rg_model *model, const pair_plan *plan, const char *const *policies,
                   size_t n_policies, const pair_options *options, pair_result *out, rg_error *err) {
    *out = (pair_result){0};
    runner r = {.model = model, .plan = plan, .result = out};
    const rg_status status = run(&r, policies, n_policies, options, err);
    exec_close(&r.exec);
    rg_arena_free(&r.arena);
    return status;
}

void pair_result_free(pair_result *result) {
    exec_variants_close(&result->variants);
    rg_arena_free(&result->arena);
    *result = (pair_result){0};
}
