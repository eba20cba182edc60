/* rmsnorm, over the row or over each head; layernorm. */
#include "graph/ops.h"

#include <math.h>

static rg_status infer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    int64_t gains = g->weight[n->weight].shape[0];
    *width = op_width_of(g, n, 0);
    if (!(n->eps >= 0) || !isfinite(n->eps)) return op_bad(n, "eps >= 0", err, "eps is not a small number");
    if (!isfinite(n->offset)) return op_bad(n, "a finite offset", err, "offset is not a number");
    if (!n->head_dim && n->heads) return op_bad(n, "head_dim beside heads", err, "heads without head_dim");
    if (n->head_dim) RG_TRY(op_check_heads(g, n, 0, n->heads, n->head_dim, err));
    if (gains != *width && gains != n->head_dim)
        return op_bad(n, "one gain per feature, of the row or of a head", err,
                      "weight does not fit the input");
    return RG_OK;
}

static void count(const op_case *of, rg_node_count *c) {
    c->vector_flop = 4 * of->tokens * (double)of->node->width;
}

const op_spec op_rmsnorm = {.name = "rmsnorm",
                            .min_inputs = 1,
                            .max_inputs = 1,
                            .weight_dims = 1,
                            .needs = NODE_EPS,
                            .takes = NODE_HEADS | NODE_HEAD_DIM | NODE_OFFSET,
                            .infer = infer,
                            .count = count,
                            .sharing = OP_EVEN,
                            .saves = 1};

static rg_status infer_layernorm(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    *width = op_width_of(g, n, 0);
    if (!(n->eps >= 0) || !isfinite(n->eps)) return op_bad(n, "eps >= 0", err, "eps is not a small number");
    RG_TRY(op_check_vector(g, n, n->weight, *width, "weight", err));
    return op_check_vector(g, n, n->bias, *width, "bias", err);
}

static void count_layernorm(const op_case *of, rg_node_count *c) {
    c->vector_flop = (of->node->bias >= 0 ? 7 : 6) * of->tokens * (double)of->node->width;
}

const op_spec op_layernorm = {.name = "layernorm",
                              .min_inputs = 1,
                              .max_inputs = 1,
                              .weight_dims = 1,
                              .takes_bias = true,
                              .needs = NODE_EPS,
                              .infer = infer_layernorm,
                              .count = count_layernorm,
                              .sharing = OP_EVEN,
                              .saves = 1};
