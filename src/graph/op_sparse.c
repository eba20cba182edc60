/* indexer, mla_selected, compressed_attention: attention over keys that were chosen or stand for several
   tokens. All are counted only. */
#include "graph/ops.h"

#include <math.h>

static rg_status infer_indexer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    RG_TRY(op_check_heads(g, n, 0, n->heads, n->head_dim, err));
    RG_TRY(op_check_heads(g, n, 1, 1, n->head_dim, err));
    RG_TRY(op_check_heads(g, n, 2, n->heads, 1, err));
    if (n->top_k < 1 || n->top_k > INT32_MAX)
        return op_bad(n, "top_k in [1, 2^31)", err, "cannot choose that many");
    if (n->ratio < 0 || n->ratio > INT32_MAX)
        return op_bad(n, "ratio in [1, 2^31)", err, "ratio out of range");
    *width = n->top_k;
    return RG_OK;
}

static double ratio_of(const rg_graph_node *n) {
    return n->ratio ? (double)n->ratio : 1;
}

static void count_indexer(const op_case *of, rg_node_count *c) {
    const rg_graph_node *n = of->node;
    const double ratio = ratio_of(n), heads = (double)n->heads, head_dim = (double)n->head_dim;
    const double pairs = of->batch / ratio / op_split(n) *
                         (of->phase == RG_PREFILL ? op_causal_pairs(of->context, 0) : of->context);
    const double bytes = (head_dim + 4) / ratio; /* of a token */
    c->matrix_flop = 2 * pairs * heads * head_dim;
    c->vector_flop = 3 * pairs * heads; /* relu, weight, sum */
    c->input_elements -= of->tokens * head_dim;
    c->kv_read_elements = of->batch * of->context * bytes / 2; /* as 16 bits each */
    c->kv_write_elements = of->tokens * bytes / 2;
    c->index_bytes_per_token = bytes;
}

/* Input i is an indexer: how many keys it chooses. */
static rg_status check_indexer(const rg_graph *g, const rg_graph_node *n, int i, rg_error *err) {
    if (g->node[n->input[i]].op == RG_OP_INDEXER) return RG_OK;
    return op_bad(n, "an indexer", err, "its last input chooses no keys");
}

static rg_status infer_selected(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    RG_TRY(check_indexer(g, n, 3, err));
    return op_mla.infer(g, n, width, err);
}

/* As MLA, with fewer pairs and fewer keys to read; what is cached is the same. */
static void count_selected(const op_case *of, rg_node_count *c) {
    const rg_graph_node *n = of->node;
    const double top_k = (double)of->graph->node[n->input[3]].top_k, context = of->context;
    const double all = of->phase == RG_PREFILL ? op_causal_pairs(context, 0) : context;
    const double seen = of->phase == RG_PREFILL ? op_causal_pairs(context, top_k) : fmin(context, top_k);
    rg_node_count none = *c; /* the same without a pair */
    op_case idle = *of;
    idle.context = of->phase == RG_PREFILL ? -1 : 0; /* (context + 1) / 2 keys: none */
    op_mla.count(&idle, &none);
    op_mla.count(of, c);
    c->matrix_flop = none.matrix_flop + (c->matrix_flop - none.matrix_flop) * seen / all;
    c->vector_flop = none.vector_flop + (c->vector_flop - none.vector_flop) * seen / all;
    if (of->phase == RG_DECODE) c->kv_read_elements *= seen / all;
}

static rg_status infer_compressed(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    RG_TRY(op_check_heads(g, n, 0, n->heads, n->head_dim, err));
    RG_TRY(op_check_heads(g, n, 1, 1, n->head_dim, err));
    if (n->n_inputs > 2) RG_TRY(op_check_heads(g, n, 2, 1, n->head_dim, err));
    if (n->n_inputs > 3) RG_TRY(check_indexer(g, n, 3, err));
    if (n->window < 1 || n->window > INT32_MAX)
        return op_bad(n, "window in [1, 2^31)", err, "window out of range");
    if (n->ratio < 0 || n->ratio > INT32_MAX || (n->n_inputs > 2) != (n->ratio > 0))
        return op_bad(n, "ratio where there is a compressed input", err, "ratio out of place");
    *width = n->heads * n->head_dim;
    return op_check_vector(g, n, n->extra[0], n->heads, "sinks", err);
}

static void count_compressed(const op_case *of, rg_node_count *c) {
    const rg_graph_node *n = of->node;
    const bool prefill = of->phase == RG_PREFILL;
    const double context = of->context, window = (double)n->window, head_dim = (double)n->head_dim;
    const double near = prefill ? op_causal_pairs(context, window) : fmin(context, window);
    double far = 0, cached = 0; /* compressed: pairs, and keys that are read */
    if (n->n_inputs > 2) {
        const double ratio = ratio_of(n);
        const double reach = n->n_inputs > 3 ? (double)of->graph->node[n->input[3]].top_k * ratio : 0;
        far = (prefill     ? op_causal_pairs(context, reach)
               : reach > 0 ? fmin(context, reach)
                           : context) /
              ratio;
        cached = prefill ? context / ratio : far;
        c->cache_elements_per_token = head_dim / ratio;
        c->kv_write_elements = of->tokens * head_dim / ratio;
    }
    const double scores = of->batch / op_split(n) * (double)n->heads * (near + far);
    c->matrix_flop = 4 * scores * head_dim;
    c->vector_flop = 5 * scores + of->tokens * (double)n->width;
    c->input_elements = of->tokens * (double)op_width_of(of->graph, n, 0);
    c->kv_read_elements = of->batch * head_dim * (cached + (prefill ? context : fmin(context, window)));
    c->kv_write_elements += of->tokens * head_dim;
    c->state_elements_per_sequence = window * head_dim;
}

const op_spec op_indexer = {.name = "indexer",
                            .min_inputs = 3,
                            .max_inputs = 3,
                            .needs = NODE_HEADS | NODE_HEAD_DIM | NODE_TOP_K,
                            .takes = NODE_RATIO,
                            .infer = infer_indexer,
                            .count = count_indexer};
const op_spec op_mla_selected = {.name = "mla_selected",
                                 .min_inputs = 4,
                                 .max_inputs = 4,
                                 .weight_dims = 2,
                                 .needs = NODE_HEADS | NODE_MLA | NODE_V_HEAD_DIM,
                                 .takes = NODE_SCALE,
                                 .infer = infer_selected,
                                 .count = count_selected,
                                 .sharing = OP_HEADS,
                                 .split = op_split_latent,
                                 .saves = 7};
const op_spec op_compressed_attention = {.name = "compressed_attention",
                                         .min_inputs = 2,
                                         .max_inputs = 4,
                                         .needs = NODE_HEADS | NODE_HEAD_DIM | NODE_WINDOW,
                                         .takes = NODE_RATIO,
                                         .extra = {"sinks"},
                                         .infer = infer_compressed,
                                         .count = count_compressed,
                                         .sharing = OP_HEADS,
                                         .split = op_split_latent,
                                         .saves = 7};
