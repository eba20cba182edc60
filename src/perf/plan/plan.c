/* Equal operators and equal layers of a rank's graph, taken together. */
#include "perf/plan/plan.h"

#include <stdlib.h>
#include <string.h>

static const char *const segments[PERF_N_SEGMENTS] = {"linear", "experts", "attention", "rest",
                                                      "tp",     "cp",      "ep"};

const char *perf_segment_name(perf_segment segment) {
    return segments[segment];
}

perf_span perf_pass_total(const perf_pass *pass) {
    perf_span sum = {0};
    for (int i = 0; i < PERF_N_SEGMENTS; i++) perf_span_add(&sum, pass->segment[i], 1);
    return sum;
}

/* ---- classes ----------------------------------------------------------------------------------------- */

static int class_of(perf_plan *p, int node) {
    for (size_t i = 0; i < p->n_classes; i++)
        if (perf_same_node(&p->rank, &p->policy, p->class[i].node, node)) return (int)i;
    p->class[p->n_classes] = (perf_plan_class){node, -1};
    const rg_graph *g = &p->rank;
    for (size_t i = (size_t)node + 1; i < g->n_nodes && p->class[p->n_classes].reader < 0; i++)
        for (int k = 0; k < g->node[i].n_inputs; k++)
            if (g->node[i].input[k] == node) p->class[p->n_classes].reader = (int)i;
    return (int)p->n_classes++;
}

/* ---- kinds ------------------------------------------------------------------------------------------- */

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

static void add_item(perf_plan_kind *k, int class_index) {
    for (size_t i = 0; i < k->n_items; i++)
        if (k->item[i].class_index == class_index) {
            k->item[i].count++;
            return;
        }
    k->item[k->n_items++] = (perf_plan_item){class_index, 1};
}

static double stored_bytes(const rg_quant *q, const rg_graph_weight *w) {
    double elements = 1;
    for (int d = 0; d < w->n_dims; d++) elements *= (double)w->shape[d];
    if (!q || w->n_dims < 2) return 2 * elements;
    const size_t rows = (size_t)w->shape[w->n_dims - 2], cols = (size_t)w->shape[w->n_dims - 1];
    return elements / ((double)rows * (double)cols) *
           (double)((rg_format_stored_size(&q->format, rows, cols, false).packed_bits + 7) / 8);
}

static void add_weights(perf_plan *p, perf_plan_kind *k, const rg_graph_node *n) {
    const rg_graph *g = &p->rank;
    const bool experts = n->op == RG_OP_EXPERT_LINEAR;
    const rg_role role = rg_graph_feeds_router(g, (size_t)(n - g->node)) ? RG_ROLE_ROUTER : RG_ROLE_WEIGHT;
    const int all[2 + RG_MAX_EXTRA] = {n->weight,   n->bias,     n->extra[0],
                                       n->extra[1], n->extra[2], n->extra[3]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i] < 0 || g->weight[all[i]].tied_to >= 0) continue;
        const rg_graph_weight *w = &g->weight[all[i]];
        const rg_quant *q = i == 0 ? rg_policy_lookup(&p->policy, role, rg_graph_place(g, n)) : NULL;
        double elements = 1;
        for (int d = 0; d < w->n_dims; d++) elements *= (double)w->shape[d];
        *(experts ? &k->expert_weight_elements : &k->weight_elements) += elements;
        *(experts ? &k->expert_weight_bytes : &k->weight_bytes) += stored_bytes(q, w);
    }
}

static bool same_kind(const perf_plan_kind *a, const perf_plan_kind *b) {
    if (a->n_items != b->n_items) return false;
    for (size_t i = 0; i < a->n_items; i++)
        if (a->item[i].class_index != b->item[i].class_index || a->item[i].count != b->item[i].count)
            return false;
    return true;
}

/* Nodes [from, to) as a new kind at the end of the list. */
static rg_status make_kind(perf_plan *p, size_t from, size_t to, perf_plan_kind *k, rg_error *err) {
    *k = (perf_plan_kind){.n_layers = 1, .from = from, .to = to};
    k->item = rg_arena_alloc(&p->arena, to - from + 1, sizeof *k->item);
    if (!k->item) return no_memory(err);
    for (size_t i = from; i < to; i++) {
        add_item(k, class_of(p, (int)i));
        add_weights(p, k, &p->rank.node[i]);
    }
    return RG_OK;
}

/* Where the layer that begins at node `at` ends: what lies between two layers belongs to the first. */
static size_t layer_end(const rg_graph *g, size_t at, size_t last) {
    size_t end = at + 1;
    while (end < last && (g->node[end].layer == g->node[at].layer || g->node[end].layer < 0)) end++;
    return end;
}

static rg_status add_layer(perf_plan *p, size_t from, size_t to, rg_error *err) {
    perf_plan_kind k;
    size_t like = 0;
    RG_TRY(make_kind(p, from, to, &k, err));
    while (like < p->n_kinds && !same_kind(&p->kind[like], &k)) like++;
    if (like == p->n_kinds)
        p->kind[p->n_kinds++] = k;
    else
        p->kind[like].n_layers++;
    p->kind_of_layer[p->n_layers++] = (int)like;
    return RG_OK;
}

/* Layers stand one behind the other; encoder and decoder, whose layers are both counted from 0, too. */
static rg_status find_kinds(perf_plan *p, rg_error *err) {
    const rg_graph *g = &p->rank;
    size_t first = 0, last = g->n_nodes, layers = 0;
    perf_plan_kind before, behind;
    while (first < last && g->node[first].layer < 0) first++;
    while (last > first && g->node[last - 1].layer < 0) last--;
    for (size_t at = first; at < last; at = layer_end(g, at, last)) layers++;
    p->kind = rg_arena_alloc(&p->arena, layers + 2, sizeof *p->kind);
    p->kind_of_layer = rg_arena_alloc(&p->arena, layers + 1, sizeof *p->kind_of_layer);
    if (!p->kind || !p->kind_of_layer) return no_memory(err);
    RG_TRY(make_kind(p, 0, first, &before, err));
    for (size_t at = first; at < last; at = layer_end(g, at, last))
        RG_TRY(add_layer(p, at, layer_end(g, at, last), err));
    RG_TRY(make_kind(p, last, g->n_nodes, &behind, err));
    p->kind[p->n_kinds] = before;
    p->kind[p->n_kinds + 1] = behind;
    return RG_OK;
}

rg_status perf_plan_open(perf_plan *out, const rg_graph *whole, const rg_layout *layout, const char *policy,
                         bool training, rg_error *err) {
    perf_plan p = {.layout = *layout};
    RG_TRY(rg_policy_parse(policy ? policy : "", &p.policy, err));
    RG_TRY(perf_policy_check(whole, &p.policy, err));
    RG_TRY(rg_graph_shard(&p.rank, whole, layout, err));
    p.rank.every_row = p.rank.every_row || training;
    p.all_fp32 = policy && strcmp(policy, "fp32") == 0;
    p.class = rg_arena_alloc(&p.arena, p.rank.n_nodes + 1, sizeof *p.class);
    const rg_status status = p.class ? find_kinds(&p, err) : no_memory(err);
    if (status == RG_OK)
        *out = p;
    else
        perf_plan_close(&p);
    return status;
}

void perf_plan_close(perf_plan *plan) {
    if (!plan) return;
    rg_graph_close(&plan->rank);
    rg_arena_free(&plan->arena);
    memset(plan, 0, sizeof *plan);
}
