/* Operators that work row by row: embedding, norm, rotation, activation, sum. */
#include "model/exec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

rg_status exec_embed(exec *e, int node, rg_error *err) {
    const rg_graph *graph = &e->model->graph;
    const rg_graph_node *n = &graph->node[node];
    const size_t width = (size_t)n->width, rows = (size_t)graph->weight[n->weight].shape[0];
    const float *table = e->model->weight[n->weight], *from = NULL;
    const rg_quant *last = NULL;
    for (size_t v = 0; v < e->n_variants; v++) {
        const rg_quant *q = exec_use_of(e, node, v)->weight;
        float **out = exec_value(e, node, v);
        RG_TRY(exec_take(e, width, out, err));
        if (!q) {
            from = table;
        } else if (!last || !rg_quant_equal(q, last)) {
            RG_TRY(exec_scratch_need(&e->weight, rows * width, err));
            exec_quantize_weight(e, q, n->weight, e->weight.data);
        }
        if (q) {
            from = e->weight.data;
            last = q;
        }
        for (size_t t = 0; t < e->n_tokens; t++)
            memcpy(*out + t * width, from + (size_t)e->batch->token[t] * width, width * sizeof **out);
    }
    return RG_OK;
}

/* ---- rotary positions ------------------------------------------------------------------------------------
 */

static double frequency(const rg_rope *rope, size_t i, size_t head_dim) {
    double w = rg_pow(rope->theta, -2.0 * (double)i / (double)head_dim);
    if (rope->factor <= 0) return w;
    const double pi = 3.14159265358979323846;
    double length = 2 * pi / w;
    if (length < rope->original_max_position / rope->high_freq_factor) return w;
    if (length > rope->original_max_position / rope->low_freq_factor) return w / rope->factor;
    double s = (rope->original_max_position / length - rope->low_freq_factor) /
               (rope->high_freq_factor - rope->low_freq_factor);
    return (1 - s) * w / rope->factor + s * w;
}

static bool same_rope(const rg_graph_node *a, const rg_graph_node *b) {
    return a->op == RG_OP_ROPE && a->head_dim == b->head_dim && a->rope.theta == b->rope.theta &&
           a->rope.factor == b->rope.factor && a->rope.low_freq_factor == b->rope.low_freq_factor &&
           a->rope.high_freq_factor == b->rope.high_freq_factor &&
           a->rope.original_max_position == b->rope.original_max_position;
}

rg_status exec_rope_tables(exec *e, rg_error *err) {
    const rg_graph *graph = &e->model->graph;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const rg_graph_node *n = &graph->node[i];
        if (n->op != RG_OP_ROPE) continue;
        for (size_t j = 0; j < i && !e->cosine[i]; j++)
            if (same_rope(&graph->node[j], n)) e->cosine[i] = e->cosine[j];
        if (e->cosine[i]) continue;
        size_t half = (size_t)n->head_dim / 2, size = e->max_window * half;
        float *table = rg_arena_alloc(&e->arena, 2 * size, sizeof *table);
        if (!table) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
        for (size_t f = 0; f < half; f++) {
            double w = frequency(&n->rope, f, (size_t)n->head_dim), sine, cosine;
            for (size_t p = 0; p < e->max_window; p++) {
                rg_sincos((double)p * w, &sine, &cosine);
                table[p * half + f] = (float)cosine;
                table[size + p * half + f] = (float)sine;
            }
        }
        e->cosine[i] = table;
    }
    return RG_OK;
}

static void rotate(const rg_graph_node *n, const float *cosine, const float *sine, const float *x, float *y) {
    const size_t half = (size_t)n->head_dim / 2;
    for (int64_t h = 0; h < n->heads; h++, x += 2 * half, y += 2 * half)
        for (size_t i = 0; i < half; i++) {
            float a = x[i], b = x[i + half];
            y[i] = a * cosine[i] - b * sine[i];
            y[i + half] = b * cosine[i] + a * sine[i];
        }
}

/* ---- all of them -----------------------------------------------------------------------------------------
 */

/* Position of each token in its window. */
static size_t position_of(const exec_batch *batch, size_t token) {
    size_t low = 0, high = batch->n_windows;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(batch->start[middle] <= token ? &low : &high) = middle;
    }
    return token - batch->start[low];
}

static void run_row(const exec *e, int node, size_t token, const float *x, const float *x2, float *y) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t width = (size_t)n->width;
    if (n->op == RG_OP_RMSNORM) {
        const size_t run = n->head_dim ? (size_t)n->head_dim : width;
        for (size_t i = 0; i < width; i += run)
            e->kernels->rmsnorm(run, x + i, e->model->weight[n->weight], n->eps, y + i);
    } else if (n->op == RG_OP_ROPE) {
        const size_t half = (size_t)n->head_dim / 2, p = position_of(e->batch, token);
        const float *cosine = e->cosine[node];
        rotate(n, cosine + p * half, cosine + (e->max_window + p) * half, x, y);
    } else if (n->op == RG_OP_SWIGLU) {
        e->kernels->swiglu(width, x, x2, y);
    } else {
        for (size_t i = 0; i < width; i++) y[i] = x[i] + x2[i];
    }
}

/* The result may take over the first input's buffer when nobody reads that again. */
static rg_status choose_output(exec *e, int node, size_t variant, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    float **out = exec_value(e, node, variant), **in = exec_value(e, n->input[0], variant);
    if (e->last_use[n->input[0]] != node || e->model->graph.node[n->input[0]].width != n->width)
        return exec_take(e, (size_t)n->width, out, err);
    *out = *in;
    return RG_OK;
}

rg_status exec_elementwise(exec *e, int node, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t width = (size_t)n->width;
    for (size_t v = 0; v < e->n_variants; v++) {
        float **in = exec_value(e, n->input[0], v);
        const float *x = *in, *x2 = n->n_inputs > 1 ? *exec_value(e, n->input[1], v) : NULL;
        RG_TRY(choose_output(e, node, v, err));
        float *y = *exec_value(e, node, v);
#pragma omp parallel for num_threads(e->threads) schedule(static)
        for (size_t t = 0; t < e->n_tokens; t++)
            run_row(e, node, t, x + t * width, x2 ? x2 + t * width : NULL, y + t * width);
        if (y == x) *in = NULL;
    }
    return RG_OK;
}
