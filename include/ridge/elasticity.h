/* What +1 % of each number of a chip buys: the pass is evaluated again with that number alone changed. */
#ifndef RIDGE_ELASTICITY_H
#define RIDGE_ELASTICITY_H

#include "ridge/perf.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rg_elasticity {
    /* A path of the chip ("rates.bf16", "memory.bandwidth", "onchip.capacity", "silicon.cores"), or constants
       of the estimate that are times: "launch" (of every kernel), "latency" (of dependent steps). */
    const char *parameter;
    /* Per cent of the time that is saved by 1 % more (of a time: 1 % less). Below 0: slower, as with more
       cores that share the same peak rate. Those of the bound add up to 1, but for the finite step. NAN: no
       estimate. */
    double bound, estimate;
} rg_elasticity;

typedef struct rg_elasticities {
    rg_arena arena;
    size_t n;
    rg_elasticity *entry; /* the largest first, by estimate where there is one */
} rg_elasticities;

/* Below this an elasticity counts as none: the number is free to be smaller. */
#define RG_ELASTICITY_FREE 0.005

/* Of the pass that rg_roof_estimate answers; errors as there. `all` may be NULL. */
rg_status rg_roof_elasticities(rg_elasticities *out, const rg_graph *graph, const rg_chip *chip,
                               rg_phase phase, double batch, double context, const char *policy,
                               const rg_calibrations *all, rg_error *err);
void rg_elasticities_close(rg_elasticities *e);

#ifdef __cplusplus
}
#endif
#endif
