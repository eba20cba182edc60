/* Watching an evaluation node by node. The error of a candidate's output counts twice: free-running, where
   errors of earlier operators add up, and forced, where the candidate's operator is given the reference's
   inputs and shows its own error alone. All sums run over tokens in order and per channel, so that neither
   batches nor threads change a bit. */
#include "model/layers.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE = 16, BLOCK = 32 }; /* channels of a thread at a time; elements of a block crest factor */

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, "fewer policies at once", "out of memory for the layers");
}

/* Quantizers of outputs go back to where the values are read: the same elements get the same bits there. */
static void put_back(const rg_graph *graph, exec_use *use) {
    for (size_t j = 0; j < graph->n_nodes; j++)
        for (int i = 0; i < graph->node[j].n_inputs; i++) {
            const int from = graph->node[j].input[i];
            if (from >= 0 && use[from].output) use[j].input[i] = use[from].output;
        }
    for (size_t j = 0; j < graph->n_nodes; j++) use[j].output = NULL;
}

static rg_status make_sums(layers *l, size_t i, rg_error *err) {
    struct layer_sums *s = &l->node[i];
    const size_t width = (size_t)l->model->graph.node[i].width;
    s->sum = rg_arena_alloc(&l->arena, l->n_variants * width, sizeof *s->sum);
    s->power = rg_arena_alloc(&l->arena, l->n_variants * width, sizeof *s->power);
    s->fourth = rg_arena_alloc(&l->arena, width, sizeof *s->fourth);
    s->largest = rg_arena_alloc(&l->arena, l->n_variants * width, sizeof *s->largest);
    s->free = rg_arena_alloc(&l->arena, l->n_variants * width, sizeof *s->free);
    s->forced = rg_arena_alloc(&l->arena, l->n_variants * width, sizeof *s->forced);
    s->digest = rg_arena_alloc(&l->arena, l->n_variants, sizeof *s->digest);
    if (!s->sum || !s->power || !s->fourth || !s->largest || !s->free || !s->forced || !s->digest)
        return no_memory(err);
    for (size_t v = 0; l->digests && v < l->n_variants; v++)
        if (!(s->digest[v] = rg_sha256_open())) return no_memory(err);
    return RG_OK;
}

/* ---- while the executor runs ------------------------------------------------------------------------------
 */

/* Sums of one slice of channels of variant v over all tokens. */
static void slice_power(struct layer_sums *s, size_t v, const float *x, size_t tokens, size_t width,
                        size_t from) {
    const size_t end = from + SLICE < width ? from + SLICE : width;
    double *sum = s->sum + v * width, *power = s->power + v * width, *largest = s->largest + v * width;
    for (size_t t = 0; t < tokens; t++)
        for (size_t c = from; c < end; c++) {
            const double value = (double)x[t * width + c], square = value * value;
            sum[c] += value;
            power[c] += square;
            if (v == 0) s->fourth[c] += square * square;
            if (fabs(value) > largest[c]) largest[c] = fabs(value);
        }
}

static void add_power(const exec *e, struct layer_sums *s, size_t v, const float *x, size_t width) {
#pragma omp parallel for num_threads(e->threads) schedule(static)
    for (size_t from = 0; from < width; from += SLICE) slice_power(s, v, x, e->n_tokens, width, from);
}

static void slice_error(double *sum, const float *x, const float *y, size_t tokens, size_t width,
                        size_t from) {
    const size_t end = from + SLICE < width ? from + SLICE : width;
    for (size_t t = 0; t < tokens; t++)
        for (size_t c = from; c < end; c++) {
            const double difference = (double)x[t * width + c] - (double)y[t * width + c];
            sum[c] += difference * difference;
        }
}

static void add_error(const exec *e, double *sum, const float *x, const float *y, size_t width) {
#pragma omp parallel for num_threads(e->threads) schedule(static)
    for (size_t from = 0; from < width; from += SLICE) slice_error(sum, x, y, e->n_tokens, width, from);
}

static double crest_of(const float *x, size_t n) {
    double largest = 0, power = 0;
    for (size_t i = 0; i < n; i++) {
        const double value = fabs((double)x[i]);
        if (value > largest) largest = value;
        power += value * value;
    }
    return power > 0 ? largest / sqrt(power / (double)n) : -1;
}

/* Whole blocks along the channels; blocks of zeros have no crest. */
static void add_crests(struct layer_sums *s, const float *x, size_t tokens, size_t width) {
    for (size_t t = 0; t < tokens; t++)
        for (size_t c = 0; c + BLOCK <= width; c += BLOCK) {
            const double crest = crest_of(x + t * width + c, BLOCK);
            if (crest < 0) continue;
            s->block_crest += crest;
            s->n_blocks++;
        }
}

/* The candidate's operator on the reference's inputs. */
static rg_status run_alone(layers *l, const exec *e, size_t v, int node, rg_error *err) {
    exec *alone = &l->alone[v];
    const rg_graph_node *n = &l->model->graph.node[node];
    if (alone->n_tokens != e->n_tokens) exec_pool_clear(alone);
    alone->n_tokens = e->n_tokens;
    alone->batch = e->batch;
    for (int i = 0; i < n->n_inputs; i++)
        if (n->input[i] >= 0) *exec_value(alone, n->input[i], 0) = *exec_value(e, n->input[i], 0);
    const rg_status status = exec_run_node(alone, node, err);
    for (int i = 0; i < n->n_inputs; i++)
        if (n->input[i] >= 0) *exec_value(alone, n->input[i], 0) = NULL;
    return status;
}

/* Does the candidate compute this node otherwise than the reference would? */
static bool differs(const layers *l, size_t v, int node) {
    const size_t n = l->model->graph.n_nodes;
    return memcmp(&l->plain[v * n + (size_t)node], &l->plain[node], sizeof *l->plain) != 0;
}

static rg_status before(void *context, const exec *e, int node, rg_error *err) {
    layers *l = context;
    for (size_t v = 1; node == 0 && v < l->n_variants; v++) exec_integer_forget(&l->alone[v]);
    for (size_t v = 1; v < l->n_variants; v++)
        if (differs(l, v, node)) RG_TRY(run_alone(l, e, v, node, err));
    return RG_OK;
}

static rg_status after(void *context, const exec *e, int node, rg_error *err) {
    layers *l = context;
    struct layer_sums *s = &l->node[node];
    const size_t width = (size_t)l->model->graph.node[node].width, tokens = e->n_tokens;
    const float *x = *exec_value(e, node, 0);
    (void)err;
    if (node == 0) l->n_tokens += tokens;
    add_power(e, s, 0, x, width);
    add_crests(s, x, tokens, width);
    rg_sha256_add(s->digest[0], x, tokens * width * sizeof *x);
    for (size_t v = 1; v < l->n_variants; v++) {
        const float *y = *exec_value(e, node, v);
        add_power(e, s, v, y, width);
        if (y != x) add_error(e, s->free + v * width, x, y, width);
        rg_sha256_add(s->digest[v], y, tokens * width * sizeof *y);
        if (!differs(l, v, node)) continue;
        float **alone = exec_value(&l->alone[v], node, 0);
        add_error(e, s->forced + v * width, x, *alone, width);
        exec_release(&l->alone[v], *alone);
        *alone = NULL;
    }
    return RG_OK;
}

/* ---- opening and closing ----------------------------------------------------------------------------------
 */

rg_status layers_open(layers *out, const rg_model *model, const exec_use *use, size_t n_variants, int threads,
                      size_t max_window, bool digests, rg_error *err) {
    const size_t n = model->graph.n_nodes;
    *out = (layers){.model = model, .n_variants = n_variants, .digests = digests};
    out->watch = (exec_watch){out, before, after};
    out->plain = rg_arena_alloc(&out->arena, n_variants, n * sizeof *out->plain);
    out->alone = rg_arena_alloc(&out->arena, n_variants, sizeof *out->alone);
    out->node = rg_arena_alloc(&out->arena, n, sizeof *out->node);
    if (!out->plain || !out->alone || !out->node) return no_memory(err);
    memcpy(out->plain, use, n_variants * n * sizeof *use);
    for (size_t v = 0; v < n_variants; v++) put_back(&model->graph, out->plain + v * n);
    for (size_t i = 0; i < n; i++)
        if ((int)i != model->graph.output) RG_TRY(make_sums(out, i, err));
    for (size_t v = 1; v < n_variants; v++) {
        RG_TRY(exec_open(&out->alone[v], model, out->plain + v * n, 1, threads, max_window, err));
        for (size_t i = 0; i < n; i++) out->alone[v].last_use[i] = INT_MAX; /* inputs are not its own */
    }
    return RG_OK;
}

void layers_close(layers *l) {
    for (size_t v = 1; l->alone && v < l->n_variants; v++) exec_close(&l->alone[v]);
    for (size_t i = 0; l->node && i < l->model->graph.n_nodes; i++)
        for (size_t v = 0; l->node[i].digest && v < l->n_variants; v++) rg_sha256_close(l->node[i].digest[v]);
    rg_arena_free(&l->arena);
    *l = (layers){0};
}

/* ---- the report -------------------------------------------------------------------------------------------
 */

static double total(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum;
}

/* NaN: no difference, or nothing to compare with. */
static double decibel(double power, double error) {
    return power > 0 && error > 0 ? rg_sqnr_db(power, error) : NAN;
}

/* Channels whose root mean square exceeds 6 times that of the median channel. */
static size_t outliers(const double *power, size_t width, double *scratch) {
    memcpy(scratch, power, width * sizeof *power);
    const double limit = 36 * rg_quantile(scratch, width, 0.5);
    size_t n = 0;
    for (size_t c = 0; c < width; c++) n += power[c] > limit;
    return n;
}

static rg_digest close_digest(rg_sha256_stream **stream, bool keep) {
    const rg_digest digest = rg_sha256_close(*stream);
    *stream = NULL;
    return keep ? digest : (rg_digest){""};
}

typedef struct moments {
    double mean, rms, max_abs;
} moments;

static moments moments_of(const struct layer_sums *s, size_t v, size_t width, double tokens) {
    moments m = {total(s->sum + v * width, width) / tokens / (double)width,
                 sqrt(total(s->power + v * width, width) / tokens / (double)width), 0};
    for (size_t c = 0; c < width; c++)
        if (s->largest[v * width + c] > m.max_abs) m.max_abs = s->largest[v * width + c];
    return m;
}

static rg_layer layer_of(const layers *l, size_t i, bool complete, double *scratch) {
    struct layer_sums *s = &l->node[i];
    const rg_graph_node *n = &l->model->graph.node[i];
    const size_t width = (size_t)n->width;
    const moments m = moments_of(s, 0, width, (double)l->n_tokens);
    const double fourth = total(s->fourth, width) / (double)width / (double)l->n_tokens;
    return (rg_layer){.name = n->name,
                      .op = rg_op_name(n->op),
                      .layer = n->layer,
                      .width = n->width,
                      .mean = m.mean,
                      .rms = m.rms,
                      .max_abs = m.max_abs,
                      .crest = m.rms > 0 ? m.max_abs / m.rms : NAN,
                      .kurtosis = m.rms > 0 ? fourth / (m.rms * m.rms * m.rms * m.rms) : NAN,
                      .block_crest = s->n_blocks ? s->block_crest / (double)s->n_blocks : NAN,
                      .outlier_channels = outliers(s->power, width, scratch),
                      .sha256 = close_digest(&s->digest[0], complete)};
}

static rg_layer_error error_of(const layers *l, size_t i, size_t v, bool complete) {
    struct layer_sums *s = &l->node[i];
    const size_t width = (size_t)l->model->graph.node[i].width;
    const moments m = moments_of(s, v, width, (double)l->n_tokens);
    const double power = total(s->power, width);
    return (rg_layer_error){.sqnr_free_db = decibel(power, total(s->free + v * width, width)),
                            .sqnr_forced_db = decibel(power, total(s->forced + v * width, width)),
                            .mean = m.mean,
                            .rms = m.rms,
                            .max_abs = m.max_abs,
                            .sha256 = close_digest(&s->digest[v], complete)};
}

rg_status layers_report(layers *l, bool complete, rg_layer **layer, rg_layer_error **errors, size_t *n,
                        rg_error *err) {
    const rg_graph *graph = &l->model->graph;
    const size_t c = l->n_variants - 1;
    size_t widest = 1, at = 0;
    for (size_t i = 0; i < graph->n_nodes; i++)
        if ((size_t)graph->node[i].width > widest) widest = (size_t)graph->node[i].width;
    double *scratch = rg_arena_alloc(&l->arena, widest, sizeof *scratch);
    *layer = calloc(graph->n_nodes, sizeof **layer);
    *errors = calloc(graph->n_nodes * (c + 1), sizeof **errors);
    if (!scratch || !*layer || !*errors) return no_memory(err);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if ((int)i == graph->output) continue;
        (*layer)[at] = layer_of(l, i, complete, scratch);
        for (size_t v = 1; v <= c; v++) (*errors)[at * c + v - 1] = error_of(l, i, v, complete);
        at++;
    }
    *n = at;
    return RG_OK;
}
