/* activation: a function of one feature. */
#include "graph/ops.h"

static rg_status infer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    (void)err;
    *width = op_width_of(g, n, 0);
    return RG_OK;
}

static void count(const op_case *of, rg_node_count *c) {
    static const int flop[RG_N_ACTIVATIONS] = {
        [RG_ACT_SILU] = 4,  [RG_ACT_SIGMOID] = 4, [RG_ACT_SOFTPLUS] = 3, [RG_ACT_RELU] = 1,
        [RG_ACT_RELU2] = 2, [RG_ACT_GELU] = 5,    [RG_ACT_GELU_TANH] = 9};
    c->vector_flop = of->tokens * (double)of->node->width * flop[of->node->kind];
}

const op_spec op_activation = {.name = "activation",
                               .min_inputs = 1,
                               .max_inputs = 1,
                               .needs = NODE_KIND,
                               .infer = infer,
                               .count = count,
                               .sharing = OP_EVEN,
                               .saves = 1};
