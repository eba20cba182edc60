/* Function-preserving jitter: where one operator makes a channel that only linear operators read, the channel
   may be scaled by any factor if its readers' columns are divided by it. The places are found in the graph.
 */
#include "ridge/model.h"

#include <stdlib.h>

/* Factor of channel i, uniform in [0.9, 1.1]; the stream is the node that makes the channel. */
static float factor(uint64_t seed, size_t node, size_t i) {
    return (float)(0.9 + 0.2 * rg_random_uniform(seed, node, i));
}

/* May only `node` read this weight? Then no other use of it changes. */
static bool is_private(const rg_graph *g, size_t node, int weight) {
    if (weight < 0 || g->weight[weight].tied_to >= 0) return false;
    for (size_t i = 0; i < g->n_weights; i++)
        if (g->weight[i].tied_to == weight) return false;
    for (size_t i = 0; i < g->n_nodes; i++)
        if (i != node && (g->node[i].weight == weight || g->node[i].bias == weight)) return false;
    return true;
}

static bool reads(const rg_graph_node *user, size_t node) {
    for (int i = 0; i < user->n_inputs; i++)
        if (user->input[i] == (int)node) return true;
    return false;
}

/* True when all that reads the node are linear operators with weights of their own, at least one. */
static bool only_linear_readers(const rg_graph *g, size_t node) {
    size_t n = 0;
    if ((int)node == g->output) return false;
    for (size_t i = node + 1; i < g->n_nodes; i++) {
        if (!reads(&g->node[i], node)) continue;
        if (g->node[i].op != RG_OP_LINEAR || !is_private(g, i, g->node[i].weight)) return false;
        n++;
    }
    return n > 0;
}

/* The only reader is `user`, which reads it once. */
static bool only_read_by(const rg_graph *g, size_t node, size_t user) {
    if ((int)node == g->output) return false;
    for (size_t i = node + 1; i < g->n_nodes; i++)
        if (i != user && reads(&g->node[i], node)) return false;
    int n = 0;
    for (int i = 0; i < g->node[user].n_inputs; i++) n += g->node[user].input[i] == (int)node;
    return n == 1;
}

/* A linear operator whose rows may be scaled. */
static bool is_maker(const rg_graph *g, int node, size_t user) {
    if (node < 0) return false;
    const rg_graph_node *n = &g->node[node];
    return n->op == RG_OP_LINEAR && is_private(g, (size_t)node, n->weight) &&
           (n->bias < 0 || is_private(g, (size_t)node, n->bias)) && only_read_by(g, (size_t)node, user);
}

static void scale_rows(rg_model *m, const rg_graph_node *n, const float *f) {
    const rg_graph_weight *w = &m->graph.weight[n->weight];
    const size_t rows = (size_t)w->shape[0], cols = w->n_dims > 1 ? (size_t)w->shape[1] : 1;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) m->weight[n->weight][r * cols + c] *= f[r];
    for (size_t r = 0; n->bias >= 0 && r < rows; r++) m->weight[n->bias][r] *= f[r];
}

/* Divides column c of every reader of `node` by f[c]. */
static void divide_readers(rg_model *m, size_t node, const float *f) {
    const rg_graph *g = &m->graph;
    for (size_t i = node + 1; i < g->n_nodes; i++) {
        if (!reads(&g->node[i], node)) continue;
        const rg_graph_weight *w = &g->weight[g->node[i].weight];
        const size_t rows = (size_t)w->shape[0], cols = (size_t)w->shape[1];
        float *data = m->weight[g->node[i].weight];
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < cols; c++) data[r * cols + c] /= f[c];
    }
}

/* Norm gain against the columns of what reads it (q k v, gate up). */
static void jitter_norm(rg_model *m, size_t node, uint64_t seed, float *f) {
    const rg_graph_node *n = &m->graph.node[node];
    if (n->layer < 0 || n->head_dim != 0 || !is_private(&m->graph, node, n->weight) ||
        !only_linear_readers(&m->graph, node))
        return;
    for (int64_t i = 0; i < n->width; i++) f[i] = factor(seed, node, (size_t)i);
    scale_rows(m, n, f);
    divide_readers(m, node, f);
}

/* Up against down: the gate's branch is not linear, so its rows stay. */
static void jitter_swiglu(rg_model *m, size_t node, uint64_t seed, float *f) {
    const rg_graph_node *n = &m->graph.node[node];
    const int up = n->input[1];
    if (!is_maker(&m->graph, up, node) || !only_linear_readers(&m->graph, node)) return;
    for (int64_t i = 0; i < n->width; i++) f[i] = factor(seed, (size_t)up, (size_t)i);
    scale_rows(m, &m->graph.node[up], f);
    divide_readers(m, node, f);
}

/* Values against the output projection: a value head serves all query heads of its group. */
static void jitter_attention(rg_model *m, size_t node, uint64_t seed, float *f) {
    const rg_graph_node *n = &m->graph.node[node];
    const int v = n->input[2];
    if (!is_maker(&m->graph, v, node) || !only_linear_readers(&m->graph, node)) return;
    const int64_t group = n->heads / n->kv_heads, d = n->width / n->heads;
    for (int64_t i = 0; i < n->kv_heads * d; i++) f[i] = factor(seed, (size_t)v, (size_t)i);
    scale_rows(m, &m->graph.node[v], f);
    for (int64_t h = 0; h < n->heads; h++)
        for (int64_t i = 0; i < d; i++) f[h * d + i] = factor(seed, (size_t)v, (size_t)(h / group * d + i));
    divide_readers(m, node, f);
}

rg_status rg_model_jitter(rg_model *model, uint64_t seed, rg_error *err) {
    const rg_graph *g = &model->graph;
    if (!model->weight)
        return rg_fail(err, RG_ERR_USAGE, model->path, "a model with weights", "there is nothing to jitter");
    int64_t widest = 1;
    for (size_t i = 0; i < g->n_nodes; i++)
        if (g->node[i].width > widest) widest = g->node[i].width;
    float *f = malloc((size_t)widest * sizeof *f);
    if (!f) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < g->n_nodes; i++) {
        if (g->node[i].op == RG_OP_RMSNORM) jitter_norm(model, i, seed, f);
        if (g->node[i].op == RG_OP_SWIGLU) jitter_swiglu(model, i, seed, f);
        if (g->node[i].op == RG_OP_ATTENTION) jitter_attention(model, i, seed, f);
    }
    free(f);
    return RG_OK;
}
