/* Serving: what one pass of a rank takes, and the constants that turn it into time. */
#ifndef PERF_SERVE_H
#define PERF_SERVE_H

#include "perf/calibrate/calibrate.h"
#include "perf/plan/plan.h"
#include "ridge/serve.h"

/* ---- passes ------------------------------------------------------------------------------------------ */

enum { PERF_N_WIDTHS = 3 }; /* of multiplies: 16 bits or more, 8, less */

/* Seconds at the rates of the data sheet, and counts that constants turn into time. */
typedef struct perf_serve_pass {
    double linear_memory_s[PERF_N_WIDTHS], linear_compute_s[PERF_N_WIDTHS];
    double expert_memory_s[PERF_N_WIDTHS], expert_compute_s[PERF_N_WIDTHS];
    double attention_memory_s, attention_compute_s; /* keys, values, states; their products */
    double network_s;
    double collectives, kernels, conversions; /* conversions: of activations to narrow formats */
    double bound_s;
} perf_serve_pass;

/* One pass of the plan's rank. */
rg_status perf_serve_pass_of(perf_plan *plan, const perf_plan_question *question, perf_serve_pass *out,
                             rg_error *err);

/* ---- constants --------------------------------------------------------------------------------------- */

typedef enum perf_serve_constant {
    PERF_SERVE_MEMORY,
    PERF_SERVE_EXPERT_MEMORY,
    PERF_SERVE_KV_MEMORY,
    PERF_SERVE_COMPUTE_16,
    PERF_SERVE_COMPUTE_8,
    PERF_SERVE_COMPUTE_4,
    PERF_SERVE_NETWORK,
    PERF_SERVE_KERNEL,
    PERF_SERVE_CONVERSION,
    PERF_SERVE_COLLECTIVE,
    PERF_SERVE_STALL,
    PERF_SERVE_HOST, /* this and the following differ by engine */
    PERF_SERVE_SEQUENCE,
    PERF_SERVE_PREFILL,
    PERF_SERVE_REQUEST, /* this and the following of the first token alone */
    PERF_SERVE_BURST,
    PERF_SERVE_N
} perf_serve_constant;
enum { PERF_SERVE_FIRST_OF_ENGINE = PERF_SERVE_HOST };

typedef struct perf_serve_spec {
    const char *name, *unit, *meaning;
    double preset;
    double spread; /* standard deviation of the logarithm that is thought possible */
    const char *source;
    double apart; /* preset where running sequences wait while prompts pass; 0: the same */
} perf_serve_spec;
extern const perf_serve_spec perf_serve_specs[PERF_SERVE_N];
extern const char *const perf_serve_engines[];
int perf_serve_engine(const char *name); /* -1: none of them */
double perf_serve_preset(int constant, int engine);
enum { PERF_SERVE_N_ENGINES = 3 };

/* Those of an engine (NULL or unknown: presets of what differs by engine); all NULL: presets. */
void perf_serve_constants(const rg_calibrations *all, const char *engine, double out[PERF_SERVE_N]);
/* Time of a pass by part; the host's and what prefill adds are set by the caller. */
void perf_serve_parts(const perf_serve_pass *p, const double constant[PERF_SERVE_N],
                      double part[RG_SERVE_N_PARTS]);
/* What a prompt adds to the steps that it is part of: weights are read and kernels run in any case. */
double perf_serve_prompt_work(const perf_serve_pass *p, const double constant[PERF_SERVE_N]);
double perf_serve_compute_s(const perf_serve_pass *p);
double perf_serve_sum(const double part[RG_SERVE_N_PARTS]);

/* M/D/c: mean wait of Poisson arrivals for one of `servers` that each take service_s and are busy for a share
   rho (Allen and Cunneen); infinite from rho = 1 on. */
double perf_serve_wait(double rho, double service_s, double servers);
/* The first token: a prompt's own pass, the steps that it is part of, and the prompts before it. */
typedef struct perf_serve_first_token {
    double prompt_s;      /* alone */
    double work_s;        /* that a prompt adds to steps */
    double step_s, batch; /* of a replica */
    double rate;          /* prompts per second and replica, of an open queue; 0: as many users as the batch
                             has sequences, each asking again when it is answered */
    double chunks;
} perf_serve_first_token;
double perf_serve_first(const perf_serve_first_token *f, const double constant[PERF_SERVE_N]);

/* ---- pools ------------------------------------------------------------------------------------------- */

typedef struct perf_pool { /* chips under one layout */
    perf_plan plan;
    const rg_system *system;
    rg_layout layout;
    double replicas, chips;
    double memory_bytes, memory_share;
    double weight_bytes, expert_bytes,
        sequence_bytes; /* of a chip of an average stage; experts are weights */
    double max_batch;   /* sequences of a replica that fit */
} perf_pool;

/* `system` must outlive it. */
rg_status perf_pool_open(perf_pool *out, const rg_graph *graph, const rg_system *system,
                         const rg_layout *layout, const char *policy, rg_error *err);
/* The same pool with other numbers of stages and replicas. */
rg_status perf_pool_lay(perf_pool *pool, const rg_layout *layout, rg_error *err);
void perf_pool_close(perf_pool *pool);
/* What fits of sequences with so many tokens into a share of the memory (0: 0.9), at most max_batch (0: any
   number). */
void perf_pool_room(perf_pool *pool, double context, double share, double max_batch);
/* A step of `batch` sequences of a replica, `queries` tokens each. */
rg_status perf_pool_step(perf_pool *pool, double batch, double context, double queries, perf_serve_pass *out,
                         rg_error *err);
/* A prompt of which the first `kept` tokens are there already, in so many chunks. */
rg_status perf_pool_prompt(perf_pool *pool, double tokens, double kept, double chunks, perf_serve_pass *out,
                           rg_error *err);

/* rg_serve_estimate with pools that are open: of the request's layouts; prefill NULL without prefill_layout.
 */
rg_status perf_serve(rg_serve_result *out, const rg_serve_request *request, const rg_calibrations *all,
                     perf_pool *pool, perf_pool *prefill, rg_error *err);

#endif
