/* attention: causal softmax over the keys of a sequence. */
#include "graph/ops.h"

static rg_status infer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    *width = op_width_of(g, n, 0);
    RG_TRY(op_check_heads(g, n, 0, n->heads, n->head_dim, err));
    RG_TRY(op_check_heads(g, n, 1, n->kv_heads, n->head_dim, err));
    RG_TRY(op_check_heads(g, n, 2, n->kv_heads, n->head_dim, err));
    if (n->heads % n->kv_heads) return op_bad(n, "heads a multiple of kv_heads", err, "heads do not group");
    return RG_OK;
}

static void count(const op_case *of, rg_node_count *c) {
    const rg_graph_node *n = of->node;
    double keys = of->phase == RG_PREFILL ? (of->context + 1) / 2 : of->context; /* attended, mean */
    double scores = of->tokens * (double)n->heads * keys;
    double kv = (double)(op_width_of(of->graph, n, 1) + op_width_of(of->graph, n, 2));
    c->matrix_flop = 4 * scores * (double)n->head_dim; /* q k^T and p v */
    c->vector_flop = 5 * scores + of->tokens * (double)n->width;
    c->input_elements = of->tokens * (double)op_width_of(of->graph, n, 0);
    c->kv_read_elements = of->batch * of->context * kv;
    c->kv_write_elements = of->tokens * kv;
    c->cache_elements_per_token = kv;
}

const op_spec op_attention = {.name = "attention",
                              .min_inputs = 3,
                              .max_inputs = 3,
                              .needs = NODE_HEADS | NODE_KV_HEADS | NODE_HEAD_DIM,
                              .infer = infer,
                              .count = count};
