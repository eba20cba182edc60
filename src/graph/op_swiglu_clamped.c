/* swiglu_clamped: the gated unit of gpt-oss, held to a limit. */
#include "graph/ops.h"

#include <math.h>

static rg_status infer_clamped(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    *width = op_width_of(g, n, 0) / 2;
    if (op_width_of(g, n, 0) % 2) return op_bad(n, "pairs of gate and up", err, "the width is odd");
    if (!(n->limit > 0) || !isfinite(n->limit) || !isfinite(n->alpha))
        return op_bad(n, "limit > 0 and alpha", err, "not finite");
    return RG_OK;
}

static void count_clamped(const op_case *of, rg_node_count *c) {
    c->vector_flop = 9 * of->tokens * (double)of->node->width;
}

const op_spec op_swiglu_clamped = {.name = "swiglu_clamped",
                                   .min_inputs = 1,
                                   .max_inputs = 1,
                                   .needs = NODE_ALPHA | NODE_LIMIT,
                                   .infer = infer_clamped,
                                   .count = count_clamped,
                                   .sharing = OP_EVEN,
                                   .saves = 1};
