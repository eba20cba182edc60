/* Operators that work token by token. */
#include "model/exec.h"

size_t exec_position(const exec *e, size_t token) {
    const exec_batch *batch = e->batch;
    size_t low = 0, high = batch->n_windows;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(batch->start[middle] <= token ? &low : &high) = middle;
    }
    return token - batch->start[low];
}

/* Is the value of an input read by this node for one variant alone? */
static bool read_once(const exec *e, int node, int input, size_t variant) {
    size_t readers = 0;
    for (size_t v = 0; v < e->n_variants; v++)
        readers += exec_same(e, node, v) == v && exec_same(e, input, v) == exec_same(e, input, variant);
    return readers == 1;
}

/* The result may take over the first input's buffer when nobody reads that again. */
static rg_status choose_output(exec *e, int node, size_t variant, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    float **out = exec_value(e, node, variant), **in = exec_value(e, n->input[0], variant);
    if (e->last_use[n->input[0]] != node || !read_once(e, node, n->input[0], variant) ||
        e->model->graph.node[n->input[0]].width != n->width)
        return exec_take(e, (size_t)n->width, out, err);
    *out = *in;
    return RG_OK;
}

rg_status exec_rows(exec *e, int node, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const exec_op *op = exec_op_find(n->op);
    const size_t width = (size_t)n->width;
    exec_weight(e, node, n->weight); /* read by the rows */
    exec_weight(e, node, n->bias);
    for (size_t v = 0; v < e->n_variants; v++) {
        const float *in[RG_MAX_INPUTS] = {NULL};
        if (exec_same(e, node, v) != v) continue;
        for (int i = 0; i < n->n_inputs; i++) in[i] = *exec_value(e, n->input[i], v);
        RG_TRY(choose_output(e, node, v, err));
        float *y = *exec_value(e, node, v);
#pragma omp parallel for num_threads(e->threads) schedule(static)
        for (size_t t = 0; t < e->n_tokens; t++) {
            const float *x[RG_MAX_INPUTS] = {NULL};
            for (int i = 0; i < n->n_inputs; i++)
                x[i] = in[i] + t * (size_t)e->model->graph.node[n->input[i]].width;
            op->row(e, node, t, x, y + t * width);
        }
        if (y == in[0]) *exec_value(e, n->input[0], v) = NULL;
    }
    return RG_OK;
}
