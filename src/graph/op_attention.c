/* attention: softmax over the keys of a sequence. */
#include "graph/ops.h"

#include <math.h>

static rg_status infer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    const int64_t v_head_dim = n->v_head_dim ? n->v_head_dim : n->head_dim;
    RG_TRY(op_check_heads(g, n, 0, n->heads, n->head_dim, err));
    RG_TRY(op_check_heads(g, n, 1, n->kv_heads, n->head_dim, err));
    RG_TRY(op_check_heads(g, n, 2, n->kv_heads, v_head_dim, err));
    if (n->heads % n->kv_heads) return op_bad(n, "heads a multiple of kv_heads", err, "heads do not group");
    if (n->span < 0 || n->span > INT32_MAX || (n->span && (n->window || n->mask != RG_MASK_CAUSAL)))
        return op_bad(n, "1 <= span < 2^31 beside mask = causal, without window", err,
                      "the span fits no mask");
    if (n->window < 0 || n->window > INT32_MAX || (n->window && n->mask != RG_MASK_CAUSAL))
        return op_bad(n, "1 <= window < 2^31 beside mask = causal", err, "the window fits no mask");
    if (!(n->scale >= 0) || !isfinite(n->scale)) return op_bad(n, "scale > 0", err, "scale is not positive");
    if (n->heads > INT32_MAX / v_head_dim) return op_bad(n, "a width below 2^31", err, "heads are too wide");
    RG_TRY(op_check_vector(g, n, n->extra[0], n->heads, "sinks", err));
    *width = n->heads * v_head_dim;
    return RG_OK;
}

double op_causal_pairs(double c, double window) {
    if (window > 0 && window < c) return window * (window + 1) / 2 + (c - window) * window;
    return c * (c + 1) / 2;
}

/* Pairs of a query and a key that it sees, over a prompt of c tokens. */
static double prompt_pairs(const rg_graph_node *n, double c) {
    if (n->mask == RG_MASK_BIDIRECTIONAL) return c * c;
    if (!n->span) return op_causal_pairs(c, (double)n->window);
    const double span = (double)n->span, full = floor(c / span), rest = c - full * span;
    return full * span * (span + 1) / 2 + rest * (rest + 1) / 2;
}

/* Keys in the cache that a step with `context` of them attends. */
static double kept_keys(const rg_graph_node *n, double context) {
    if (n->window && (double)n->window < context) return (double)n->window;
    return n->span ? fmod(context - 1, (double)n->span) + 1 : context;
}

/* Queries over rows that every query sees: cross attention, encoders, joint attention. */
static void count_rows(const op_case *of, const rg_graph_node *keys, double kv, rg_node_count *c) {
    const rg_graph_node *n = of->node;
    const double rows = (double)keys->rows + (keys->apart ? 0 : of->context);
    const double v_head_dim = (double)(n->v_head_dim ? n->v_head_dim : n->head_dim);
    const double scores = of->tokens * (double)n->heads * rows;
    c->matrix_flop = 2 * scores * ((double)n->head_dim + v_head_dim);
    c->vector_flop = 5 * scores + of->tokens * (double)n->width;
    c->input_elements = of->tokens * (double)op_width_of(of->graph, n, 0);
    c->kv_read_elements = of->tokens > 0 ? of->batch * rows * kv : 0;
    if (n->apart || !keys->apart) return;
    c->state_elements_per_sequence = rows * kv;
    if (of->phase == RG_PREFILL) c->kv_write_elements = of->batch * rows * kv;
}

static void count(const op_case *of, rg_node_count *c) {
    const rg_graph_node *n = of->node;
    const double v_head_dim = (double)(n->v_head_dim ? n->v_head_dim : n->head_dim);
    const double kv = (double)(op_width_of(of->graph, n, 1) +
                               (n->cached == RG_CACHE_KEYS ? 0 : op_width_of(of->graph, n, 2)));
    const rg_graph_node *keys = &of->graph->node[n->input[1]];
    if (keys->apart || keys->rows) {
        count_rows(of, keys, kv, c);
        return;
    }
    const double kept = kept_keys(n, of->context);
    const double scores = of->batch / op_split(n) * (double)n->heads *
                          (of->phase == RG_PREFILL ? prompt_pairs(n, of->context) : kept);
    c->matrix_flop = 2 * scores * ((double)n->head_dim + v_head_dim); /* q k^T and p v */
    c->vector_flop = 5 * scores + of->tokens * (double)n->width;
    c->input_elements = of->tokens * (double)op_width_of(of->graph, n, 0);
    c->kv_read_elements = of->batch * (of->phase == RG_PREFILL ? of->context : kept) * kv;
    if (n->mask == RG_MASK_BIDIRECTIONAL) return;
    c->kv_write_elements = of->tokens * kv;
    if (n->window)
        c->state_elements_per_sequence = (double)n->window * kv;
    else
        c->cache_elements_per_token = kv;
}

static rg_status split(const rg_graph *g, const rg_graph_node *n, int64_t ranks, int64_t *want,
                       rg_graph_node *local, rg_error *err) {
    RG_TRY(op_share_heads(n, &local->heads, ranks, false, err));
    RG_TRY(op_share_heads(n, &local->kv_heads, ranks, true, err));
    want[0] = local->heads * n->head_dim;
    for (int i = 1; i < 3; i++) want[i] = op_width_of(g, n, i) / n->kv_heads * local->kv_heads;
    return RG_OK;
}

const op_spec op_attention = {.name = "attention",
                              .min_inputs = 3,
                              .max_inputs = 3,
                              .needs = NODE_HEADS | NODE_KV_HEADS | NODE_HEAD_DIM,
                              .takes = NODE_V_HEAD_DIM | NODE_MASK | NODE_SCALE | NODE_SPAN,
                              .extra = {"sinks"},
                              .infer = infer,
                              .count = count,
                              .sharing = OP_HEADS,
                              .split = split,
                              .saves = 7};
