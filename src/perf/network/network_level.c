/* One level of a system: what its links must carry, and the ways to do it. */
#include <math.h>

#include "perf/network/network.h"

/* Share of the buffer that leaves each of k ranks, for an all-reduce done by a reduce-scatter and an
   all-gather twice. */
static double share(rg_collective op, double k) {
    if (op == RG_SEND) return 1;
    return (op == RG_ALL_REDUCE ? 2 : 1) * (k - 1) / k;
}

static bool is_torus(const perf_reach *span) {
    return span->level->topology == RG_TOPOLOGY_RING || span->level->topology == RG_TOPOLOGY_TORUS;
}

static int axes_of(const rg_system_level *l) {
    return l->topology == RG_TOPOLOGY_RING ? 1 : l->n_axes;
}

static double axis_of(const perf_reach *span, int i) {
    return span->level->topology == RG_TOPOLOGY_RING ? span->units : span->level->axis[i];
}

/* A group on part of an axis is a line: the link that closes the ring is not its own. */
static bool closes(const perf_reach *span, int i) {
    return span->level->wraps && span->along[i] * span->apart[i] > 0.999 * axis_of(span, i);
}

/* Links of the chip in the corner, towards the group; those of an axis are shared with the groups between. */
static double corner_links(const perf_reach *span) {
    double n = 0;
    for (int i = 0; i < axes_of(span->level); i++)
        if (span->along[i] > 1) n += (closes(span, i) ? 2 : 1) / span->apart[i];
    return n > 0 ? n : 1;
}

/* One direction of one link. A full-duplex pair of neighbours along an axis has one each way. */
static double link_rate(const perf_reach *span) {
    return span->level->bytes_per_s.value / (2 * axes_of(span->level));
}

/* Links along the axis of a message to the next rank. The other way round a ring of k helps 1 / (k - 1). */
static double send_links(const perf_reach *span, bool both_ways) {
    double most = 0;
    for (int i = 0; i < axes_of(span->level); i++) {
        const double k = span->along[i], other = both_ways && closes(span, i) ? k / (k - 1) : 1;
        if (k > 1) most = fmax(most, other / span->apart[i]);
    }
    return most > 0 ? most : 1;
}

/* An all-to-all over the middle of each axis: one link (two, where the ring closes) per line of chips. Each
   chip of the smaller half has `above_per_s` on other levels too. */
static double bisection_s(const perf_reach *span, double bytes, double above_per_s) {
    double s = 0;
    for (int i = 0; i < axes_of(span->level); i++) {
        const double k = span->along[i], half = floor(k / 2), links = closes(span, i) ? 2 : 1,
                     groups = span->apart[i];
        if (k > 1 && k == floor(k))
            s = fmax(s, groups * bytes * half * (k - half) / k /
                            (links * link_rate(span) + groups * half * above_per_s));
    }
    return s;
}

static double mesh_peers(const perf_reach *span, rg_collective op) {
    return op == RG_SEND ? 1 : fmin(span->ranks, span->units) - 1;
}

/* Rate of one chip towards the k - 1 others of its group, on direct links. */
static double rate(const perf_reach *span, rg_collective op) {
    const rg_system_level *l = span->level;
    if (is_torus(span))
        return link_rate(span) * (op == RG_SEND ? send_links(span, false) : corner_links(span));
    if (l->topology != RG_TOPOLOGY_MESH) return l->bytes_per_s.value;
    return l->bytes_per_s.value * fmin(1, mesh_peers(span, op) / fmax(1, span->units - 1));
}

/* The same with detours: in a mesh over chips of other groups, two links for each byte. */
static double most_rate(const perf_reach *span, rg_collective op) {
    if (is_torus(span) && op == RG_SEND) return link_rate(span) * send_links(span, true);
    if (span->level->topology != RG_TOPOLOGY_MESH) return rate(span, op);
    return (rate(span, op) + span->level->bytes_per_s.value) / 2;
}

double perf_network_cut(const perf_reach *span, int n, rg_collective op, double ranks, double bytes) {
    /* where a stride does not divide a domain, some have one rank more than others */
    const double inside = ceil(span->inside * (1 - 1e-12)), k = ranks / inside;
    double own_per_s = most_rate(span, op), above_per_s = 0;
    bool reduces = span->level->reduces;
    for (int i = 1; i < n; i++) {
        above_per_s += most_rate(&span[i], op);
        reduces |= span[i].level->reduces;
    }
    if (op == RG_SEND) return bytes / own_per_s;
    if (!(k > 1)) return 0;
    const double leaves = share(op, k) * bytes / (op == RG_ALL_TO_ALL ? 1 : inside);
    double s = leaves / (own_per_s + above_per_s);
    if (op == RG_ALL_REDUCE && reduces) s /= 2;
    if (op == RG_ALL_TO_ALL && is_torus(span))
        s = fmax(s, bisection_s(span, bytes * span->inside * span->ranks / ranks, above_per_s));
    return s;
}

/* Whole shards: the longer way round a ring of k is k / 2 of them, not (k - 1) / 2. */
static double torus_ideal_s(const perf_reach *span, rg_collective op, double bytes) {
    const double wire_s = share(op, span->ranks) * bytes / rate(span, op);
    if (op == RG_SEND) return wire_s;
    if (op == RG_ALL_TO_ALL) return fmax(wire_s, bisection_s(span, bytes, 0));
    double part = (span->ranks - 1) / span->ranks;
    for (int i = 0; i < axes_of(span->level); i++) {
        const double k = span->along[i];
        if (k > 1 && closes(span, i)) part = fmax(part, 2 * floor(k / 2) / k);
    }
    return (op == RG_ALL_REDUCE ? 2 : 1) * part * bytes / rate(span, op);
}

static double torus_steps(const perf_reach *span, rg_collective op) {
    double steps = 0;
    for (int i = 0; i < axes_of(span->level); i++)
        if (span->along[i] > 1)
            steps += span->apart[i] * (closes(span, i) ? floor(span->along[i] / 2) : span->along[i] - 1);
    return op == RG_SEND ? 1 : (op == RG_ALL_REDUCE ? 2 : 1) * steps;
}

int perf_network_ways(const perf_reach *span, rg_collective op, double bytes, perf_way way[PERF_MAX_WAYS]) {
    const double k = span->ranks, wire_s = share(op, k) * bytes / rate(span, op),
                 twice = op == RG_ALL_REDUCE ? 2 : 1;
    if (is_torus(span)) {
        way[0] = (perf_way){"torus", torus_ideal_s(span, op, bytes), torus_steps(span, op)};
        return 1;
    }
    if (op == RG_SEND || span->level->topology == RG_TOPOLOGY_MESH) {
        way[0] = (perf_way){"direct", wire_s, op == RG_SEND ? 1 : twice};
        return 1;
    }
    if (op == RG_ALL_TO_ALL) { /* all pairs at once; measured starts grow with the logarithm */
        way[0] = (perf_way){"direct", wire_s, fmax(1, log2(k))};
        return 1;
    }
    int n = 0;
    way[n++] = (perf_way){"ring", wire_s, twice * fmax(1, k - 1)};
    if (op != RG_ALL_REDUCE) return n;
    way[n++] = (perf_way){"tree", 2 * bytes / rate(span, op), 2 * fmax(1, log2(k))};
    /* the switch takes each rank's buffer and its summed share, and gives as much back */
    if (span->level->reduces) way[n++] = (perf_way){"in-switch", (k + 1) / k * bytes / rate(span, op), 2};
    return n;
}

static double at(const rg_value *v, perf_edge edge) {
    if (edge == PERF_LOW && v->lo > 0) return v->lo;
    return edge == PERF_HIGH && v->hi > 0 ? v->hi : v->value;
}

double perf_network_start_s(const rg_system_level *l, perf_edge edge) {
    return at(&l->start_s, edge);
}

double perf_network_latency_s(const rg_system_level *l, double steps, perf_edge edge) {
    return steps * at(&l->latency_s, edge);
}

double perf_network_wire_s(const rg_system_level *l, double ideal_s, perf_edge edge) {
    const perf_edge other = edge == PERF_LOW ? PERF_HIGH : edge == PERF_HIGH ? PERF_LOW : PERF_MIDDLE;
    return ideal_s / at(&l->efficiency, other);
}

static double time_s(const rg_system_level *l, const perf_way *way, perf_edge edge) {
    return perf_network_start_s(l, edge) + perf_network_latency_s(l, way->steps, edge) +
           perf_network_wire_s(l, way->ideal_s, edge);
}

perf_phase perf_network_assume(const rg_system_level *l, const perf_way *way) {
    return (perf_phase){.ideal_s = way->ideal_s,
                        .s = time_s(l, way, PERF_MIDDLE),
                        .lo_s = time_s(l, way, PERF_LOW),
                        .hi_s = time_s(l, way, PERF_HIGH),
                        .algorithm = way->algorithm,
                        .origin = PERF_ASSUMED};
}
