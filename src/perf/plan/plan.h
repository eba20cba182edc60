/* A rank's graph with equal layers and equal operators taken together, and what each kind of layer costs.
   Opened once for a model, a layout and a policy; asked for any batch, context and chip. */
#ifndef PERF_PLAN_H
#define PERF_PLAN_H

#include "perf/calibrate/calibrate.h"
#include "perf/pass/perf.h"
#include "ridge/network.h"
#include "ridge/parallel.h"
#include "ridge/system.h"

typedef struct perf_plan_class {
    int node;   /* one of its nodes in the rank's graph */
    int reader; /* collectives: the first node that reads it */
} perf_plan_class;

typedef struct perf_plan_item {
    int class_index;
    double count;
} perf_plan_item;

/* A layer, or what stands before or behind all layers. */
typedef struct perf_plan_kind {
    double n_layers; /* that are alike; 1 of what stands at the ends */
    size_t from, to; /* nodes of the first one */
    size_t n_items;
    perf_plan_item *item;
    double weight_elements;                   /* on the rank: without experts */
    double expert_weight_elements;            /* of experts */
    double weight_bytes, expert_weight_bytes; /* as the policy stores them; bf16 where it says nothing */
} perf_plan_kind;

typedef struct perf_plan {
    rg_arena arena;
    rg_graph rank;
    rg_layout layout;
    rg_policy policy;
    bool all_fp32; /* as perf_case.all_fp32 */
    size_t n_classes,
        n_kinds; /* kinds of layers; kind[n_kinds]: before all layers, kind[n_kinds + 1]: behind */
    perf_plan_class *class;
    perf_plan_kind *kind;
    size_t n_layers;    /* of all stacks: an encoder's too */
    int *kind_of_layer; /* [n_layers] */
} perf_plan;

/* `training`: the head works on every token. */
rg_status perf_plan_open(perf_plan *out, const rg_graph *whole, const rg_layout *layout, const char *policy,
                         bool training, rg_error *err);
void perf_plan_close(perf_plan *plan);

/* What the time of a layer goes to. */
typedef enum perf_segment {
    PERF_SEGMENT_LINEAR,
    PERF_SEGMENT_EXPERTS,
    PERF_SEGMENT_ATTENTION, /* recurrences too */
    PERF_SEGMENT_REST,      /* norms, rotations, gates: mostly traffic */
    PERF_SEGMENT_TP,        /* exchanged over tp */
    PERF_SEGMENT_CP,
    PERF_SEGMENT_EP, /* etp too */
    PERF_N_SEGMENTS
} perf_segment;
const char *perf_segment_name(perf_segment segment);
perf_segment perf_segment_of(const rg_graph_node *node);
bool perf_is_collective(rg_op op);

typedef struct perf_span {
    double bound_s, estimate_s, lo80_s, hi80_s;
} perf_span;
static inline void perf_span_add(perf_span *to, perf_span s, double times) {
    to->bound_s += times * s.bound_s;
    to->estimate_s += times * s.estimate_s;
    to->lo80_s += times * s.lo80_s;
    to->hi80_s += times * s.hi80_s;
}

typedef struct perf_pass {
    perf_span segment[PERF_N_SEGMENTS];
    double flop;         /* of matrices, on the rank */
    double calibrated_s; /* part of the estimate whose constants are those of the chip, in range */
    double memory_s;     /* of the bound: weights, caches and states over the memory's bandwidth */
    double matrix_s;     /* of the bound: multiplications */
    double most_flop, peak_flop_per_s; /* of the largest linear operator, and the chip's rate for it */
} perf_pass;
/* Sum of the parts. */
perf_span perf_pass_total(const perf_pass *pass);

typedef struct perf_plan_question {
    const rg_system *system;
    const rg_calibrations *all; /* NULL: bounds alone, estimates are bounds */
    rg_phase phase;
    double batch; /* sequences of the replica that pass together; on DECODE 1 token each */
    double context;
    double attention_backward; /* time of attention's backward pass over its forward one; 0: 2.5, its FLOP */
} perf_plan_question;

/* Times of one layer of each kind, forward[n_kinds + 2], and, unless NULL, of its backward pass. Backward:
   two products of a linear operator's size (of its input and of its weight), twice the traffic of the rest,
   the mirrored exchanges. Two questions at the same time need two plans. */
rg_status perf_plan_times(perf_plan *plan, const perf_plan_question *q, perf_pass *forward,
                          perf_pass *backward, rg_error *err);

/* The exchange of a class of collectives, once. */
rg_status perf_plan_exchange(perf_plan *plan, const perf_plan_question *q, const perf_plan_class *k,
                             rg_collective_time *out, rg_error *err);

/* Activations of one layer that wait for the backward pass, in elements on the rank: a value that several
   operators need counts once; of what is gathered over tp, the part before (it is gathered again). */
typedef struct perf_kept {
    double elements;          /* inputs that operators need */
    double score_elements;    /* heads x queries x keys, whether or not they are kept */
    double residual_elements; /* sums that the residual stream takes up: where masks of a dropout are kept */
    double input_elements;    /* what enters the layer: all that full recomputation keeps */
} perf_kept;
perf_kept perf_plan_kept(const perf_plan *plan, size_t kind, double batch, double context);

/* Bytes of the cache and of states of one sequence in one layer of a kind. */
double perf_plan_cache_bytes(perf_plan *plan, size_t kind, double context);

#endif
