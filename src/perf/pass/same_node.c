/* Nodes that cost the same, as most layers of a model do. */
#include "perf/pass/perf.h"

#include <string.h>

/* Does the policy store the operands of both alike? */
static bool same_formats(const rg_graph *g, rg_policy *policy, const rg_graph_node *a,
                         const rg_graph_node *b) {
    static const rg_role roles[] = {RG_ROLE_WEIGHT, RG_ROLE_ACTIVATION, RG_ROLE_KEY, RG_ROLE_VALUE,
                                    RG_ROLE_ROUTER};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (rg_policy_lookup(policy, roles[i], rg_graph_place(g, a)) !=
            rg_policy_lookup(policy, roles[i], rg_graph_place(g, b)))
            return false;
    return true;
}

static bool same_weight(const rg_graph *g, int a, int b) {
    if (a < 0 || b < 0) return a == b;
    const rg_graph_weight *x = &g->weight[a], *y = &g->weight[b];
    return x->n_dims == y->n_dims && memcmp(x->shape, y->shape, sizeof x->shape) == 0;
}

/* The numbers of a node alone. */
static rg_graph_node numbers_of(const rg_graph_node *n) {
    rg_graph_node c;
    memcpy(&c, n, sizeof c);
    c.name = c.opaque_op = NULL;
    c.layer = c.weight = c.bias = 0;
    memset(c.input, 0, sizeof c.input);
    memset(c.extra, 0, sizeof c.extra);
    return c;
}

bool perf_same_node(const rg_graph *g, rg_policy *policy, int a, int b) {
    const rg_graph_node *x = &g->node[a], *y = &g->node[b];
    if (x->op != y->op || x->width != y->width || x->n_inputs != y->n_inputs) return false;
    if ((x->bias < 0) != (y->bias < 0)) return false;
    const rg_graph_node nx = numbers_of(x), ny = numbers_of(y);
    if (memcmp(&nx, &ny, sizeof nx) != 0 || !same_weight(g, x->weight, y->weight)) return false;
    for (int i = 0; i < x->n_inputs; i++) {
        if (x->input[i] < 0 || y->input[i] < 0) continue;
        const rg_graph_node *u = &g->node[x->input[i]], *v = &g->node[y->input[i]];
        if (u->width != v->width || (u->op == RG_OP_ROUTER) != (v->op == RG_OP_ROUTER) ||
            u->rows != v->rows || u->apart != v->apart || u->top_k != v->top_k)
            return false;
    }
    return rg_graph_feeds_router(g, (size_t)a) == rg_graph_feeds_router(g, (size_t)b) &&
           same_formats(g, policy, x, y);
}
