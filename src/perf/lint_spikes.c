/* Rows out of line with those of the next sizes. */
#include <math.h>
#include <stdio.h>

#include "perf/lint_order.h"

static const double factor = 3;

rg_status lint_spikes(lint *l, const lint_rows *r) {
    lint_order o;
    lint_hits slow = {0}, fast = {0};
    double slowest = 0, fastest = 0;
    RG_TRY(lint_order_open(&o, l, &r->table));
    for (size_t i = 1; i + 1 < o.n; i++) {
        if (!lint_neighbours(&o, &r->table, i - 1, i) || !lint_neighbours(&o, &r->table, i, i + 1)) continue;
        const double before = r->table.row[o.at[i - 1]].measured_s, here = r->table.row[o.at[i]].measured_s,
                     after = r->table.row[o.at[i + 1]].measured_s;
        if (!(before > 0) || !(here > 0) || !(after > 0)) continue;
        const double over = here / fmax(before, after), under = fmin(before, after) / here;
        if (over > factor) lint_hit(&slow, r->table.number[o.at[i]]);
        if (under > factor) lint_hit(&fast, r->table.number[o.at[i]]);
        slowest = fmax(slowest, over);
        fastest = fmax(fastest, under);
    }
    const char *axis = r->table.model->number[o.axis].name;
    lint_order_close(&o);
    rg_arena *a = &l->out.arena;

    rg_status status = lint_find(
        l, "out_of_line", r->of->name, &slow, RG_LINT_REPORTED,
        rg_arena_printf(a, "up to %.1f times as slow as at the %s before and behind", slowest, axis),
        "a run that something else disturbed: too few repetitions");
    if (status == RG_OK)
        status = lint_find(
            l, "out_of_line", r->of->name, &fast, RG_LINT_REPORTED,
            rg_arena_printf(a, "up to %.1f times as fast as at the %s before and behind", fastest, axis),
            "another kernel, or a shape that is not the one that was timed");
    lint_hits_free(&slow);
    lint_hits_free(&fast);
    return status;
}
