/* Constants from measurements: a search without derivatives on the error of the logarithm. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/calibrate.h"
#include "perf/search.h"

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

perf_part perf_part_of(const perf_model *model, const perf_row *row, bool by_model, uint64_t seed) {
    uint64_t h = mix(0, seed);
    for (size_t i = 0; i < model->n_numbers; i++)
        if (by_model ? model->number[i].model : model->number[i].site) h = mix_double(h, row->x[i]);
    for (const char *p = model->network ? row->word[0] : ""; *p; p++) h = mix(h, (unsigned char)*p);
    const unsigned tenth = (unsigned)(h % 10);
    return tenth < 5 ? PERF_FIT : tenth < 7 ? PERF_INTERVAL : PERF_HELD_OUT;
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

static void find_constants(const search *s, double *constant) {
    double best[PERF_MAX_CONSTANTS], best_loss = INFINITY, ignored = 0;
    /* small tables have rough ground, and are cheap: more places to start from */
    const size_t starts = s->n < 200 ? 16 : 2;
    for (size_t start = 0; start < starts; start++) {
        double at[PERF_MAX_CONSTANTS] = {0};
        const double spread = start < 2 ? 0 : 3;
        for (size_t i = 0; i < s->n_free; i++)
            at[i] = log(s->constant[s->at[i]]) + spread * (rg_random_uniform(5, start, i) - 0.5);
        for (int again = 0; again < 3; again++)
            perf_minimise(loss, s, at, s->n_free, again ? 0.2 : start == 0 ? 0.3 : 1, 120);
        const double f = loss(s, at);
        if (f >= best_loss) continue;
        best_loss = f;
        memcpy(best, at, sizeof best);
    }
    memcpy(constant, s->constant, sizeof s->constant);
    for (size_t i = 0; i < s->n_free; i++)
        constant[s->at[i]] = clamped(&s->model->constant[s->at[i]], best[i], &ignored);
}

/* ---- one group --------------------------------------------------------------------------------------- */

enum { MAX_SAMPLE = 1000 };

static size_t draw(const perf_model *model, const perf_row *const *row, size_t n, const rg_chip *chip,
                   bool by_model, uint64_t seed, sample *out) {
    size_t fit = 0, taken = 0;
    const char *missing;
    for (size_t i = 0; i < n; i++) fit += perf_part_of(model, row[i], by_model, seed) == PERF_FIT;
    for (size_t i = 0; i < n && taken < MAX_SAMPLE; i++) {
        if (perf_part_of(model, row[i], by_model, seed) != PERF_FIT) continue;
        if (rg_random_uniform(seed, 77, i) * (double)fit >= 0.95 * MAX_SAMPLE) continue;
        if (!perf_machine_of(chip, model, row[i], &out[taken].machine, &missing)) continue;
        out[taken++].row = *row[i];
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

enum { FEW = 30 }; /* residuals of a regime; with fewer those of all regimes count */

size_t perf_log_errors(const perf_calibration *c, const perf_row *const *row, size_t n, const rg_chip *chip,
                       bool by_model, uint64_t seed, int regime, double *out) {
    size_t count = 0;
    const char *missing;
    for (size_t i = 0; i < n; i++) {
        perf_machine m;
        if (perf_part_of(c->model, row[i], by_model, seed) != PERF_INTERVAL ||
            !perf_machine_of(chip, c->model, row[i], &m, &missing))
            continue;
        const perf_guess g = c->model->estimate(row[i], &m, c->constant);
        if (regime == PERF_N_REGIMES || (int)g.regime == regime) out[count++] = log(row[i]->measured_s / g.s);
    }
    return count;
}

static bool find_residuals(const perf_row *const *row, size_t n, const rg_chip *chip, bool by_model,
                           uint64_t seed, perf_calibration *out) {
    double *e = malloc((n + 1) * sizeof *e);
    if (!e) return false;
    for (int regime = PERF_N_REGIMES; regime >= 0; regime--) {
        const size_t count = perf_log_errors(out, row, n, chip, by_model, seed, regime, e);
        if (regime == PERF_N_REGIMES || count >= FEW) out->residual[regime] = perf_quantiles(e, count);
    }
    free(e);
    return true;
}

bool perf_fit_group(const perf_model *model, const perf_row *const *row, size_t n, const rg_chip *chip,
                    bool by_model, uint64_t seed, perf_calibration *out) {
    memset(out, 0, sizeof *out);
    out->model = model;
    out->op = model->op;
    out->rows = (double)n;
    out->registers = chip->operands_in_registers;
    for (size_t k = 0; k < model->n_numbers; k++) {
        out->hull_lo[k] = INFINITY;
        for (size_t i = 0; i < n; i++) {
            out->hull_lo[k] = fmin(out->hull_lo[k], row[i]->x[k]);
            out->hull_hi[k] = fmax(out->hull_hi[k], row[i]->x[k]);
        }
    }
    sample *drawn = malloc(MAX_SAMPLE * sizeof *drawn);
    if (!drawn) return false;
    const search s = search_of(model, drawn, draw(model, row, n, chip, by_model, seed, drawn));
    find_constants(&s, out->constant);
    free(drawn);
    return find_residuals(row, n, chip, by_model, seed, out);
}

/* ---- errors ------------------------------------------------------------------------------------------ */

void perf_errors_add(perf_errors *e, double measured_s, double estimate_s, double lo_s, double hi_s) {
    if (e->n == e->room) {
        const size_t room = e->room ? 2 * e->room : 1024;
        double *grown = realloc(e->relative, room * sizeof *grown);
        if (!grown) {
            e->failed = true;
            return;
        }
        e->relative = grown;
        e->room = room;
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
