/* router, combine: who computes a token, and the sum of what they computed. */
#include "graph/ops.h"

#include <math.h>

static rg_status check_groups(const rg_graph_node *n, int64_t experts, rg_error *err) {
    if (!n->n_group && !n->topk_group && n->group_score) return op_bad(n, "n_group", err, "no groups");
    if (!n->n_group && !n->topk_group) return RG_OK;
    if (n->n_group < 1 || experts % n->n_group || n->topk_group < 1 || n->topk_group > n->n_group)
        return op_bad(n, "n_group divides the experts, 1 <= topk_group <= n_group", err,
                      "groups do not come out");
    const int64_t each = experts / n->n_group;
    if (n->top_k > n->topk_group * each)
        return op_bad(n, "top_k <= topk_group x experts per group", err, "too few experts in those groups");
    if (n->group_score == RG_GROUP_TOP2 && each < 2)
        return op_bad(n, "groups of two or more", err, "no second expert in a group");
    return RG_OK;
}

static rg_status infer_router(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    const int64_t experts = op_width_of(g, n, 0);
    if (experts > RG_MAX_EXPERTS) return op_bad(n, "at most 2^16", err, "too many experts");
    if (n->top_k < 1 || n->top_k > experts)
        return op_bad(n, "1 <= top_k <= experts", err, "cannot choose that many");
    if (!(n->routed_scale >= 0) || !isfinite(n->routed_scale))
        return op_bad(n, "routed_scale > 0", err, "scale out of range");
    RG_TRY(check_groups(n, experts, err));
    RG_TRY(op_check_vector(g, n, n->extra[0], experts, "correction", err));
    *width = 2 * n->top_k;
    return RG_OK;
}

static void count_router(const op_case *of, rg_node_count *c) {
    c->vector_flop = 5 * of->tokens * (double)op_width_of(of->graph, of->node, 0);
}

static rg_status infer_combine(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    int64_t top_k;
    RG_TRY(op_check_router(g, n, 1, NULL, &top_k, err));
    if (op_width_of(g, n, 0) % top_k)
        return op_bad(n, "top_k results of equal width", err, "width of the first input does not fit");
    *width = op_width_of(g, n, 0) / top_k;
    return RG_OK;
}

static void count_combine(const op_case *of, rg_node_count *c) {
    c->vector_flop = 2 * of->tokens * (double)op_width_of(of->graph, of->node, 0);
}

const op_spec op_router = {.name = "router",
                           .min_inputs = 1,
                           .max_inputs = 1,
                           .needs = NODE_TOP_K,
                           .takes = NODE_ROUTING,
                           .extra = {"correction"},
                           .infer = infer_router,
                           .count = count_router,
                           .saves = 1};
const op_spec op_combine = {.name = "combine",
                            .min_inputs = 2,
                            .max_inputs = 2,
                            .infer = infer_combine,
                            .count = count_combine,
                            .saves = 1};
