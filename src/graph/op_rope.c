/* rope: rotary positions. */
#include "graph/ops.h"

#include <math.h>

static rg_status infer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    const rg_rope *r = &n->rope;
    *width = op_width_of(g, n, 0);
    RG_TRY(op_check_heads(g, n, 0, n->heads, n->head_dim, err));
    if (n->head_dim % 2) return op_bad(n, "an even head_dim", err, "pairs do not come out even");
    if (!(r->theta > 0) || !isfinite(r->theta)) return op_bad(n, "theta > 0", err, "theta is not positive");
    if (r->factor == 0) return RG_OK;
    if (!(r->factor >= 1 && r->low_freq_factor > 0 && r->high_freq_factor > r->low_freq_factor &&
          r->original_max_position > 0) ||
        !isfinite(r->factor + r->high_freq_factor + r->original_max_position))
        return op_bad(n, "factor >= 1, 0 < low_freq_factor < high_freq_factor, original_max_position > 0",
                      err, "frequency scaling is incomplete");
    return RG_OK;
}

static void count(const op_case *of, rg_node_count *c) {
    c->vector_flop = 3 * of->tokens * (double)of->node->width;
}

const op_spec op_rope = {.name = "rope",
                         .min_inputs = 1,
                         .max_inputs = 1,
                         .needs = NODE_HEADS | NODE_HEAD_DIM | NODE_THETA,
                         .takes = NODE_SCALING,
                         .infer = infer,
                         .count = count};
