/* rmsnorm, over the row or over each head; layernorm. */
#include "model/exec.h"

#include <math.h>

static void row(const exec *e, int node, size_t token, const float *const *x, float *y) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t width = (size_t)n->width, run = n->head_dim ? (size_t)n->head_dim : width;
    const bool shared = e->model->graph.weight[n->weight].shape[0] != n->width; /* by the heads */
    const float *gain = n->offset != 0 ? e->weight.data : e->model->weight[n->weight];
    (void)token;
    for (size_t i = 0; i < width; i += run)
        e->kernels->rmsnorm(run, x[0] + i, shared ? gain : gain + i, n->eps, y + i);
}

/* Gains that are stored as what they differ by from the offset are made before the rows. */
static rg_status run(exec *e, int node, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t gains = (size_t)e->model->graph.weight[n->weight].shape[0];
    if (n->offset != 0) {
        RG_TRY(exec_scratch_need(&e->weight, gains, err));
        for (size_t i = 0; i < gains; i++)
            e->weight.data[i] = (float)n->offset + e->model->weight[n->weight][i];
    }
    return exec_rows(e, node, err);
}

const exec_op exec_op_rmsnorm = {.run = run, .row = row};

/* Sums in double, in order: the same bits everywhere. */
static void layernorm_row(const exec *e, int node, size_t token, const float *const *x, float *y) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t width = (size_t)n->width;
    const float *gain = e->model->weight[n->weight], *bias = n->bias >= 0 ? e->model->weight[n->bias] : NULL;
    double sum = 0, squares = 0;
    (void)token;
    for (size_t i = 0; i < width; i++) sum += (double)x[0][i];
    const double mean = sum / (double)width;
    for (size_t i = 0; i < width; i++) squares += ((double)x[0][i] - mean) * ((double)x[0][i] - mean);
    const double factor = 1 / sqrt(squares / (double)width + n->eps);
    for (size_t i = 0; i < width; i++)
        y[i] = (float)(((double)x[0][i] - mean) * factor * (double)gain[i] + (bias ? (double)bias[i] : 0));
}

const exec_op exec_op_layernorm = {.run = exec_rows, .row = layernorm_row};
