/* ridge perf fit --op serving: from a table of servings to constants with ranges, and a score by model or
 * chip.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/serve/serve_rows.h"

typedef struct work {
    const rg_fit_request *q;
    perf_serve_key key;
    perf_serve_rows rows;
    bool *all, *inside;
    double *time_s, *first_s; /* held out */
    double range[PERF_SERVE_N_FITTED][2];
    rg_fit fit;
    rg_error *err;
} work;

static rg_status no_memory(work *w) {
    return rg_fail(w->err, RG_ERR_MEMORY, w->q->path, NULL, "out of memory");
}

static rg_status keep(work *w, const char *name, const char *unit, const char *chip, const char *group,
                      double value, double lo, double hi, double rows) {
    const char *slash = strrchr(w->q->path, '/');
    const perf_step_constant c = {.phase = PERF_SERVING,
                                  .name = name,
                                  .unit = unit,
                                  .chip = chip,
                                  .group = group,
                                  .date = w->q->date,
                                  .data = w->q->source ? w->q->source
                                          : slash      ? slash + 1
                                                       : w->q->path,
                                  .sha256 = w->rows.digest.hex,
                                  .note = "",
                                  .value = value,
                                  .lo = fmin(lo, value),
                                  .hi = fmax(hi, value),
                                  .rows = rows};
    return perf_step_constants_add(w->fit.constants, &c, w->err);
}

static double rows_of(const work *w, int engine) {
    double n = 0;
    for (size_t i = 0; i < w->rows.n; i++) n += engine < 0 || w->rows.row[i].engine_index == engine;
    return n;
}

/* Values of a fit to all rows; ranges over the fits that left one model or chip out. */
static rg_status keep_constants(work *w) {
    double fitted[PERF_SERVE_N_FITTED], c[PERF_SERVE_N], lo[PERF_SERVE_N], hi[PERF_SERVE_N];
    double low[PERF_SERVE_N_FITTED], high[PERF_SERVE_N_FITTED];
    RG_TRY(perf_serve_fit(&w->rows, w->all, true, fitted, w->err));
    for (int i = 0; i < PERF_SERVE_N_FITTED; i++) low[i] = w->range[i][0], high[i] = w->range[i][1];
    for (int e = 0; e < PERF_SERVE_N_ENGINES; e++) {
        perf_serve_fitted(fitted, e, c);
        perf_serve_fitted(low, e, lo);
        perf_serve_fitted(high, e, hi);
        for (int i = 0; i < PERF_SERVE_N; i++) {
            const bool own = i >= PERF_SERVE_FIRST_OF_ENGINE;
            if (!own && e > 0) continue;
            RG_TRY(keep(w, perf_serve_specs[i].name, perf_serve_specs[i].unit, "",
                        own ? perf_serve_engines[e] : "", c[i], lo[i], hi[i], rows_of(w, own ? e : -1)));
        }
    }
    return RG_OK;
}

static rg_status keep_residual(work *w, const char *name, bool dense, bool first_token) {
    perf_residual r;
    RG_TRY(perf_serve_residual(&w->rows, w->all, dense, NULL, w->key, first_token ? w->first_s : w->time_s,
                               first_token, &r, w->err));
    return keep(w, name, "ln", "", dense ? "dense" : "experts", 0, r.lo, r.hi, r.n);
}

/* What the constants have seen: rows of each chip, and how many chips a layout has, but for one row in 100.
 */
static rg_status keep_seen(work *w) {
    double chips = 1;
    for (size_t i = 0; i < w->rows.n; i++) {
        const perf_serve_row *r = &w->rows.row[i];
        double rows = 0, as_large = 0;
        for (size_t k = 0; k < w->rows.n; k++) {
            rows += strcmp(w->rows.row[k].chip, r->chip) == 0;
            as_large += w->rows.row[k].chips >= r->chips;
        }
        if (as_large >= 0.01 * (double)w->rows.n) chips = fmax(chips, r->chips);
        RG_TRY(keep(w, "seen", "1", r->chip, "", rows, rows, rows, rows));
    }
    return keep(w, "chips", "1", "", "", chips, 1, chips, (double)w->rows.n);
}

/* One row of the report per model or chip. */
static rg_status add_score(work *w, size_t first) {
    perf_errors e = {0}, bound = {0};
    const perf_serve_row *of = &w->rows.row[first];
    for (size_t i = first; i < w->rows.n; i++) {
        const perf_serve_row *r = &w->rows.row[i];
        if (!perf_serve_same(r, of, w->key)) continue;
        const double wide = w->inside[i] ? INFINITY : -1; /* counts inside, or outside */
        perf_errors_add(&e, r->tpot_s, w->time_s[i], 0, wide);
        perf_errors_add(&bound, r->tpot_s, r->step.bound_s, 0, 0);
    }
    rg_fit_row *row = &w->fit.row[w->fit.n_rows++];
    row->group = rg_arena_printf(&w->fit.arena, "%s", w->key == PERF_SERVE_BY_CHIP ? of->chip : of->model);
    row->held_out = perf_errors_score(&e);
    row->bound_mape = perf_errors_score(&bound).mape;
    perf_errors_free(&e);
    perf_errors_free(&bound);
    return row->group ? RG_OK : no_memory(w);
}

/* Is there something to fit to when one model, or chip, is held out? */
static bool has_choice(const work *w) {
    for (size_t i = 1; i < w->rows.n; i++)
        if (!perf_serve_same(&w->rows.row[0], &w->rows.row[i], w->key)) return true;
    return false;
}

static rg_status run(work *w) {
    RG_TRY(perf_serve_rows_read(&w->rows, w->q->path, w->q->data_dir, w->err));
    const size_t n = w->rows.n;
    w->fit.rows = w->rows.rows;
    w->fit.used = n;
    w->fit.not_positive = w->rows.not_positive;
    w->fit.faster_than_memory = w->rows.faster_than_bound;
    if (!has_choice(w))
        return rg_fail(w->err, RG_ERR_PARSE, w->q->path, "servings of two models (or chips) and more",
                       "%zu of %zu rows are servings, all of one", n, w->rows.rows);
    w->all = calloc(2 * n + 1, sizeof *w->all);
    w->inside = w->all + n;
    w->time_s = malloc((n + 1) * sizeof *w->time_s);
    w->first_s = malloc((n + 1) * sizeof *w->first_s);
    w->fit.constants = calloc(1, sizeof *w->fit.constants);
    w->fit.row = rg_arena_alloc(&w->fit.arena, n + 1, sizeof *w->fit.row);
    if (!w->all || !w->time_s || !w->first_s || !w->fit.constants || !w->fit.row) return no_memory(w);
    memset(w->all, 1, n);
    RG_TRY(perf_serve_hold_out(&w->rows, w->all, w->key, w->time_s, w->first_s, w->range, w->err));
    RG_TRY(perf_serve_inside(&w->rows, w->all, w->key, w->time_s, w->inside, w->err));
    for (size_t i = 0; i < n; i++) {
        bool is_new = true;
        for (size_t k = 0; k < i && is_new; k++)
            is_new = !perf_serve_same(&w->rows.row[k], &w->rows.row[i], w->key);
        if (is_new) RG_TRY(add_score(w, i));
    }
    RG_TRY(keep_constants(w));
    RG_TRY(keep_seen(w));
    for (int dense = 0; dense < 2; dense++) {
        RG_TRY(keep_residual(w, "residual", dense, false));
        RG_TRY(keep_residual(w, "first_token_residual", dense, true));
    }
    return RG_OK;
}

rg_status perf_serve_fit_table(const rg_fit_request *q, rg_fit *out, rg_error *err) {
    const bool chip = q->holdout && strcmp(q->holdout, "chip") == 0;
    work w = {.q = q, .key = chip ? PERF_SERVE_BY_CHIP : PERF_SERVE_BY_MODEL, .err = err};
    if (!q->data_dir)
        return rg_fail(err, RG_ERR_USAGE, "data_dir", "the folder with models", "none is given");
    const rg_status status = run(&w);
    free(w.all);
    free(w.time_s);
    free(w.first_s);
    perf_serve_rows_close(&w.rows);
    if (status == RG_OK)
        *out = w.fit;
    else
        rg_fit_close(&w.fit);
    return status;
}
