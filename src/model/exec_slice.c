/* slice, concat. */
#include "model/exec.h"

#include <string.h>

/* y may be x, when it is all of it. */
static void slice(const exec *e, int node, size_t token, const float *const *x, float *y) {
    const rg_graph *g = &e->model->graph;
    const rg_graph_node *n = &g->node[node];
    const size_t heads = n->head_dim ? (size_t)n->heads : 1, width = (size_t)n->width / heads;
    const size_t run = (size_t)g->node[n->input[0]].width / heads;
    (void)token;
    for (size_t h = 0; h < heads; h++)
        memmove(y + h * width, x[0] + h * run + (size_t)n->from, width * sizeof *y);
}

static void concat(const exec *e, int node, size_t token, const float *const *x, float *y) {
    const rg_graph *g = &e->model->graph;
    const rg_graph_node *n = &g->node[node];
    (void)token;
    for (int i = 0; i < n->n_inputs; i++) {
        const size_t width = (size_t)g->node[n->input[i]].width;
        memcpy(y, x[i], width * sizeof *y);
        y += width;
    }
}

const exec_op exec_op_slice = {.run = exec_rows, .row = slice};
const exec_op exec_op_concat = {.run = exec_rows, .row = concat};
