/* expert_linear: x W^T + b with the matrices of the experts that a router chose. */
#include "graph/ops.h"

#include <math.h>

rg_status op_check_router(const rg_graph *g, const rg_graph_node *n, int i, int64_t *experts, int64_t *top_k,
                          rg_error *err) {
    const rg_graph_node *router = &g->node[n->input[i]];
    if (router->op != RG_OP_ROUTER) return op_bad(n, "a router", err, "its last input chooses no experts");
    if (experts) *experts = op_width_of(g, router, 0);
    *top_k = router->top_k;
    return RG_OK;
}

static rg_status infer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    const rg_graph_weight *w = &g->weight[n->weight];
    int64_t experts, top_k;
    RG_TRY(op_check_router(g, n, 1, &experts, &top_k, err));
    if (w->shape[0] * (n->ranks > 1 ? n->ranks : 1) != experts)
        return op_bad(n, "one matrix per logit of the router", err, "experts do not fit");
    if (op_width_of(g, n, 0) != w->shape[2] && op_width_of(g, n, 0) != top_k * w->shape[2])
        return op_bad(n, "columns = width of the input, or of a top_k-th of it", err,
                      "weight does not fit the input");
    *width = top_k * w->shape[1];
    if (*width > INT32_MAX) return op_bad(n, "below 2^31", err, "the output is too wide");
    const rg_graph_weight *b = n->bias >= 0 ? &g->weight[n->bias] : NULL;
    if (b && (b->n_dims != 2 || b->shape[0] != w->shape[0] || b->shape[1] != w->shape[1]))
        return op_bad(n, "one bias per expert and row of the weight", err, "bias does not fit");
    return RG_OK;
}

static void count(const op_case *of, rg_node_count *c) {
    const rg_graph_weight *w = &of->graph->weight[of->node->weight];
    const double experts = (double)w->shape[0], out = (double)w->shape[1], in = (double)w->shape[2];
    const double ranks = of->node->ranks > 1 ? (double)of->node->ranks : 1; /* and their tokens' choices */
    const double top_k = (double)of->node->width / out, one = out * in + (of->node->bias >= 0 ? out : 0);
    c->matrix_flop = 2 * of->tokens * top_k * out * in;
    c->vector_flop = of->node->bias >= 0 ? of->tokens * top_k * out : 0;
    c->weight_elements = one * op_experts_used(ranks * experts, top_k, ranks * of->tokens) / ranks;
    c->active_weight_elements = one * top_k;
}

double op_experts_used(double experts, double top_k, double tokens) {
    if (top_k >= experts) return experts;
    return -experts * expm1(tokens * log1p(-top_k / experts));
}

const op_spec op_expert_linear = {.name = "expert_linear",
                                  .min_inputs = 2,
                                  .max_inputs = 2,
                                  .weight_dims = 3,
                                  .takes_bias = true,
                                  .takes = NODE_STORED | NODE_RANKS,
                                  .infer = infer,
                                  .count = count,
                                  .sharing = OP_ROWS,
                                  .saves = 1};
