/* Does every entry of a policy name something that the model has? */
#include "perf/pass/perf.h"

static bool multiplies(const rg_graph *g, const rg_graph_node *n) {
    return n->weight >= 0 && g->weight[n->weight].n_dims >= 2;
}

rg_status perf_policy_check(const rg_graph *g, const rg_policy *policy, rg_error *err) {
    /* no mistakes, but without a cost of their own */
    static const rg_role free_of_cost[] = {RG_ROLE_QUERY,    RG_ROLE_SCORE,  RG_ROLE_PROBABILITY,
                                           RG_ROLE_RESIDUAL, RG_ROLE_OUTPUT, RG_ROLE_DATAPATH,
                                           RG_ROLE_ROTATION};
    if (policy->n == 0) return RG_OK;
    rg_policy used = *policy; /* a lookup marks what it finds */
    for (size_t i = 0; i < used.n; i++) used.entry[i].matched = false;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const rg_graph_node *n = &g->node[i];
        const rg_policy_place place = rg_graph_place(g, n);
        const bool router = rg_graph_feeds_router(g, i);
        if (multiplies(g, n)) {
            rg_policy_lookup(&used, router ? RG_ROLE_ROUTER : RG_ROLE_WEIGHT, place);
            rg_policy_lookup(&used, router ? RG_ROLE_ROUTER : RG_ROLE_ACTIVATION, place);
        }
        if (n->op == RG_OP_ATTENTION || n->op == RG_OP_MLA) {
            rg_policy_lookup(&used, RG_ROLE_KEY, place);
            rg_policy_lookup(&used, RG_ROLE_VALUE, place);
        }
        for (size_t r = 0; r < sizeof free_of_cost / sizeof *free_of_cost; r++)
            rg_policy_lookup(&used, free_of_cost[r], place);
    }
    return rg_policy_check(&used, err);
}
