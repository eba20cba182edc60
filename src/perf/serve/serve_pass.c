/* One pass of a rank: its times at data sheet rates, by what limits them. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "perf/serve/serve.h"

/* Of "bf16", "fp8", "fp4", "int8": 0, 1, 2, 1. */
static int width_of(const char *rate) {
    while (*rate && !isdigit((unsigned char)*rate)) rate++;
    const long bits = strtol(rate, NULL, 10);
    return bits >= 16 || bits == 0 ? 0 : bits >= 8 ? 1 : 2;
}

static bool is_linear(rg_op op) {
    return op == RG_OP_LINEAR || op == RG_OP_EXPERT_LINEAR || op == RG_OP_GROUPED_LINEAR;
}

/* Linear operators that read the same input run as one kernel. */
static bool is_merged(const rg_graph *g, size_t node) {
    const rg_graph_node *n = &g->node[node];
    for (size_t back = 1; back <= 8 && back <= node; back++) {
        const rg_graph_node *m = &g->node[node - back];
        if (m->op == n->op && m->layer == n->layer && m->input[0] == n->input[0]) return true;
    }
    return false;
}

/* What runs beside its neighbours in one kernel counts as none. */
static double kernels_of(const rg_graph *g, size_t node) {
    switch (g->node[node].op) {
    case RG_OP_ADD:
    case RG_OP_SLICE:
    case RG_OP_CONCAT:
    case RG_OP_ROWS_OF:
    case RG_OP_APPEND:
        return 0;
    case RG_OP_MLA: /* the products with its weight, before and behind */
    case RG_OP_MLA_SELECTED:
        return 3;
    case RG_OP_INDEXER: /* scores, then the choice */
        return 2;
    default:
        return is_linear(g->node[node].op) && is_merged(g, node) ? 0 : 1;
    }
}

typedef struct work {
    perf_plan *plan;
    const perf_plan_question *q;
    perf_case c;
    perf_serve_pass pass;
    rg_error *err;
} work;

static rg_status add_collective(work *w, const perf_plan_class *k, double times) {
    rg_collective_time t;
    RG_TRY(perf_plan_exchange(w->plan, w->q, k, &t, w->err));
    w->pass.network_s += times * t.bound_s;
    w->pass.bound_s += times * t.bound_s;
    w->pass.collectives += times;
    return RG_OK;
}

static void add_linear(work *w, const rg_graph_node *n, const perf_cost *cost, double kernels, double times) {
    perf_serve_pass *p = &w->pass;
    const int width = width_of(cost->execution.runs_as);
    const bool experts = n->op == RG_OP_EXPERT_LINEAR;
    (experts ? p->expert_memory_s : p->linear_memory_s)[width] += times * cost->memory_s;
    (experts ? p->expert_compute_s : p->linear_compute_s)[width] += times * cost->matrix_s;
    if (width > 0) p->conversions += times * kernels;
}

static rg_status add_class(work *w, const perf_plan_class *k, double times) {
    const rg_graph_node *n = &w->plan->rank.node[k->node];
    if (perf_is_collective(n->op)) return add_collective(w, k, times);
    perf_cost cost;
    RG_TRY(perf_cost_of(&w->c, (size_t)k->node, &cost, w->err));
    perf_serve_pass *p = &w->pass;
    const double kernels = kernels_of(&w->plan->rank, (size_t)k->node);
    p->kernels += times * kernels;
    p->bound_s += times * fmax(fmax(cost.matrix_s, cost.vector_s), cost.memory_s);
    if (is_linear(n->op) && cost.multiplies) {
        add_linear(w, n, &cost, kernels, times);
    } else if (perf_segment_of(n) == PERF_SEGMENT_ATTENTION) {
        p->attention_memory_s += times * cost.memory_s;
        p->attention_compute_s += times * cost.matrix_s;
    } else {
        p->linear_memory_s[0] += times * cost.memory_s;
        p->linear_compute_s[0] += times * cost.matrix_s;
    }
    return RG_OK;
}

rg_status perf_serve_pass_of(perf_plan *plan, const perf_plan_question *q, perf_serve_pass *out,
                             rg_error *err) {
    work w = {.plan = plan, .q = q, .err = err};
    RG_TRY(perf_case_set(&w.c, &plan->rank, &q->system->chip, q->phase, q->batch, q->context, &plan->policy,
                         plan->all_fp32, err));
    for (size_t i = 0; i < plan->n_kinds + 2; i++) {
        const perf_plan_kind *kind = &plan->kind[i];
        for (size_t k = 0; k < kind->n_items; k++)
            RG_TRY(add_class(&w, &plan->class[kind->item[k].class_index],
                             kind -> item[k].count * kind->n_layers));
    }
    *out = w.pass;
    return RG_OK;
}
