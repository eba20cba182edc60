/* Collectives over the levels of a system: a group is cut into what it has of each level, the phases of an
   algorithm are added up, and the fastest algorithm counts. */
#include "perf/network/network.h"

#include <math.h>
#include <string.h>

const char *rg_collective_name(rg_collective op) {
    static const char *const names[RG_N_COLLECTIVES] = {"all-reduce", "all-gather", "reduce-scatter",
                                                        "all-to-all", "send"};
    return names[op];
}

typedef struct question {
    const rg_system *s;
    const rg_calibrations *all;
    rg_collective op;
    int dtype;
    double ranks, bytes;
    int n_spans;
    perf_reach span[RG_MAX_LEVELS];
} question;

/* ---- who sits where ---------------------------------------------------------------------------------- */

/* Ranks `stride` chips apart between blocks of `below` chips and blocks of `above`. */
static double between(double ranks, double stride, double below, double above) {
    const double lo = fmax(stride, below), hi = fmin(stride * ranks, above);
    return hi > lo ? hi / lo : 1;
}

static void cut(question *q, double stride) {
    double below = 1, inside = 1;
    for (size_t i = 0; i < q->s->n_levels; i++) {
        const rg_system_level *l = &q->s->level[i];
        perf_reach span = {.level = l, .inside = inside, .units = l->n_chips / below};
        span.ranks = between(q->ranks, stride, below, l->n_chips);
        double at = below;
        for (int a = 0; a < (l->topology == RG_TOPOLOGY_TORUS ? l->n_axes : 1); a++) {
            const double next = l->topology == RG_TOPOLOGY_TORUS ? at * l->axis[a] : l->n_chips;
            span.along[a] = between(q->ranks, stride, at, next);
            span.apart[a] = fmax(1, stride / at);
            at = next;
        }
        if (span.ranks > 1) q->span[q->n_spans++] = span;
        inside *= span.ranks;
        below = l->n_chips;
    }
}

/* The buffer of a rank in the phase on one level. An all-to-all splits by destination, the rest by halves of
   the level below. */
static double bytes_at(const question *q, const perf_reach *span) {
    if (q->op == RG_SEND) return q->bytes;
    if (q->op == RG_ALL_TO_ALL) return q->bytes * span->inside * span->ranks / q->ranks;
    return q->bytes / span->inside;
}

/* ---- algorithms -------------------------------------------------------------------------------------- */

static perf_phase phase(const question *q, const perf_reach *span, rg_collective op) {
    const double bytes = bytes_at(q, span);
    perf_phase best = {0};
    perf_way way[PERF_MAX_WAYS];
    if (!perf_network_measured(q->all, q->s, span, op, q->dtype, bytes, &best)) {
        const int n = perf_network_ways(span, op, bytes, way);
        best.s = INFINITY;
        for (int i = 0; i < n; i++) {
            const perf_phase p = perf_network_assume(span->level, &way[i]);
            if (p.s < best.s) best = p;
        }
    }
    return best;
}

static void add(perf_phase *sum, const perf_phase *p) {
    sum->s += p->s;
    sum->lo_s += p->lo_s;
    sum->hi_s += p->hi_s;
    sum->ideal_s += p->ideal_s;
    sum->origin = p->origin > sum->origin ? p->origin : sum->origin;
}

/* Level by level: inside reduce-scatter, across all-reduce, inside all-gather. */
static perf_phase hierarchical(const question *q) {
    perf_phase sum = {0}, top = {0};
    for (int i = 0; i < q->n_spans; i++) {
        const bool split = q->op == RG_ALL_REDUCE && i + 1 < q->n_spans;
        top = phase(q, &q->span[i], split ? RG_REDUCE_SCATTER : q->op);
        add(&sum, &top);
        if (!split) continue;
        const perf_phase back = phase(q, &q->span[i], RG_ALL_GATHER);
        add(&sum, &back);
    }
    sum.algorithm = q->n_spans > 1 ? "hierarchical" : top.algorithm;
    return sum;
}

/* All pairs at once: the levels work beside each other, the slowest counts. */
static perf_phase all_pairs(const question *q) {
    perf_phase most = {0};
    for (int i = 0; i < q->n_spans; i++) {
        const perf_phase p = phase(q, &q->span[i], q->op);
        most.s = fmax(most.s, p.s);
        most.lo_s = fmax(most.lo_s, p.lo_s);
        most.hi_s = fmax(most.hi_s, p.hi_s);
        most.ideal_s = fmax(most.ideal_s, p.ideal_s);
        most.origin = p.origin > most.origin ? p.origin : most.origin;
        most.algorithm = p.algorithm;
    }
    return most;
}

/* ---- one kernel over all levels ---------------------------------------------------------------------- */

/* Rings through every rank, or trees: each domain leaves by all links of its ranks, so the slowest level sets
   the rate; latencies add up. */
static double streamed_s(const question *q, bool tree, perf_edge edge, double *ideal_s) {
    const double twice = q->op == RG_ALL_REDUCE ? 2 : 1, part = tree ? 1 : (q->ranks - 1) / q->ranks;
    double start = 0, latency = 0, wire = 0, left = q->ranks - 1;
    *ideal_s = 0;
    for (int i = q->n_spans - 1; i >= 0; i--) {
        const perf_reach *x = &q->span[i];
        const double full_s = twice * part * q->bytes / (x->level->bytes_per_s.value * x->inside);
        const double steps = tree ? log2(x->ranks) : i ? x->ranks - 1 : left;
        left -= steps;
        start = fmax(start, perf_network_start_s(x->level, edge));
        latency += perf_network_latency_s(x->level, twice * fmax(0, steps), edge);
        wire = fmax(wire, perf_network_wire_s(x->level, full_s, edge));
        *ideal_s = fmax(*ideal_s, full_s);
    }
    return start + latency + wire;
}

static bool all_switched(const question *q) {
    for (int i = 0; i < q->n_spans; i++)
        if (q->span[i].level->topology != RG_TOPOLOGY_SWITCH) return false;
    return true;
}

static void try_streamed(const question *q, bool tree, perf_phase *best) {
    perf_phase p = {.algorithm = tree ? "tree" : "ring", .origin = PERF_ASSUMED};
    double unused;
    p.s = streamed_s(q, tree, PERF_MIDDLE, &p.ideal_s);
    if (!(p.s < best->s)) return;
    p.lo_s = streamed_s(q, tree, PERF_LOW, &unused);
    p.hi_s = streamed_s(q, tree, PERF_HIGH, &unused);
    *best = p;
}

/* ---- the answer -------------------------------------------------------------------------------------- */

static void answer(const question *q, rg_collective_time *out) {
    static const char *const kinds[] = {"calibrated", "transferred", "assumed"};
    perf_phase best = q->op == RG_ALL_TO_ALL ? all_pairs(q) : hierarchical(q);
    if (q->n_spans > 1 && q->op != RG_ALL_TO_ALL && all_switched(q)) {
        try_streamed(q, false, &best);
        if (q->op == RG_ALL_REDUCE) try_streamed(q, true, &best);
    }
    double bound_s = 0;
    const char *level = "";
    for (int i = 0; i < q->n_spans; i++) {
        const double s = perf_network_cut(&q->span[i], q->n_spans - i, q->op, q->ranks, q->bytes);
        if (s > bound_s) level = q->span[i].level->name;
        bound_s = fmax(bound_s, s);
    }
    const double s = fmax(best.s, bound_s);
    *out = (rg_collective_time){.bound_s = bound_s,
                                .estimate_s = s,
                                .lo80_s = fmin(s, fmax(best.lo_s, bound_s)),
                                .hi80_s = fmax(s, best.hi_s),
                                .algorithm = best.algorithm,
                                .level = level,
                                .kind = kinds[best.origin],
                                .ideal_s = fmax(best.ideal_s, bound_s)};
}

static rg_status wrong_group(const question *q, double stride, rg_error *err) {
    const double chips = q->s->n_levels ? q->s->level[q->s->n_levels - 1].n_chips : 1;
    if (!(q->ranks >= 1) || !(stride >= 1) || !(q->bytes >= 0) || !isfinite(q->ranks * stride + q->bytes))
        return rg_fail(err, RG_ERR_USAGE, "collective", "ranks and stride from 1, bytes from 0",
                       "%g ranks, %g chips apart, %g bytes", q->ranks, stride, q->bytes);
    if (q->ranks == 1 || q->ranks * stride <= chips * (1 + 1e-12)) return RG_OK;
    return rg_fail(err, RG_ERR_USAGE, q->s->id, "a group that the system joins, or --set LEVEL.chips=N",
                   "%g ranks, %g chips apart, need %g chips; %s joins %g", q->ranks, stride,
                   q->ranks * stride, q->s->id, chips);
}

rg_status rg_perf_collective(const rg_system *s, const rg_calibrations *all, rg_collective op,
                             const char *dtype, double ranks, double stride, double bytes,
                             rg_collective_time *out, rg_error *err) {
    question q = {.s = s, .all = all, .op = op, .ranks = ranks, .bytes = bytes};
    q.dtype = dtype && strcmp(dtype, "int8") == 0;
    if (dtype && !q.dtype && strcmp(dtype, "half") != 0)
        return rg_fail(err, RG_ERR_USAGE, "collective", "half or int8", "type \"%.40s\"", dtype);
    RG_TRY(wrong_group(&q, stride, err));
    if (ranks == 1 || bytes == 0) {
        *out = (rg_collective_time){.algorithm = "none", .level = "", .kind = "calibrated"};
        return RG_OK;
    }
    cut(&q, stride);
    if (op == RG_SEND && q.n_spans > 1) { /* the farthest neighbour */
        q.span[0] = q.span[q.n_spans - 1];
        q.n_spans = 1;
    }
    answer(&q, out);
    return RG_OK;
}
