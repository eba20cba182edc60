/* Dot products made to tell datapaths apart. */
#ifndef RIDGE_NUM_DATAPATH_PROBE_H
#define RIDGE_NUM_DATAPATH_PROBE_H

#include "num/datapath.h"

typedef struct dp_probe {
    rg_dot dot;      /* its arrays are those below */
    uint32_t *a, *b; /* [capacity] */
    size_t capacity;
} dp_probe;

/* Room for `capacity` products, in `arena`. */
rg_status dp_probe_open(dp_probe *out, size_t capacity, rg_arena *arena, rg_error *err);

/* Tame: normal numbers, sums between 2^-60 and 2^60: rounding, alignment, groups, promotion. Wild:
   subnormals, extremes, special values as well. */
typedef enum dp_probe_kind { DP_TAME, DP_LONG, DP_WILD } dp_probe_kind;
/* The index-th probe of a kind, of at most max_k products (LONG: all of them, all positive or nearly so). */
void dp_probe_make(dp_probe *p, const dp_input *in, dp_probe_kind kind, size_t max_k, uint64_t seed,
                   uint64_t index);

/* Makes a probe on which x and y differ small: fewer products, then fewer bits set. */
void dp_probe_shrink(dp_probe *p, const rg_datapath *x, const rg_datapath *y, rg_dot_out out);

#endif
