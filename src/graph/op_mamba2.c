/* mamba2: a linear recurrence whose matrix of a head decays by one factor per token. */
#include "graph/ops.h"

#include <math.h>

static rg_status infer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    static const char *const names[] = {"A_log", "D", "dt_bias"};
    *width = op_width_of(g, n, 0);
    RG_TRY(op_check_heads(g, n, 0, n->heads, n->head_dim, err));
    RG_TRY(op_check_heads(g, n, 1, n->groups, n->state, err));
    RG_TRY(op_check_heads(g, n, 2, n->groups, n->state, err));
    RG_TRY(op_check_heads(g, n, 3, n->heads, 1, err));
    for (int i = 0; i < 3; i++) RG_TRY(op_check_vector(g, n, n->extra[i], n->heads, names[i], err));
    if (n->heads % n->groups) return op_bad(n, "heads a multiple of groups", err, "heads do not group");
    const bool limits = n->dt_min >= 0 && (n->dt_max == 0 || n->dt_max >= n->dt_min);
    if (!limits || !isfinite(n->dt_min + n->dt_max))
        return op_bad(n, "0 <= dt_min <= dt_max, finite", err, "limits of the time step");
    return RG_OK;
}

static void count(const op_case *of, rg_node_count *c) {
    const rg_graph_node *n = of->node;
    const double heads = of->tokens * (double)n->heads, d = (double)n->head_dim, s = (double)n->state;
    c->matrix_flop = 4 * heads * d * s;
    c->vector_flop = heads * (d * s + 3 * d + 6);
    c->recurrent_elements_per_sequence = (double)n->heads * d * s;
}

static rg_status split(const rg_graph *g, const rg_graph_node *n, int64_t ranks, int64_t *want,
                       rg_graph_node *local, rg_error *err) {
    RG_TRY(op_share_heads(n, &local->heads, ranks, false, err));
    RG_TRY(op_share_heads(n, &local->groups, ranks, true, err));
    want[0] = op_width_of(g, n, 0) / ranks;
    want[1] = want[2] = local->groups * n->state;
    want[3] = local->heads;
    return RG_OK;
}

const op_spec op_mamba2 = {.name = "mamba2",
                           .min_inputs = 4,
                           .max_inputs = 4,
                           .needs = NODE_HEADS | NODE_HEAD_DIM | NODE_GROUPS | NODE_STATE,
                           .takes = NODE_DT,
                           .extra = {"A_log", "D", "dt_bias"},
                           .n_extra_needed = 3,
                           .infer = infer,
                           .count = count,
                           .sharing = OP_HEADS,
                           .split = split,
                           .saves = 15};
