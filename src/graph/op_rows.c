/* append, rows_of, convolution: operators that change how many rows there are. All are counted only. */
#include "graph/ops.h"

rg_status op_rows(const rg_graph *g, rg_graph_node *n, rg_error *err) {
    if (n->op == RG_OP_APPEND) {
        const rg_graph_node *x = &g->node[n->input[0]], *y = &g->node[n->input[1]];
        if (!x->apart && !y->apart)
            return op_bad(n, "an input with rows = N", err, "both have a row per token");
        n->apart = x->apart && y->apart;
        n->rows = x->rows + y->rows;
        if (n->rows > INT32_MAX) return op_bad(n, "fewer than 2^31 rows", err, "too many rows");
        return RG_OK;
    }
    if (n->apart || n->op == RG_OP_ROWS_OF || !n->n_inputs || n->input[0] < 0) return RG_OK;
    n->rows = g->node[n->input[0]].rows;
    n->apart = g->node[n->input[0]].apart;
    return RG_OK;
}

static rg_status infer_convolution(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    const rg_graph_weight *w = &g->weight[n->weight];
    if (w->shape[1] != op_width_of(g, n, 0))
        return op_bad(n, "[out][width of the input][kernel]", err, "weight does not fit the input");
    *width = w->shape[0];
    return op_check_vector(g, n, n->bias, *width, "bias", err);
}

static void count_convolution(const op_case *of, rg_node_count *c) {
    const rg_graph_node *n = of->node;
    c->matrix_flop = 2 * of->tokens * weight_elements(&of->graph->weight[n->weight]);
    c->vector_flop = n->bias >= 0 ? of->tokens * (double)n->width : 0;
}

const op_spec op_convolution = {.name = "convolution",
                                .min_inputs = 1,
                                .max_inputs = 1,
                                .weight_dims = 3,
                                .takes_bias = true,
                                .infer = infer_convolution,
                                .count = count_convolution,
                                .saves = 1};
const op_spec op_append = {.name = "append", .min_inputs = 2, .max_inputs = 2, .infer = op_infer_equal};
const op_spec op_rows_of = {.name = "rows_of", .min_inputs = 1, .max_inputs = 1, .infer = op_infer_equal};
