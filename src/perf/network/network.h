/* Shared by the files of the network model: one level of a system at a time. */
#ifndef PERF_NETWORK_H
#define PERF_NETWORK_H

#include "perf/calibrate/calibrate.h"
#include "ridge/network.h"

/* What the group has of one level: `ranks` units of the level below, each with `inside` of the group's ranks.
 */
typedef struct perf_reach {
    const rg_system_level *level;
    double ranks, inside;
    double units;              /* of the whole level */
    double along[RG_MAX_AXES]; /* TORUS and RING: ranks per axis, */
    double apart[RG_MAX_AXES]; /* and units from one to the next: other groups sit between them */
} perf_reach;

typedef enum perf_origin { PERF_CALIBRATED, PERF_TRANSFERRED, PERF_ASSUMED } perf_origin;

typedef struct perf_phase {
    double ideal_s, s, lo_s, hi_s;
    const char *algorithm;
    perf_origin origin;
} perf_phase;

/* A choice of algorithm on one level, before constants: bytes over the links of one chip at full rate in
   ideal_s, messages one after the other in `steps`. */
typedef struct perf_way {
    const char *algorithm;
    double ideal_s, steps;
} perf_way;
enum { PERF_MAX_WAYS = 3 };

/* What must pass between a unit of the level below span[0] and the rest of the group's `ranks`, over the
   unit's links of all n levels, and through the middle of a torus: no algorithm is faster, detours over chips
   and levels included, while all groups of the layout work at once. bytes: as in rg_perf_collective. */
double perf_network_cut(const perf_reach *span, int n, rg_collective op, double ranks, double bytes);
/* How many ways the level has. */
int perf_network_ways(const perf_reach *span, rg_collective op, double bytes, perf_way way[PERF_MAX_WAYS]);

/* Parts of an assumed time: constants of the level's links in the middle or at an edge of their range. */
typedef enum perf_edge { PERF_MIDDLE, PERF_LOW, PERF_HIGH } perf_edge;
double perf_network_start_s(const rg_system_level *level, perf_edge edge);
double perf_network_latency_s(const rg_system_level *level, double steps, perf_edge edge);
double perf_network_wire_s(const rg_system_level *level, double ideal_s, perf_edge edge);
/* Their sum. */
perf_phase perf_network_assume(const rg_system_level *level, const perf_way *way);

/* From measured constants; false where none apply. dtype: 0 half, 1 int8. */
bool perf_network_measured(const rg_calibrations *all, const rg_system *s, const perf_reach *span,
                           rg_collective op, int dtype, double bytes, perf_phase *out);

#endif
