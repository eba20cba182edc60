/* The datapaths that identification still holds possible. */
#ifndef RIDGE_NUM_DATAPATH_CANDIDATES_H
#define RIDGE_NUM_DATAPATH_CANDIDATES_H

#include "num/datapath.h"

/* Fields of a dot(...), small enough to hold a million; or a preset by its index. */
typedef struct dp_candidate {
    int16_t preset; /* index + 1; 0: the fields below */
    int16_t n;
    int16_t align; /* -1: exact */
    int16_t floor; /* INT16_MIN: none */
    int16_t promote;
    uint8_t cut, mantissa_bits, exponent_bits, rounding, c_after, order, flush;
    uint8_t nan;          /* 0: 7fffffff, 1: 7fc00000 */
    uint32_t class_index; /* of accumulators and alignments that no sum tells apart */
} dp_candidate;

typedef struct dp_set {
    dp_candidate *at;
    size_t n, room;
} dp_set;

typedef struct dp_space { /* what candidates are made of */
    dp_input input[2];
    rg_datapath **preset; /* opened; those that take these formats */
    size_t n_presets;
    rg_datapath scratch; /* the last candidate built */
} dp_space;

bool dp_set_add(dp_set *set, const dp_candidate *candidate); /* false: out of memory */
void dp_set_free(dp_set *set);
/* A candidate as a datapath: a preset, or space->scratch built anew. */
const rg_datapath *dp_candidate_open(dp_space *space, const dp_candidate *candidate);

/* Stage after stage a parameter is opened up that earlier probes cannot have seen. */
typedef enum dp_stage {
    DP_STAGE_SUM,     /* within one step of three products: alignment, cut, accumulator, place of c */
    DP_STAGE_GROUP,   /* group, order, promotion within DP_GROUP_K products */
    DP_STAGE_PROMOTE, /* promotion within DP_PROMOTE_K */
    DP_STAGE_SPECIAL, /* flush, floor, NaN */
    DP_N_STAGES
} dp_stage;
enum { DP_SUM_K = 3, DP_GROUP_K = 136, DP_PROMOTE_K = 4096 };
/* Candidates of a stage from those that the last one left (NULL: the first stage). */
bool dp_stage_expand(dp_space *space, dp_stage stage, const dp_set *from, dp_set *to);

#endif
