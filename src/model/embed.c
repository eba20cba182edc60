/* Sentence embeddings of policies in lock step. */
#include "model/embed.h"

#include "model/exec.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

enum { NEIGHBOURS = 10 };

typedef struct runner {
    const rg_model *model;
    const char *name;
    embed_form form;
    embed_plan plan;
    exec_variants variants;
    size_t *sentence, *scored, *start; /* of the batch: sentences of its scored rows, offsets */
    double **sum;                      /* [variants.n][n][width] */
    float **vector;                    /* the same */
    size_t n_done;
    exec exec;
    rg_arena arena;
} runner;

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, "fewer sentences or policies", "out of memory for embeddings");
}

static rg_status make_room(runner *r, rg_embed_report *out, rg_error *err) {
    const size_t width = (size_t)r->model->graph.node[r->model->graph.output].width, n = r->plan.n;
    r->sentence = rg_arena_alloc(&r->arena, r->plan.n_tokens, sizeof *r->sentence);
    r->scored = rg_arena_alloc(&r->arena, r->plan.n_tokens, sizeof *r->scored);
    r->start = rg_arena_alloc(&r->arena, n + 1, sizeof *r->start);
    r->sum = rg_arena_alloc(&r->arena, r->variants.n, sizeof *r->sum);
    r->vector = rg_arena_alloc(&r->arena, r->variants.n, sizeof *r->vector);
    out->quality = rg_arena_alloc(&out->arena, r->variants.n_policies, sizeof *out->quality);
    if (!r->sentence || !r->scored || !r->start || !r->sum || !r->vector || !out->quality)
        return no_memory(err);
    if (n > SIZE_MAX / sizeof(double) / width) return no_memory(err);
    for (size_t v = 0; v < r->variants.n; v++) {
        r->sum[v] = rg_arena_alloc(&r->arena, n * width, sizeof(double));
        r->vector[v] = rg_arena_alloc(&out->arena, n * width, sizeof(float));
        if (!r->sum[v] || !r->vector[v]) return no_memory(err);
    }
    out->width = width;
    return RG_OK;
}

/* Rows come in order, so a sum has one order whatever the batch. */
static rg_status take(void *context, size_t variant, size_t first, size_t n, const float *reference,
                      const float *state, rg_error *err) {
    runner *r = context;
    const size_t width = (size_t)r->model->graph.node[r->model->graph.output].width;
    (void)reference;
    for (size_t i = 0; i < n; i++) {
        const size_t sentence = r->sentence[first + i];
        double *sum = r->sum[variant] + sentence * width;
        for (size_t c = 0; c < width; c++) {
            const float x = state[i * width + c];
            if (!isfinite(x)) {
                char where[256];
                snprintf(where, sizeof where, "%.200s:%zu", r->name, r->plan.line[sentence]);
                return rg_fail(err, RG_ERR_MISMATCH, where, "finite hidden states",
                               "policy %s gives an infinite or undefined state",
                               r->variants.policy[r->variants.policy_of[variant]].text);
            }
            sum[c] += (double)x;
        }
    }
    return RG_OK;
}

/* Sentences first .. last - 1. */
static rg_status run_batch(runner *r, size_t first, size_t last, const rg_progress *progress, rg_error *err) {
    const embed_plan *plan = &r->plan;
    const size_t base = plan->start[first], n = plan->start[last] - base;
    size_t n_scored = 0;
    for (size_t s = first; s < last; s++) {
        r->start[s - first] = plan->start[s] - base;
        const size_t rows = r->form.cls ? 1 : plan->start[s + 1] - plan->start[s];
        for (size_t i = 0; i < rows; i++) {
            r->sentence[n_scored] = s;
            r->scored[n_scored++] = plan->start[s] - base + i;
        }
    }
    r->start[last - first] = n;
    const exec_batch batch = {last - first, r->start, plan->token + base, n_scored, r->scored, base};
    const double total = (double)plan->n_tokens,
                 share[2] = {(double)base / total, (double)(base + n) / total};
    return exec_run(&r->exec, &batch, take, r, progress, share, err);
}

static rg_status run_batches(runner *r, size_t batch_tokens, const rg_progress *progress, rg_error *err) {
    const embed_plan *plan = &r->plan;
    if (!batch_tokens) batch_tokens = exec_batch_tokens(&r->exec);
    for (size_t last; r->n_done < plan->n; r->n_done = last) {
        last = r->n_done + 1;
        while (last < plan->n && plan->start[last + 1] - plan->start[r->n_done] <= batch_tokens) last++;
        const rg_status status = run_batch(r, r->n_done, last, progress, err);
        if (status == RG_ERR_CANCELLED && r->n_done) return RG_OK;
        RG_TRY(status);
    }
    rg_progress_step(progress, "quality: forward passes", 1, 1);
    return RG_OK;
}

/* Pooled states to length 1. */
static rg_status normalize(runner *r, size_t variant, size_t width, rg_error *err) {
    for (size_t s = 0; s < r->n_done; s++) {
        const double *sum = r->sum[variant] + s * width;
        double squares = 0;
        for (size_t c = 0; c < width; c++) squares += sum[c] * sum[c];
        if (!(squares > 0)) {
            char where[256];
            snprintf(where, sizeof where, "%.200s:%zu", r->name, r->plan.line[s]);
            return rg_fail(err, RG_ERR_MISMATCH, where, "an embedding with a direction",
                           "policy %s gives an embedding of zeros",
                           r->variants.policy[r->variants.policy_of[variant]].text);
        }
        for (size_t c = 0; c < width; c++)
            r->vector[variant][s * width + c] = (float)(sum[c] / sqrt(squares));
    }
    return RG_OK;
}

static rg_status sum_up(runner *r, rg_embed_report *out, rg_error *err) {
    const embed_plan *plan = &r->plan;
    out->n = r->n_done;
    out->n_asked = plan->n;
    out->n_tokens = plan->start[r->n_done];
    out->k = out->n > NEIGHBOURS ? NEIGHBOURS : out->n - 1;
    out->pooling = r->form.cls ? "cls" : "mean";
    out->max_tokens = r->form.max_tokens;
    for (size_t s = 0; s < out->n; s++) out->n_truncated += plan->truncated[s];
    for (size_t v = 0; v < r->variants.n; v++) RG_TRY(normalize(r, v, out->width, err));
    for (size_t i = 0; i < r->variants.n_policies; i++) {
        rg_embed_quality *q = &out->quality[i];
        q->is_reference = r->variants.variant_of[i] == 0;
        q->vector = r->vector[r->variants.variant_of[i]];
        memcpy(q->policy, r->variants.policy[i].text, sizeof q->policy);
        RG_TRY(embed_compare(r->vector[0], q->vector, out->n, out->width, out->k, plan->line, r->exec.threads,
                             q, err));
        if (q->is_reference) q->cosine_mean = q->cosine_min = 1, q->cosine_mean_se = 0;
    }
    out->n_qualities = r->variants.n_policies;
    return RG_OK;
}

static rg_status run(runner *r, rg_embed_report *out, const char *text, size_t size,
                     const char *const *policies, size_t n_policies, const rg_embed_options *options,
                     rg_error *err) {
    const int threads = options->threads > 0 ? options->threads : omp_get_num_procs();
    RG_TRY(embed_form_read(r->model, &r->form, err));
    RG_TRY(embed_plan_make(&r->plan, r->model, &r->form, r->name, text, size, options->limit, err));
    RG_TRY(exec_variants_open(&r->variants, &r->model->graph, policies, n_policies, options->data_dir, err));
    RG_TRY(make_room(r, out, err));
    RG_TRY(exec_open_hidden(&r->exec, r->model, r->variants.use, r->variants.n, threads, r->plan.max_length,
                            err));
    RG_TRY(run_batches(r, options->batch_tokens, options->progress, err));
    return sum_up(r, out, err);
}

rg_status rg_embed_run(rg_embed_report *out, const rg_model *model, const char *name, const char *text,
                       size_t text_size, const char *const *policies, size_t n_policies,
                       const rg_embed_options *options, rg_error *err) {
    rg_embed_report report = {0};
    runner r = {.model = model, .name = name};
    const rg_status status = run(&r, &report, text, text_size, policies, n_policies, options, err);
    exec_close(&r.exec);
    exec_variants_close(&r.variants);
    embed_plan_free(&r.plan);
    rg_arena_free(&r.arena);
    if (status != RG_OK) {
        rg_embed_report_free(&report);
        return status;
    }
    *out = report;
    return RG_OK;
}

void rg_embed_report_free(rg_embed_report *report) {
    rg_arena_free(&report->arena);
    *report = (rg_embed_report){0};
}
