/* mla: attention whose keys and values are made from one latent vector per token. */
#include "graph/ops.h"

#include <math.h>

static rg_status infer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    const rg_graph_weight *w = &g->weight[n->weight];
    if (n->nope_dim < 1 || n->rope_dim < 1 || n->v_head_dim < 1 || n->nope_dim > INT32_MAX ||
        n->rope_dim > INT32_MAX || n->v_head_dim > INT32_MAX)
        return op_bad(n, "nope_dim, rope_dim and v_head_dim in [1, 2^31)", err, "a width is out of range");
    RG_TRY(op_check_heads(g, n, 0, n->heads, n->nope_dim + n->rope_dim, err));
    if (op_width_of(g, n, 2) != n->rope_dim)
        return op_bad(n, "rope_dim", err, "the rotated key has another width");
    if (w->shape[1] != op_width_of(g, n, 1) || w->shape[0] != n->heads * (n->nope_dim + n->v_head_dim))
        return op_bad(n, "[heads (nope_dim + v_head_dim)][width of the latent vector]", err,
                      "weight does not fit");
    if (!(n->scale >= 0) || !isfinite(n->scale)) return op_bad(n, "scale > 0", err, "scale out of range");
    *width = n->heads * n->v_head_dim;
    return RG_OK;
}

static void count(const op_case *of, rg_node_count *c) {
    const rg_graph_node *n = of->node;
    const double heads = (double)n->heads, nope = (double)n->nope_dim, rope = (double)n->rope_dim,
                 value = (double)n->v_head_dim, rank = (double)op_width_of(of->graph, n, 1);
    const double keys = of->phase == RG_PREFILL ? (of->context + 1) / 2 : of->context; /* attended, mean */
    const double scores = of->tokens * heads * keys;
    const bool expanded = n->form == RG_MLA_PLAIN || (n->form == RG_MLA_LATENT && of->phase == RG_PREFILL);
    const double kv = n->form == RG_MLA_PLAIN ? heads * (nope + rope + value) : rank + rope;
    /* the weight multiplies each token once in either form: c, or q and the result */
    c->matrix_flop = 2 * of->tokens * heads * rank * (nope + value) +
                     2 * scores * (expanded ? nope + rope + value : 2 * rank + rope);
    c->vector_flop = 5 * scores + of->tokens * (double)n->width;
    c->input_elements = of->tokens * (double)op_width_of(of->graph, n, 0);
    c->kv_read_elements = of->batch * of->context * kv;
    c->kv_write_elements = of->tokens * kv;
    c->cache_elements_per_token = kv;
}

/* The latent vector and the rotated key are one for all heads. */
rg_status op_split_latent(const rg_graph *g, const rg_graph_node *n, int64_t ranks, int64_t *want,
                          rg_graph_node *local, rg_error *err) {
    RG_TRY(op_share_heads(n, &local->heads, ranks, false, err));
    want[0] = op_width_of(g, n, 0) / ranks;
    return RG_OK;
}

const op_spec op_mla = {.name = "mla",
                        .min_inputs = 3,
                        .max_inputs = 3,
                        .weight_dims = 2,
                        .needs = NODE_HEADS | NODE_MLA | NODE_V_HEAD_DIM,
                        .takes = NODE_SCALE,
                        .infer = infer,
                        .count = count,
                        .sharing = OP_HEADS,
                        .split = op_split_latent,
                        .saves = 7};
