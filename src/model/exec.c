/* The walk over the graph: opening, order of nodes, life of values. */
#include "model/exec.h"

#include <math.h>
#include <string.h>

static rg_status check_node(const rg_model *model, size_t i, rg_error *err) {
    const rg_graph *graph = &model->graph;
    const rg_graph_node *node = &graph->node[i];
    if (!exec_op_find(node->op))
        return rg_fail(err, RG_ERR_UNSUPPORTED, node->name, "an operator that Ridge executes",
                       "cannot execute operator \"%s\"",
                       node->op != RG_OP_OPAQUE ? rg_op_name(node->op)
                       : node->opaque_op        ? node->opaque_op
                                                : "opaque");
    if (node->rows || node->apart || node->span || node->cached)
        return rg_fail(err, RG_ERR_UNSUPPORTED, node->name,
                       "a row per token, and all keys or a window of them", "cannot execute \"%s\" with %s",
                       rg_op_name(node->op),
                       node->span     ? "a span"
                       : node->cached ? "values made of keys"
                                      : "rows of its own");
    if (node->scoring == RG_SCORING_SQRT_SOFTPLUS)
        return rg_fail(err, RG_ERR_UNSUPPORTED, node->name, "softmax, sigmoid or softmax_topk",
                       "cannot execute scoring sqrt_softplus");
    if (node->op == RG_OP_EMBED && graph->weight[node->weight].shape[0] < graph->vocab_size)
        return rg_fail(err, RG_ERR_UNSUPPORTED, node->name, "a row for every token id",
                       "%lld rows for %lld token ids", (long long)graph->weight[node->weight].shape[0],
                       (long long)graph->vocab_size);
    int needed[2 + RG_MAX_EXTRA] = {node->weight, node->bias};
    memcpy(needed + 2, node->extra, sizeof node->extra);
    for (size_t j = 0; j < sizeof needed / sizeof *needed; j++)
        if (needed[j] >= 0 && (!model->weight || !model->weight[needed[j]]))
            return rg_fail(err, RG_ERR_USAGE, model->path, "a model file with weights, not only a config",
                           "the model has no weight \"%s\"", graph->weight[needed[j]].name);
    return RG_OK;
}

const float *exec_weight(const exec *e, int node, int weight) {
    if (weight < 0) return NULL;
    const rg_graph_weight *w = &e->model->graph.weight[weight];
    size_t n = 1;
    for (int d = 0; d < w->n_dims; d++) n *= (size_t)w->shape[d];
    return exec_weight_part(e, node, weight, 0, n);
}

static bool same_use(const exec_use *a, const exec_use *b) {
    bool same = exec_same_quant(a->weight, b->weight) && exec_same_quant(a->result, b->result) &&
                exec_same_quant(a->output, b->output) && a->output_columns == b->output_columns &&
                exec_same_quant(a->score, b->score) && exec_same_quant(a->probability, b->probability) &&
                a->window == b->window && a->sinks == b->sinks && a->rotation == b->rotation &&
                a->datapath == b->datapath;
    for (int i = 0; same && i < RG_MAX_INPUTS; i++) same = exec_same_quant(a->input[i], b->input[i]);
    return same;
}

/* Does everything that leads to the node's value agree? Inputs come before the node. */
static bool same_value(const exec *e, int node, size_t a, size_t b) {
    const rg_graph_node *n = &e->model->graph.node[node];
    for (int i = 0; i < n->n_inputs; i++)
        if (n->input[i] >= 0 && exec_same(e, n->input[i], a) != exec_same(e, n->input[i], b)) return false;
    return same_use(exec_use_of(e, node, a), exec_use_of(e, node, b));
}

static void find_same(exec *e) {
    for (size_t node = 0; node < e->model->graph.n_nodes; node++)
        for (size_t v = 0; v < e->n_variants; v++) {
            size_t first = 0;
            while (first < v &&
                   (exec_same(e, (int)node, first) != first || !same_value(e, (int)node, first, v)))
                first++;
            e->same[node * e->n_variants + v] = (uint32_t)first;
        }
}

static rg_status check_output(const rg_graph *graph, bool hidden, rg_error *err) {
    const rg_graph_node *node = &graph->node[graph->output];
    if ((node->op != RG_OP_LINEAR) == hidden) return RG_OK;
    return rg_fail(err, RG_ERR_UNSUPPORTED, node->name,
                   hidden ? "a model without a language-model head"
                          : "a linear output head (ridge eval embed takes models without one)",
                   "the graph's output is made by operator \"%s\"",
                   node->op == RG_OP_OPAQUE && node->opaque_op ? node->opaque_op : rg_op_name(node->op));
}

static rg_status open_any(exec *out, const rg_model *model, const exec_use *use, size_t n_variants,
                          int threads, size_t max_window, bool hidden, rg_error *err) {
    *out = (exec){
        .model = model, .threads = threads, .n_variants = n_variants, .use = use, .max_window = max_window};
    const rg_graph *graph = &model->graph;
    const size_t n = graph->n_nodes;
    for (size_t i = 0; i < n; i++) RG_TRY(check_node(model, i, err));
    RG_TRY(check_output(graph, hidden, err));
    RG_TRY(rg_kernels_get(&out->kernels, err));
    out->last_use = rg_arena_alloc(&out->arena, n, sizeof *out->last_use);
    out->cosine = rg_arena_alloc(&out->arena, n, sizeof *out->cosine);
    out->matrix_flop = rg_arena_alloc(&out->arena, n, sizeof *out->matrix_flop);
    out->weight_elements = rg_arena_alloc(&out->arena, n, sizeof *out->weight_elements);
    out->cache_elements = rg_arena_alloc(&out->arena, n, sizeof *out->cache_elements);
    out->head = rg_arena_alloc(&out->arena, n_variants, sizeof *out->head);
    out->value = rg_arena_alloc(&out->arena, n * n_variants, sizeof *out->value);
    out->encoded = rg_arena_alloc(&out->arena, n_variants, sizeof *out->encoded);
    out->same = rg_arena_alloc(&out->arena, n * n_variants, sizeof *out->same);
    if (!out->weight_elements || !out->cache_elements || !out->last_use || !out->cosine ||
        !out->matrix_flop || !out->head || !out->value || !out->encoded || !out->same)
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    find_same(out);
    for (size_t i = 0; i < n; i++) {
        out->last_use[i] = (int)i;
        for (int j = 0; j < graph->node[i].n_inputs; j++)
            if (graph->node[i].input[j] >= 0) out->last_use[graph->node[i].input[j]] = (int)i;
    }
    return exec_rope_tables(out, err);
}

rg_status exec_open(exec *out, const rg_model *model, const exec_use *use, size_t n_variants, int threads,
                    size_t max_window, rg_error *err) {
    return open_any(out, model, use, n_variants, threads, max_window, false, err);
}

rg_status exec_open_hidden(exec *out, const rg_model *model, const exec_use *use, size_t n_variants,
                           int threads, size_t max_window, rg_error *err) {
    return open_any(out, model, use, n_variants, threads, max_window, true, err);
}

/* Floats of a node's value that are kept for all variants. */
static size_t width_of_all(const exec *e, size_t node) {
    size_t n = 0;
    for (size_t v = 0; v < e->n_variants; v++) n += exec_same(e, (int)node, v) == v;
    return n * (size_t)e->model->graph.node[node].width;
}

/* The same walk that exec_run makes, counting floats; one buffer may be taken over by an elementwise
 * operator. */
static size_t bytes_per_token(const exec *e) {
    const rg_graph *graph = &e->model->graph;
    size_t alive = 0, peak = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if ((int)i == graph->output) continue;
        alive += width_of_all(e, i);
        if (alive > peak) peak = alive;
        for (size_t j = 0; j <= i; j++)
            if (e->last_use[j] == (int)i && (int)j != graph->output) alive -= width_of_all(e, j);
    }
    return peak * sizeof(float);
}

size_t exec_batch_tokens(const exec *e) {
    const double activation_bytes = 512e6, most = 16384;
    return (size_t)fmin(activation_bytes / (double)bytes_per_token(e), most);
}

static void free_dead(exec *e, int node) {
    for (int j = 0; j <= node; j++) {
        if (e->last_use[j] != node) continue;
        for (size_t v = 0; v < e->n_variants; v++) {
            float **value = exec_value(e, j, v);
            if (*value) exec_release(e, *value);
            *value = NULL;
        }
    }
}

static void quantize_output(exec *e, int node) {
    const size_t width = (size_t)e->model->graph.node[node].width;
    for (size_t v = 0; v < e->n_variants; v++) {
        const exec_use *use = exec_use_of(e, node, v);
        if (exec_same(e, node, v) != v) continue;
        float *value = *exec_value(e, node, v);
        if (use->result)
            exec_quantize_inside(e, e->threads, use->result, node, EXEC_RESULT,
                                 (uint64_t)e->batch->first_token * width, e->n_tokens, width, value, value);
        if (use->output)
            exec_quantize_value(e, use->output, node, 0, e->n_tokens, use->output_columns, value, value);
    }
}

rg_status exec_run_node(exec *e, int node, rg_error *err) {
    RG_TRY(exec_op_find(e->model->graph.node[node].op)->run(e, node, err));
    quantize_output(e, node);
    return RG_OK;
}

/* A batch of another size than the last cannot use its buffers. */
static void start_batch(exec *e, const exec_batch *batch) {
    size_t n_tokens = batch->start[batch->n_windows];
    if (n_tokens != e->n_tokens) exec_pool_clear(e);
    e->n_tokens = n_tokens;
    e->batch = batch;
    exec_integer_forget(e);
}

static void end_batch(exec *e) {
    exec_head_close(e);
    for (size_t i = 0; i < e->pool.n; i++) e->pool.buffer[i].taken = false;
    memset(e->value, 0, e->model->graph.n_nodes * e->n_variants * sizeof *e->value);
    e->batch = NULL;
}

/* Scored rows of the last hidden state. */
static rg_status take_hidden(exec *e, exec_logits_fn *take, void *context, rg_error *err) {
    const int node = e->model->graph.output;
    const size_t width = (size_t)e->model->graph.node[node].width;
    const exec_batch *batch = e->batch;
    RG_TRY(exec_scratch_need(&e->reference, width, err));
    RG_TRY(exec_scratch_need(&e->logits, width, err));
    for (size_t v = 0; v < e->n_variants; v++)
        for (size_t i = 0; i < batch->n_scored; i++) {
            const size_t at = batch->scored[i] * width;
            memcpy(e->reference.data, *exec_value(e, node, 0) + at, width * sizeof(float));
            memcpy(e->logits.data, *exec_value(e, node, v) + at, width * sizeof(float));
            RG_TRY(take(context, v, i, 1, e->reference.data, e->logits.data, err));
        }
    return RG_OK;
}

rg_status exec_run(exec *e, const exec_batch *batch, exec_logits_fn *take, void *context,
                   const rg_progress *progress, const double share[2], rg_error *err) {
    const rg_graph *graph = &e->model->graph;
    const double head = 0.2; /* of the time, roughly */
    const double middle = share[1] - head * (share[1] - share[0]);
    rg_status status = RG_OK;
    start_batch(e, batch);
    const bool has_head = graph->node[graph->output].op == RG_OP_LINEAR;
    for (int i = 0; status == RG_OK && i < (int)graph->n_nodes; i++) {
        if (i == graph->output && has_head) continue;
        double done = share[0] + (middle - share[0]) * i / (double)graph->n_nodes;
        if (!rg_progress_step(progress, "quality: forward passes", done, 1))
            status = rg_fail(err, RG_ERR_CANCELLED, NULL, NULL, "interrupted");
        if (status == RG_OK && e->watch) status = e->watch->before(e->watch->context, e, i, err);
        if (status == RG_OK) status = exec_run_node(e, i, err);
        if (status == RG_OK && e->watch) status = e->watch->after(e->watch->context, e, i, err);
        if (status == RG_OK && i == graph->output) status = take_hidden(e, take, context, err);
        if (status == RG_OK) free_dead(e, i);
    }
    if (status == RG_OK && has_head)
        status = exec_head(e, take, context, progress, (const double[2]){middle, share[1]}, err);
    end_batch(e);
    return status;
}
