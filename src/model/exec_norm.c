/* rmsnorm: over the row or over each head. */
#include "model/exec.h"

static void row(const exec *e, int node, size_t token, const float *const *x, float *y) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t width = (size_t)n->width, run = n->head_dim ? (size_t)n->head_dim : width;
    (void)token;
    for (size_t i = 0; i < width; i += run)
        e->kernels->rmsnorm(run, x[0] + i, e->model->weight[n->weight], n->eps, y + i);
}

const exec_op exec_op_rmsnorm = {.run = exec_rows, .row = row};
