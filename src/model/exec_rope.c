/* rope: rotary positions. */
#include "model/exec.h"

#include <math.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

static size_t rotated(const rg_graph_node *n) {
    return (size_t)(n->rope.rotary_dim ? n->rope.rotary_dim : n->head_dim);
}

/* The feature whose wavelength turns `rotations` times within the original positions. */
static double turning(const rg_rope *rope, double rotations, size_t dim) {
    return (double)dim * rg_log(rope->original_max_position / (rotations * 2 * pi)) /
           (2 * rg_log(rope->theta));
}

static double yarn(const rg_rope *rope, double w, size_t i, size_t dim) {
    double low = turning(rope, rope->beta_fast, dim), high = turning(rope, rope->beta_slow, dim);
    if (!rope->exact) {
        low = floor(low);
        high = ceil(high);
    }
    if (low < 0) low = 0;
    if (high > (double)dim - 1) high = (double)dim - 1;
    if (low == high) high += 0.001;
    double t = ((double)i - low) / (high - low);
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return t * w / rope->factor + (1 - t) * w;
}

static double frequency(const rg_rope *rope, size_t i, size_t dim) {
    const double w = rg_pow(rope->theta, -2.0 * (double)i / (double)dim);
    if (rope->factor <= 0) return w;
    if (rope->scaling == RG_ROPE_LINEAR) return w / rope->factor;
    if (rope->scaling == RG_ROPE_YARN) return yarn(rope, w, i, dim);
    const double length = 2 * pi / w;
    if (length < rope->original_max_position / rope->high_freq_factor) return w;
    if (length >= rope->original_max_position / rope->low_freq_factor) return w / rope->factor;
    const double s = (rope->original_max_position / length - rope->low_freq_factor) /
                     (rope->high_freq_factor - rope->low_freq_factor);
    return (1 - s) * w / rope->factor + s * w;
}

static bool same_rope(const rg_graph_node *a, const rg_graph_node *b) {
    const rg_rope *x = &a->rope, *y = &b->rope;
    return a->op == RG_OP_ROPE && rotated(a) == rotated(b) && x->theta == y->theta &&
           x->factor == y->factor && x->scaling == y->scaling && x->low_freq_factor == y->low_freq_factor &&
           x->high_freq_factor == y->high_freq_factor && x->beta_fast == y->beta_fast &&
           x->beta_slow == y->beta_slow && x->exact == y->exact &&
           x->attention_factor == y->attention_factor && x->original_max_position == y->original_max_position;
}

rg_status exec_rope_tables(exec *e, rg_error *err) {
    const rg_graph *graph = &e->model->graph;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const rg_graph_node *n = &graph->node[i];
        if (n->op != RG_OP_ROPE) continue;
        for (size_t j = 0; j < i && !e->cosine[i]; j++)
            if (same_rope(&graph->node[j], n)) e->cosine[i] = e->cosine[j];
        if (e->cosine[i]) continue;
        const double length = n->rope.attention_factor > 0 ? n->rope.attention_factor : 1;
        size_t half = rotated(n) / 2, size = e->max_window * half;
        float *table = rg_arena_alloc(&e->arena, 2 * size, sizeof *table);
        if (!table) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
        for (size_t f = 0; f < half; f++) {
            double w = frequency(&n->rope, f, 2 * half), sine, cosine;
            for (size_t p = 0; p < e->max_window; p++) {
                rg_sincos((double)p * w, &sine, &cosine);
                table[p * half + f] = (float)(length * cosine);
                table[size + p * half + f] = (float)(length * sine);
            }
        }
        e->cosine[i] = table;
    }
    return RG_OK;
}

static void rotate(const rg_graph_node *n, const float *cosine, const float *sine, const float *x, float *y) {
    const size_t width = (size_t)n->head_dim, half = rotated(n) / 2, from = (size_t)n->from;
    const bool halves = n->rope.pairs == RG_ROPE_HALVES;
    for (int64_t h = 0; h < n->heads; h++, x += width, y += width) {
        if (2 * half < width && x != y) memcpy(y, x, width * sizeof *y);
        for (size_t i = 0; i < half; i++) {
            const size_t first = from + (halves ? i : 2 * i), second = first + (halves ? half : 1);
            const float a = x[first], b = x[second];
            y[first] = a * cosine[i] - b * sine[i];
            y[second] = b * cosine[i] + a * sine[i];
        }
    }
}

static void row(const exec *e, int node, size_t token, const float *const *x, float *y) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t half = rotated(n) / 2, p = exec_position(e, token);
    const float *cosine = e->cosine[node];
    rotate(n, cosine + p * half, cosine + (e->max_window + p) * half, x[0], y);
}

const exec_op exec_op_rope = {.run = exec_rows, .row = row};
