/* Function-preserving jitter: where one operator makes a channel that only linear operators read, the channel
   may be scaled by any factor if its readers' columns are divided by it. The places are found in the graph.
 */
#include "model/rescale.h"

#include <stdlib.h>

/* Factor of channel i, uniform in [0.9, 1.1]; the stream is the node that makes the channel. */
static float factor(uint64_t seed, size_t node, size_t i) {
    return (float)(0.9 + 0.2 * rg_random_uniform(seed, node, i));
}

/* Norm gain against the columns of what reads it (q k v, gate up). */
static void jitter_norm(rg_model *m, size_t node, uint64_t seed, float *f) {
    const rg_graph_node *n = &m->graph.node[node];
    if (!rescale_is_norm(&m->graph, node)) return;
    for (int64_t i = 0; i < n->width; i++) f[i] = factor(seed, node, (size_t)i);
    rescale_scale_gains(m, n, f);
    rescale_divide_readers(m, node, f);
}

/* Up against down: the gate's branch is not linear, so its rows stay. */
static void jitter_swiglu(rg_model *m, size_t node, uint64_t seed, float *f) {
    const rg_graph_node *n = &m->graph.node[node];
    const int up = n->input[1];
    if (!rescale_is_maker(&m->graph, up, node) || !rescale_only_linear_readers(&m->graph, node)) return;
    for (int64_t i = 0; i < n->width; i++) f[i] = factor(seed, (size_t)up, (size_t)i);
    rescale_scale_rows(m, &m->graph.node[up], f);
    rescale_divide_readers(m, node, f);
}

/* Values against the output projection: a value head serves all query heads of its group. */
static void jitter_attention(rg_model *m, size_t node, uint64_t seed, float *f) {
    const rg_graph_node *n = &m->graph.node[node];
    const int v = n->input[2];
    if (!rescale_is_maker(&m->graph, v, node) || !rescale_only_linear_readers(&m->graph, node)) return;
    const int64_t group = n->heads / n->kv_heads, d = n->width / n->heads;
    for (int64_t i = 0; i < n->kv_heads * d; i++) f[i] = factor(seed, (size_t)v, (size_t)i);
    rescale_scale_rows(m, &m->graph.node[v], f);
    for (int64_t h = 0; h < n->heads; h++)
        for (int64_t i = 0; i < d; i++) f[h * d + i] = factor(seed, (size_t)v, (size_t)(h / group * d + i));
    rescale_divide_readers(m, node, f);
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
        jitter_norm(model, i, seed, f);
        if (g->node[i].op == RG_OP_SWIGLU) jitter_swiglu(model, i, seed, f);
        if (g->node[i].op == RG_OP_ATTENTION) jitter_attention(model, i, seed, f);
    }
    free(f);
    return RG_OK;
}
