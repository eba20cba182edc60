/* Time of a collective on a system: rings, level by level. */
#include <math.h>

#include "perf/perf.h"

/* The level that joins chips `span` apart. */
static const rg_system_level *level_for(const rg_system *s, double span) {
    for (size_t i = 0; i < s->n_levels; i++)
        if (s->level[i].n_chips >= span) return &s->level[i];
    return NULL;
}

/* Times the buffer that crosses a rank's links, and steps of a ring. */
static double traffic(rg_collective op, double n) {
    switch (op) {
    case RG_ALL_REDUCE:
        return 2 * (n - 1) / n;
    case RG_SEND:
        return 1;
    default:
        return (n - 1) / n;
    }
}

rg_status rg_perf_collective(const rg_system *s, const rg_calibrations *all, rg_collective op,
                             const char *dtype, double ranks, double stride, double bytes,
                             rg_collective_time *out, rg_error *err) {
    (void)all, (void)dtype;
    *out = (rg_collective_time){.algorithm = "none", .kind = "transferred"};
    if (ranks <= 1) return RG_OK;
    const double span = op == RG_SEND ? stride + 1 : ranks * stride;
    const rg_system_level *l = level_for(s, span);
    if (!l)
        return rg_fail(err, RG_ERR_USAGE, s->id, "fewer chips, or a larger system",
                       "a group over %g chips of %g", span,
                       s->n_levels ? s->level[s->n_levels - 1].n_chips : 1);
    const double moved = bytes * traffic(op, ranks), in_switch = op == RG_ALL_REDUCE && l->reduces ? 0.5 : 1;
    const double steps =
        op == RG_SEND || op == RG_ALL_TO_ALL ? 1 : log2(ranks) * (op == RG_ALL_REDUCE ? 2 : 1);
    out->bound_s = in_switch * moved / l->bytes_per_s.value;
    out->estimate_s = moved / (l->bytes_per_s.value * (l->efficiency.given ? l->efficiency.value : 0.8)) +
                      l->start_s.value + steps * l->latency_s.value;
    out->lo80_s = fmax(out->bound_s, 0.7 * out->estimate_s);
    out->hi80_s = 1.6 * out->estimate_s;
    out->algorithm = "ring";
    out->level = l->name;
    return RG_OK;
}
