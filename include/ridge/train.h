/* One step of training: a model on a system under a parallel layout. Where each millisecond goes and what
   lies in memory. docs/training.md explains model, constants and ledger. */
#ifndef RIDGE_TRAIN_H
#define RIDGE_TRAIN_H

#include "ridge/parallel.h"
#include "ridge/perf.h"
#include "ridge/system.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rg_train_attention {                   /* kernels of attention, forward and back */
                                  RG_TRAIN_FUSED,   /* as the chip's constants: scores never leave the core */
                                  RG_TRAIN_FLASH1,  /* fused, first generation (arXiv 2205.14135) */
                                  RG_TRAIN_UNFUSED, /* scores are written: two multiplies, a softmax between
                                                     */
                                  RG_N_TRAIN_ATTENTIONS
} rg_train_attention;
/* "fused", "flash1", "unfused". */
const char *rg_train_attention_name(rg_train_attention attention);

typedef struct rg_train_request {
    const rg_graph *graph; /* of the whole model */
    const rg_system *system;
    const rg_layout *layout;
    const char *policy;  /* formats of the multiplies; NULL: bf16 */
    const char *stack;   /* software whose constants count ("megatron-26.06"); NULL: none */
    double sequence;     /* tokens */
    double global_batch; /* sequences of a step, over all replicas */
    rg_train_attention attention;
    bool dropout;     /* behind the scores and the two blocks of a layer */
    bool serial;      /* gradients are exchanged when the backward pass is over, not beside it */
    bool stops_early; /* recompute=full ends with the last value that is needed (PyTorch since 2.1), without
                         the layer's last product; else a layer is run again to its end */
    bool frozen;      /* adapters of negligible size are trained, the weights are not */
    /* Stored per parameter; all 0: 2, 4 and 12 (bf16 weights, fp32 gradients, Adam's moments beside fp32
       weights). */
    double weight_bytes, gradient_bytes, optimizer_bytes;
} rg_train_request;

typedef enum rg_train_part { /* of a step; they add up to it */
                             RG_TRAIN_FORWARD,
                             RG_TRAIN_BACKWARD,
                             RG_TRAIN_RECOMPUTE,
                             RG_TRAIN_TP, /* collectives that computation waits for */
                             RG_TRAIN_CP,
                             RG_TRAIN_EP,
                             RG_TRAIN_PP,     /* sends between stages */
                             RG_TRAIN_BUBBLE, /* stages without a microbatch */
                             RG_TRAIN_DP, /* gradients and sharded weights, as far as nothing hides them */
                             RG_TRAIN_OPTIMIZER,
                             RG_TRAIN_HOST, /* kernels that arrive later than the chip is free */
                             RG_N_TRAIN_PARTS
} rg_train_part;
const char *rg_train_part_name(rg_train_part part); /* "forward", ... */

typedef enum rg_train_operator { /* what forward, backward and recompute consist of */
                                 RG_TRAIN_LINEAR,
                                 RG_TRAIN_EXPERTS,
                                 RG_TRAIN_ATTENTION, /* recurrences too */
                                 RG_TRAIN_REST,      /* norms, activations, sums */
                                 RG_N_TRAIN_OPERATORS
} rg_train_operator;
const char *rg_train_operator_name(rg_train_operator op); /* "linear", ... */

typedef enum rg_train_memory { /* of one chip */
                               RG_TRAIN_WEIGHTS,
                               RG_TRAIN_GRADIENTS,
                               RG_TRAIN_OPTIMIZER_STATE,
                               RG_TRAIN_ACTIVATIONS,
                               RG_TRAIN_KV, /* caches and states: none in training */
                               RG_TRAIN_WORKSPACE,
                               RG_TRAIN_FRAGMENTATION,
                               RG_N_TRAIN_MEMORY
} rg_train_memory;
const char *rg_train_memory_name(rg_train_memory component); /* "weights", ... */

typedef struct rg_train_ledger {
    double bytes[RG_N_TRAIN_MEMORY], total_bytes, available_bytes;
    double layers;     /* of the stage */
    const char *stage; /* "first", "middle", "last", "only" */
} rg_train_ledger;

typedef struct rg_train_step {
    double bound_s, estimate_s, lo80_s, hi80_s;
    const char *kind;                        /* as rg_estimate.kind */
    const char *limiter;                     /* name of the part, or "linear", ..., that takes longest */
    double part_s[RG_N_TRAIN_PARTS];         /* add up to estimate_s */
    double operator_s[RG_N_TRAIN_OPERATORS]; /* add up to forward, backward and recompute */
    double microbatches;                     /* that each replica passes */
    double model_flop;      /* matrix FLOP that a step needs: forward and twice as much back, pairs that are
                               attended */
    double square_flop;     /* the same, attention over whole squares (arXiv 2204.02311, appendix B) */
    double hardware_flop;   /* model_flop and what is computed again */
    double peak_flop_per_s; /* of one chip, of the type that most multiplies run as */
    double mfu, mfu_square, hfu; /* the three over time and peak of all chips */
    double chips, tokens_per_s;
    rg_train_ledger memory;   /* of the fullest stage */
    rg_train_ledger stage[3]; /* first, middle (0 layers: there is none), last */
    bool fits;
    char advice[256]; /* does not fit: by how much, what takes most, and what nearby layout would */
} rg_train_step;

/* RG_ERR_USAGE names what does not divide, with the nearest value that does; more ranks than chips.
   RG_ERR_UNSUPPORTED: chips or links without a number that this needs, constants that are missing. Not
   fitting is a result, no error. */
rg_status rg_train_estimate(rg_train_step *out, const rg_train_request *request, const rg_calibrations *all,
                            rg_error *err);

/* Fits the constants that published tables below dir give (docs/training.md), as the text of
   data/calibration/training_fitted.yaml: each on the half of its configurations that the first split of the
   score card fits. Tables that are not there are left out. */
rg_status rg_train_calibrate(rg_str *out, const char *dir, const char *data_dir, const rg_calibrations *all,
                             const char *date, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
