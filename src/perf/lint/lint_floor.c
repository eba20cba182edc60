/* A floor under all times: timed from outside, with the launch and the framework in it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "perf/lint/lint_group.h"
#include "perf/lint/lint_order.h"

static const double floor_s = 25e-6, flat = 1.25, light = 0.2, span = 4;
enum { FEW = 5 };

typedef struct timed { /* a row: how long it took, and at least has to take */
    double s, bound_s;
    size_t number;
} timed;

/* The fastest rows take equally long however much they do, and do little. */
static rg_status check(lint *l, const char *file, const char *group, const timed *x, size_t n) {
    lint_hits hits = {0};
    double least = INFINITY, small = INFINITY, large = 0;
    for (size_t i = 0; i < n; i++)
        if (x[i].s > 0) least = fmin(least, x[i].s);
    for (size_t i = 0; n >= FEW && least >= floor_s && i < n; i++) {
        if (!(x[i].s <= flat * least) || x[i].bound_s > light * x[i].s) continue;
        lint_hit(&hits, x[i].number);
        small = fmin(small, x[i].bound_s);
        large = fmax(large, x[i].bound_s);
    }
    rg_status status = RG_OK;
    if (hits.n && large >= span * small)
        status =
            lint_find(l, "timing_floor", file, &hits, RG_LINT_REPORTED,
                      rg_arena_printf(&l->out.arena,
                                      "%s%snothing takes less than %.1f us, and shapes whose bounds are %.0f "
                                      "times apart take that",
                                      group, *group ? ": " : "", least * 1e6, large / small),
                      "timed eagerly: the launch and the framework are in every row; fit above 4 times "
                      "that, or with a launch term of its own");
    lint_hits_free(&hits);
    return status;
}

/* ---- tables with a model: what has constants of its own is timed in one way ---------------------------- */

static rg_status check_group(lint *l, const lint_rows *r, const char *group, const size_t *at, size_t n) {
    timed *x = malloc((n + 1) * sizeof *x);
    if (!x) return lint_no_memory(l);
    for (size_t i = 0; i < n; i++) {
        const perf_row *row = &r->table.row[at[i]];
        x[i] = (timed){.s = row->measured_s, .number = r->table.number[at[i]]};
        if (perf_judge(r->table.model, row, r->chip, &x[i].bound_s) == PERF_UNKNOWN_FORMAT) x[i].s = 0;
    }
    const rg_status status = check(l, r->of->name, group, x, n);
    free(x);
    return status;
}

rg_status lint_floor_rows(lint *l, const lint_rows *r) {
    if (r->table.model->network) return RG_OK; /* messages have a floor of their own */
    return lint_each_group(l, r, check_group);
}

/* ---- tables of one kernel without a model: m, n, k, or elements ---------------------------------------- */

typedef struct sizes {
    int time, rate, m, n, k, elements;
    double unit_s;
} sizes;

static bool find_sizes(sizes *c, const lint_table *t) {
    *c = (sizes){.time = lint_column(&t->csv, "latency_ms|latency_us"),
                 .rate = lint_column(&t->csv, "gelements_per_s"),
                 .m = lint_column(&t->csv, "m"),
                 .n = lint_column(&t->csv, "n"),
                 .k = lint_column(&t->csv, "k"),
                 .elements = lint_column(&t->csv, "elements")};
    if (c->time >= 0) c->unit_s = lint_time_unit(t->csv.column[c->time]);
    lint_group keys;
    lint_group_keys(&keys, &t->csv, -1);
    const size_t known = (size_t)(c->m >= 0) + (c->n >= 0) + (c->k >= 0) + (c->elements >= 0);
    return (c->time >= 0 || c->rate >= 0) && keys.n_columns == known &&
           (c->elements >= 0 || (c->m >= 0 && c->n >= 0));
}

/* At bf16, once through the memory. */
static timed timed_of(const sizes *c, const lint_table *t, size_t row, double bytes_per_s,
                      double flop_per_s) {
    const perf_csv *x = &t->csv;
    const double m = lint_number(x, row, c->m), n = lint_number(x, row, c->n), k = lint_number(x, row, c->k);
    const double elements = c->elements >= 0 ? lint_number(x, row, c->elements) : m * n;
    timed r = {.number = row + 1, .bound_s = 2 * elements / bytes_per_s};
    if (c->k >= 0) r.bound_s = fmax(2 * (m * n + n * k + m * k) / bytes_per_s, 2 * m * n * k / flop_per_s);
    r.s = c->time >= 0 ? lint_number(x, row, c->time) * c->unit_s
                       : elements / (lint_number(x, row, c->rate) * 1e9);
    if (!(r.bound_s > 0)) r.s = 0;
    return r;
}

rg_status lint_floor(lint *l, const lint_table *t) {
    sizes c;
    double flop_per_s;
    if (!t->chip || !find_sizes(&c, t) || rg_chip_rate_of(t->chip, "bf16", &flop_per_s, NULL) != RG_OK ||
        !(t->chip->memory_bytes_per_s.value > 0))
        return RG_OK;
    timed *x = malloc((t->csv.n_rows + 1) * sizeof *x);
    if (!x) return lint_no_memory(l);
    for (size_t i = 0; i < t->csv.n_rows; i++)
        x[i] = timed_of(&c, t, i, t->chip->memory_bytes_per_s.value, flop_per_s);
    const rg_status status = check(l, t->name, "", x, t->csv.n_rows);
    free(x);
    return status;
}
