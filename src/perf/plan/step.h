/* Shared by what evaluates one question after another: plans and their times, kept. */
#ifndef PERF_STEP_H
#define PERF_STEP_H

#include "perf/plan/plan.h"
#include "ridge/step.h"

/* Plans and times that were asked for last. What questions point to must outlive it, unchanged. */
typedef struct perf_cache perf_cache;
rg_status perf_cache_open(perf_cache **out, const rg_calibrations *all, rg_error *err);
void perf_cache_close(perf_cache *cache);
const rg_calibrations *perf_cache_calibrations(const perf_cache *cache);

/* Number below n that a key's bytes give, padding included. */
size_t perf_cache_slot(const void *key, size_t size, size_t n);

typedef struct perf_cached {
    perf_plan *plan;
    const perf_pass *forward;  /* [n_kinds + 2] */
    const double *cache_bytes; /* [n_kinds + 2] that a sequence keeps in one layer */
    double workspace_bytes;    /* inputs and outputs of the largest operator */
    double model_flop;         /* matrix FLOP of the whole model for one sequence */
} perf_cached;
/* Valid until the next call. */
rg_status perf_cache_times(perf_cache *cache, const rg_graph *graph, const rg_layout *layout,
                           const char *policy, const perf_plan_question *question, perf_cached *out,
                           rg_error *err);

/* rg_step_estimate with a cache. */
rg_status perf_step(rg_step *out, const rg_step_request *request, perf_cache *cache, rg_error *err);

#endif
