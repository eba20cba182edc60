/* Smoothing: what is hard in a channel's activations moves into its weights, whose scales are finer. Channel
   j of a norm is divided by s_j = a_j^alpha / w_j^(1 - alpha), a_j its largest activation on a text, w_j the
   largest weight that multiplies it; those weights are multiplied by s_j. Source: SmoothQuant, arXiv
   2211.10438, equation 4. */
#include "model/exec.h"
#include "model/load.h"
#include "model/rescale.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 512, BATCH_WINDOWS = 4 };

typedef struct smoothing {
    rg_model *model;
    float **largest; /* [n_nodes] of the norms that can be scaled */
    int32_t *token;  /* the windows, one after the other */
    size_t n_tokens, window;
    rg_arena arena;
} smoothing;

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

static rg_status find_places(smoothing *s, rg_error *err) {
    const rg_graph *g = &s->model->graph;
    bool found = false;
    s->largest = rg_arena_alloc(&s->arena, g->n_nodes, sizeof *s->largest);
    if (!s->largest) return no_memory(err);
    for (size_t i = 0; i < g->n_nodes; i++) {
        if (!rescale_is_norm(g, i)) continue;
        s->largest[i] = rg_arena_alloc(&s->arena, (size_t)g->node[i].width, sizeof **s->largest);
        if (!s->largest[i]) return no_memory(err);
        found = true;
    }
    if (found) return RG_OK;
    return rg_fail(err, RG_ERR_UNSUPPORTED, s->model->path, "a norm that only linear operators read",
                   "no norm of family %s can be scaled without changing the function", g->family);
}

/* Side by side, BOS in front of each where the tokenizer adds one; the last may be shorter. */
static rg_status cut(smoothing *s, const char *text, size_t size, size_t max_tokens, rg_error *err) {
    const rg_model *m = s->model;
    int32_t *id = NULL;
    size_t n = 0;
    RG_TRY(load_check_tokenizer(m, err));
    RG_TRY(rg_tokenize(m->tokenizer, text, size, &id, &n, err));
    if (max_tokens && n > max_tokens) n = max_tokens;
    s->window = m->graph.max_positions < WINDOW ? (size_t)m->graph.max_positions : WINDOW;
    const size_t bos = rg_tokenizer_adds_bos(m->tokenizer) && s->window > 1, step = s->window - bos;
    s->token = rg_arena_alloc(&s->arena, n + n / step + 2, sizeof *s->token);
    rg_status status = s->token ? RG_OK : no_memory(err);
    for (size_t i = 0; s->token && i < n; i++) {
        if (bos && i % step == 0) s->token[s->n_tokens++] = rg_tokenizer_bos(m->tokenizer);
        s->token[s->n_tokens++] = id[i];
    }
    free(id);
    if (status == RG_OK && n == 0)
        status = rg_fail(err, RG_ERR_USAGE, NULL, "a text of some hundred tokens", "the text has no tokens");
    return status;
}

static rg_status nothing(void *context, size_t variant, size_t first, size_t n, const float *reference,
                         const float *logits, rg_error *err) {
    (void)context, (void)variant, (void)first, (void)n, (void)reference, (void)logits, (void)err;
    return RG_OK;
}

static rg_status run(smoothing *s, exec *e, const rg_progress *progress, rg_error *err) {
    for (size_t at = 0; at < s->n_tokens;) {
        size_t start[BATCH_WINDOWS + 1] = {0}, n = 0;
        const size_t left = s->n_tokens - at;
        while (n < BATCH_WINDOWS && start[n] < left) {
            start[n + 1] = start[n] + s->window < left ? start[n] + s->window : left;
            n++;
        }
        const exec_batch batch = {.n_windows = n, .start = start, .token = s->token + at, .first_token = at};
        const double total = (double)s->n_tokens,
                     share[2] = {(double)at / total, (double)(at + start[n]) / total};
        RG_TRY(exec_run(e, &batch, nothing, NULL, progress, share, err));
        at += start[n];
    }
    return RG_OK;
}

static rg_status before(void *context, const exec *e, int node, rg_error *err) {
    (void)context, (void)e, (void)node, (void)err;
    return RG_OK;
}

static rg_status after(void *context, const exec *e, int node, rg_error *err) {
    float *largest = ((smoothing *)context)->largest[node];
    const size_t width = (size_t)e->model->graph.node[node].width;
    const float *value = *exec_value(e, node, 0);
    (void)err;
    for (size_t t = 0; largest && t < e->n_tokens; t++, value += width)
        for (size_t c = 0; c < width; c++) {
            const float magnitude = fabsf(value[c]);
            if (!(magnitude <= largest[c])) largest[c] = magnitude; /* NaN stays */
        }
    return RG_OK;
}

static rg_status calibrate(smoothing *s, const rg_smooth_options *options, rg_error *err) {
    exec e;
    exec_use *use = calloc(s->model->graph.n_nodes, sizeof *use);
    if (!use) return no_memory(err);
    const int threads = options->threads > 0 ? options->threads : omp_get_num_procs();
    rg_status status = exec_open(&e, s->model, use, 1, threads, s->window, err);
    const exec_watch watch = {.context = s, .before = before, .after = after};
    e.watch = &watch;
    if (status == RG_OK) status = run(s, &e, options->progress, err);
    exec_close(&e);
    free(use);
    return status;
}

/* Largest magnitude in column c of what reads the node. */
static void largest_weights(const rg_model *m, size_t node, float *largest) {
    const rg_graph *g = &m->graph;
    const size_t cols = (size_t)g->node[node].width;
    memset(largest, 0, cols * sizeof *largest);
    for (size_t i = node + 1; i < g->n_nodes; i++) {
        if (!rescale_reads(&g->node[i], node)) continue;
        const rg_graph_weight *w = &g->weight[g->node[i].weight];
        const float *data = m->weight[g->node[i].weight];
        size_t rows = 1;
        for (int d = 0; d + 1 < w->n_dims; d++) rows *= (size_t)w->shape[d];
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < cols; c++) largest[c] = fmaxf(largest[c], fabsf(data[r * cols + c]));
    }
}

/* What output c of the norm is multiplied by. A channel without activations or weights stays. */
static float factor(float activation, float weight, double alpha) {
    if (!(activation > 0 && weight > 0)) return 1;
    const double s = rg_pow((double)activation, alpha) / rg_pow((double)weight, 1 - alpha);
    return (float)(1 / fmin(fmax(s, 1e-5), 1e5));
}

static rg_status fold(smoothing *s, double alpha, rg_error *err) {
    rg_model *m = s->model;
    const rg_graph *g = &m->graph;
    for (size_t i = 0; i < g->n_nodes; i++)
        for (int64_t c = 0; s->largest[i] && c < g->node[i].width; c++)
            if (!isfinite(s->largest[i][c]))
                return rg_fail(err, RG_ERR_MISMATCH, g->node[i].name, "finite activations",
                               "channel %lld is infinite or undefined on this text", (long long)c);
    for (size_t i = 0; i < g->n_nodes; i++) {
        if (!s->largest[i]) continue;
        const size_t width = (size_t)g->node[i].width;
        float *f = malloc(width * sizeof *f);
        if (!f) return no_memory(err);
        largest_weights(m, i, f);
        for (size_t c = 0; c < width; c++) f[c] = factor(s->largest[i][c], f[c], alpha);
        rescale_scale_gains(m, &g->node[i], f);
        rescale_divide_readers(m, i, f);
        free(f);
    }
    return RG_OK;
}

rg_status rg_model_smooth(rg_model *model, const char *text, size_t size, const rg_smooth_options *options,
                          rg_error *err) {
    smoothing s = {.model = model};
    if (!model->weight || !model->tokenizer)
        return rg_fail(err, RG_ERR_USAGE, model->path, "a model with weights and tokenizer",
                       "there is nothing to smooth");
    if (!(options->alpha >= 0 && options->alpha <= 1))
        return rg_fail(err, RG_ERR_USAGE, "alpha", "a number from 0 to 1", "alpha is %g", options->alpha);
    rg_status status = find_places(&s, err);
    if (status == RG_OK) status = cut(&s, text, size, options->max_tokens, err);
    if (status == RG_OK) status = calibrate(&s, options, err);
    if (status == RG_OK) status = fold(&s, options->alpha, err);
    rg_arena_free(&s.arena);
    return status;
}
