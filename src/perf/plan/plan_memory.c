/* What one layer of each kind keeps: activations for the backward pass, caches and states. */
#include "perf/plan/plan.h"

#include <stdlib.h>

/* Elements of a node's output on the rank. */
static double output_elements(const rg_graph *g, int node, double batch, double context) {
    const rg_node_count c = rg_graph_count_node(g, (size_t)node, RG_PREFILL, batch, context);
    return g->node[node].op == RG_OP_ALL_TO_ALL ? c.network_elements : c.output_elements;
}

/* What is gathered over tp is gathered again for the backward pass: its part is kept. */
static int kept_value(const rg_graph *g, int node) {
    const rg_graph_node *n = &g->node[node];
    return n->op == RG_OP_ALL_GATHER && n->axis == RG_AXIS_TP ? n->input[0] : node;
}

/* Does an earlier input than k of node i, of nodes from `from` on, keep the value? */
static bool is_kept(const rg_graph *g, size_t from, size_t i, int k, int value) {
    for (size_t j = from; j <= i; j++) {
        const rg_graph_node *n = &g->node[j];
        for (int m = 0; m < (j < i ? n->n_inputs : k); m++)
            if (n->input[m] >= 0 && rg_op_saves(n->op, m) && kept_value(g, n->input[m]) == value) return true;
    }
    return false;
}

static double scores_of(const rg_graph *g, int node, double batch, double context) {
    const rg_graph_node *n = &g->node[node];
    if (n->op != RG_OP_ATTENTION && n->op != RG_OP_MLA) return 0;
    return batch * (double)n->heads * context * context / (n->split > 1 ? (double)n->split : 1);
}

perf_kept perf_plan_kept(const perf_plan *p, size_t kind, double batch, double context) {
    const rg_graph *g = &p->rank;
    perf_kept kept = {0};
    const size_t from = p->kind[kind].from, to = p->kind[kind].to;
    for (size_t i = from; i < to; i++) {
        const rg_graph_node *n = &g->node[i];
        kept.score_elements += scores_of(g, (int)i, batch, context);
        if (n->op == RG_OP_ADD && n->n_inputs > 1 && n->layer >= 0 && n->width == g->hidden_size)
            kept.residual_elements += output_elements(g, (int)i, batch, context);
        for (int k = 0; k < n->n_inputs; k++) {
            if (n->input[k] < 0) continue;
            const int value = kept_value(g, n->input[k]);
            if (kept.input_elements == 0 && value < (int)from)
                kept.input_elements = output_elements(g, value, batch, context);
            if (rg_op_saves(n->op, k) && !is_kept(g, from, i, k, value))
                kept.elements += output_elements(g, value, batch, context);
        }
    }
    return kept;
}

double perf_plan_cache_bytes(perf_plan *p, size_t kind, double context) {
    const rg_graph *g = &p->rank;
    perf_case c = {.graph = g, .phase = RG_DECODE, .batch = 1, .context = context, .policy = &p->policy};
    double sum = 0;
    for (size_t i = p->kind[kind].from; i < p->kind[kind].to; i++) {
        const rg_graph_node *n = &g->node[i];
        const rg_node_count count = rg_graph_count_node(g, i, RG_DECODE, 1, context);
        sum += context * count.index_bytes_per_token + perf_state_bytes(&c, i);
        if (n->op == RG_OP_ATTENTION && n->window > 0 && (double)n->window < context)
            sum += (double)n->window * perf_kv_row_bytes(&c, n);
        else if (n->op == RG_OP_ATTENTION || n->op == RG_OP_MLA)
            sum += context * perf_kv_row_bytes(&c, n);
        else
            sum += 2 * context * count.cache_elements_per_token;
    }
    return sum;
}
