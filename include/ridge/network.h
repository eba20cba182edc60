/* What a collective costs on a system: bound, expected time and interval. docs/systems.md explains the model.
 */
#ifndef RIDGE_NETWORK_H
#define RIDGE_NETWORK_H

#include "ridge/system.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rg_calibrations rg_calibrations; /* ridge/perf.h */

typedef enum rg_collective {
    RG_ALL_REDUCE,
    RG_ALL_GATHER,
    RG_REDUCE_SCATTER,
    RG_ALL_TO_ALL,
    RG_SEND, /* of one message to the next rank of the group */
    RG_N_COLLECTIVES
} rg_collective;
/* "all-reduce", ... */
const char *rg_collective_name(rg_collective op);

typedef struct rg_collective_time {
    double bound_s; /* what must leave a chip, or a domain, over its links: docs/systems.md */
    double estimate_s, lo80_s, hi80_s;
    const char *algorithm; /* "ring", "tree", "in-switch", "direct", "torus", "hierarchical"; "measured": what
                              the calibrated library picks; "none" */
    const char *level;     /* the busiest, by its name; "" for a group of one */
    const char *kind;      /* the weakest of all levels': "calibrated", "transferred", "assumed" (constants of
                              data/links) */
    double ideal_s;        /* of the algorithm at full rate, without latency; whole shards on a torus */
} rg_collective_time;

/* The group's ranks are `stride` chips apart, beginning at the first chip of a domain (tp inside a node: 1;
   dp around tp = 8: 8); all groups of the layout work at once, and a group inside a domain uses its links
   alone. bytes: all-reduce, reduce-scatter: the buffer that each rank holds before; all-gather: the gathered
   buffer; all-to-all: what a rank sends to all, its own part included; send: the message. dtype: "half" or
   "int8", as measured (NULL: half). `all` may be NULL: then nothing is calibrated. No allocation, no files:
   below 1 us. RG_ERR_USAGE: a group that the system does not join, or numbers that are none. */
rg_status rg_perf_collective(const rg_system *s, const rg_calibrations *all, rg_collective op,
                             const char *dtype, double ranks, double stride, double bytes,
                             rg_collective_time *out, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
