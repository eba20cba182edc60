/* What one microbatch is for one rank: the plan's layers summed up, what is computed again, what is kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/train/train.h"

static void add_pass(perf_pass *to, const perf_pass *p, double times) {
    for (int i = 0; i < PERF_N_SEGMENTS; i++) perf_span_add(&to->segment[i], p->segment[i], times);
    to->flop += times * p->flop;
    to->calibrated_s += times * p->calibrated_s;
    to->matrix_s += times * p->matrix_s;
}

static perf_region region_of(const perf_plan *p, size_t kind) {
    return kind < p->n_kinds ? PERF_BLOCKS : kind == p->n_kinds ? PERF_BEFORE : PERF_AFTER;
}

/* ---- attention --------------------------------------------------------------------------------------- */

static bool is_softmax(const rg_graph_node *n) {
    return n->op == RG_OP_ATTENTION || n->op == RG_OP_MLA;
}

/* Features that a score and its value's weight are products of. */
static double score_width(const rg_graph_node *n) {
    const double value = n->v_head_dim > 0 ? (double)n->v_head_dim : (double)n->head_dim;
    return (n->op == RG_OP_MLA ? (double)(n->nope_dim + n->rope_dim) : (double)n->head_dim) + value;
}

static double scores_of(const rg_graph_node *n, const rg_train_request *r) {
    return (double)r->layout->microbatch * (double)n->heads * r->sequence * r->sequence /
           (n->split > 1 ? (double)n->split : 1);
}

/* Two products around a softmax (and a dropout with its mask), each a kernel that reads and writes the scores
   in two bytes; back, five products. */
static void time_unfused(const rg_graph_node *n, const rg_train_request *r, const perf_train_work *w,
                         const perf_train_constants *k, perf_span *forward, perf_span *backward) {
    const double scores = scores_of(n, r), drop = r->dropout ? 5 : 0;
    const double product_s = scores * score_width(n) / (w->score_flop_per_s * k->scores);
    const double stream_s = scores / w->memory_bytes_per_s;
    const double forward_s = 2 * perf_overlap(product_s, 2 * stream_s, 0) + (4 + drop) * stream_s;
    const double backward_s = 4 * perf_overlap(product_s, 2 * stream_s, 0) + (6 + drop) * stream_s;
    forward->estimate_s = fmax(forward_s, forward->bound_s);
    backward->estimate_s = fmax(backward_s, forward->bound_s);
}

typedef struct measured { /* [n_kinds + 2] of one layer */
    perf_plan plan;
    perf_pass *forward, *backward;
} measured;

static void unfuse(measured *m, const rg_train_request *r, const perf_train_work *w,
                   const perf_train_constants *k) {
    for (size_t i = 0; i < m->plan.n_kinds; i++)
        for (size_t j = 0; j < m->plan.kind[i].n_items; j++) {
            const perf_plan_item *item = &m->plan.kind[i].item[j];
            const rg_graph_node *n = &m->plan.rank.node[m->plan.class[item->class_index].node];
            if (n->op != RG_OP_ATTENTION) continue;
            perf_span *f = &m->forward[i].segment[PERF_SEGMENT_ATTENTION],
                      *b = &m->backward[i].segment[PERF_SEGMENT_ATTENTION];
            perf_span one = {.bound_s = f->bound_s / item->count}, back = {0};
            time_unfused(n, r, w, k, &one, &back);
            f->estimate_s = item->count * one.estimate_s;
            b->estimate_s = item->count * back.estimate_s;
        }
}

/* ---- what the graph leaves out ----------------------------------------------------------------------- */

static void add_stream(perf_pass *p, double bytes, const perf_train_work *w) {
    p->segment[PERF_SEGMENT_REST].estimate_s += bytes / w->memory_bytes_per_s;
}

/* Logits become fp32, then probabilities, then gradients in two bytes. */
static double loss_elements(const measured *m, const rg_train_request *r) {
    const rg_graph *g = &m->plan.rank;
    return (double)r->layout->microbatch * r->sequence / (double)r->layout->cp *
           (double)g->node[g->output].width;
}

static void add_unseen(perf_train_work *w, const measured *m, const rg_train_request *r) {
    const double logits = loss_elements(m, r);
    add_stream(&w->forward[PERF_AFTER], (2 + 4 + 4) * logits, w);
    add_stream(&w->backward[PERF_AFTER], (4 + 4 + 2) * logits, w);
    w->saved_bytes[PERF_AFTER] += 4 * logits;
    for (size_t i = 0; r->dropout && i < m->plan.n_kinds; i++) {
        const double masks =
            perf_plan_kept(&m->plan, i, (double)r->layout->microbatch, r->sequence).residual_elements;
        add_stream(&w->forward[PERF_BLOCKS], masks * m->plan.kind[i].n_layers, w);
        add_stream(&w->backward[PERF_BLOCKS], 5 * masks * m->plan.kind[i].n_layers, w);
    }
}

/* ---- what is kept ------------------------------------------------------------------------------------ */

static double all_bytes(const perf_kept *k, const rg_train_request *r, bool scores) {
    const double of_scores =
        scores && r->attention == RG_TRAIN_UNFUSED ? (r->dropout ? 5 : 2) * k->score_elements : 0;
    return 2 * k->elements + (r->dropout ? k->residual_elements : 0) + of_scores;
}

static void add_kept(perf_train_work *w, const measured *m, size_t kind, const rg_train_request *r) {
    const perf_kept k = perf_plan_kept(&m->plan, kind, (double)r->layout->microbatch, r->sequence);
    const perf_region region = region_of(&m->plan, kind);
    const rg_recompute again = region == PERF_BLOCKS ? r->layout->recompute : RG_RECOMPUTE_NONE;
    const double bytes =
        again == RG_RECOMPUTE_FULL ? 2 * k.input_elements : all_bytes(&k, r, again == RG_RECOMPUTE_NONE);
    w->saved_bytes[region] += m->plan.kind[kind].n_layers * bytes;
    if (again != RG_RECOMPUTE_NONE) w->again_bytes = fmax(w->again_bytes, all_bytes(&k, r, true) - bytes);
}

/* ---- what is computed again, and FLOP ---------------------------------------------------------------- */

/* Matrix FLOP of the linear operators of a layer, and of those behind the last value that its backward pass
   needs. */
static void add_tail(const rg_graph *g, size_t from, size_t to, const rg_train_request *r, double *all,
                     double *tail) {
    size_t last = from;
    for (size_t i = from; i < to; i++)
        for (int k = 0; k < g->node[i].n_inputs; k++)
            if (rg_op_saves(g->node[i].op, k) && g->node[i].input[k] > (int)last)
                last = (size_t)g->node[i].input[k];
    for (size_t i = from; i < to; i++) {
        if (g->node[i].op != RG_OP_LINEAR) continue;
        const double flop =
            rg_graph_count_node(g, i, RG_PREFILL, (double)r->layout->microbatch, r->sequence).matrix_flop;
        *all += flop;
        if (i > last) *tail += flop;
    }
}

typedef struct linear_flop {
    double all, tail;
} linear_flop;

/* Of all layers. */
static linear_flop linear_flop_of(const rg_graph *g, const rg_train_request *r) {
    linear_flop sum = {0};
    for (size_t from = 0; from < g->n_nodes;) {
        size_t to = from;
        while (to < g->n_nodes && g->node[to].layer == g->node[from].layer) to++;
        if (g->node[from].layer >= 0) add_tail(g, from, to, r, &sum.all, &sum.tail);
        from = to;
    }
    return sum;
}

static void add_again(perf_train_work *w, const rg_graph *g, const rg_train_request *r,
                      double attention_flop) {
    const perf_pass *f = &w->forward[PERF_BLOCKS];
    if (r->layout->recompute == RG_RECOMPUTE_FULL) {
        const linear_flop of = linear_flop_of(g, r);
        const double tail = r->stops_early && of.all > 0 ? of.tail / of.all : 0;
        perf_span *linear = &w->recompute.segment[PERF_SEGMENT_LINEAR], less = {0};
        w->recompute = *f;
        perf_span_add(&less, *linear, 1 - tail);
        *linear = less;
        w->recompute_flop = f->flop - tail * of.all;
    } else if (r->layout->recompute == RG_RECOMPUTE_SELECTIVE && r->attention == RG_TRAIN_UNFUSED) {
        w->recompute.segment[PERF_SEGMENT_ATTENTION] = f->segment[PERF_SEGMENT_ATTENTION];
        w->recompute_flop = attention_flop;
    }
}

static void add_flop(perf_train_work *w, const measured *m, const rg_train_request *r) {
    double attended = 0, square = 0;
    const rg_graph *g = &m->plan.rank;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const rg_graph_node *n = &g->node[i];
        if (!is_softmax(n)) continue;
        const double all = 2 * scores_of(n, r) * score_width(n);
        square += all;
        attended += all * (n->mask ? 1 : (r->sequence + 1) / (2 * r->sequence));
    }
    for (int i = 0; i < PERF_N_REGIONS; i++) w->flop += w->forward[i].flop;
    w->square_flop = w->flop + square - attended;
    add_again(w, g, r, attended);
}

/* ---- all of it --------------------------------------------------------------------------------------- */

static void add_kinds(perf_train_work *w, measured *m, const rg_train_request *r) {
    for (size_t i = 0; i < m->plan.n_kinds + 2; i++) {
        const perf_region at = region_of(&m->plan, i);
        const double n = m->plan.kind[i].n_layers;
        if (r->frozen) /* gradients of inputs alone */
            for (int s = PERF_SEGMENT_LINEAR; s <= PERF_SEGMENT_EXPERTS; s++) {
                perf_span half = {0};
                perf_span_add(&half, m->backward[i].segment[s], 0.5);
                m->backward[i].segment[s] = half;
            }
        add_pass(&w->forward[at], &m->forward[i], n);
        add_pass(&w->backward[at], &m->backward[i], n);
        w->parameters[at] += n * m->plan.kind[i].weight_elements;
        w->expert_parameters[at] += n * m->plan.kind[i].expert_weight_elements;
        for (size_t j = 0; at == PERF_BLOCKS && j < m->plan.kind[i].n_items; j++)
            w->kernels += n * m->plan.kind[i].item[j].count;
        add_kept(w, m, i, r);
    }
}

/* Rates of the type that the largest multiplication in a layer runs as, and of bf16; bandwidth that streams
   reach. */
static void find_rates(perf_train_work *w, const measured *m, const rg_train_request *r,
                       const rg_calibrations *all) {
    perf_typical typical = {.bandwidth = 1};
    const rg_chip *chip = &r->system->chip;
    double most = 0;
    for (size_t i = 0; i < m->plan.n_kinds; i++) {
        if (!(m->forward[i].most_flop > most)) continue;
        most = m->forward[i].most_flop;
        w->peak_flop_per_s = m->forward[i].peak_flop_per_s;
    }
    perf_typical_of(all, chip, &typical);
    w->memory_bytes_per_s = chip->memory_bytes_per_s.value * typical.bandwidth;
    w->score_flop_per_s = w->peak_flop_per_s;
    rg_chip_rate_of(chip, "bf16", &w->score_flop_per_s, NULL);
}

static rg_status fill(perf_train_work *w, measured *m, const rg_train_request *r, const rg_calibrations *all,
                      const perf_train_constants *k, rg_error *err) {
    const perf_plan_question q = {.system = r->system,
                                  .all = all,
                                  .phase = RG_PREFILL,
                                  .batch = (double)r->layout->microbatch,
                                  .context = r->sequence};
    RG_TRY(perf_plan_times(&m->plan, &q, m->forward, m->backward, err));
    find_rates(w, m, r, all);
    w->layers = (double)m->plan.rank.n_layers;
    if (r->attention == RG_TRAIN_UNFUSED) unfuse(m, r, w, k);
    add_kinds(w, m, r);
    add_unseen(w, m, r);
    add_flop(w, m, r);
    return RG_OK;
}

rg_status perf_train_measure(perf_train_work *out, const rg_train_request *r, const rg_calibrations *all,
                             const perf_train_constants *k, rg_error *err) {
    perf_train_work w = {0};
    measured m = {0};
    RG_TRY(perf_plan_open(&m.plan, r->graph, r->layout, r->policy, true, err));
    m.forward = calloc(m.plan.n_kinds + 2, sizeof *m.forward);
    m.backward = calloc(m.plan.n_kinds + 2, sizeof *m.backward);
    rg_status status = m.forward && m.backward ? fill(&w, &m, r, all, k, err)
                                               : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    free(m.forward);
    free(m.backward);
    perf_plan_close(&m.plan);
    if (status == RG_OK) *out = w;
    return status;
}
