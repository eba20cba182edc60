/* The graph of one rank: parts of weights and heads, collectives between them. */
#include "graph/shard.h"

#include <stdlib.h>
#include <string.h>

/* How a rank has a value. */
typedef enum mode {
    WHOLE,    /* all features of all tokens (of its context part) */
    SEQUENCE, /* all features of its part of the tokens */
    PARTIAL,  /* a sum that lacks what the other ranks have */
    FEATURES, /* its part of the features */
    SLOTS,    /* of the tokens that its experts were sent */
    CONTEXT,  /* keys and values of the whole context */
    N_MODES
} mode;

typedef struct value {
    mode mode;       /* as it is made */
    int at[N_MODES]; /* node of the new graph, or -1 */
} value;

typedef struct builder {
    const rg_graph *from;
    const rg_layout *l;
    rg_graph *to;
    shard_part *part;
    value *value;
    size_t room;
    bool local_experts; /* every rank runs its experts on all tokens; else tokens travel */
    rg_error *err;
} builder;

static int64_t split_of(const builder *b, mode m) {
    const rg_layout *l = b->l;
    switch (m) {
    case SEQUENCE:
        return l->cp * l->tp;
    case SLOTS:
        return b->local_experts ? l->cp * l->ep : l->cp * l->tp / l->etp;
    case CONTEXT:
        return 1;
    default:
        return l->cp;
    }
}

/* Where tokens are before they travel to experts. */
static mode home(const builder *b) {
    return b->l->tp > 1 ? SEQUENCE : WHOLE;
}

static rg_status no_memory(builder *b) {
    return rg_fail(b->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

static rg_status push(builder *b, const rg_graph_node *n, mode m, int *at) {
    if (b->to->n_nodes == b->room)
        return rg_fail(b->err, RG_ERR_UNSUPPORTED, n->name, NULL, "too many collectives");
    rg_graph_node *to = &b->to->node[b->to->n_nodes];
    *to = *n;
    to->split = split_of(b, m);
    if (to->split == 1) to->split = 0;
    *at = (int)b->to->n_nodes++;
    return RG_OK;
}

/* Between value `from`, a node of the new graph, and its readers. */
static rg_status insert(builder *b, rg_op op, const char *suffix, int from, rg_axis axis, int64_t ranks,
                        mode m, int64_t top_k, int *at) {
    const rg_graph_node *x = &b->to->node[from];
    rg_graph_node n = {.op = op,
                       .name = rg_arena_printf(&b->to->arena, "%s.%s", x->name, suffix),
                       .layer = x->layer,
                       .n_inputs = 1,
                       .input = {from},
                       .width = x->width,
                       .weight = -1,
                       .bias = -1,
                       .rows = x->rows,
                       .apart = x->apart,
                       .axis = axis,
                       .ranks = ranks,
                       .top_k = top_k};
    for (int i = 0; i < RG_MAX_EXTRA; i++) n.extra[i] = -1;
    if (!n.name) return no_memory(b);
    return push(b, &n, m, at);
}

static rg_status take_part(builder *b, int from, int64_t width, int *at) {
    RG_TRY(insert(b, RG_OP_SLICE, "part", from, 0, 0, FEATURES, 0, at));
    b->to->node[*at].width = width;
    return RG_OK;
}

static rg_status get(builder *b, int from, mode m, int *at);

/* Tokens to the ranks of their experts; where an expert is itself split, to all ranks that share it. */
static rg_status dispatch(builder *b, int from, int64_t top_k, int *at) {
    const rg_layout *l = b->l;
    if (b->local_experts) return get(b, from, WHOLE, at);
    RG_TRY(get(b, from, home(b), at));
    if (l->ep > 1)
        RG_TRY(insert(b, RG_OP_ALL_TO_ALL, "dispatch", *at, RG_AXIS_EP, l->ep, home(b), top_k, at));
    if (l->etp > 1) RG_TRY(insert(b, RG_OP_ALL_GATHER, "gather", *at, RG_AXIS_ETP, l->etp, SLOTS, top_k, at));
    return RG_OK;
}

/* And their results back. */
static rg_status collect(builder *b, int from, int *at, mode *m) {
    const rg_layout *l = b->l;
    *at = b->value[from].at[SLOTS];
    *m = b->local_experts ? (l->tp > 1 ? PARTIAL : WHOLE) : home(b);
    if (b->local_experts) return RG_OK;
    if (l->etp > 1)
        RG_TRY(insert(b, RG_OP_REDUCE_SCATTER, "scatter", *at, RG_AXIS_ETP, l->etp, home(b), 0, at));
    if (l->ep > 1) RG_TRY(insert(b, RG_OP_ALL_TO_ALL, "return", *at, RG_AXIS_EP, l->ep, home(b), 0, at));
    return RG_OK;
}

/* Value `from` of the whole graph as mode m, WHOLE or SEQUENCE. */
static rg_status convert(builder *b, int from, mode m, int *at) {
    value *v = &b->value[from];
    const int64_t tp = b->l->tp;
    if (v->at[PARTIAL] >= 0)
        return m == WHOLE
                   ? insert(b, RG_OP_ALL_REDUCE, "all_reduce", v->at[PARTIAL], RG_AXIS_TP, tp, WHOLE, 0, at)
                   : insert(b, RG_OP_REDUCE_SCATTER, "reduce_scatter", v->at[PARTIAL], RG_AXIS_TP, tp,
                            SEQUENCE, 0, at);
    if (m == WHOLE && v->at[SEQUENCE] >= 0)
        return insert(b, RG_OP_ALL_GATHER, "all_gather", v->at[SEQUENCE], RG_AXIS_TP, tp, WHOLE, 0, at);
    *at = v->at[v->mode]; /* a part of the tokens of what is there whole */
    return RG_OK;
}

static rg_status get(builder *b, int from, mode m, int *at) {
    value *v = &b->value[from];
    if (v->at[m] < 0) {
        if (v->mode == SLOTS && m != SLOTS && v->at[home(b)] < 0 && v->at[PARTIAL] < 0) {
            mode back;
            int where;
            RG_TRY(collect(b, from, &where, &back));
            v->at[back] = where;
        }
        if (v->at[m] < 0) RG_TRY(convert(b, from, m, &v->at[m]));
    }
    *at = v->at[m];
    return RG_OK;
}

/* Its features that are wanted, or all; keys and values of all ranks of a context. */
static rg_status get_features(builder *b, int from, int64_t want, bool of_context, int *at) {
    value *v = &b->value[from];
    const bool cut = want > 0 && want < b->from->node[from].width;
    if (cut && v->at[FEATURES] < 0) {
        RG_TRY(get(b, from, WHOLE, at));
        RG_TRY(take_part(b, *at, want, &v->at[FEATURES]));
    }
    if (cut)
        *at = v->at[FEATURES];
    else
        RG_TRY(get(b, from, WHOLE, at));
    if (!of_context || b->l->cp == 1) return RG_OK;
    if (v->at[CONTEXT] < 0)
        RG_TRY(
            insert(b, RG_OP_ALL_GATHER, "context", *at, RG_AXIS_CP, b->l->cp, CONTEXT, 0, &v->at[CONTEXT]));
    *at = v->at[CONTEXT];
    return RG_OK;
}

static bool attends(rg_op op) {
    return op == RG_OP_ATTENTION || op == RG_OP_MLA || op == RG_OP_MLA_SELECTED || op == RG_OP_INDEXER ||
           op == RG_OP_COMPRESSED_ATTENTION;
}

/* Does a row of the output need the rows of other tokens? */
static bool mixes_tokens(rg_op op) {
    return attends(op) || op == RG_OP_GATED_DELTA || op == RG_OP_MAMBA2 || op == RG_OP_CONV1D ||
           op == RG_OP_APPEND || op == RG_OP_ROWS_OF;
}

/* Is f(x + y) = f(x) + f(y) in the first input? */
static bool is_sum(rg_op op) {
    return op == RG_OP_COMBINE || op == RG_OP_MULTIPLY || op == RG_OP_SLICE;
}

static mode seen_as(const builder *b, int from) {
    const value *v = &b->value[from];
    if (v->mode != SLOTS) return v->mode;
    return b->local_experts ? (b->l->tp > 1 ? PARTIAL : WHOLE) : home(b);
}

/* Can the node work on partial sums? Results of one block are added up before they are exchanged; the
   residual stream is there whole. */
static bool keeps_partial(const builder *b, const rg_graph_node *n) {
    if (n->op != RG_OP_ADD && !is_sum(n->op)) return false;
    for (int k = 0; k < n->n_inputs; k++) {
        if (n->input[k] < 0 || b->from->node[n->input[k]].op == RG_OP_ROUTER) continue;
        const bool summand = k == 0 || n->op == RG_OP_ADD;
        if (seen_as(b, n->input[k]) != (summand ? PARTIAL : WHOLE)) return false;
        if (n->op == RG_OP_ADD && b->part[n->input[k]].stream) return false;
    }
    return true;
}

/* Mode in which a node that is not split works. */
static mode mode_of(const builder *b, const rg_graph_node *n) {
    if (mixes_tokens(n->op)) return WHOLE;
    if (keeps_partial(b, n)) return PARTIAL;
    for (int k = 0; k < n->n_inputs; k++) {
        const mode m = n->input[k] < 0 ? WHOLE : seen_as(b, n->input[k]);
        if (m == SEQUENCE || (m == PARTIAL && b->l->sp)) return SEQUENCE;
    }
    return WHOLE;
}

static int64_t top_k_of(const builder *b, const rg_graph_node *n) {
    for (int k = 0; k < n->n_inputs; k++)
        if (n->input[k] >= 0 && b->from->node[n->input[k]].op == RG_OP_ROUTER)
            return b->from->node[n->input[k]].top_k;
    return 0;
}

static rg_status take_slots(builder *b, const rg_graph_node *n, rg_graph_node *to) {
    for (int k = 0; k < n->n_inputs; k++) {
        value *v = &b->value[n->input[k]];
        if (b->from->node[n->input[k]].op == RG_OP_ROUTER) {
            to->input[k] = v->at[v->mode];
            continue;
        }
        if (v->at[SLOTS] < 0) RG_TRY(dispatch(b, n->input[k], top_k_of(b, n), &v->at[SLOTS]));
        to->input[k] = v->at[SLOTS];
    }
    return RG_OK;
}

/* Links of the new node to what it reads; *m: mode of its output. */
static rg_status take_inputs(builder *b, size_t i, rg_graph_node *to, mode *m) {
    const rg_graph_node *n = &b->from->node[i];
    const shard_part *p = &b->part[i];
    *m = SLOTS;
    if (p->slots) return take_slots(b, n, to);
    const bool rows = op_find(n->op)->sharing == OP_ROWS && !p->own && p->want[0];
    const bool looks_up = n->op == RG_OP_EMBED && b->l->tp > 1;
    *m = p->own ? FEATURES : rows || looks_up ? PARTIAL : mode_of(b, n);
    for (int k = 0; k < n->n_inputs; k++) {
        if (n->input[k] < 0) continue;
        if (b->from->node[n->input[k]].op == RG_OP_ROUTER)
            to->input[k] = b->value[n->input[k]].at[b->value[n->input[k]].mode];
        else if (p->own || rows || mixes_tokens(n->op))
            RG_TRY(get_features(b, n->input[k], p->want[k], (k == 1 || k == 2) && attends(n->op),
                                &to->input[k]));
        else
            RG_TRY(get(b, n->input[k], *m == PARTIAL && k > 0 && n->op != RG_OP_ADD ? WHOLE : *m,
                       &to->input[k]));
    }
    return RG_OK;
}

/* ---- weights ----------------------------------------------------------------------------------------- */

static int64_t scaled(int64_t size, int64_t own, int64_t width) {
    return own && size * own % width == 0 ? size * own / width : size;
}

static void cut_vector(rg_graph *g, int w, int d, int64_t own, int64_t width) {
    if (w >= 0) g->weight[w].shape[d] = scaled(g->weight[w].shape[d], own, width);
}

/* Weights of a node that is split by features. */
static void cut_features(builder *b, const rg_graph_node *n, int64_t own) {
    rg_graph *g = b->to;
    if (op_is_head(b->from, (size_t)(n - b->from->node))) { /* rounded up */
        if (n->weight >= 0) g->weight[n->weight].shape[0] = own;
        if (n->bias >= 0) g->weight[n->bias].shape[0] = own;
        return;
    }
    const bool per_head =
        n->op == RG_OP_RMSNORM && n->heads > 1 && g->weight[n->weight].shape[0] == n->head_dim;
    if (!per_head) cut_vector(g, n->weight, n->op == RG_OP_EXPERT_LINEAR, own, n->width);
    cut_vector(g, n->bias, n->op == RG_OP_EXPERT_LINEAR, own, n->width);
    for (int i = 0; i < RG_MAX_EXTRA; i++) cut_vector(g, n->extra[i], 0, own, n->width);
}

static rg_status cut_weights(builder *b, size_t i, const rg_graph_node *n) {
    const shard_part *p = &b->part[i];
    rg_graph *g = b->to;
    if (p->own) cut_features(b, n, p->own);
    if (n->op == RG_OP_EMBED) {
        int64_t *rows = &g->weight[n->weight].shape[0];
        *rows = (*rows + b->l->tp - 1) / b->l->tp;
    }
    if (op_find(n->op)->sharing == OP_ROWS && !p->own && p->want[0]) {
        rg_graph_weight *w = &g->weight[n->weight];
        w->shape[w->n_dims - 1] /= shard_ranks(b->l, p);
    }
    if (n->op != RG_OP_EXPERT_LINEAR || b->l->ep == 1) return RG_OK;
    const int64_t experts = b->from->weight[n->weight].shape[0];
    if (experts % b->l->ep) return shard_does_not_divide(n, "ep", b->l->ep, experts, "experts", b->err);
    g->weight[n->weight].shape[0] = experts / b->l->ep;
    if (n->bias >= 0) g->weight[n->bias].shape[0] = experts / b->l->ep;
    return RG_OK;
}

/* ---- nodes ------------------------------------------------------------------------------------------- */

static rg_status local_numbers(builder *b, size_t i, rg_graph_node *to) {
    const rg_graph_node *n = &b->from->node[i];
    const shard_part *p = &b->part[i];
    if (n->op == RG_OP_EXPERT_LINEAR && b->l->ep > 1) to->ranks = b->l->ep;
    if (!p->own) return RG_OK;
    to->width = p->own;
    if (op_find(n->op)->sharing == OP_HEADS) {
        int64_t want[RG_MAX_INPUTS] = {0};
        return op_find(n->op)->split(b->from, n, shard_ranks(b->l, p), want, to, b->err);
    }
    if (n->heads == 1 && n->op == RG_OP_RMSNORM)
        to->head_dim = p->own;
    else if (n->heads)
        to->heads = n->heads * p->own / n->width;
    if (n->op == RG_OP_SLICE && !n->head_dim) to->from = p->from;
    return RG_OK;
}

static rg_status add_node(builder *b, size_t i) {
    rg_graph_node to = b->from->node[i];
    mode m;
    int at;
    RG_TRY(take_inputs(b, i, &to, &m));
    RG_TRY(local_numbers(b, i, &to));
    RG_TRY(cut_weights(b, i, &b->from->node[i]));
    to.name = rg_arena_strndup(&b->to->arena, to.name, strlen(to.name));
    if (to.opaque_op) to.opaque_op = rg_arena_strndup(&b->to->arena, to.opaque_op, strlen(to.opaque_op));
    if (!to.name || (b->from->node[i].opaque_op && !to.opaque_op)) return no_memory(b);
    RG_TRY(push(b, &to, m, &at));
    b->value[i] = (value){.mode = m, .at = {-1, -1, -1, -1, -1, -1}};
    b->value[i].at[m] = at;
    return RG_OK;
}

static rg_status copy_frame(builder *b) {
    const rg_graph *g = b->from;
    rg_graph *to = b->to;
    to->family = rg_arena_strndup(&to->arena, g->family, strlen(g->family));
    to->model = rg_arena_strndup(&to->arena, g->model, strlen(g->model));
    to->stored = g->stored ? rg_arena_strndup(&to->arena, g->stored, strlen(g->stored)) : NULL;
    to->vocab_size = g->vocab_size;
    to->n_layers = g->n_layers;
    to->max_positions = g->max_positions;
    to->hidden_size = g->hidden_size;
    to->every_row = g->every_row;
    b->room = 8 * g->n_nodes;
    to->node = rg_arena_alloc(&to->arena, b->room, sizeof *to->node);
    to->weight = rg_arena_alloc(&to->arena, g->n_weights + 1, sizeof *to->weight);
    b->part = calloc(g->n_nodes + 1, sizeof *b->part);
    b->value = calloc(g->n_nodes + 1, sizeof *b->value);
    if (!to->family || !to->model || (g->stored && !to->stored) || !to->node || !to->weight || !b->part ||
        !b->value)
        return no_memory(b);
    for (size_t i = 0; i < g->n_weights; i++) {
        to->weight[i] = g->weight[i];
        to->weight[i].name = rg_arena_strndup(&to->arena, g->weight[i].name, strlen(g->weight[i].name));
        if (!to->weight[i].name) return no_memory(b);
    }
    to->n_weights = g->n_weights;
    return RG_OK;
}

static rg_status build(builder *b) {
    RG_TRY(copy_frame(b));
    RG_TRY(shard_features(b->from, b->l, b->part, b->err));
    for (size_t i = 0; i < b->from->n_nodes; i++) RG_TRY(add_node(b, i));
    const value *output = &b->value[b->from->output];
    b->to->output = output->at[output->mode];
    b->to->vocab_size = graph_vocab_size(b->to);
    return graph_check(b->to, b->err);
}

rg_status rg_graph_shard(rg_graph *out, const rg_graph *whole, const rg_layout *layout, rg_error *err) {
    rg_graph to = {0};
    const bool fits = layout->ep * layout->etp == layout->tp;
    builder b = {.from = whole,
                 .l = layout,
                 .to = &to,
                 .err = err,
                 .local_experts = fits && (layout->ep == 1 || !layout->sp)};
    const rg_status status = build(&b);
    free(b.part);
    free(b.value);
    if (status == RG_OK)
        *out = to;
    else
        rg_graph_close(&to);
    return status;
}
