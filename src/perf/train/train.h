/* Shared by the files of training steps: train*.c, schedule.c, memory.c. */
#ifndef PERF_TRAIN_H
#define PERF_TRAIN_H

#include "perf/plan/plan.h"
#include "ridge/train.h"

/* ---- schedules --------------------------------------------------------------------------------------- */

typedef struct perf_stage_time {                     /* of one microbatch in the mean stage */
    double forward_s, backward_s, weight_gradient_s; /* the last: a part of backward_s */
} perf_stage_time;

typedef struct perf_schedule {
    double (*bubble_s)(const perf_stage_time *mean, double stages, double runs);
    /* Microbatches whose activations the first stage holds, in units of all its layers. */
    double (*held)(double stages, double runs);
} perf_schedule;
const perf_schedule *perf_schedule_of(rg_schedule schedule);

/* ---- constants --------------------------------------------------------------------------------------- */

typedef struct perf_train_constants {
    double segment[PERF_N_SEGMENTS]; /* time in a step over that of the operator or exchange alone */
    double scores;                   /* share of the chip's peak for the products of unfused attention */
    double host_s;                   /* per kernel */
    double shard_exposed, gradient_exposed; /* shares of exchanges that computation waits for */
    double step;                            /* time over all that, of a stack */
    double lo, hi;                          /* 10 and 90 % quantiles of log(measured / estimate) */
    double workspace_bytes, fragmentation;  /* libraries and buffers; share of all that is allocated */
    bool calibrated;                        /* some are of the stack, and for this chip */
} perf_train_constants;
void perf_train_constants_of(perf_train_constants *out, const rg_train_request *r,
                             const rg_calibrations *all);
/* RG_ERR_USAGE for a stack that no constants are known of, with those that are; NULL: no stack. */
rg_status perf_train_check_stack(const rg_calibrations *all, const char *stack, rg_error *err);
/* By its name in the file, for fits; NULL: no such constant. */
double *perf_train_constant(perf_train_constants *k, const char *name);

/* ---- work of one rank --------------------------------------------------------------------------------- */

typedef enum perf_region { PERF_BEFORE, PERF_BLOCKS, PERF_AFTER, PERF_N_REGIONS } perf_region;

/* One microbatch on one rank of tp x cp x ep, all stages together: embedding, all layers, norm, head and
   loss. */
typedef struct perf_train_work {
    perf_pass forward[PERF_N_REGIONS], backward[PERF_N_REGIONS], recompute;
    double kernels; /* of a forward pass through all layers */
    double layers;
    double flop, square_flop, recompute_flop; /* matrix FLOP forward; attention over whole squares; again */
    double peak_flop_per_s, score_flop_per_s;
    double parameters[PERF_N_REGIONS], expert_parameters[PERF_N_REGIONS];
    double saved_bytes[PERF_N_REGIONS]; /* until the backward pass */
    double again_bytes;                 /* that computing a layer again saves in passing */
    double memory_bytes_per_s;          /* that streams reach */
} perf_train_work;

/* What has to divide, and chips enough. */
rg_status perf_train_check(const rg_train_request *r, rg_error *err);
/* The same for all replicas, stages, schedules and degrees of ZeRO. */
rg_status perf_train_measure(perf_train_work *out, const rg_train_request *r, const rg_calibrations *all,
                             const perf_train_constants *k, rg_error *err);
/* Beside the graph. */
typedef struct perf_train_exchanges {
    double send_s, send_bound_s;           /* between stages, there and back, of one microbatch */
    double gather_s, gather_bound_s;       /* sharded weights, of one microbatch: zero=3 */
    double gradient_s, gradient_bound_s;   /* of a step */
    double optimizer_s, optimizer_bound_s; /* of a step */
} perf_train_exchanges;
rg_status perf_train_exchange(perf_train_exchanges *out, const perf_train_work *w, const rg_train_request *r,
                              const rg_calibrations *all, rg_error *err);
/* Ranks over which what zero >= from_zero shards is sharded; per parameter stored bytes. */
double perf_train_sharded(const rg_layout *l, bool expert, int64_t from_zero);
typedef struct perf_parameter_bytes {
    double weight, gradient, optimizer;
} perf_parameter_bytes;
perf_parameter_bytes perf_train_bytes(const rg_train_request *r);

/* ---- composition ------------------------------------------------------------------------------------- */

typedef struct perf_split {         /* of layers over stages */
    double first, middle, last;     /* layers of a stage; middle: of the fullest one, 0: there is none */
    double slow_layers;             /* of the stage that takes longest */
    double slow_before, slow_after; /* 1: it has the embedding; head and loss */
    double most;                    /* its time in layers */
} perf_split;
/* Equal stages where pp divides the layers; else such that the slowest is as fast as can be, where what comes
   before and after the layers takes as long as so many of them. */
perf_split perf_train_split(double layers, double stages, double before, double after);
/* Times of `out`, whose microbatches are set. */
perf_split perf_train_compose(rg_train_step *out, const perf_train_work *w, const perf_train_exchanges *x,
                              const rg_train_request *r, const perf_train_constants *k);
/* Fills stage[], memory and fits; out->microbatches and memory.available_bytes are set. */
void perf_train_memory(rg_train_step *out, const perf_train_work *w, const rg_train_request *r,
                       const perf_split *split, const perf_train_constants *k);

/* ---- a step ------------------------------------------------------------------------------------------ */

/* Checks, and all that does not depend on constants. */
rg_status perf_train_prepare(perf_train_work *w, perf_train_exchanges *x, const rg_train_request *r,
                             const rg_calibrations *all, const perf_train_constants *k, rg_error *err);
void perf_train_finish(rg_train_step *out, const perf_train_work *w, const perf_train_exchanges *x,
                       const rg_train_request *r, const perf_train_constants *k);
/* Sets out->fitting. */
void perf_train_advise(rg_train_step *out, const rg_train_request *r, const rg_calibrations *all);

#endif
