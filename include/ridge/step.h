/* A prompt or a decode step of a model on a system, under a parallel layout. docs/parallel.md says what a
   layout is. */
#ifndef RIDGE_STEP_H
#define RIDGE_STEP_H

#include "ridge/parallel.h"
#include "ridge/perf.h"
#include "ridge/system.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rg_step_part { /* of the estimate; they add up to it */
                            RG_STEP_LINEAR,
                            RG_STEP_EXPERTS,
                            RG_STEP_ATTENTION, /* recurrences too */
                            RG_STEP_REST,      /* norms, rotations, gates */
                            RG_STEP_TP,        /* exchanges */
                            RG_STEP_CP,
                            RG_STEP_EP,
                            RG_STEP_PP, /* sends between stages, stages that wait */
                            RG_N_STEP_PARTS
} rg_step_part;
const char *rg_step_part_name(rg_step_part part); /* "linear", ... */

typedef enum rg_step_memory { /* of one chip */
                              RG_STEP_WEIGHTS,
                              RG_STEP_KV,        /* caches and states */
                              RG_STEP_WORKSPACE, /* inputs and outputs of the largest operator */
                              RG_N_STEP_MEMORY
} rg_step_memory;
const char *rg_step_memory_name(rg_step_memory component); /* "weights", ... */

typedef struct rg_step_request {
    const rg_graph *graph; /* of the whole model */
    const rg_system *system;
    const rg_layout *layout;
    const char *policy; /* NULL: bf16 */
    rg_phase phase;
    double batch;   /* sequences, over all replicas; dp divides it */
    double context; /* PREFILL: tokens of each prompt; DECODE: keys in the cache, the new one included */
} rg_step_request;

typedef struct rg_step {
    /* From the first operator to the last. Of a pipeline: DECODE, each replica's sequences pass in pp groups
       behind each other, and the time is that of one round, in which every sequence gets a token; PREFILL,
       all prompts, mbs at a time. Layers are dealt to stages evenly; estimates wait for the slowest one. */
    double bound_s, estimate_s, lo80_s, hi80_s;
    const char *kind;    /* as rg_estimate.kind */
    const char *limiter; /* "memory", "compute", "network" */
    double part_s[RG_N_STEP_PARTS];
    double memory_bytes[RG_N_STEP_MEMORY]; /* of the fullest stage */
    double total_bytes, available_bytes;
    bool fits;
    double max_batch; /* sequences of this context, over all replicas, whose caches fit beside the weights */
    char advice[200]; /* does not fit: by how much, and what would; else empty */
    double flop;      /* matrix FLOP of the model, once */
    double bytes;     /* weights, caches and states that all chips move, as the bound counts them */
    double peak_flop_per_s;          /* of one chip, of the type that most multiplies run as */
    double chips, tokens_per_s, mfu; /* mfu: matrix FLOP of the model over time and peak of all chips */
} rg_step;

/* RG_ERR_USAGE: what does not divide, with the nearest value that does; more ranks than chips; cp in DECODE.
   RG_ERR_UNSUPPORTED: numbers that the chip's or system's file lacks. Not fitting is a result, no error.
   `all` NULL: estimates are bounds. */
rg_status rg_step_estimate(rg_step *out, const rg_step_request *request, const rg_calibrations *all,
                           rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
