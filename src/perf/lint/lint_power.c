/* Board power that is no function of the shape. */
#include <math.h>

#include "perf/lint/lint_order.h"

static const double same_rate = 1.15, jump = 1.5, short_s = 20e-6, busy = 0.4, idle = 0.4;

static double power_of(const lint_rows *r, size_t i, int column) {
    const size_t row = r->table.number[i] - 1;
    return row < r->of->csv.n_rows ? lint_number(&r->of->csv, row, column) : NAN;
}

static double busy_of(const lint_rows *r, size_t i) {
    double bound_s;
    perf_judge(r->table.model, &r->table.row[i], r->chip, &bound_s);
    return bound_s / r->table.row[i].measured_s;
}

/* Of neighbours with one rate, the one that reads less: the sampling had not seen the kernel yet. */
static void find_jumps(const lint_rows *r, const lint_order *o, int column, lint_hits *hits, size_t *pairs,
                       double *most) {
    size_t last = 0;
    for (size_t i = 1; i < o->n; i++) {
        if (!lint_neighbours(o, &r->table, i - 1, i)) continue;
        const size_t a = o->at[i - 1], b = o->at[i];
        const double rate = busy_of(r, a) / busy_of(r, b), p = power_of(r, a, column),
                     q = power_of(r, b, column);
        if (!(rate < same_rate) || !(rate > 1 / same_rate) || !(p > 0) || !(q > 0)) continue;
        (*pairs)++;
        if (fmax(p, q) <= jump * fmin(p, q)) continue;
        const size_t low = r->table.number[p < q ? a : b];
        *most = fmax(*most, fmax(p, q) / fmin(p, q));
        if (low != last) lint_hit(hits, low);
        last = low;
    }
}

static void find_short(const lint_rows *r, int power, int limit, lint_hits *hits) {
    for (size_t i = 0; i < r->table.n; i++) {
        double w = power_of(r, i, limit);
        if (!(w > 0)) w = r->chip->tdp_w.value;
        if (r->table.row[i].measured_s < short_s && busy_of(r, i) > busy && power_of(r, i, power) < idle * w)
            lint_hit(hits, r->table.number[i]);
    }
}

rg_status lint_power(lint *l, const lint_rows *r) {
    const int power = lint_column(&r->of->csv, "power_w|power|avg_power"),
              limit = lint_column(&r->of->csv, "power_limit_w");
    if (power < 0) return RG_OK;
    lint_order o;
    lint_hits jumps = {0}, idle_rows = {0};
    size_t pairs = 0;
    double most = 0;
    RG_TRY(lint_order_open(&o, l, &r->table));
    find_jumps(r, &o, power, &jumps, &pairs, &most);
    find_short(r, power, limit, &idle_rows);
    const char *axis = r->table.model->number[o.axis].name;
    lint_order_close(&o);
    rg_status status = lint_find(
        l, "power_jump", r->of->name, &jumps, RG_LINT_LEFT_OUT,
        rg_arena_printf(
            &l->out.arena,
            "power is no function of the shape: of %zu pairs of neighbours in %s with equal TFLOP/s "
            "(15 %%), these read more than 1.5 times less, up to %.1f times",
            pairs, axis, most),
        "the sampling window and the warm-up, not the kernel; no fit of energy may use them, times are "
        "sound");
    if (status == RG_OK)
        status = lint_find(
            l, "power_short", r->of->name, &idle_rows, RG_LINT_LEFT_OUT,
            "kernels under 20 us at more than 40 % of the bound's rate that read under 40 % of "
            "the power limit",
            "shorter than the sampling: idle time is read with them; no fit of energy may use them");
    lint_hits_free(&jumps);
    lint_hits_free(&idle_rows);
    return status;
}
