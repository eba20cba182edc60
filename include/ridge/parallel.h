/* Parallel layouts, and the graph of one rank under them. */
#ifndef RIDGE_PARALLEL_H
#define RIDGE_PARALLEL_H

#include "ridge/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rg_recompute { /* activations that a backward pass makes again */
                            RG_RECOMPUTE_NONE,
                            RG_RECOMPUTE_SELECTIVE, /* attention scores (arXiv 2205.05198, section 5) */
                            RG_RECOMPUTE_FULL,      /* everything but the input of each layer */
                            RG_N_RECOMPUTES
} rg_recompute;

typedef enum rg_schedule { /* of microbatches over pipeline stages */
                           RG_SCHEDULE_1F1B,
                           RG_SCHEDULE_INTERLEAVED, /* vp > 1: several runs of layers per stage */
                           RG_SCHEDULE_ZERO_BUBBLE, /* weight gradients fill the bubble (arXiv 2401.10241) */
                           RG_N_SCHEDULES
} rg_schedule;

/* How one model is laid over tp x cp x pp x dp chips. In text "tp=8,pp=16,dp=64,ep=1,cp=1"; keys that are not
   named have their presets. Ranks are dealt tp first, then cp, dp, pp: the ranks of tp are next to each
   other. */
typedef struct rg_layout {
    int64_t tp; /* tensor parallel: heads and features of the blocks */
    int64_t pp; /* pipeline stages */
    int64_t dp; /* replicas, each with its own sequences */
    int64_t ep; /* ranks over which experts are dealt; out of the tp x cp x dp of a stage */
    int64_t cp; /* context parallel: tokens of a sequence; keys and values are gathered */
    int64_t
        etp;    /* ranks that share one expert's features. Preset: what tp leaves over of ep; tp for ep = 1 */
    int64_t vp; /* interleaved runs of layers per stage */
    bool sp;    /* sequence parallel: what is not split over tp by features is by tokens */
    int64_t zero; /* 0: nothing; 1: optimizer state; 2: gradients too; 3: weights too (FSDP) over dp x cp */
    int64_t microbatch; /* sequences of a replica that pass together; text "mbs" */
    rg_recompute recompute;
    rg_schedule schedule;
} rg_layout;

/* Text to layout and back; canonical text names every key whose value is not 1 or its preset. An unknown key,
   a value out of [1, 2^20], parts of tp and ep that do not go together: RG_ERR_USAGE. */
rg_status rg_layout_parse(const char *text, rg_layout *out, rg_error *err);
/* Sets members that are 0 to what the text form presets, and checks that all go together. */
rg_status rg_layout_complete(rg_layout *layout, rg_error *err);
const char *rg_layout_print(const rg_layout *layout, char *buf, size_t size);
static inline double rg_layout_ranks(const rg_layout *l) {
    return (double)l->tp * (double)l->pp * (double)l->dp * (double)l->cp;
}
const char *rg_recompute_name(rg_recompute recompute);
const char *rg_schedule_name(rg_schedule schedule);

/* The graph that one rank of tp x cp x ep runs, all pipeline stages together: weights, heads and experts are
   its own part, rg_graph_node.split says how many ranks share the tokens of a node, and collectives are nodes
   (rg_op: ALL_REDUCE ...). A part is column-parallel before heads or features that stay apart, row-parallel
   behind them, its sums reduced where the next operator needs them whole (arXiv 1909.08053; with sp reduced
   and scattered over tokens: 2205.05198). Embedding and head are split by their vocabulary, rounded up.
   Experts: where ep x etp = tp, without sp, each rank runs its own experts on all tokens and the results are
   summed; otherwise tokens travel to their experts and back. Fewer key heads than tp are repeated. A norm
   over features that are split counts without its exchange of one number per token, a recurrence under cp
   without the states that parts of a sequence hand on, a head without gathering its logits. Counting and
   costs read it like any graph, with the whole replica's batch; the executor refuses it. What does not divide
   is RG_ERR_USAGE, with the nearest value that does. */
rg_status rg_graph_shard(rg_graph *out, const rg_graph *whole, const rg_layout *layout, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
