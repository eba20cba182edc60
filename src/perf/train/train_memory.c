/* What lies in the memory of one chip during a training step, by component. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "perf/train/train.h"

/* Ranks that hold the same part, and over which ZeRO shards it. */
static double copies(const rg_layout *l, bool expert) {
    const double ranks = (double)(l->tp * l->cp * l->dp);
    return expert ? ranks / (double)(l->ep * l->etp) : (double)(l->cp * l->dp);
}

double perf_train_sharded(const rg_layout *l, bool expert, int64_t from_zero) {
    return l->zero >= from_zero ? copies(l, expert) : 1;
}

static void add_parameters(double *bytes, const rg_layout *l, double n, bool expert,
                           const perf_parameter_bytes *b, bool frozen) {
    bytes[RG_TRAIN_WEIGHTS] += n * b->weight / perf_train_sharded(l, expert, 3);
    if (frozen) return;
    bytes[RG_TRAIN_GRADIENTS] += n * b->gradient / perf_train_sharded(l, expert, 2);
    bytes[RG_TRAIN_OPTIMIZER_STATE] += n * b->optimizer / perf_train_sharded(l, expert, 1);
}

perf_parameter_bytes perf_train_bytes(const rg_train_request *r) {
    const bool given = r->weight_bytes > 0 || r->gradient_bytes > 0 || r->optimizer_bytes > 0;
    return given ? (perf_parameter_bytes){r->weight_bytes, r->gradient_bytes, r->optimizer_bytes}
                 : (perf_parameter_bytes){2, 4, 12};
}

/* Microbatches that stage number `at` of p holds, in units of all its layers. */
static double held_at(const rg_layout *l, double at, double microbatches) {
    const double p = (double)l->pp, most = perf_schedule_of(l->schedule)->held(p, (double)l->vp);
    return fmin(microbatches, fmax(1, most - at));
}

static void fill(rg_train_ledger *g, const perf_train_work *w, const rg_train_request *r, double layers,
                 bool first, bool last, double held, const perf_train_constants *k) {
    const rg_layout *l = r->layout;
    const perf_parameter_bytes b = perf_train_bytes(r);
    const double share[PERF_N_REGIONS] = {first, layers / w->layers, last};
    double gathered = 0;
    for (int i = 0; i < PERF_N_REGIONS; i++) {
        add_parameters(g->bytes, l, share[i] * w->parameters[i], false, &b, r->frozen);
        add_parameters(g->bytes, l, share[i] * w->expert_parameters[i], true, &b, r->frozen);
        const double part = i == PERF_BLOCKS ? 2 / w->layers : share[i]; /* two layers, the ends whole */
        gathered += 2 * part * (w->parameters[i] + w->expert_parameters[i]);
    }
    /* the loss follows its forward pass at once: one microbatch */
    g->bytes[RG_TRAIN_ACTIVATIONS] = held * (share[PERF_BLOCKS] * w->saved_bytes[PERF_BLOCKS] +
                                             share[PERF_BEFORE] * w->saved_bytes[PERF_BEFORE]) +
                                     share[PERF_AFTER] * w->saved_bytes[PERF_AFTER];
    g->bytes[RG_TRAIN_WORKSPACE] = k->workspace_bytes + w->again_bytes + (l->zero >= 3 ? gathered : 0);
    double sum = 0;
    for (int i = 0; i < RG_N_TRAIN_MEMORY; i++) sum += g->bytes[i];
    g->bytes[RG_TRAIN_FRAGMENTATION] = k->fragmentation * sum;
    g->total_bytes = sum * (1 + k->fragmentation);
    g->layers = layers;
}

void perf_train_memory(rg_train_step *out, const perf_train_work *w, const rg_train_request *r,
                       const perf_split *split, const perf_train_constants *k) {
    const rg_layout *l = r->layout;
    const double p = (double)l->pp, m = out->microbatches, available = out->memory.available_bytes;
    memset(out->stage, 0, sizeof out->stage);
    fill(&out->stage[0], w, r, split->first, true, p == 1, held_at(l, 0, m), k);
    if (p > 2) fill(&out->stage[1], w, r, split->middle, false, false, held_at(l, 1, m), k);
    if (p > 1) fill(&out->stage[2], w, r, split->last, false, true, held_at(l, p - 1, m), k);
    static const char *const names[] = {"first", "middle", "last"};
    const rg_train_ledger *fullest = &out->stage[0];
    for (int i = 0; i < 3; i++) {
        out->stage[i].stage = p == 1 ? "only" : names[i];
        out->stage[i].available_bytes = available;
        if (out->stage[i].total_bytes > fullest->total_bytes) fullest = &out->stage[i];
    }
    out->memory = *fullest;
    out->fits = out->memory.total_bytes <= available;
}
