/* What a sweep asks of a configuration, phase by phase. */
#include <stdio.h>
#include <string.h>

#include "perf/sweep/sweep.h"

static const char *const statuses[RG_N_SWEEP_STATUS] = {"ok", "refused", "does not fit", "saturated"};

const char *rg_sweep_status_name(rg_sweep_status status) {
    return statuses[status];
}

/* Rent of all chips for the time that a million tokens take. */
static double price(const rg_system *s, double chips, double tokens_per_s) {
    return s->usd_per_chip_h.given ? 1e6 / tokens_per_s / 3600 * chips * s->usd_per_chip_h.value : 0;
}

void perf_sweep_answer(rg_sweep_result *out, const rg_system *system, perf_span time, double tokens_per_s,
                       double mfu, const char *limiter, const char *kind) {
    out->seconds = time.estimate_s;
    out->bound_s = time.bound_s;
    out->lo80_s = time.lo80_s;
    out->hi80_s = time.hi80_s;
    out->tokens_per_s = tokens_per_s;
    out->tokens_per_s_per_chip = tokens_per_s / out->chips;
    out->mfu = mfu;
    out->usd_per_million_tokens = price(system, out->chips, tokens_per_s);
    snprintf(out->limiter, sizeof out->limiter, "%s", limiter);
    snprintf(out->class_name, sizeof out->class_name, "%s", kind);
}

static rg_status evaluate_step(rg_sweep *s, const perf_sweep_question *q, rg_phase phase,
                               rg_sweep_result *out, rg_error *err) {
    rg_step step;
    const rg_step_request r = {.graph = q->graph,
                               .system = q->system,
                               .layout = &q->c.layout,
                               .policy = q->c.policy,
                               .phase = phase,
                               .batch = q->c.batch,
                               .context = q->c.context};
    RG_TRY(perf_step(&step, &r, s->cache, err));
    out->memory_bytes = step.total_bytes;
    out->chips = step.chips;
    if (!step.fits) {
        out->status = RG_SWEEP_DOES_NOT_FIT;
        snprintf(out->reason, sizeof out->reason, "%.110s", step.advice);
        return RG_OK;
    }
    perf_sweep_answer(out, q->system, (perf_span){step.bound_s, step.estimate_s, step.lo80_s, step.hi80_s},
                      step.tokens_per_s, step.mfu, step.limiter, step.kind);
    if (phase == RG_DECODE) out->tokens_per_s_per_sequence = 1 / step.estimate_s;
    return RG_OK;
}

static rg_status evaluate_prefill(rg_sweep *s, const perf_sweep_question *q, rg_sweep_result *out,
                                  rg_error *err) {
    return evaluate_step(s, q, RG_PREFILL, out, err);
}

static rg_status evaluate_decode(rg_sweep *s, const perf_sweep_question *q, rg_sweep_result *out,
                                 rg_error *err) {
    return evaluate_step(s, q, RG_DECODE, out, err);
}

static const perf_sweep_phase phases[] = {
    {"prefill", "context", "batch", {"seconds", "tokens_per_s_per_chip"}, "0", false, evaluate_prefill},
    {"decode",
     "context",
     "batch",
     {"tokens_per_s_per_sequence", "tokens_per_s_per_chip"},
     "0",
     false,
     evaluate_decode},
    {"train", "sequence", "batch", {"seconds", "chips"}, "1", true, perf_sweep_train},
    {"serve",
     "isl",
     "concurrency",
     {"tokens_per_s_per_sequence", "tokens_per_s_per_chip"},
     "0",
     false,
     perf_sweep_serve}};
const char perf_sweep_phase_names[] = "prefill, decode, train or serve";

const perf_sweep_phase *perf_sweep_phase_find(const char *name) {
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        if (strcmp(phases[i].name, name) == 0) return &phases[i];
    return NULL;
}
