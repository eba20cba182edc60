/* Many configurations at once: models x systems x formats x layouts x batches, and which of them nothing
   beats. docs/sweep.md says how to write a sweep file. */
#ifndef RIDGE_SWEEP_H
#define RIDGE_SWEEP_H

#include "ridge/parallel.h"
#include "ridge/perf.h"
#include "ridge/system.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rg_sweep_status {
    RG_SWEEP_OK,
    RG_SWEEP_REFUSED,      /* something does not divide, or a number is missing */
    RG_SWEEP_DOES_NOT_FIT, /* the memory */
    RG_SWEEP_SATURATED,    /* serving: no steady state */
    RG_N_SWEEP_STATUS
} rg_sweep_status;
const char *rg_sweep_status_name(rg_sweep_status status); /* "ok", ... */

/* Numbers are 0 unless the status is ok, but memory where it does not fit. No pointers: results travel
   between processes as bytes. */
typedef struct rg_sweep_result {
    uint64_t index; /* of the configuration: later axes count faster */
    rg_sweep_status status;
    double seconds, bound_s, lo80_s, hi80_s; /* training step, prompts, decode step; serving: per token */
    double ttft_s;                           /* serving: to the first token; 0 elsewhere */
    double tokens_per_s, tokens_per_s_per_chip;
    double tokens_per_s_per_sequence; /* decode and serving: 1 / seconds */
    double mfu, chips, memory_bytes;  /* of the fullest chip */
    double usd_per_million_tokens;    /* 0: the system has no price */
    char limiter[16], class_name[16];
    char reason[120]; /* unless ok */
} rg_sweep_result;

typedef struct rg_sweep_case { /* what a configuration is */
    const char *model, *system, *what_if, *policy;
    rg_layout layout;
    double batch, context, osl; /* batch: sequences; serving: requests in flight */
} rg_sweep_case;

typedef struct rg_sweep rg_sweep;
/* Errors name file, line and key. `all` must outlive the sweep. */
rg_status rg_sweep_open(rg_sweep **out, const char *path, const char *data_dir, const rg_calibrations *all,
                        rg_error *err);
void rg_sweep_close(rg_sweep *sweep);
uint64_t rg_sweep_size(const rg_sweep *sweep);
const char *rg_sweep_phase(const rg_sweep *sweep); /* "train", ... */
/* SHA-256 of what results depend on: the text, the models, and data_dir's systems and constants. */
rg_digest rg_sweep_digest(const rg_sweep *sweep);
/* Strings live as long as the sweep. RG_ERR_USAGE: the layout of that index cannot be. */
rg_status rg_sweep_describe(const rg_sweep *sweep, uint64_t index, rg_sweep_case *out, rg_error *err);
/* Results of configurations [from, from + n). Only lack of memory is an error. The same bits whatever was
   evaluated before. */
rg_status rg_sweep_evaluate(rg_sweep *sweep, uint64_t from, size_t n, rg_sweep_result *out, rg_error *err);

/* What the file's `objectives` ask for. */
size_t rg_sweep_n_objectives(const rg_sweep *sweep);
const char *rg_sweep_objective(const rg_sweep *sweep, size_t i);
double rg_sweep_objective_value(const rg_sweep *sweep, size_t i, const rg_sweep_result *result);
/* Indices into `result` of those that are ok and that no other of the same what-if, model and length
   (training: and batch) beats in one objective without being worse in another; of equals the first. Sorted by
   model and length, then by the first objective, best first. `front` has room for n. */
size_t rg_sweep_pareto(const rg_sweep *sweep, const rg_sweep_result *result, size_t n, size_t *front);

#ifdef __cplusplus
}
#endif
#endif
