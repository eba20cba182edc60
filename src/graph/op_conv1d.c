/* conv1d: a causal convolution over time, each feature alone. */
#include "graph/ops.h"

static rg_status infer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    const rg_graph_weight *w = &g->weight[n->weight];
    *width = op_width_of(g, n, 0);
    if (w->shape[0] != *width || w->shape[1] != 1)
        return op_bad(n, "a weight [width, 1, kernel]", err, "weight does not fit the input");
    return op_check_vector(g, n, n->bias, *width, "bias", err);
}

static void count(const op_case *of, rg_node_count *c) {
    const rg_graph_node *n = of->node;
    const double kernel = (double)of->graph->weight[n->weight].shape[2], width = (double)n->width;
    c->vector_flop = of->tokens * width * (2 * kernel + (n->bias >= 0));
    c->state_elements_per_sequence = (kernel - 1) * width;
}

const op_spec op_conv1d = {.name = "conv1d",
                           .min_inputs = 1,
                           .max_inputs = 1,
                           .weight_dims = 3,
                           .takes_bias = true,
                           .infer = infer,
                           .count = count,
                           .sharing = OP_EVEN,
                           .saves = 1};
