/* Where a channel may be scaled without changing the function. */
#include "model/rescale.h"

static bool uses(const rg_graph_node *n, int weight) {
    bool found = n->weight == weight || n->bias == weight;
    for (int i = 0; i < RG_MAX_EXTRA; i++) found = found || n->extra[i] == weight;
    return found;
}

/* May only `node` read this weight? Then no other use of it changes. */
static bool is_private(const rg_graph *g, size_t node, int weight) {
    if (weight < 0 || g->weight[weight].tied_to >= 0) return false;
    for (size_t i = 0; i < g->n_weights; i++)
        if (g->weight[i].tied_to == weight) return false;
    for (size_t i = 0; i < g->n_nodes; i++)
        if (i != node && uses(&g->node[i], weight)) return false;
    return true;
}

bool rescale_reads(const rg_graph_node *user, size_t node) {
    for (int i = 0; i < user->n_inputs; i++)
        if (user->input[i] == (int)node) return true;
    return false;
}

/* Reads the node once, as the rows of a product with columns of a weight, be it of several experts. */
static bool multiplies(const rg_graph *g, const rg_graph_node *user, size_t node) {
    if (user->op != RG_OP_LINEAR && user->op != RG_OP_EXPERT_LINEAR) return false;
    for (int i = 1; i < user->n_inputs; i++)
        if (user->input[i] == (int)node) return false;
    const rg_graph_weight *w = &g->weight[user->weight];
    return w->shape[w->n_dims - 1] == g->node[node].width;
}

bool rescale_only_linear_readers(const rg_graph *g, size_t node) {
    size_t n = 0;
    if ((int)node == g->output) return false;
    for (size_t i = node + 1; i < g->n_nodes; i++) {
        if (!rescale_reads(&g->node[i], node)) continue;
        if (!multiplies(g, &g->node[i], node) || !is_private(g, i, g->node[i].weight)) return false;
        n++;
    }
    return n > 0;
}

/* The only reader is `user`, which reads it once. */
static bool only_read_by(const rg_graph *g, size_t node, size_t user) {
    if ((int)node == g->output) return false;
    for (size_t i = node + 1; i < g->n_nodes; i++)
        if (i != user && rescale_reads(&g->node[i], node)) return false;
    int n = 0;
    for (int i = 0; i < g->node[user].n_inputs; i++) n += g->node[user].input[i] == (int)node;
    return n == 1;
}

bool rescale_is_maker(const rg_graph *g, int node, size_t user) {
    if (node < 0) return false;
    const rg_graph_node *n = &g->node[node];
    return n->op == RG_OP_LINEAR && is_private(g, (size_t)node, n->weight) &&
           (n->bias < 0 || is_private(g, (size_t)node, n->bias)) && only_read_by(g, (size_t)node, user);
}

void rescale_scale_rows(rg_model *m, const rg_graph_node *n, const float *f) {
    const rg_graph_weight *w = &m->graph.weight[n->weight];
    const size_t rows = (size_t)w->shape[0], cols = w->n_dims > 1 ? (size_t)w->shape[1] : 1;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) m->weight[n->weight][r * cols + c] *= f[r];
    for (size_t r = 0; n->bias >= 0 && r < rows; r++) m->weight[n->bias][r] *= f[r];
}

void rescale_scale_gains(rg_model *m, const rg_graph_node *n, const float *f) {
    float *gain = m->weight[n->weight];
    for (int64_t i = 0; i < n->width; i++)
        gain[i] = n->offset != 0 ? (float)((n->offset + (double)gain[i]) * (double)f[i] - n->offset)
                                 : gain[i] * f[i];
    for (int64_t i = 0; n->bias >= 0 && i < n->width; i++) m->weight[n->bias][i] *= f[i];
}

void rescale_divide_readers(rg_model *m, size_t node, const float *f) {
    const rg_graph *g = &m->graph;
    for (size_t i = node + 1; i < g->n_nodes; i++) {
        if (!rescale_reads(&g->node[i], node)) continue;
        const rg_graph_weight *w = &g->weight[g->node[i].weight];
        const size_t cols = (size_t)g->node[node].width;
        size_t rows = 1;
        for (int d = 0; d + 1 < w->n_dims; d++) rows *= (size_t)w->shape[d];
        float *data = m->weight[g->node[i].weight];
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < cols; c++) data[r * cols + c] /= f[c];
    }
}

bool rescale_is_norm(const rg_graph *g, size_t node) {
    const rg_graph_node *n = &g->node[node];
    return (n->op == RG_OP_RMSNORM || n->op == RG_OP_LAYERNORM) && n->layer >= 0 && n->head_dim == 0 &&
           is_private(g, node, n->weight) && (n->bias < 0 || is_private(g, node, n->bias)) &&
           rescale_only_linear_readers(g, node);
}
