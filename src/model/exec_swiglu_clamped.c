/* swiglu_clamped: gates and ups side by side. */
#include "model/exec.h"

static float held(float x, float low, float high) {
    return x < low ? low : x > high ? high : x;
}

static void row(const exec *e, int node, size_t token, const float *const *x, float *y) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t width = (size_t)n->width;
    const float limit = (float)n->limit, alpha = (float)n->alpha;
    (void)token;
    for (size_t i = 0; i < width; i++) y[i] = -alpha * (x[0][2 * i] > limit ? limit : x[0][2 * i]);
    e->kernels->exp(width, y, y);
    for (size_t i = 0; i < width; i++) {
        const float gate = x[0][2 * i] > limit ? limit : x[0][2 * i];
        y[i] = (held(x[0][2 * i + 1], -limit, limit) + 1) * (gate / (1 + y[i]));
    }
}

const exec_op exec_op_swiglu_clamped = {.run = exec_rows, .row = row};
