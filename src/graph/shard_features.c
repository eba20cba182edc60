/* Which operators of a rank's graph work on a part of their features. From the output back: an operator is
   split when all that reads it reads no more than a part. */
#include "graph/shard.h"

#include <stdio.h>
#include <stdlib.h>

rg_status shard_does_not_divide(const rg_graph_node *n, const char *key, int64_t ranks, int64_t count,
                                const char *what, rg_error *err) {
    int64_t below = ranks, above = ranks;
    while (count % below) below--;
    while (above <= count && count % above) above++;
    char expected[80];
    if (above <= count)
        snprintf(expected, sizeof expected, "%lld or %lld", (long long)below, (long long)above);
    else
        snprintf(expected, sizeof expected, "%lld", (long long)below);
    return rg_fail(err, RG_ERR_USAGE, n->name, expected, "%s=%lld does not divide its %lld %s", key,
                   (long long)ranks, (long long)count, what);
}

rg_status op_share_heads(const rg_graph_node *n, int64_t *heads, int64_t ranks, bool shared, rg_error *err) {
    if (*heads % ranks == 0) {
        *heads /= ranks;
        return RG_OK;
    }
    if (shared && ranks % *heads == 0) {
        *heads = 1;
        return RG_OK;
    }
    return shard_does_not_divide(n, "tp", ranks, *heads, shared ? "key heads" : "heads", err);
}

/* What the readers of a node take of it. */
typedef struct demand {
    int64_t most;
    int readers;
    bool all;    /* one reads the whole row */
    bool differ; /* parts of different size */
    bool slices; /* every reader is a slice */
} demand;

static void add_demand(demand *d, int64_t want, bool slice) {
    if (!d->readers++) d->slices = true;
    d->slices = d->slices && slice;
    if (!want) d->all = true;
    if (d->most && want && want != d->most) d->differ = true;
    if (want > d->most) d->most = want;
}

static op_sharing sharing_of(const rg_graph *g, const rg_graph_node *n) {
    /* an unknown function of one row without weights is taken to work feature by feature */
    if (n->op == RG_OP_OPAQUE)
        return n->n_inputs == 1 && n->weight < 0 && n->input[0] >= 0 && op_width_of(g, n, 0) == n->width
                   ? OP_EVEN
                   : OP_WHOLE;
    return op_find(n->op)->sharing;
}

static bool is_norm(const rg_graph_node *n) {
    return (n->op == RG_OP_RMSNORM && !n->head_dim) || n->op == RG_OP_LAYERNORM;
}

/* The residual stream, the norms that read it, and what works on the tokens that experts were sent. */
static void mark(const rg_graph *g, shard_part *part) {
    for (size_t i = 0; i < g->n_nodes; i++) {
        const rg_graph_node *n = &g->node[i];
        bool stream = op_looks_up(n->op), slots = n->n_inputs > 0;
        for (int k = 0; k < n->n_inputs; k++) {
            if (n->input[k] < 0) slots = false;
            if (n->input[k] < 0) continue;
            const shard_part *from = &part[n->input[k]];
            if ((n->op == RG_OP_ADD || is_norm(n) || n->op == RG_OP_OPAQUE) && from->stream) stream = true;
            if (g->node[n->input[k]].op != RG_OP_ROUTER && !from->slots) slots = false;
        }
        if (sharing_of(g, n) != OP_EVEN && n->op != RG_OP_OPAQUE) slots = false;
        part[i].stream = stream;
        part[i].slots = slots || n->op == RG_OP_EXPERT_LINEAR;
    }
}

static bool can_split(const rg_graph *g, size_t i, const shard_part *part) {
    return !part[i].stream && sharing_of(g, &g->node[i]) != OP_WHOLE;
}

/* Inputs in proportion to the part of the output. */
static rg_status want_even(const rg_graph *g, const rg_graph_node *n, shard_part *p, int64_t ranks,
                           rg_error *err) {
    const char *key = p->slots ? "etp" : "tp";
    const bool one_norm = n->op == RG_OP_RMSNORM && n->heads == 1;
    if (n->heads && !one_norm && n->heads * p->own % n->width)
        return shard_does_not_divide(n, key, ranks, n->heads, "heads", err);
    for (int k = 0; k < n->n_inputs; k++) {
        const int64_t width = op_width_of(g, n, k);
        if (width == 1 && n->width > 1) continue; /* one factor for all features */
        if (width * p->own % n->width) return shard_does_not_divide(n, key, ranks, width, "features", err);
        p->want[k] = width * p->own / n->width;
    }
    return RG_OK;
}

/* A linear operator that puts out the whole row takes a part of its input where there is one. */
static rg_status want_rows(const rg_graph *g, const rg_graph_node *n, shard_part *part, shard_part *p,
                           int64_t ranks, rg_error *err) {
    if (p->own || n->input[0] < 0 || !can_split(g, (size_t)n->input[0], part)) return RG_OK;
    if (part[n->input[0]].slots != p->slots) return RG_OK;
    const int64_t width = op_width_of(g, n, 0);
    if (width % ranks)
        return shard_does_not_divide(n, p->slots ? "etp" : "tp", ranks, width, "features", err);
    p->want[0] = width / ranks;
    return RG_OK;
}

static rg_status wants_of(const rg_graph *g, const rg_layout *l, size_t i, shard_part *part, rg_error *err) {
    const rg_graph_node *n = &g->node[i];
    shard_part *p = &part[i];
    const int64_t ranks = shard_ranks(l, p);
    if (ranks == 1) return RG_OK;
    const op_sharing sharing = sharing_of(g, n);
    if (sharing == OP_ROWS) return want_rows(g, n, part, p, ranks, err);
    if (!p->own) return RG_OK;
    if (sharing == OP_EVEN) return want_even(g, n, p, ranks, err);
    rg_graph_node local = *n;
    return op_find(n->op)->split(g, n, ranks, p->want, &local, err);
}

/* A head over the vocabulary is split whatever reads it; parts are rounded up. */
static int64_t vocabulary_part(const rg_graph *g, size_t i, int64_t ranks) {
    return op_is_head(g, i) && ranks > 1 ? (g->node[i].width + ranks - 1) / ranks : 0;
}

rg_status shard_features(const rg_graph *g, const rg_layout *l, shard_part *part, rg_error *err) {
    demand *of = calloc(g->n_nodes + 1, sizeof *of);
    if (!of) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    mark(g, part);
    rg_status status = RG_OK;
    for (size_t i = g->n_nodes; status == RG_OK && i-- > 0;) {
        const rg_graph_node *n = &g->node[i];
        const demand *d = &of[i];
        const bool agree = d->readers && !d->all && (!d->differ || d->slices);
        const int64_t head = vocabulary_part(g, i, l->tp);
        if (head)
            part[i].own = head;
        else if (agree && can_split(g, i, part) && d->most < n->width)
            part[i].own = d->most;
        status = wants_of(g, l, i, part, err);
        for (int k = 0; k < n->n_inputs; k++)
            if (n->input[k] >= 0) add_demand(&of[n->input[k]], part[i].want[k], n->op == RG_OP_SLICE);
    }
    free(of);
    return status;
}
