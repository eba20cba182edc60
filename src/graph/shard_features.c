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
    int64_t cut, whole_cut; /* features that runs are cut out of: on the rank, and in all */
    int64_t settled;        /* of cut: those whose place is known */
    int readers, n_runs;
    bool all;    /* one reads the whole row */
    bool differ; /* parts of different size */
} demand;

/* Cuts one run of features out of its input: q, k and v of one projection. */
static bool is_run(const rg_graph_node *n) {
    return n->op == RG_OP_SLICE && !n->head_dim && n->input[0] >= 0;
}

static void add_demand(demand *d, const rg_graph_node *reader, const shard_part *part, int input) {
    const int64_t want = part->want[input];
    d->readers++;
    if (is_run(reader)) {
        d->n_runs++;
        d->cut += part->own ? part->own : reader->width;
        d->whole_cut += reader->width;
        return;
    }
    if (!want) d->all = true;
    if (d->most && want && want != d->most) d->differ = true;
    if (want > d->most) d->most = want;
}

/* Features of a node that its readers take, all alike, or run by run; 0: the whole row. */
static int64_t taken(const rg_graph_node *n, const demand *d) {
    if (!d->readers || d->all) return 0;
    if (d->n_runs < d->readers) return d->n_runs || d->differ || d->most >= n->width ? 0 : d->most;
    return d->whole_cut <= n->width && d->cut < d->whole_cut ? d->cut : 0;
}

static op_sharing sharing_of(const rg_graph *g, const rg_graph_node *n) {
    if (n->op != RG_OP_OPAQUE) return op_find(n->op)->sharing;
    /* an unknown function without weights, of rows as wide as its result, is taken to work feature by feature
     */
    for (int k = 0; k < n->n_inputs; k++)
        if (n->input[k] < 0 || op_width_of(g, n, k) != n->width) return OP_WHOLE;
    return n->n_inputs && n->weight < 0 ? OP_EVEN : OP_WHOLE;
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
    if (!p->own || is_run(n)) return RG_OK;
    if (sharing == OP_EVEN) return want_even(g, n, p, ranks, err);
    rg_graph_node local = *n;
    return op_find(n->op)->split(g, n, ranks, p->want, &local, err);
}

/* A head over the vocabulary is split whatever reads it; parts are rounded up. */
static int64_t vocabulary_part(const rg_graph *g, size_t i, int64_t ranks) {
    return op_is_head(g, i) && ranks > 1 ? (g->node[i].width + ranks - 1) / ranks : 0;
}

/* A linear operator takes a part of its input where that is split for others, too: it does not cut up what is
   whole. Runs that are cut out of a node that is split lie behind each other there, the whole ones too. */
static void settle(const rg_graph *g, shard_part *part, demand *of) {
    for (size_t i = 0; i < g->n_nodes; i++) {
        const rg_graph_node *n = &g->node[i];
        shard_part *p = &part[i];
        if (sharing_of(g, n) == OP_ROWS && !p->own && p->want[0] && !part[n->input[0]].own) p->want[0] = 0;
        if (!is_run(n)) continue;
        p->from = n->from;
        const shard_part *source = &part[n->input[0]];
        if (!source->own) continue;
        if (!p->own) p->own = n->width;
        p->want[0] = source->own;
        p->from = of[n->input[0]].settled;
        of[n->input[0]].settled += p->own;
    }
}

rg_status shard_features(const rg_graph *g, const rg_layout *l, shard_part *part, rg_error *err) {
    demand *of = calloc(g->n_nodes + 1, sizeof *of);
    if (!of) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    mark(g, part);
    rg_status status = RG_OK;
    for (size_t i = g->n_nodes; status == RG_OK && i-- > 0;) {
        const rg_graph_node *n = &g->node[i];
        const int64_t head = vocabulary_part(g, i, l->tp);
        if (head)
            part[i].own = head;
        else if (can_split(g, i, part))
            part[i].own = taken(n, &of[i]);
        status = wants_of(g, l, i, part, err);
        for (int k = 0; k < n->n_inputs; k++)
            if (n->input[k] >= 0) add_demand(&of[n->input[k]], n, &part[i], k);
    }
    if (status == RG_OK) settle(g, part, of);
    free(of);
    return status;
}
