/* rope: rotary positions. */
#include "model/exec.h"

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

static void row(const exec *e, int node, size_t token, const float *const *x, float *y) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t half = (size_t)n->head_dim / 2, p = exec_position(e, token);
    const float *cosine = e->cosine[node];
    rotate(n, cosine + p * half, cosine + (e->max_window + p) * half, x[0], y);
}

const exec_op exec_op_rope = {.run = exec_rows, .row = row};
