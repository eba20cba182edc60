/* A model served in steady state: closed forms, no simulation. How long a request waits for its first token
   and between tokens, how many sequences are resident, what lies in memory, when it saturates.
   docs/serving.md derives every formula. */
#ifndef RIDGE_SERVE_H
#define RIDGE_SERVE_H

#include "ridge/parallel.h"
#include "ridge/perf.h"
#include "ridge/system.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rg_serve_request {
    const rg_graph *graph; /* of the whole model */
    const rg_system *system;
    const rg_layout *layout; /* of one deployment; disaggregated: of its decode pool */
    const char *policy;      /* formats of weights, activations, keys and values; NULL: bf16 */
    const char *engine;      /* "vllm", "trtllm", "sglang"; NULL: none in particular */
    double isl, osl;         /* tokens of a prompt and of an answer */
    double concurrency;      /* requests in flight, over all replicas; or: */
    double requests_per_s;   /* offered to all replicas. One of the two, the other 0 */
    double prefix_hit;       /* share of the prompt whose keys and values are kept from before */
    double chunk;            /* tokens of a prompt that a step takes beside decoding; 0: all of it */
    double max_batch;        /* sequences of a replica; 0: no limit but memory */
    double memory_share;     /* of the chip's memory that weights and cache may fill; 0: 0.9 */
    /* Speculation: `draft` tokens are guessed, each kept with probability `acceptance` while all before it
       are; one draft token takes `draft_cost` of a step (0: one layer's share and the output head's). */
    double draft, acceptance, draft_cost;
    const rg_layout *prefill_layout; /* of a pool that does prompts alone; NULL: one pool does both */
} rg_serve_request;

typedef enum rg_serve_part {
    RG_SERVE_LINEAR,     /* dense weights and their multiplies */
    RG_SERVE_EXPERTS,    /* those that some token of the step chose */
    RG_SERVE_ATTENTION,  /* keys, values, states and their products */
    RG_SERVE_COLLECTIVE, /* latency and bytes */
    RG_SERVE_LAUNCH,     /* kernels' own time, conversions */
    RG_SERVE_HOST,       /* scheduling, sampling, detokenizing */
    RG_SERVE_DRAFT,      /* guesses of speculation */
    RG_SERVE_PROMPTS,    /* work on prompts of others between two tokens */
    RG_SERVE_N_PARTS
} rg_serve_part;
const char *rg_serve_part_name(rg_serve_part part); /* "linear", ... */

typedef enum rg_serve_memory {
    RG_SERVE_WEIGHTS,
    RG_SERVE_CACHE,     /* keys, values and states of the resident sequences */
    RG_SERVE_WORKSPACE, /* what memory_share leaves to the engine */
    RG_SERVE_N_MEMORY
} rg_serve_memory;
const char *rg_serve_memory_name(rg_serve_memory component);

typedef enum rg_serve_verdict { RG_SERVE_OK, RG_SERVE_SATURATED, RG_SERVE_DOES_NOT_FIT } rg_serve_verdict;
const char *rg_serve_verdict_name(rg_serve_verdict verdict); /* "ok", "saturated", "does not fit" */

typedef struct rg_serve_time {
    double bound_s, estimate_s, lo80_s, hi80_s; /* NAN unless the verdict is ok */
} rg_serve_time;

/* tpot: (time of the last token - time of the first) / (osl - 1), mean over requests in steady state.
   ttft: from arrival to the first token, waiting included. */
typedef struct rg_serve_result {
    rg_serve_verdict verdict;
    char reason[256]; /* saturated: what is full; does not fit: which component, by how much, what would */
    const char
        *kind; /* "calibrated": chip and engine were measured, in layouts of as many chips, without pools,
                  stages, guesses or prefixes; else "transferred", with intervals twice as wide */
    const char *limiter;
    rg_serve_time ttft, tpot;
    double part_s[RG_SERVE_N_PARTS];        /* of tpot.estimate_s; they add up to it; NAN as it is */
    double prompt_s;                        /* of one prompt alone, without waiting */
    double transfer_s, transfer_bytes;      /* keys and values from pool to pool; 0: one pool */
    double resident_batch;                  /* sequences of a replica that decode together */
    double max_batch;                       /* that fit beside the weights, at isl + osl / 2 tokens */
    double kv_tokens;                       /* that fit */
    double memory_bytes[RG_SERVE_N_MEMORY]; /* of the fullest chip */
    double memory_available_bytes;          /* of a chip */
    double wanted_bytes;                    /* weights and cache of all sequences that were asked for */
    double tokens_per_step;                 /* of a sequence; speculation: > 1 */
    double utilisation;                     /* of the prefill work or of the batch, whichever is fuller */
    double mfu;                             /* matrix FLOP per token x tokens/s over the chips' peak */
    double requests_per_s, tokens_per_s;    /* output tokens, all chips */
    double tokens_per_s_per_chip, chips;    /* both pools */
    double decode_replicas_per_prefill;     /* disaggregated: that one prefill replica keeps busy; else 0 */
    double sustainable_requests_per_s;      /* saturated: the most that is not; else the same at max_batch */
    double usd_per_million_tokens;          /* output; NAN where the system has no rent */
} rg_serve_result;

/* Not fitting and saturation are results, no errors. RG_ERR_USAGE names what does not divide, with the
   nearest value that does, and sizes out of range; RG_ERR_UNSUPPORTED chips without a number that this needs.
 */
rg_status rg_serve_estimate(rg_serve_result *out, const rg_serve_request *request, const rg_calibrations *all,
                            rg_error *err);

/* (1 - a^(k + 1)) / (1 - a): tokens of a step that guesses k, each kept with probability a. */
double rg_serve_tokens_per_step(double acceptance, double draft);

#ifdef __cplusplus
}
#endif
#endif
