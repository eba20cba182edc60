/* gated_delta: a linear recurrence that replaces in a head's matrix what its key read out of it before. */
#include "graph/ops.h"

#include <math.h>

enum { LARGEST_CHUNK = 4096 };

static rg_status infer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    const int64_t decays = op_width_of(g, n, 3);
    *width = op_width_of(g, n, 2);
    RG_TRY(op_check_heads(g, n, 0, n->key_heads, n->head_dim, err));
    RG_TRY(op_check_heads(g, n, 1, n->key_heads, n->head_dim, err));
    RG_TRY(op_check_heads(g, n, 2, n->heads, n->v_head_dim, err));
    if (decays != n->heads) RG_TRY(op_check_heads(g, n, 3, n->heads, n->head_dim, err));
    RG_TRY(op_check_heads(g, n, 4, n->heads, 1, err));
    RG_TRY(op_check_vector(g, n, n->extra[0], n->heads, "A_log", err));
    RG_TRY(op_check_vector(g, n, n->extra[1], decays, "dt_bias", err));
    if (n->heads % n->key_heads) return op_bad(n, "heads a multiple of key_heads", err, "heads do not group");
    if (!(n->eps >= 0) || !isfinite(n->eps)) return op_bad(n, "eps >= 0", err, "eps is not a small number");
    if (n->form == RG_RECURRENT) return RG_OK;
    if (n->chunk < 1 || n->chunk > LARGEST_CHUNK)
        return op_bad(n, "chunk in [1, 4096]", err, "the form is chunked");
    if (decays != n->heads) return op_bad(n, "form recurrent", err, "a decay of each row");
    return RG_OK;
}

/* Matrix FLOP of `tokens` tokens of one sequence, taken in chunks of l. */
static double chunk_flop(const rg_graph_node *n, double tokens, double l) {
    const double full = floor(tokens / l), rest = tokens - full * l;
    const double squares = full * l * l + rest * rest;
    return 2 * squares * (double)(n->key_heads * n->head_dim + n->heads * n->v_head_dim);
}

static void count(const op_case *of, rg_node_count *c) {
    const rg_graph_node *n = of->node;
    const double heads = (double)n->heads, state = (double)n->head_dim * (double)n->v_head_dim;
    c->matrix_flop = 6 * of->tokens * heads * state;
    if (n->form == RG_CHUNKED && of->phase == RG_PREFILL)
        c->matrix_flop += of->batch / op_split(n) * chunk_flop(n, of->context, (double)n->chunk);
    c->vector_flop = of->tokens * (heads * (state + 2 * (double)n->v_head_dim + 10) +
                                   8 * (double)n->key_heads * (double)n->head_dim);
    c->recurrent_elements_per_sequence = heads * state;
}

static rg_status split(const rg_graph *g, const rg_graph_node *n, int64_t ranks, int64_t *want,
                       rg_graph_node *local, rg_error *err) {
    RG_TRY(op_share_heads(n, &local->heads, ranks, false, err));
    RG_TRY(op_share_heads(n, &local->key_heads, ranks, true, err));
    want[0] = want[1] = local->key_heads * n->head_dim;
    for (int i = 2; i < 5; i++) want[i] = op_width_of(g, n, i) / ranks;
    return RG_OK;
}

const op_spec op_gated_delta = {.name = "gated_delta",
                                .min_inputs = 5,
                                .max_inputs = 5,
                                .needs =
                                    NODE_HEADS | NODE_KEY_HEADS | NODE_HEAD_DIM | NODE_V_HEAD_DIM | NODE_EPS,
                                .takes = NODE_FORM,
                                .extra = {"A_log", "dt_bias"},
                                .n_extra_needed = 2,
                                .infer = infer,
                                .count = count,
                                .sharing = OP_HEADS,
                                .split = split,
                                .saves = 31};
