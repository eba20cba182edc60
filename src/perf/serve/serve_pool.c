/* Chips under one layout: the plan of a rank, what fits beside its weights, its passes. */
#include <math.h>
#include <stdio.h>

#include "perf/serve/serve.h"

static rg_status check_ranks(const rg_system *s, int64_t layers, const rg_layout *l, rg_error *err) {
    const double chips = s->n_levels ? s->level[s->n_levels - 1].n_chips : 1;
    if (l->pp > layers) {
        char most[32];
        snprintf(most, sizeof most, "at most %lld", (long long)layers);
        return rg_fail(err, RG_ERR_USAGE, "layout", most, "pp=%lld for %lld layers", (long long)l->pp,
                       (long long)layers);
    }
    if (rg_layout_ranks(l) <= chips) return RG_OK;
    char text[48];
    snprintf(text, sizeof text, "at most %.0f", chips);
    return rg_fail(err, RG_ERR_USAGE, "layout", text, "%.0f ranks, more than the chips of %s",
                   rg_layout_ranks(l), s->id);
}

/* Stages are taken as equal: an average one. */
static double weights_of(const perf_plan *p, bool experts) {
    double sum = 0;
    for (size_t i = 0; i < p->n_kinds + 2; i++)
        sum += p->kind[i].n_layers * (experts ? p->kind[i].expert_weight_bytes : p->kind[i].weight_bytes);
    return sum / (double)p->layout.pp;
}

static double cache_of(perf_plan *p, double context) {
    double sum = 0;
    for (size_t i = 0; i < p->n_kinds + 2; i++)
        sum += p->kind[i].n_layers * perf_plan_cache_bytes(p, i, context);
    return sum / (double)p->layout.pp;
}

void perf_pool_room(perf_pool *p, double context, double share, double max_batch) {
    p->memory_share = share > 0 ? share : 0.9;
    p->sequence_bytes = cache_of(&p->plan, context);
    const double room = p->memory_bytes * p->memory_share - p->weight_bytes;
    p->max_batch = room > 0 ? fmin(1e9, floor(room / p->sequence_bytes)) : 0;
    if (max_batch > 0) p->max_batch = fmin(p->max_batch, max_batch);
}

rg_status perf_pool_lay(perf_pool *p, const rg_layout *layout, rg_error *err) {
    RG_TRY(check_ranks(p->system, p->plan.rank.n_layers, layout, err));
    p->layout = p->plan.layout = *layout;
    p->replicas = (double)layout->dp;
    p->chips = rg_layout_ranks(layout);
    p->expert_bytes = weights_of(&p->plan, true);
    p->weight_bytes = p->expert_bytes + weights_of(&p->plan, false);
    return RG_OK;
}

rg_status perf_pool_open(perf_pool *out, const rg_graph *graph, const rg_system *system,
                         const rg_layout *layout, const char *policy, rg_error *err) {
    perf_pool p = {.system = system};
    const rg_chip_number *memory = rg_chip_find(&system->chip, "memory.capacity");
    if (!memory)
        return rg_fail(err, RG_ERR_UNSUPPORTED, system->chip.file, "the number in the chip's file, or --set",
                       "%s: memory.capacity is not published", system->chip.id);
    if (layout->cp > 1)
        return rg_fail(err, RG_ERR_USAGE, "layout", "cp=1: a step has one token of each sequence", "cp=%lld",
                       (long long)layout->cp);
    p.memory_bytes = memory->v.value;
    RG_TRY(perf_plan_open(&p.plan, graph, layout, policy ? policy : "", false, err));
    const rg_status status = perf_pool_lay(&p, layout, err);
    if (status == RG_OK)
        *out = p;
    else
        perf_pool_close(&p);
    return status;
}

void perf_pool_close(perf_pool *p) {
    perf_plan_close(&p->plan);
}

/* Stages work on their own part of the batch at the same time, and a token passes all of them. */
rg_status perf_pool_step(perf_pool *p, double batch, double context, double queries, perf_serve_pass *out,
                         rg_error *err) {
    const perf_plan_question q = {.system = p->system,
                                  .phase = RG_DECODE,
                                  .batch = ceil(batch / (double)p->layout.pp) * queries,
                                  .context = context};
    RG_TRY(perf_serve_pass_of(&p->plan, &q, out, err));
    out->attention_memory_s /= queries; /* the queries of a sequence read its keys once */
    return RG_OK;
}

static rg_status pass_of_prompt(perf_pool *p, double tokens, perf_serve_pass *out, rg_error *err) {
    const perf_plan_question q = {.system = p->system, .phase = RG_PREFILL, .batch = 1, .context = tokens};
    return perf_serve_pass_of(&p->plan, &q, out, err);
}

/* All that grows with the tokens, of b taken from a. */
static void take_away(perf_serve_pass *a, const perf_serve_pass *b) {
    for (int w = 0; w < PERF_N_WIDTHS; w++) {
        a->linear_compute_s[w] -= b->linear_compute_s[w];
        a->expert_compute_s[w] -= b->expert_compute_s[w];
    }
    a->attention_compute_s -= b->attention_compute_s;
    a->network_s -= b->network_s;
}

/* What is done once per chunk. */
static void repeat(perf_serve_pass *p, double chunks) {
    for (int w = 0; w < PERF_N_WIDTHS; w++) p->linear_memory_s[w] *= chunks, p->expert_memory_s[w] *= chunks;
    p->kernels *= chunks;
    p->conversions *= chunks;
    p->collectives *= chunks;
}

rg_status perf_pool_prompt(perf_pool *p, double tokens, double kept, double chunks, perf_serve_pass *out,
                           rg_error *err) {
    RG_TRY(pass_of_prompt(p, tokens, out, err));
    if (kept >= 1) {
        perf_serve_pass before;
        RG_TRY(pass_of_prompt(p, kept, &before, err));
        take_away(out, &before);
        out->bound_s -= before.bound_s;
    }
    repeat(out, chunks);
    return RG_OK;
}
