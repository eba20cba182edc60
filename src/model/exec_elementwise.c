/* swiglu, add, multiply. */
#include "model/exec.h"

static void add(const exec *e, int node, size_t token, const float *const *x, float *y) {
    const size_t width = (size_t)e->model->graph.node[node].width;
    (void)token;
    for (size_t i = 0; i < width; i++) y[i] = x[0][i] + x[1][i];
}

static void multiply(const exec *e, int node, size_t token, const float *const *x, float *y) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t width = (size_t)n->width, step = e->model->graph.node[n->input[1]].width > 1;
    (void)token;
    for (size_t i = 0; i < width; i++) y[i] = x[0][i] * x[1][i * step];
}

static void swiglu(const exec *e, int node, size_t token, const float *const *x, float *y) {
    (void)token;
    e->kernels->swiglu((size_t)e->model->graph.node[node].width, x[0], x[1], y);
}

const exec_op exec_op_add = {.run = exec_rows, .row = add, .adds = true};
const exec_op exec_op_swiglu = {.run = exec_rows, .row = swiglu};
const exec_op exec_op_multiply = {.run = exec_rows, .row = multiply};
