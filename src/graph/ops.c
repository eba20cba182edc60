/* The table of operators and the rules that all of them share. */
#include "graph/ops.h"

#include <stdio.h>
#include <string.h>

static rg_status infer_opaque(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    (void)g;
    *width = n->width;
    if (*width < 1 || *width > INT32_MAX) return op_bad(n, "a width in [1, 2^31)", err, "width out of range");
    return RG_OK;
}

static const op_spec opaque = {.name = "opaque",
                               .max_inputs = RG_MAX_INPUTS,
                               .weight_dims = -1,
                               .takes_bias = true,
                               .needs = NODE_WIDTH,
                               .infer = infer_opaque};

static const op_spec *const ops[RG_N_OPS] = {
    [RG_OP_EMBED] = &op_embed,
    [RG_OP_RMSNORM] = &op_rmsnorm,
    [RG_OP_LAYERNORM] = &op_layernorm,
    [RG_OP_POSITION] = &op_position,
    [RG_OP_FIRST_ROW] = &op_first_row,
    [RG_OP_LINEAR] = &op_linear,
    [RG_OP_ROPE] = &op_rope,
    [RG_OP_ATTENTION] = &op_attention,
    [RG_OP_SWIGLU] = &op_swiglu,
    [RG_OP_ADD] = &op_add,
    [RG_OP_MULTIPLY] = &op_multiply,
    [RG_OP_ACTIVATION] = &op_activation,
    [RG_OP_SLICE] = &op_slice,
    [RG_OP_CONCAT] = &op_concat,
    [RG_OP_CONV1D] = &op_conv1d,
    [RG_OP_MAMBA2] = &op_mamba2,
    [RG_OP_GATED_DELTA] = &op_gated_delta,
    [RG_OP_ROUTER] = &op_router,
    [RG_OP_EXPERT_LINEAR] = &op_expert_linear,
    [RG_OP_COMBINE] = &op_combine,
    [RG_OP_SWIGLU_CLAMPED] = &op_swiglu_clamped,
    [RG_OP_MLA] = &op_mla,
    [RG_OP_INDEXER] = &op_indexer,
    [RG_OP_MLA_SELECTED] = &op_mla_selected,
    [RG_OP_COMPRESSED_ATTENTION] = &op_compressed_attention,
    [RG_OP_EMBED_SUM] = &op_embed_sum,
    [RG_OP_CONVOLUTION] = &op_convolution,
    [RG_OP_GROUPED_LINEAR] = &op_grouped_linear,
    [RG_OP_SOFTCAP] = &op_softcap,
    [RG_OP_APPEND] = &op_append,
    [RG_OP_ROWS_OF] = &op_rows_of,
    [RG_OP_ALL_REDUCE] = &op_all_reduce,
    [RG_OP_REDUCE_SCATTER] = &op_reduce_scatter,
    [RG_OP_ALL_GATHER] = &op_all_gather,
    [RG_OP_ALL_TO_ALL] = &op_all_to_all,
    [RG_OP_OPAQUE] = &opaque,
};

static const char *const activations[] = {
    [RG_ACT_SILU] = "silu",           [RG_ACT_SIGMOID] = "sigmoid", [RG_ACT_SOFTPLUS] = "softplus",
    [RG_ACT_RELU] = "relu",           [RG_ACT_RELU2] = "relu2",     [RG_ACT_GELU] = "gelu",
    [RG_ACT_GELU_TANH] = "gelu_tanh", [RG_N_ACTIVATIONS] = NULL};
static const char *const masks[] = {
    [RG_MASK_CAUSAL] = "causal", [RG_MASK_BIDIRECTIONAL] = "bidirectional", [RG_N_MASKS] = NULL};
static const char *const scalings[] = {[RG_ROPE_LLAMA3] = "llama3",
                                       [RG_ROPE_LINEAR] = "linear",
                                       [RG_ROPE_YARN] = "yarn",
                                       [RG_ROPE_N_SCALINGS] = NULL};
static const char *const ranges[] = {"whole", "exact", NULL};
static const char *const pairs[] = {
    [RG_ROPE_HALVES] = "halves", [RG_ROPE_INTERLEAVED] = "interleaved", [RG_ROPE_N_PAIRS] = NULL};

static const char *const recurrences[] = {
    [RG_RECURRENT] = "recurrent", [RG_CHUNKED] = "chunked", [RG_N_RECURRENCES] = NULL};

#define WORD(name, bit, member, words)                                                                       \
    { name, bit, true, offsetof(rg_graph_node, member), words }
#define NUMBER(name, bit, whole, member)                                                                     \
    { name, bit, whole, offsetof(rg_graph_node, member), NULL }
static const char *const no_yes[] = {"no", "yes", NULL};
static const char *const scorings[] = {"softmax", "sigmoid", "softmax_topk", "sqrt_softplus", NULL};
static const char *const group_scores[] = {"largest", "top2", NULL};
static const char *const stored[] = {"plain", "transposed", NULL};
static const char *const caches[] = {
    [RG_CACHE_BOTH] = "both", [RG_CACHE_KEYS] = "keys", [RG_N_CACHES] = NULL};
static const char *const axes[] = {
    [RG_AXIS_TP] = "tp", [RG_AXIS_CP] = "cp", [RG_AXIS_EP] = "ep", [RG_AXIS_ETP] = "etp", [RG_N_AXES] = NULL};
static const char *const forms[] = {"plain", "absorbed", "latent", NULL};
const node_number node_numbers[] = {
    NUMBER("eps", NODE_EPS, false, eps),
    NUMBER("heads", NODE_HEADS, true, heads),
    NUMBER("kv_heads", NODE_KV_HEADS, true, kv_heads),
    NUMBER("head_dim", NODE_HEAD_DIM, true, head_dim),
    NUMBER("theta", NODE_THETA, false, rope.theta),
    NUMBER("factor", NODE_SCALING, false, rope.factor),
    NUMBER("low_freq_factor", NODE_SCALING, false, rope.low_freq_factor),
    NUMBER("high_freq_factor", NODE_SCALING, false, rope.high_freq_factor),
    NUMBER("original_max_position", NODE_SCALING, false, rope.original_max_position),
    NUMBER("beta_fast", NODE_SCALING, false, rope.beta_fast),
    NUMBER("beta_slow", NODE_SCALING, false, rope.beta_slow),
    NUMBER("attention_factor", NODE_SCALING, false, rope.attention_factor),
    WORD("scaling", NODE_SCALING, rope.scaling, scalings),
    WORD("range", NODE_SCALING, rope.exact, ranges),
    WORD("pairs", NODE_ROTARY, rope.pairs, pairs),
    NUMBER("rotary_dim", NODE_ROTARY, true, rope.rotary_dim),
    NUMBER("v_head_dim", NODE_V_HEAD_DIM, true, v_head_dim),
    NUMBER("window", NODE_MASK, true, window),
    WORD("mask", NODE_MASK, mask, masks),
    NUMBER("scale", NODE_SCALE, false, scale),
    NUMBER("width", NODE_WIDTH, true, width),
    WORD("kind", NODE_KIND, kind, activations),
    NUMBER("from", NODE_FROM, true, from),
    NUMBER("offset", NODE_OFFSET, false, offset),
    NUMBER("groups", NODE_GROUPS, true, groups),
    NUMBER("state", NODE_STATE, true, state),
    NUMBER("dt_min", NODE_DT, false, dt_min),
    NUMBER("dt_max", NODE_DT, false, dt_max),
    NUMBER("top_k", NODE_TOP_K, true, top_k),
    NUMBER("n_group", NODE_ROUTING, true, n_group),
    NUMBER("topk_group", NODE_ROUTING, true, topk_group),
    WORD("scoring", NODE_ROUTING, scoring, scorings),
    WORD("group_score", NODE_ROUTING, group_score, group_scores),
    WORD("normalize", NODE_ROUTING, normalize, no_yes),
    NUMBER("routed_scale", NODE_ROUTING, false, routed_scale),
    WORD("stored", NODE_STORED, stored, stored),
    NUMBER("alpha", NODE_ALPHA, false, alpha),
    NUMBER("limit", NODE_LIMIT, false, limit),
    NUMBER("nope_dim", NODE_MLA, true, nope_dim),
    NUMBER("rope_dim", NODE_MLA, true, rope_dim),
    WORD("form", NODE_MLA, form, forms),
    NUMBER("key_heads", NODE_KEY_HEADS, true, key_heads),
    WORD("form", NODE_FORM, form, recurrences),
    NUMBER("chunk", NODE_FORM, true, chunk),
    NUMBER("span", NODE_SPAN, true, span),
    WORD("cached", NODE_SPAN, cached, caches),
    NUMBER("ratio", NODE_RATIO, true, ratio),
    NUMBER("lookups", NODE_LOOKUPS, true, lookups),
    NUMBER("window", NODE_WINDOW, true, window),
    NUMBER("ranks", NODE_RANKS, true, ranks),
    WORD("axis", NODE_AXIS, axis, axes),
    {0}};

int64_t node_word(const node_number *number, const char *word) {
    for (int64_t i = 0; number->words[i]; i++)
        if (strcmp(number->words[i], word) == 0) return i;
    return -1;
}

const op_spec *op_find(rg_op op) {
    return ops[op];
}

const char *rg_op_name(rg_op op) {
    return (unsigned)op < RG_N_OPS ? ops[op]->name : "unknown";
}

bool rg_op_saves(rg_op op, int input) {
    return (unsigned)op < RG_N_OPS && (ops[op]->saves >> input & 1);
}

rg_op op_from_name(const char *name) {
    int op = 0;
    while (op < RG_OP_OPAQUE && strcmp(ops[op]->name, name) != 0) op++;
    return (rg_op)op;
}

void op_names(char *buf, size_t size) {
    size_t at = 0;
    for (int op = 0; op < RG_OP_OPAQUE && at < size; op++)
        at += (size_t)snprintf(buf + at, size - at, "%s%s", op ? " " : "", ops[op]->name);
}

rg_status op_bad(const rg_graph_node *n, const char *expected, rg_error *err, const char *what) {
    char where[256];
    snprintf(where, sizeof where, "node %.200s", n->name);
    return rg_fail(err, RG_ERR_PARSE, where, expected, "%s: %s",
                   n->op == RG_OP_OPAQUE ? n->opaque_op : rg_op_name(n->op), what);
}

static rg_status check_inputs(const rg_graph *g, size_t index, rg_error *err) {
    const rg_graph_node *n = &g->node[index];
    const op_spec *spec = ops[n->op];
    char text[160];
    if (n->n_inputs < spec->min_inputs || n->n_inputs > spec->max_inputs) {
        if (spec->min_inputs == spec->max_inputs)
            snprintf(text, sizeof text, "%d", spec->min_inputs);
        else
            snprintf(text, sizeof text, "%d to %d", spec->min_inputs, spec->max_inputs);
        return op_bad(n, text, err, "wrong number of inputs");
    }
    for (int i = 0; i < n->n_inputs; i++) {
        bool tokens = n->input[i] == -1;
        if (n->input[i] < -1 || n->input[i] >= (int64_t)index)
            return op_bad(n, "a node before it", err, "an input does not precede it");
        if (n->op != RG_OP_OPAQUE && tokens != spec->reads_tokens)
            return op_bad(n, "the token ids for embed, embed_sum, position and first_row alone", err,
                          "cannot take that input");
    }
    return RG_OK;
}

static bool is_weight(const rg_graph *g, int w) {
    return w >= -1 && w < (int64_t)g->n_weights;
}

static rg_status check_weights(const rg_graph *g, const rg_graph_node *n, rg_error *err) {
    const op_spec *spec = ops[n->op];
    char text[160];
    bool fits = is_weight(g, n->weight) && is_weight(g, n->bias);
    for (int i = 0; i < RG_MAX_EXTRA; i++) fits = fits && is_weight(g, n->extra[i]);
    if (!fits) return op_bad(n, "an index of the weights", err, "weight out of range");
    int dims = n->weight >= 0 ? g->weight[n->weight].n_dims : 0;
    if (spec->weight_dims >= 0 && dims != spec->weight_dims) {
        snprintf(text, sizeof text, "a weight of %d dimensions", spec->weight_dims);
        return op_bad(n, spec->weight_dims ? text : "none", err, "wrong weight");
    }
    if (n->bias >= 0 && !spec->takes_bias) return op_bad(n, "none", err, "takes no bias");
    for (int i = 0; i < RG_MAX_EXTRA; i++) {
        if (n->extra[i] >= 0 && !spec->extra[i]) return op_bad(n, "none", err, "a weight too many");
        if (n->extra[i] >= 0 || i >= spec->n_extra_needed) continue;
        snprintf(text, sizeof text, "%s = W[...]", spec->extra[i]);
        return op_bad(n, text, err, "a weight is missing");
    }
    return RG_OK;
}

rg_status op_check_heads(const rg_graph *g, const rg_graph_node *n, int i, int64_t heads, int64_t head_dim,
                         rg_error *err) {
    char text[160];
    if (heads >= 1 && head_dim >= 1 && heads <= INT32_MAX && head_dim <= INT32_MAX &&
        op_width_of(g, n, i) == heads * head_dim)
        return RG_OK;
    snprintf(text, sizeof text, "width %lld of input %d as %lld heads of %lld",
             (long long)op_width_of(g, n, i), i, (long long)heads, (long long)head_dim);
    return op_bad(n, "heads x head_dim = width", err, text);
}

rg_status op_check_vector(const rg_graph *g, const rg_graph_node *n, int w, int64_t length, const char *what,
                          rg_error *err) {
    if (w < 0 || (g->weight[w].n_dims == 1 && g->weight[w].shape[0] == length)) return RG_OK;
    char text[160], expected[80];
    snprintf(text, sizeof text, "%s does not fit", what);
    snprintf(expected, sizeof expected, "a vector of %lld", (long long)length);
    return op_bad(n, expected, err, text);
}

rg_status op_infer_equal(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    *width = op_width_of(g, n, 0);
    for (int i = 1; i < n->n_inputs; i++)
        if (op_width_of(g, n, i) != *width) return op_bad(n, "inputs of equal width", err, "widths differ");
    return RG_OK;
}

bool graph_sees_both_ways(const rg_graph *g) {
    for (size_t i = 0; i < g->n_nodes; i++)
        if (g->node[i].op == RG_OP_ATTENTION && g->node[i].mask == RG_MASK_BIDIRECTIONAL &&
            !g->node[i].apart && !g->node[g->node[i].input[1]].apart)
            return true;
    return false;
}

int64_t graph_vocab_size(const rg_graph *g) {
    const rg_graph_node *output = &g->node[g->output];
    const bool head = output->op == RG_OP_LINEAR || output->op == RG_OP_SOFTCAP || output->op == RG_OP_OPAQUE;
    for (size_t i = 0; !head && i < g->n_nodes; i++)
        if (g->node[i].op == RG_OP_EMBED) return g->weight[g->node[i].weight].shape[0];
    return output->width;
}

rg_status op_infer(const rg_graph *g, size_t node, int64_t *width, rg_error *err) {
    const rg_graph_node *n = &g->node[node];
    RG_TRY(check_inputs(g, node, err));
    RG_TRY(check_weights(g, n, err));
    return ops[n->op]->infer(g, n, width, err);
}

bool rg_graph_feeds_router(const rg_graph *g, size_t node) {
    bool feeds = false;
    if (g->node[node].op != RG_OP_LINEAR || (int)node == g->output) return false;
    for (size_t i = node + 1; i < g->n_nodes; i++)
        for (int j = 0; j < g->node[i].n_inputs; j++) {
            if (g->node[i].input[j] != (int)node) continue;
            if (strcmp(rg_op_name(g->node[i].op), "router") != 0) return false;
            feeds = true;
        }
    return feeds;
}
