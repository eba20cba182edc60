/* Constants from measurements: a search without derivatives on the error of the logarithm. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/calibrate/calibrate.h"
#include "perf/calibrate/search.h"

/* ---- splits ------------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t h, uint64_t x) {
    h += x + UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
    return h ^ (h >> 31);
}

static uint64_t mix_double(uint64_t h, double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return mix(h, bits);
}

int perf_fold_of(const perf_model *model, const perf_row *row, bool by_model, uint64_t seed) {
    uint64_t h = mix(0, seed);
    for (size_t i = 0; i < model->n_numbers; i++)
        if (by_model ? model->number[i].model : model->number[i].site) h = mix_double(h, row->x[i]);
    for (const char *p = model->network ? row->word[0] : ""; *p; p++) h = mix(h, (unsigned char)*p);
    const int tenth = (int)(h % 10);
    return tenth < PERF_FOLDS ? tenth : PERF_FOLDS;
}

perf_part perf_part_of(const perf_model *model, const perf_row *row, bool by_model, uint64_t seed) {
    const int fold = perf_fold_of(model, row, by_model, seed);
    return fold < 5 ? PERF_FIT : fold < PERF_FOLDS ? PERF_INTERVAL : PERF_HELD_OUT;
}

/* ---- search ------------------------------------------------------------------------------------------ */

typedef struct sample {
    perf_row row;
    perf_machine machine;
} sample;

typedef struct search {
    const perf_model *model;
    const sample *sample;
    size_t n;
    double constant[PERF_MAX_CONSTANTS]; /* those that are not searched stay as they are */
    size_t n_free, at[PERF_MAX_CONSTANTS];
} search;

static search search_of(const perf_model *model, const sample *drawn, size_t n) {
    search s = {.model = model, .sample = drawn, .n = n};
    const bool converts = n && drawn->row.dtype && drawn->row.dtype->converts;
    for (size_t i = 0; i < model->n_constants; i++) {
        s.constant[i] = perf_preset(&model->constant[i], n && drawn->machine.registers);
        if (converts || !model->constant[i].converts) s.at[s.n_free++] = i;
    }
    return s;
}

static double clamped(const perf_constant *c, double log_value, double *penalty) {
    const double lo = log(c->lo), hi = log(c->hi);
    *penalty += fmax(0, lo - log_value) + fmax(0, log_value - hi);
    return exp(fmin(hi, fmax(lo, log_value)));
}

/* Mean absolute error of the logarithm; beyond a factor of two it counts less: such rows ran otherwise. */
static double loss(const void *context, const double *at) {
    const search *s = context;
    double c[PERF_MAX_CONSTANTS], penalty = 0, sum = 0;
    memcpy(c, s->constant, sizeof c);
    for (size_t i = 0; i < s->n_free; i++)
        c[s->at[i]] = clamped(&s->model->constant[s->at[i]], at[i], &penalty);
    for (size_t i = 0; i < s->n; i++) {
        const double t = s->model->estimate(&s->sample[i].row, &s->sample[i].machine, c).s;
        const double e = fabs(log(t / s->sample[i].row.measured_s));
        sum += e < 0.7 ? e : 0.7 + 0.3 * (e - 0.7);
    }
    return (s->n ? sum / (double)s->n : 0) + penalty;
}

/* Descents from the constants, in turns, each of `starts` from another place. */
static void find_constants(search *s, size_t starts, int turns) {
    double best[PERF_MAX_CONSTANTS], best_loss = INFINITY, ignored = 0;
    for (size_t start = 0; start < starts; start++) {
        double at[PERF_MAX_CONSTANTS] = {0};
        const double spread = start < 2 ? 0 : 3;
        for (size_t i = 0; i < s->n_free; i++)
            at[i] = log(s->constant[s->at[i]]) + spread * (rg_random_uniform(5, start, i) - 0.5);
        for (int again = 0; again < turns; again++)
            perf_minimise(loss, s, at, s->n_free, again ? 0.2 : start == 0 ? 0.3 : 1, 120);
        const double f = loss(s, at);
        if (f >= best_loss) continue;
        best_loss = f;
        memcpy(best, at, sizeof best);
    }
    for (size_t i = 0; i < s->n_free; i++)
        s->constant[s->at[i]] = clamped(&s->model->constant[s->at[i]], best[i], &ignored);
}

/* ---- one group --------------------------------------------------------------------------------------- */

enum { MAX_SAMPLE = 1000 };

/* Rows to fit: those of all folds but `without` and the held out. */
static size_t draw(const perf_rows *r, int without, sample *out) {
    size_t fit = 0, taken = 0;
    const char *missing;
    for (size_t i = 0; i < r->n; i++) {
        const int fold = perf_fold_of(r->model, r->row[i], r->by_model, r->seed);
        fit += fold != PERF_FOLDS && fold != without;
    }
    for (size_t i = 0; i < r->n && taken < MAX_SAMPLE; i++) {
        const int fold = perf_fold_of(r->model, r->row[i], r->by_model, r->seed);
        if (fold == PERF_FOLDS || fold == without) continue;
        if (rg_random_uniform(r->seed, 77, i) * (double)fit >= 0.95 * MAX_SAMPLE) continue;
        if (!perf_machine_of(r->chip, r->model, r->row[i], &out[taken].machine, &missing)) continue;
        out[taken++].row = *r->row[i];
    }
    return taken;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double perf_quantile(double *x, size_t n, double q) {
    qsort(x, n, sizeof *x, ascending);
    return rg_quantile(x, n, q);
}

perf_residual perf_quantiles(double *log_error, size_t n) {
    perf_residual r = {.n = (double)n};
    if (!n) return r;
    r.lo = perf_quantile(log_error, n, 0.1);
    r.hi = rg_quantile(log_error, n, 0.9);
    return r;
}

enum { FEW = 60 }; /* residuals of a regime; with fewer those of all regimes count */

void perf_residuals_of(const perf_left *left, size_t n, double *work, perf_residual *out) {
    for (int regime = PERF_N_REGIMES; regime >= 0; regime--) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++)
            if (regime == PERF_N_REGIMES || (int)left[i].regime == regime) work[count++] = left[i].log_ratio;
        if (regime == PERF_N_REGIMES || count >= FEW) out[regime] = perf_quantiles(work, count);
    }
}

/* What constants fitted to the other folds leave of one. */
static size_t leave(const perf_rows *r, const search *s, int fold, perf_left *out) {
    size_t n = 0;
    const char *missing;
    for (size_t i = 0; i < r->n; i++) {
        perf_machine m;
        if (perf_fold_of(r->model, r->row[i], r->by_model, r->seed) != fold ||
            !perf_machine_of(r->chip, r->model, r->row[i], &m, &missing))
            continue;
        const perf_guess g = r->model->estimate(r->row[i], &m, s->constant);
        out[n++] = (perf_left){log(r->row[i]->measured_s / g.s), g.regime};
    }
    return n;
}

static void find_hull(const perf_rows *r, perf_calibration *out) {
    for (size_t k = 0; k < r->model->n_numbers; k++) {
        out->hull_lo[k] = INFINITY;
        for (size_t i = 0; i < r->n; i++) {
            out->hull_lo[k] = fmin(out->hull_lo[k], r->row[i]->x[k]);
            out->hull_hi[k] = fmax(out->hull_hi[k], r->row[i]->x[k]);
        }
    }
}

bool perf_fit_group(const perf_rows *r, perf_calibration *out, perf_left *left, size_t *n_left) {
    *out = (perf_calibration){.model = r->model,
                              .op = r->model->op,
                              .rows = (double)r->n,
                              .registers = r->chip->operands_in_registers};
    find_hull(r, out);
    sample *drawn = malloc(MAX_SAMPLE * sizeof *drawn);
    if (!drawn) return false;
    search all = search_of(r->model, drawn, draw(r, -1, drawn));
    /* small tables have rough ground, and are cheap: more places to start from, and each fold anew */
    const bool few = all.n < 200;
    const search afresh = all;
    find_constants(&all, few ? 16 : 2, 3);
    memcpy(out->constant, all.constant, sizeof out->constant);
    *n_left = 0;
    for (int fold = 0; fold < PERF_FOLDS; fold++) {
        search others = few ? afresh : all;
        others.n = draw(r, fold, drawn);
        find_constants(&others, few ? 16 : 1, few ? 3 : 1);
        *n_left += leave(r, &others, fold, left + *n_left);
    }
    free(drawn);
    return true;
}

/* ---- errors ------------------------------------------------------------------------------------------ */

void perf_errors_add(perf_errors *e, double measured_s, double estimate_s, double lo_s, double hi_s) {
    if (!rg_grow(&e->relative, &e->room, e->n + 1, sizeof *e->relative)) {
        e->failed = true;
        return;
    }
    const double relative = estimate_s / measured_s - 1;
    e->relative[e->n++] = fabs(relative);
    e->sum += fabs(relative);
    e->signed_sum += relative;
    e->inside += measured_s >= lo_s && measured_s <= hi_s;
}

rg_fit_score perf_errors_score(perf_errors *e) {
    rg_fit_score s = {.n = e->n};
    if (!e->n) return s;
    const double n = (double)e->n;
    s.mape = e->sum / n;
    s.bias = e->signed_sum / n;
    s.coverage80 = (double)e->inside / n;
    s.median = perf_quantile(e->relative, e->n, 0.5);
    s.p90 = rg_quantile(e->relative, e->n, 0.9);
    return s;
}

void perf_errors_free(perf_errors *e) {
    free(e->relative);
    memset(e, 0, sizeof *e);
}
