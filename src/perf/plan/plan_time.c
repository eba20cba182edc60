/* What one layer of each kind takes, forward and backward. */
#include "perf/operators/models.h"
#include "perf/plan/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct asked {
    perf_plan *plan;
    const perf_plan_question *q;
    perf_case c;
    double attention_backward;
} asked;

bool perf_is_collective(rg_op op) {
    return op == RG_OP_ALL_REDUCE || op == RG_OP_REDUCE_SCATTER || op == RG_OP_ALL_GATHER ||
           op == RG_OP_ALL_TO_ALL;
}

perf_segment perf_segment_of(const rg_graph_node *n) {
    static const perf_segment of_axis[] = {[RG_AXIS_TP] = PERF_SEGMENT_TP,
                                           [RG_AXIS_CP] = PERF_SEGMENT_CP,
                                           [RG_AXIS_EP] = PERF_SEGMENT_EP,
                                           [RG_AXIS_ETP] = PERF_SEGMENT_EP};
    if (perf_is_collective(n->op)) return of_axis[n->axis];
    switch (n->op) {
    case RG_OP_LINEAR:
    case RG_OP_GROUPED_LINEAR:
        return PERF_SEGMENT_LINEAR;
    case RG_OP_EXPERT_LINEAR:
        return PERF_SEGMENT_EXPERTS;
    case RG_OP_ATTENTION:
    case RG_OP_MLA:
    case RG_OP_MLA_SELECTED:
    case RG_OP_COMPRESSED_ATTENTION:
    case RG_OP_INDEXER:
    case RG_OP_GATED_DELTA:
    case RG_OP_MAMBA2:
        return PERF_SEGMENT_ATTENTION;
    default:
        return PERF_SEGMENT_REST;
    }
}

/* ---- exchanges --------------------------------------------------------------------------------------- */

/* Chips between two ranks of a group: tp are neighbours, then cp, then dp. */
static double stride_of(const rg_layout *l, const rg_graph_node *n) {
    switch (n->axis) {
    case RG_AXIS_CP:
        return (double)l->tp;
    case RG_AXIS_EP:
        return (double)l->etp;
    default:
        return 1;
    }
}

/* Tokens travel to experts as the policy stores what experts read. */
static double element_bytes(perf_plan *plan, const perf_plan_class *k) {
    const rg_graph *g = &plan->rank;
    if (g->node[k->node].op != RG_OP_ALL_TO_ALL || k->reader < 0 ||
        g->node[k->reader].op != RG_OP_EXPERT_LINEAR)
        return 2;
    const rg_graph_node *n = &g->node[k->reader];
    const rg_quant *q = rg_policy_lookup(&plan->policy, RG_ROLE_ACTIVATION, rg_graph_place(g, n));
    const double width = (double)g->node[k->node].width;
    return q ? ceil((double)rg_format_stored_size(&q->format, 1, (size_t)width, true).packed_bits / 8) / width
             : 2;
}

/* Of the copies of a token that travel to experts, or of their results, the share that has to: one for each
   chip that has some of its experts, or node where they are on several, by the mean under even choice. */
static double least_share(const perf_plan *plan, const rg_system *system, const rg_graph_node *n) {
    const double copies =
        n->top_k > 0 ? (double)n->top_k : (double)n->width / fmax(1, (double)plan->rank.hidden_size);
    const double span = (double)n->ranks * stride_of(&plan->layout, n),
                 node = system->n_levels ? system->level[0].n_chips : 1;
    const double places = span > node ? span / node : (double)n->ranks;
    if (n->op != RG_OP_ALL_TO_ALL || !(copies > 1) || !(places > 1)) return 1;
    return fmin(1, places * (1 - pow(1 - 1 / places, copies)) / copies);
}

rg_status perf_plan_exchange(perf_plan *plan, const perf_plan_question *q, const perf_plan_class *k,
                             rg_collective_time *out, rg_error *err) {
    static const rg_collective as[] = {RG_ALL_REDUCE, RG_REDUCE_SCATTER, RG_ALL_GATHER, RG_ALL_TO_ALL};
    const rg_graph_node *n = &plan->rank.node[k->node];
    const rg_node_count count =
        rg_graph_count_node(&plan->rank, (size_t)k->node, q->phase, q->batch, q->context);
    const double bytes = count.network_elements * element_bytes(plan, k);
    *out = (rg_collective_time){.kind = "assumed"};
    if (!(bytes > 0)) return RG_OK;
    RG_TRY(rg_perf_collective(q->system, q->all, as[n->op - RG_OP_ALL_REDUCE], "half", (double)n->ranks,
                              stride_of(&plan->layout, n), bytes, out, err));
    out->bound_s *= least_share(plan, q->system, n);
    return RG_OK;
}

/* ---- operators --------------------------------------------------------------------------------------- */

static perf_span span_of(const rg_estimate *e) {
    return (perf_span){e->bound_s, e->estimate_s, e->lo80_s, e->hi80_s};
}

static perf_span times(perf_span s, double factor) {
    return (perf_span){factor * s.bound_s, factor * s.estimate_s, factor * s.lo80_s, factor * s.hi80_s};
}

/* Gradients of a linear operator's input (m x k, contracted over n) and weight (n x k, over m). */
static perf_span backward_linear(asked *a, const perf_plan_class *k, const perf_cost *cost,
                                 perf_span forward) {
    const rg_graph *g = &a->plan->rank;
    const rg_graph_weight *w = &g->weight[g->node[k->node].weight];
    const double n = (double)w->shape[w->n_dims - 2], in = (double)w->shape[w->n_dims - 1],
                 m = fmax(1, cost->matrix_flop / (2 * n * in));
    rg_estimate dx, dw;
    const perf_span bound = {.bound_s = fmax(cost->matrix_s, cost->memory_s) + cost->matrix_s};
    if (!a->q->all || !perf_estimate_gemm(&a->c, a->q->all, cost, m, in, n, &dx) ||
        !perf_estimate_gemm(&a->c, a->q->all, cost, n, in, m, &dw))
        return (perf_span){bound.bound_s, 2 * forward.estimate_s, 2 * forward.lo80_s, 2 * forward.hi80_s};
    perf_span sum = bound;
    sum.estimate_s = fmax(dx.estimate_s + dw.estimate_s, bound.bound_s);
    sum.lo80_s = fmin(fmax(dx.lo80_s + dw.lo80_s, bound.bound_s), sum.estimate_s);
    sum.hi80_s = fmax(dx.hi80_s + dw.hi80_s, sum.estimate_s);
    return sum;
}

static perf_span backward_of(asked *a, const perf_plan_class *k, const perf_cost *cost, perf_span forward) {
    switch (perf_segment_of(&a->plan->rank.node[k->node])) {
    case PERF_SEGMENT_LINEAR:
        if (a->plan->rank.node[k->node].op == RG_OP_LINEAR) return backward_linear(a, k, cost, forward);
        return times(forward, 2);
    case PERF_SEGMENT_EXPERTS:
        return times(forward, 2);
    case PERF_SEGMENT_ATTENTION: {
        perf_span s = times(forward, a->attention_backward);
        s.bound_s = fmin(s.bound_s, 2.5 * forward.bound_s);
        return s;
    }
    case PERF_SEGMENT_REST:
        return times(forward, 2);
    default:
        return forward; /* the mirrored exchange moves as much */
    }
}

typedef struct class_time {
    perf_segment segment;
    perf_span forward, backward;
    double flop, memory_s, matrix_s, flop_per_s;
    bool calibrated;
} class_time;

static rg_status time_class(asked *a, const perf_plan_class *k, bool backward, class_time *out,
                            rg_error *err) {
    const rg_graph_node *n = &a->plan->rank.node[k->node];
    perf_cost cost = {0};
    *out = (class_time){.segment = perf_segment_of(n)};
    if (perf_is_collective(n->op)) {
        rg_collective_time t;
        RG_TRY(perf_plan_exchange(a->plan, a->q, k, &t, err));
        out->forward = (perf_span){t.bound_s, t.estimate_s, t.lo80_s, t.hi80_s};
        out->calibrated = t.kind && strcmp(t.kind, "calibrated") == 0;
    } else {
        rg_estimate e = {.kind = "transferred"};
        RG_TRY(perf_cost_of(&a->c, (size_t)k->node, &cost, err));
        e.bound_s = fmax(cost.memory_s, fmax(cost.matrix_s, cost.vector_s));
        e.estimate_s = e.lo80_s = e.hi80_s = e.bound_s;
        if (a->q->all) perf_estimate_node(&a->c, a->q->all, (size_t)k->node, &cost, e.bound_s, &e);
        out->forward = span_of(&e);
        out->flop = cost.matrix_flop;
        out->memory_s = cost.memory_s;
        out->matrix_s = cost.matrix_s;
        if (n->op == RG_OP_LINEAR || n->op == RG_OP_EXPERT_LINEAR)
            out->flop_per_s = cost.execution.flop_per_s;
        out->calibrated = strcmp(e.kind, "calibrated") == 0;
    }
    if (backward) out->backward = backward_of(a, k, &cost, out->forward);
    return RG_OK;
}

static void add_time(perf_pass *pass, const class_time *t, perf_span s, double flop, double count) {
    perf_span_add(&pass->segment[t->segment], s, count);
    pass->flop += count * flop;
    if (t->calibrated) pass->calibrated_s += count * s.estimate_s;
    pass->memory_s += count * t->memory_s;
    pass->matrix_s += count * t->matrix_s;
    if (t->flop_per_s > 0 && t->flop > pass->most_flop) {
        pass->most_flop = t->flop;
        pass->peak_flop_per_s = t->flop_per_s;
    }
}

/* Each class is timed once, where it is met first, and added wherever it occurs. */
static rg_status add_class(asked *a, size_t index, perf_pass *forward, perf_pass *backward, rg_error *err) {
    class_time t;
    RG_TRY(time_class(a, &a->plan->class[index], backward != NULL, &t, err));
    const double more = t.segment == PERF_SEGMENT_ATTENTION ? 2.5 : 2;
    for (size_t k = 0; k < a->plan->n_kinds + 2; k++)
        for (size_t i = 0; i < a->plan->kind[k].n_items; i++) {
            const perf_plan_item *item = &a->plan->kind[k].item[i];
            if (item->class_index != (int)index) continue;
            add_time(&forward[k], &t, t.forward, t.flop, item->count);
            if (backward) add_time(&backward[k], &t, t.backward, more * t.flop, item->count);
        }
    return RG_OK;
}

rg_status perf_plan_times(perf_plan *plan, const perf_plan_question *q, perf_pass *forward,
                          perf_pass *backward, rg_error *err) {
    asked a = {
        .plan = plan, .q = q, .attention_backward = q->attention_backward > 0 ? q->attention_backward : 2.5};
    RG_TRY(perf_case_set(&a.c, &plan->rank, &q->system->chip, q->phase, q->batch, q->context, &plan->policy,
                         plan->all_fp32, err));
    memset(forward, 0, (plan->n_kinds + 2) * sizeof *forward);
    if (backward) memset(backward, 0, (plan->n_kinds + 2) * sizeof *backward);
    for (size_t i = 0; i < plan->n_classes; i++) RG_TRY(add_class(&a, i, forward, backward, err));
    return RG_OK;
}
