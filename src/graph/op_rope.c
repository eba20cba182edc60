/* rope: rotary positions. */
#include "graph/ops.h"

#include <math.h>

static rg_status check_scaling(const rg_graph_node *n, rg_error *err) {
    const rg_rope *r = &n->rope;
    if (!(r->attention_factor >= 0) || !isfinite(r->attention_factor))
        return op_bad(n, "attention_factor > 0", err, "attention_factor is not positive");
    if (r->factor == 0 && r->scaling == RG_ROPE_LLAMA3) return RG_OK;
    if (!(r->factor >= 1) || !isfinite(r->factor))
        return op_bad(n, "factor >= 1", err, "the scaling of frequencies makes them larger");
    if (r->scaling == RG_ROPE_LINEAR) return RG_OK;
    if (!(r->original_max_position > 0) || !isfinite(r->original_max_position))
        return op_bad(n, "original_max_position > 0", err, "frequency scaling is incomplete");
    if (r->scaling == RG_ROPE_YARN) {
        if (!(r->beta_slow > 0 && r->beta_fast >= r->beta_slow && r->theta != 1) || !isfinite(r->beta_fast))
            return op_bad(n, "beta_fast >= beta_slow > 0, theta not 1", err,
                          "frequency scaling is incomplete");
        return RG_OK;
    }
    if (!(r->low_freq_factor > 0 && r->high_freq_factor >= r->low_freq_factor) ||
        !isfinite(r->high_freq_factor))
        return op_bad(n, "0 < low_freq_factor <= high_freq_factor", err, "frequency scaling is incomplete");
    return RG_OK;
}

static rg_status infer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    const rg_rope *r = &n->rope;
    const int64_t rotary_dim = r->rotary_dim ? r->rotary_dim : n->head_dim;
    *width = op_width_of(g, n, 0);
    RG_TRY(op_check_heads(g, n, 0, n->heads, n->head_dim, err));
    if (rotary_dim % 2) return op_bad(n, "an even head_dim or rotary_dim", err, "pairs do not come out even");
    if (rotary_dim < 2 || n->from < 0 || n->from > n->head_dim || rotary_dim > n->head_dim - n->from)
        return op_bad(n, "from + rotary_dim within head_dim", err, "rotates more features than a head has");
    if (!(r->theta > 0) || !isfinite(r->theta)) return op_bad(n, "theta > 0", err, "theta is not positive");
    return check_scaling(n, err);
}

static void count(const op_case *of, rg_node_count *c) {
    const rg_graph_node *n = of->node;
    const int64_t rotary_dim = n->rope.rotary_dim ? n->rope.rotary_dim : n->head_dim;
    c->vector_flop = 3 * of->tokens * (double)n->heads * (double)rotary_dim;
}

const op_spec op_rope = {.name = "rope",
                         .min_inputs = 1,
                         .max_inputs = 1,
                         .needs = NODE_HEADS | NODE_HEAD_DIM | NODE_THETA,
                         .takes = NODE_SCALING | NODE_ROTARY | NODE_FROM,
                         .infer = infer,
                         .count = count,
                         .sharing = OP_EVEN};
