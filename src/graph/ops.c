/* The table of operators and the rules for one node. */
#include "graph/ops.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const op_spec ops[RG_N_OPS] = {
    [RG_OP_EMBED] = {"embed", 1, 2, false, 0, 0},
    [RG_OP_RMSNORM] = {"rmsnorm", 1, 1, false, NODE_EPS, NODE_HEADS | NODE_HEAD_DIM},
    [RG_OP_LINEAR] = {"linear", 1, 2, true, 0, 0},
    [RG_OP_ROPE] = {"rope", 1, 0, false, NODE_HEADS | NODE_HEAD_DIM | NODE_THETA, NODE_SCALING},
    [RG_OP_ATTENTION] = {"attention", 3, 0, false, NODE_HEADS | NODE_KV_HEADS | NODE_HEAD_DIM, 0},
    [RG_OP_SWIGLU] = {"swiglu", 2, 0, false, 0, 0},
    [RG_OP_ADD] = {"add", 2, 0, false, 0, 0},
    [RG_OP_OPAQUE] = {"opaque", -1, -1, true, NODE_WIDTH, 0},
};

#define NUMBER(name, bit, whole, member)                                                                     \
    { name, bit, whole, offsetof(rg_graph_node, member) }
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
    NUMBER("width", NODE_WIDTH, true, width),
    {0}};

const op_spec *op_find(rg_op op) {
    return &ops[op];
}

const char *rg_op_name(rg_op op) {
    return (unsigned)op < RG_N_OPS ? ops[op].name : "unknown";
}

rg_op op_from_name(const char *name) {
    int op = 0;
    while (op < RG_OP_OPAQUE && strcmp(ops[op].name, name) != 0) op++;
    return (rg_op)op;
}

static rg_status bad(const rg_graph_node *n, const char *expected, rg_error *err, const char *what) {
    char where[256];
    snprintf(where, sizeof where, "node %.200s", n->name);
    return rg_fail(err, RG_ERR_PARSE, where, expected, "%s: %s",
                   n->op == RG_OP_OPAQUE ? n->opaque_op : rg_op_name(n->op), what);
}

/* Width of an input; the token ids count as one feature. */
static int64_t width_of(const rg_graph *g, const rg_graph_node *n, int i) {
    return n->input[i] < 0 ? 1 : g->node[n->input[i]].width;
}

static rg_status check_links(const rg_graph *g, size_t index, rg_error *err) {
    const rg_graph_node *n = &g->node[index];
    const op_spec *spec = &ops[n->op];
    char text[160];
    if (n->n_inputs < 0 || n->n_inputs > 3 || (spec->n_inputs >= 0 && n->n_inputs != spec->n_inputs)) {
        snprintf(text, sizeof text, "%d", spec->n_inputs);
        return bad(n, spec->n_inputs >= 0 ? text : "at most 3", err, "wrong number of inputs");
    }
    for (int i = 0; i < n->n_inputs; i++) {
        bool tokens = n->input[i] == -1;
        if (n->input[i] < -1 || n->input[i] >= (int64_t)index)
            return bad(n, "a node before it", err, "an input does not precede it");
        if (n->op != RG_OP_OPAQUE && tokens != (n->op == RG_OP_EMBED))
            return bad(n, "the token ids for embed alone", err, "cannot take that input");
    }
    if (n->weight < -1 || n->weight >= (int64_t)g->n_weights || n->bias < -1 ||
        n->bias >= (int64_t)g->n_weights)
        return bad(n, "an index of the weights", err, "weight out of range");
    int dims = n->weight >= 0 ? g->weight[n->weight].n_dims : 0;
    if (spec->weight_dims >= 0 && dims != spec->weight_dims) {
        snprintf(text, sizeof text, "a weight of %d dimensions", spec->weight_dims);
        return bad(n, spec->weight_dims ? text : "none", err, "wrong weight");
    }
    if (n->bias >= 0 && !spec->takes_bias) return bad(n, "none", err, "takes no bias");
    return RG_OK;
}

static rg_status check_heads(const rg_graph *g, const rg_graph_node *n, int i, int64_t heads, rg_error *err) {
    char text[160];
    if (heads >= 1 && n->head_dim >= 1 && heads <= INT32_MAX && n->head_dim <= INT32_MAX &&
        width_of(g, n, i) == heads * n->head_dim)
        return RG_OK;
    snprintf(text, sizeof text, "width %lld of input %d as %lld heads of %lld", (long long)width_of(g, n, i),
             i, (long long)heads, (long long)n->head_dim);
    return bad(n, "heads x head_dim = width", err, text);
}

static rg_status check_rope(const rg_graph *g, const rg_graph_node *n, rg_error *err) {
    const rg_rope *r = &n->rope;
    RG_TRY(check_heads(g, n, 0, n->heads, err));
    if (n->head_dim % 2) return bad(n, "an even head_dim", err, "pairs do not come out even");
    if (!(r->theta > 0) || !isfinite(r->theta)) return bad(n, "theta > 0", err, "theta is not positive");
    if (r->factor == 0) return RG_OK;
    if (!(r->factor >= 1 && r->low_freq_factor > 0 && r->high_freq_factor > r->low_freq_factor &&
          r->original_max_position > 0) ||
        !isfinite(r->factor + r->high_freq_factor + r->original_max_position))
        return bad(n, "factor >= 1, 0 < low_freq_factor < high_freq_factor, original_max_position > 0", err,
                   "frequency scaling is incomplete");
    return RG_OK;
}

static rg_status check_attention(const rg_graph *g, const rg_graph_node *n, rg_error *err) {
    RG_TRY(check_heads(g, n, 0, n->heads, err));
    RG_TRY(check_heads(g, n, 1, n->kv_heads, err));
    RG_TRY(check_heads(g, n, 2, n->kv_heads, err));
    if (n->heads % n->kv_heads) return bad(n, "heads a multiple of kv_heads", err, "heads do not group");
    return RG_OK;
}

static rg_status check_norm(const rg_graph *g, const rg_graph_node *n, rg_error *err) {
    int64_t gains = g->weight[n->weight].shape[0];
    if (!(n->eps >= 0) || !isfinite(n->eps)) return bad(n, "eps >= 0", err, "eps is not a small number");
    if (!n->head_dim && n->heads) return bad(n, "head_dim beside heads", err, "heads without head_dim");
    if (n->head_dim) RG_TRY(check_heads(g, n, 0, n->heads, err));
    if (gains != (n->head_dim ? n->head_dim : width_of(g, n, 0)))
        return bad(n, "one gain per feature normalized together", err, "weight does not fit the input");
    return RG_OK;
}

rg_status op_infer(const rg_graph *g, size_t node, int64_t *width, rg_error *err) {
    const rg_graph_node *n = &g->node[node];
    RG_TRY(check_links(g, node, err));
    const rg_graph_weight *w = n->weight >= 0 ? &g->weight[n->weight] : NULL;
    int64_t in = n->n_inputs ? width_of(g, n, 0) : 0, out = in;
    switch (n->op) {
    case RG_OP_EMBED:
        out = w->shape[1];
        break;
    case RG_OP_RMSNORM:
        RG_TRY(check_norm(g, n, err));
        break;
    case RG_OP_LINEAR:
        if (w->shape[1] != in)
            return bad(n, "columns = width of the input", err, "weight does not fit the input");
        out = w->shape[0];
        if (n->bias >= 0 && (g->weight[n->bias].n_dims != 1 || g->weight[n->bias].shape[0] != out))
            return bad(n, "one bias per row of the weight", err, "bias does not fit");
        break;
    case RG_OP_ROPE:
        RG_TRY(check_rope(g, n, err));
        break;
    case RG_OP_ATTENTION:
        RG_TRY(check_attention(g, n, err));
        break;
    case RG_OP_SWIGLU:
    case RG_OP_ADD:
        if (in != width_of(g, n, 1)) return bad(n, "inputs of equal width", err, "widths differ");
        break;
    default:
        out = n->width;
        if (out < 1 || out > INT32_MAX) return bad(n, "a width in [1, 2^31)", err, "width out of range");
    }
    *width = out;
    return RG_OK;
}
