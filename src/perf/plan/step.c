/* A prompt or a decode step: the layers of all stages behind each other. */
#include "perf/plan/step.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const parts[RG_N_STEP_PARTS] = {"linear", "experts", "attention", "rest",
                                                   "tp",     "cp",      "ep",        "pp"};
static const char *const components[RG_N_STEP_MEMORY] = {"weights", "kv", "workspace"};

const char *rg_step_part_name(rg_step_part part) {
    return parts[part];
}

const char *rg_step_memory_name(rg_step_memory component) {
    return components[component];
}

typedef struct work {
    const rg_step_request *r;
    perf_cached got;
    const rg_calibrations *all;
    rg_step *out;
    double replica_batch, group,
        groups; /* sequences of a replica; that pass together; how many such groups */
    rg_error *err;
} work;

static rg_status check(const rg_step_request *r, rg_error *err) {
    const rg_layout *l = r->layout;
    const double dp = (double)l->dp, ranks = rg_layout_ranks(l);
    char text[80];
    if (!(r->batch >= 1 && r->batch <= 1e9) || r->batch != floor(r->batch))
        return rg_fail(err, RG_ERR_USAGE, "batch", "a whole number of sequences, 1 or more", "%g", r->batch);
    if (fmod(r->batch, dp) != 0) {
        const double below = floor(r->batch / dp) * dp;
        if (below > 0)
            snprintf(text, sizeof text, "%.0f or %.0f", below, below + dp);
        else
            snprintf(text, sizeof text, "%.0f", dp);
        return rg_fail(err, RG_ERR_USAGE, "batch", text, "dp=%lld does not divide %g sequences",
                       (long long)l->dp, r->batch);
    }
    if (l->pp > r->graph->n_layers) {
        snprintf(text, sizeof text, "%lld", (long long)r->graph->n_layers);
        return rg_fail(err, RG_ERR_USAGE, "layout", text, "pp=%lld for %lld layers", (long long)l->pp,
                       (long long)r->graph->n_layers);
    }
    if (r->phase == RG_DECODE && l->cp > 1)
        return rg_fail(err, RG_ERR_USAGE, "layout", "cp=1: a step has one token of each sequence", "cp=%lld",
                       (long long)l->cp);
    const rg_system *s = r->system;
    const double chips = s->n_levels ? s->level[s->n_levels - 1].n_chips : 1;
    if (ranks <= chips) return RG_OK;
    snprintf(text, sizeof text, "at most %.0f", chips);
    return rg_fail(err, RG_ERR_USAGE, "layout", text, "%.0f ranks, more than the chips of %s", ranks, s->id);
}

/* ---- time -------------------------------------------------------------------------------------------- */

/* One group through all stages. */
static perf_pass whole_pass(const work *w) {
    perf_pass sum = {0};
    for (size_t k = 0; k < w->got.plan->n_kinds + 2; k++) {
        const perf_pass *p = &w->got.forward[k];
        const double n = w->got.plan->kind[k].n_layers;
        for (int i = 0; i < PERF_N_SEGMENTS; i++) perf_span_add(&sum.segment[i], p->segment[i], n);
        sum.flop += n * p->flop;
        sum.calibrated_s += n * p->calibrated_s;
        sum.memory_s += n * p->memory_s;
        sum.matrix_s += n * p->matrix_s;
        if (k < w->got.plan->n_kinds && p->most_flop > sum.most_flop) {
            sum.most_flop = p->most_flop;
            sum.peak_flop_per_s = p->peak_flop_per_s;
        }
    }
    return sum;
}

/* Layers of a stage, [from, to); -1 and n_layers are what stands at the ends. */
typedef struct span_of_layers {
    int64_t from, to;
} span_of_layers;

static span_of_layers stage_of(const work *w, int64_t number) {
    const int64_t layers = (int64_t)w->got.plan->n_layers, pp = w->r->layout->pp;
    return (span_of_layers){number * layers / pp - (number == 0),
                            (number + 1) * layers / pp + (number == pp - 1)};
}

static size_t kind_at(const perf_plan *p, int64_t layer) {
    return layer < 0                       ? p->n_kinds
           : layer == (int64_t)p->n_layers ? p->n_kinds + 1
                                           : (size_t)p->kind_of_layer[layer];
}

/* Share that the slowest stage has of a pass. */
static double slowest_share(const work *w) {
    double most = 0, sum = 0;
    for (int64_t i = 0; i < w->r->layout->pp; i++) {
        const span_of_layers st = stage_of(w, i);
        double s = 0;
        for (int64_t k = st.from; k < st.to; k++)
            s += perf_pass_total(&w->got.forward[kind_at(w->got.plan, k)]).estimate_s;
        most = fmax(most, s);
        sum += s;
    }
    return most / sum;
}

/* Sends between stages, of one group. */
static rg_status sends(const work *w, perf_span *out) {
    const rg_layout *l = w->r->layout;
    *out = (perf_span){0};
    if (l->pp == 1) return RG_OK;
    const double tokens =
        w->group * (w->r->phase == RG_PREFILL ? w->r->context : 1) / (double)(l->cp * l->tp);
    rg_collective_time t; /* each rank of tp sends its part of the features */
    RG_TRY(rg_perf_collective(w->r->system, w->all, RG_SEND, "half", 2, (double)(l->tp * l->cp * l->dp),
                              2 * tokens * (double)w->r->graph->hidden_size, &t, w->err));
    perf_span_add(out, (perf_span){t.bound_s, t.estimate_s, t.lo80_s, t.hi80_s}, (double)(l->pp - 1));
    return RG_OK;
}

static const char *limiter_of(const perf_pass *p, const perf_span *send) {
    const double network = p->segment[PERF_SEGMENT_TP].estimate_s + p->segment[PERF_SEGMENT_CP].estimate_s +
                           p->segment[PERF_SEGMENT_EP].estimate_s + send->estimate_s;
    const double all = perf_pass_total(p).estimate_s + send->estimate_s;
    return network > all / 2 ? "network" : p->memory_s > p->matrix_s ? "memory" : "compute";
}

/* Groups follow each other: the last one leaves when all stages have seen all groups, each further one behind
   the slowest stage. The bound takes stages that are alike. */
static rg_status add_time(work *w) {
    rg_step *s = w->out;
    perf_span send, total;
    const perf_pass pass = whole_pass(w);
    RG_TRY(sends(w, &send));
    total = perf_pass_total(&pass);
    perf_span_add(&total, send, 1);
    const double pp = (double)w->r->layout->pp;
    const bool prompts = w->r->phase == RG_PREFILL;
    const double slowest = pp > 1 ? slowest_share(w) : 1,
                 rounds = prompts ? 1 + (w->groups - 1) * slowest : fmax(1, w->groups * slowest);
    s->bound_s = (prompts ? 1 + (w->groups - 1) / pp : 1) * total.bound_s;
    s->estimate_s = rounds * total.estimate_s;
    s->lo80_s = rounds * total.lo80_s;
    s->hi80_s = rounds * total.hi80_s;
    const double busy = prompts ? w->groups / pp : 1; /* stages at work */
    for (int i = 0; i < PERF_N_SEGMENTS; i++) s->part_s[i] = busy * pass.segment[i].estimate_s;
    s->part_s[RG_STEP_PP] = 0;
    for (int i = 0; i < PERF_N_SEGMENTS; i++) s->part_s[RG_STEP_PP] -= s->part_s[i];
    s->part_s[RG_STEP_PP] = fmax(0, s->part_s[RG_STEP_PP] + s->estimate_s);
    s->kind = pass.calibrated_s >= 0.9 * total.estimate_s ? "calibrated" : "transferred";
    s->limiter = limiter_of(&pass, &send);
    s->peak_flop_per_s = pass.peak_flop_per_s;
    s->bytes = w->groups * pass.memory_s * w->r->system->chip.memory_bytes_per_s.value *
               rg_layout_ranks(w->r->layout) / pp;
    return RG_OK;
}

static void add_rates(work *w) {
    rg_step *s = w->out;
    const rg_step_request *r = w->r;
    s->flop = r->batch * w->got.model_flop;
    s->chips = rg_layout_ranks(r->layout);
    s->tokens_per_s = r->batch * (r->phase == RG_PREFILL ? r->context : 1) / s->estimate_s;
    s->mfu = s->peak_flop_per_s > 0 ? s->flop / (s->estimate_s * s->peak_flop_per_s * s->chips) : NAN;
}

/* ---- memory ------------------------------------------------------------------------------------------ */

/* Bytes of weights and of one sequence's caches in a stage. */
static void stage_bytes(const work *w, int64_t number, double *weights, double *cache) {
    const perf_plan *p = w->got.plan;
    const span_of_layers st = stage_of(w, number);
    *weights = *cache = 0;
    for (int64_t i = st.from; i < st.to; i++) {
        const size_t k = kind_at(p, i);
        *weights += p->kind[k].weight_bytes + p->kind[k].expert_weight_bytes;
        *cache += w->got.cache_bytes[k];
    }
}

/* By how much, and what would. */
static void advise(rg_step *s) {
    char over[32];
    const double weights = s->memory_bytes[RG_STEP_WEIGHTS], space = s->memory_bytes[RG_STEP_WORKSPACE];
    rg_units_print(s->total_bytes - s->available_bytes, RG_UNIT_BYTES, over, sizeof over);
    if (weights + space >= s->available_bytes && s->available_bytes > space)
        snprintf(s->advice, sizeof s->advice,
                 "weights do not fit: %s too much; %.0f times tp x pp would, or weights in fewer bits", over,
                 ceil((s->total_bytes - space) / (s->available_bytes - space)));
    else
        snprintf(s->advice, sizeof s->advice,
                 "%s does not fit: %s too much; %.0f sequences would, or more chips",
                 space > s->memory_bytes[RG_STEP_KV] ? "workspace" : "KV", over, s->max_batch);
}

static rg_status add_memory(work *w) {
    rg_step *s = w->out;
    const rg_chip_number *memory = rg_chip_find(&w->r->system->chip, "memory.capacity");
    const double dp = (double)w->r->layout->dp;
    if (!memory)
        return rg_fail(w->err, RG_ERR_UNSUPPORTED, w->r->system->chip.file,
                       "the number in the chip's file, or --set", "%s: memory.capacity is not published",
                       w->r->system->chip.id);
    s->available_bytes = memory->v.value;
    s->max_batch = INFINITY;
    const double space = w->got.workspace_bytes;
    s->total_bytes = 0;
    for (int64_t stage = 0; stage < w->r->layout->pp; stage++) {
        double weights, cache;
        stage_bytes(w, stage, &weights, &cache);
        const double total = weights + w->replica_batch * cache + space;
        const double room = floor((s->available_bytes - weights - space) / cache);
        s->max_batch = fmin(s->max_batch, dp * fmax(0, room));
        if (total <= s->total_bytes) continue;
        s->total_bytes = total;
        s->memory_bytes[RG_STEP_WEIGHTS] = weights;
        s->memory_bytes[RG_STEP_KV] = w->replica_batch * cache;
        s->memory_bytes[RG_STEP_WORKSPACE] = space;
    }
    if (!isfinite(s->max_batch)) s->max_batch = 0; /* nothing is kept of a sequence */
    s->fits = s->total_bytes <= s->available_bytes;
    s->advice[0] = 0;
    if (!s->fits) advise(s);
    return RG_OK;
}

/* ---- all of it --------------------------------------------------------------------------------------- */

static void divide(work *w) {
    const rg_layout *l = w->r->layout;
    w->replica_batch = w->r->batch / (double)l->dp;
    if (w->r->phase == RG_DECODE)
        w->group = ceil(w->replica_batch / (double)l->pp);
    else
        w->group = l->pp == 1 ? w->replica_batch : fmin(w->replica_batch, (double)l->microbatch);
    w->groups = ceil(w->replica_batch / w->group);
}

rg_status perf_step(rg_step *out, const rg_step_request *r, perf_cache *cache, rg_error *err) {
    rg_step s = {0};
    work w = {.r = r, .out = &s, .all = perf_cache_calibrations(cache), .err = err};
    RG_TRY(check(r, err));
    divide(&w);
    const perf_plan_question q = {
        .system = r->system, .phase = r->phase, .batch = w.group, .context = r->context};
    RG_TRY(perf_cache_times(cache, r->graph, r->layout, r->policy, &q, &w.got, err));
    RG_TRY(add_time(&w));
    RG_TRY(add_memory(&w));
    add_rates(&w);
    *out = s;
    return RG_OK;
}

rg_status rg_step_estimate(rg_step *out, const rg_step_request *request, const rg_calibrations *all,
                           rg_error *err) {
    perf_cache *cache;
    RG_TRY(perf_cache_open(&cache, all, err));
    const rg_status status = perf_step(out, request, cache, err);
    perf_cache_close(cache);
    return status;
}
