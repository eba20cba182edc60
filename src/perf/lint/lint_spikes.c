/* Rows out of line: with those of the next sizes, or with all of their kernel. */
#include <math.h>
#include <stdlib.h>

#include "perf/lint/lint_order.h"

static const double factor = 3, far = 10;
enum { FEW = 20 };

/* ---- neighbours --------------------------------------------------------------------------------------- */

typedef struct spikes {
    lint_hits slow, fast;
    double slowest, fastest;
} spikes;

static void find_spikes(spikes *s, const lint_rows *r, const lint_order *o) {
    for (size_t i = 1; i + 1 < o->n; i++) {
        if (!lint_neighbours(o, &r->table, i - 1, i) || !lint_neighbours(o, &r->table, i, i + 1)) continue;
        const double before = r->table.row[o->at[i - 1]].measured_s, here = r->table.row[o->at[i]].measured_s,
                     after = r->table.row[o->at[i + 1]].measured_s;
        if (!(before > 0) || !(here > 0) || !(after > 0)) continue;
        const double over = here / fmax(before, after), under = fmin(before, after) / here;
        if (over > factor) lint_hit(&s->slow, r->table.number[o->at[i]]);
        if (under > factor) lint_hit(&s->fast, r->table.number[o->at[i]]);
        s->slowest = fmax(s->slowest, over);
        s->fastest = fmax(s->fastest, under);
    }
}

static rg_status report_spikes(lint *l, const lint_rows *r, spikes *s, const char *axis) {
    rg_arena *a = &l->out.arena;
    RG_TRY(lint_find(
        l, "out_of_line", r->of->name, &s->slow, RG_LINT_REPORTED,
        rg_arena_printf(a, "up to %.1f times as slow as at the %s before and behind", s->slowest, axis),
        "a run that something else disturbed: too few repetitions"));
    return lint_find(
        l, "out_of_line", r->of->name, &s->fast, RG_LINT_REPORTED,
        rg_arena_printf(a, "up to %.1f times as fast as at the %s before and behind", s->fastest, axis),
        "another kernel, or a shape that is not the one that was timed");
}

rg_status lint_spikes(lint *l, const lint_rows *r) {
    lint_order o;
    spikes s = {0};
    RG_TRY(lint_order_open(&o, l, &r->table));
    find_spikes(&s, r, &o);
    const rg_status status = report_spikes(l, r, &s, r->table.model->number[o.axis].name);
    lint_order_close(&o);
    lint_hits_free(&s.slow);
    lint_hits_free(&s.fast);
    return status;
}

/* ---- the kernel's other rows -------------------------------------------------------------------------- */

/* Measured over expected: the model with its presets, begun at the kernel's least time. 0: no time. */
static double excess(const lint_rows *r, size_t i, double least_s) {
    perf_machine m;
    const char *missing;
    double preset[PERF_MAX_CONSTANTS];
    const perf_model *model = r->table.model;
    const perf_row *row = &r->table.row[i];
    if (!row->known || !(row->measured_s > 0) || !perf_machine_of(r->chip, model, row, &m, &missing))
        return 0;
    for (size_t k = 0; k < model->n_constants; k++) preset[k] = model->constant[k].preset;
    return row->measured_s / (least_s + model->estimate(row, &m, preset).s);
}

static rg_status check_group(lint *l, const lint_rows *r, const char *group, const size_t *at, size_t n) {
    double least_s = INFINITY, most = 0, *x = malloc((2 * n + 1) * sizeof *x);
    lint_hits hits = {0};
    size_t timed = 0;
    if (!x) return lint_no_memory(l);
    for (size_t i = 0; i < n; i++)
        if (r->table.row[at[i]].measured_s > 0) least_s = fmin(least_s, r->table.row[at[i]].measured_s);
    for (size_t i = 0; i < n; i++) {
        x[i] = excess(r, at[i], least_s);
        if (x[i] > 0) x[n + timed++] = x[i];
    }
    const double median = timed < FEW ? INFINITY : rg_quantile(x + n, timed, 0.5);
    for (size_t i = 0; i < n; i++)
        if (x[i] > far * fmax(1, median)) {
            lint_hit(&hits, r->table.number[at[i]]);
            most = fmax(most, x[i]);
        }
    free(x);
    const rg_status status = lint_find(
        l, "out_of_line", r->of->name, &hits, RG_LINT_REPORTED,
        rg_arena_printf(&l->out.arena,
                        "%s: up to %.0f times what the operator's model expects, of which half of this "
                        "kernel's rows take no more than %.1f",
                        group, most, median),
        "extra rows of another origin, or a kernel that is bad at these shapes");
    lint_hits_free(&hits);
    return status;
}

rg_status lint_far(lint *l, const lint_rows *r) {
    return lint_each_group(l, r, check_group);
}
