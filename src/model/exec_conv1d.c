/* conv1d: over the tokens of each window. */
#include "model/exec.h"

#include <string.h>

typedef struct job { /* one node of one variant */
    size_t width, kernel;
    const float *tap; /* [kernel][width] */
    const float *bias;
    const float *x;
    float *y;
} job;

static void convolve(const job *j, size_t token, size_t position) {
    const size_t width = j->width, last = j->kernel - 1, first = position < last ? last - position : 0;
    float *y = j->y + token * width;
    if (j->bias)
        memcpy(y, j->bias, width * sizeof *y);
    else
        memset(y, 0, width * sizeof *y);
    for (size_t k = first; k < j->kernel; k++) {
        const float *x = j->x + (token + k - last) * width, *tap = j->tap + k * width;
        for (size_t c = 0; c < width; c++) y[c] += tap[c] * x[c];
    }
}

/* [width][1][kernel] to [kernel][width], so that features lie side by side. */
static rg_status transpose(exec *e, const rg_graph_node *n, size_t kernel, rg_error *err) {
    const size_t width = (size_t)n->width;
    RG_TRY(exec_scratch_need(&e->weight, width * kernel, err));
    const float *taps = exec_weight(e, (int)(n - e->model->graph.node), n->weight);
    for (size_t c = 0; c < width; c++)
        for (size_t k = 0; k < kernel; k++) e->weight.data[k * width + c] = taps[c * kernel + k];
    return RG_OK;
}

static rg_status run(exec *e, int node, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t kernel = (size_t)e->model->graph.weight[n->weight].shape[2];
    RG_TRY(transpose(e, n, kernel, err));
    for (size_t v = 0; v < e->n_variants; v++) {
        if (exec_same(e, node, v) != v) continue;
        RG_TRY(exec_take(e, (size_t)n->width, exec_value(e, node, v), err));
        const job j = {(size_t)n->width,
                       kernel,
                       e->weight.data,
                       exec_weight(e, node, n->bias),
                       *exec_value(e, n->input[0], v),
                       *exec_value(e, node, v)};
#pragma omp parallel for num_threads(e->threads) schedule(static)
        for (size_t t = 0; t < e->n_tokens; t++) convolve(&j, t, exec_position(e, t));
    }
    return RG_OK;
}

const exec_op exec_op_conv1d = {.run = run};
