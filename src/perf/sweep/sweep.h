/* Shared by the files of sweeps. */
#ifndef PERF_SWEEP_H
#define PERF_SWEEP_H

#include "perf/plan/step.h"
#include "ridge/doc.h"
#include "ridge/sweep.h"

/* In the order of counting: what costs most to change stands first. */
typedef enum perf_axis {
    PERF_AXIS_MODEL,
    PERF_AXIS_SYSTEM,
    PERF_AXIS_WHAT_IF, /* numbers of the system that are changed */
    PERF_AXIS_POLICY,
    PERF_AXIS_CONTEXT,
    PERF_AXIS_OSL,
    PERF_AXIS_TP,
    PERF_AXIS_EP,
    PERF_AXIS_CP,
    PERF_AXIS_ETP,
    PERF_AXIS_SP,
    PERF_AXIS_MBS,
    PERF_AXIS_RECOMPUTE,
    PERF_AXIS_PP,
    PERF_AXIS_VP,
    PERF_AXIS_SCHEDULE,
    PERF_AXIS_ZERO,
    PERF_AXIS_DP,
    PERF_AXIS_CHIPS,
    PERF_AXIS_BATCH,
    PERF_N_AXES
} perf_axis;

typedef struct perf_axis_values {
    size_t n;
    double *value;     /* numbers; words: their index; models and systems: position */
    const char **text; /* models, systems, policies */
} perf_axis_values;

typedef struct perf_sweep_phase perf_sweep_phase;

struct rg_sweep {
    rg_arena arena;
    const perf_sweep_phase *phase;
    rg_digest digest;
    perf_axis_values axis[PERF_N_AXES];
    uint64_t size;
    size_t n_graphs, n_systems; /* opened: each system in each what-if */
    rg_graph *graph;
    rg_system *system;
    size_t n_objectives;
    const struct perf_objective *objective[8];
    const rg_calibrations *all;
    perf_cache *cache;
    /* Of sweep_train.c and sweep_serve.c; NULL before the first use. */
    struct perf_sweep_trained *trained;
    struct perf_sweep_pools *pools;
};

typedef struct perf_sweep_question {
    const rg_graph *graph;
    const rg_system *system;
    rg_sweep_case c;
} perf_sweep_question;

/* rg_sweep_open of a text; `path` is for messages. */
rg_status perf_sweep_parse(rg_sweep **out, const char *text, size_t size, const char *path,
                           const char *data_dir, const rg_calibrations *all, rg_error *err);
/* Sets s->digest: of all that results depend on. */
rg_status perf_sweep_digest(rg_sweep *s, const char *text, size_t size, const char *data_dir, rg_error *err);

/* Number of an axis' value in a configuration. */
size_t perf_sweep_position(const rg_sweep *s, perf_axis axis, uint64_t index);

/* A phase of a sweep: one entry of the table in sweep_phases.c. */
struct perf_sweep_phase {
    const char *name;
    const char *context, *batch; /* how its files call these axes */
    const char *objective[2];    /* presets */
    const char *sp;              /* preset of that axis */
    bool batch_given;            /* it belongs to the workload: it is not chosen */
    rg_status (*evaluate)(rg_sweep *sweep, const perf_sweep_question *q, rg_sweep_result *out, rg_error *err);
};
rg_status perf_sweep_serve(rg_sweep *sweep, const perf_sweep_question *q, rg_sweep_result *out,
                           rg_error *err);
void perf_sweep_close_pools(struct perf_sweep_pools *pools);
rg_status perf_sweep_train(rg_sweep *sweep, const perf_sweep_question *q, rg_sweep_result *out,
                           rg_error *err);
/* Fills a result that is ok, but for what one phase alone has; out->chips is set. */
void perf_sweep_answer(rg_sweep_result *out, const rg_system *system, perf_span time, double tokens_per_s,
                       double mfu, const char *limiter, const char *kind);
const perf_sweep_phase *perf_sweep_phase_find(const char *name);
extern const char perf_sweep_phase_names[];

typedef struct perf_objective {
    const char *name;
    size_t offset; /* of a double in rg_sweep_result */
    bool larger;   /* is better */
    bool known;    /* where it is not 0 */
} perf_objective;
const perf_objective *perf_objective_find(const char *name);
extern const char perf_objective_names[];

#endif
