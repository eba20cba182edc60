/* all_reduce, reduce_scatter, all_gather, all_to_all: what ranks exchange. All are counted only. */
#include "graph/ops.h"

static rg_status infer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    if (n->ranks < 2 || n->ranks > INT32_MAX) return op_bad(n, "ranks in [2, 2^31)", err, "too few ranks");
    if (n->top_k < 0 || n->top_k > RG_MAX_EXPERTS)
        return op_bad(n, "top_k in [0, 2^16]", err, "top_k out of range");
    *width = op_width_of(g, n, 0);
    return RG_OK;
}

static void count_whole(const op_case *of, rg_node_count *c) {
    c->network_elements = of->tokens * (double)of->node->width;
}

/* Its tokens are those that it keeps. */
static void count_scatter(const op_case *of, rg_node_count *c) {
    c->network_elements = of->tokens * (double)of->node->width * (double)of->node->ranks;
}

static void count_exchange(const op_case *of, rg_node_count *c) {
    c->network_elements =
        of->tokens * (double)of->node->width * (double)(of->node->top_k ? of->node->top_k : 1);
}

#define COLLECTIVE(op, counted)                                                                              \
    {                                                                                                        \
        .name = op, .min_inputs = 1, .max_inputs = 1, .needs = NODE_RANKS | NODE_AXIS, .takes = NODE_TOP_K,  \
        .infer = infer, .count = counted                                                                     \
    }
const op_spec op_all_reduce = COLLECTIVE("all_reduce", count_whole);
const op_spec op_reduce_scatter = COLLECTIVE("reduce_scatter", count_scatter);
const op_spec op_all_gather = COLLECTIVE("all_gather", count_whole);
const op_spec op_all_to_all = COLLECTIVE("all_to_all", count_exchange);
