/* linear: x W^T + b; grouped_linear: the same in parts. */
#include "graph/ops.h"

static rg_status infer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    const rg_graph_weight *w = &g->weight[n->weight];
    if (w->shape[1] != op_width_of(g, n, 0))
        return op_bad(n, "columns = width of the input", err, "weight does not fit the input");
    *width = w->shape[0];
    if (n->bias >= 0 && (g->weight[n->bias].n_dims != 1 || g->weight[n->bias].shape[0] != *width))
        return op_bad(n, "one bias per row of the weight", err, "bias does not fit");
    return RG_OK;
}

static void count(const op_case *of, rg_node_count *c) {
    const rg_graph_node *n = of->node;
    c->matrix_flop = 2 * of->tokens * (double)n->width * (double)op_width_of(of->graph, n, 0);
    c->vector_flop = n->bias >= 0 ? of->tokens * (double)n->width : 0;
}

const op_spec op_linear = {.name = "linear",
                           .min_inputs = 1,
                           .max_inputs = 1,
                           .weight_dims = 2,
                           .takes_bias = true,
                           .infer = infer,
                           .count = count,
                           .sharing = OP_ROWS,
                           .saves = 1};

static rg_status infer_grouped(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    const rg_graph_weight *w = &g->weight[n->weight];
    RG_TRY(op_check_heads(g, n, 0, w->shape[0], w->shape[2], err));
    if (w->shape[0] > INT32_MAX / w->shape[1]) return op_bad(n, "below 2^31", err, "the output is too wide");
    *width = w->shape[0] * w->shape[1];
    return RG_OK;
}

static void count_grouped(const op_case *of, rg_node_count *c) {
    c->matrix_flop = 2 * of->tokens * weight_elements(&of->graph->weight[of->node->weight]);
}

static rg_status split_groups(const rg_graph *g, const rg_graph_node *n, int64_t ranks, int64_t *want,
                              rg_graph_node *local, rg_error *err) {
    int64_t groups = g->weight[n->weight].shape[0];
    (void)local;
    RG_TRY(op_share_heads(n, &groups, ranks, false, err));
    want[0] = op_width_of(g, n, 0) / ranks;
    return RG_OK;
}

const op_spec op_grouped_linear = {.name = "grouped_linear",
                                   .min_inputs = 1,
                                   .max_inputs = 1,
                                   .weight_dims = 3,
                                   .infer = infer_grouped,
                                   .count = count_grouped,
                                   .sharing = OP_HEADS,
                                   .split = split_groups,
                                   .saves = 1};
