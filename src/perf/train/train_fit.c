/* Fits of the constants of training steps: the mean absolute error of the logarithm over whole families. */
#include "perf/train/train_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/calibrate/search.h"

/* ---- splits ------------------------------------------------------------------------------------------ */

static uint32_t key_of(const char *family, uint64_t seed) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const char *p = family; *p; p++) h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
    return rg_random_u32(seed, 31, h);
}

/* How many families have a smaller key than that of row `i`; *all: how many there are. */
static size_t rank_of(const perf_train_set *set, size_t i, uint64_t seed, size_t *all) {
    const uint32_t own = key_of(set->item[i].family, seed);
    size_t before = 0;
    *all = 0;
    for (size_t j = 0; j < set->n; j++) {
        size_t first = 0;
        while (strcmp(set->item[first].family, set->item[j].family) != 0) first++;
        if (first < j) continue;
        before += key_of(set->item[j].family, seed) < own;
        ++*all;
    }
    return before;
}

void perf_train_halves(const perf_train_set *set, uint64_t seed, bool *fitted) {
    for (size_t i = 0; i < set->n; i++) {
        size_t all;
        const size_t rank = rank_of(set, i, seed, &all);
        fitted[i] = 2 * rank < all;
    }
}

/* ---- search ------------------------------------------------------------------------------------------ */

typedef struct search {
    const perf_scoring *s;
    const perf_train_set *set;
    const bool *chosen;
    const perf_train_free *free;
    size_t n;
    const perf_train_constants *base; /* [set->n] */
    double start[PERF_TRAIN_MAX_FREE];
} search;

static bool applies(const perf_train_free *f, const perf_train_case *c) {
    bool chip = !f->chip[0];
    for (int i = 0; i < PERF_TRAIN_MAX_CHIPS && f->chip[i]; i++)
        chip = chip || strcmp(f->chip[i], c->system->chip.id) == 0;
    return chip && (!f->stack || strcmp(f->stack, c->stack) == 0);
}

static void set_free(const perf_train_free *free, size_t n, const double *value, const perf_train_case *c,
                     perf_train_constants *k) {
    for (size_t i = 0; i < n; i++)
        if (applies(&free[i], c)) *perf_train_constant(k, free[i].name) = value[i];
}

static double value_at(const perf_train_free *f, double log_value) {
    return fmin(f->hi, fmax(f->lo, exp(log_value)));
}

static double loss(const void *context, const double *at) {
    const search *x = context;
    double value[PERF_TRAIN_MAX_FREE], sum = 0, n = 0, prior = 0;
    for (size_t i = 0; i < x->n; i++) {
        const double beyond = fmax(0, fmax(log(x->free[i].lo) - at[i], at[i] - log(x->free[i].hi)));
        value[i] = value_at(&x->free[i], at[i]);
        prior += beyond + 0.01 * (at[i] - x->start[i]) * (at[i] - x->start[i]);
    }
    for (size_t i = 0; i < x->set->n; i++) {
        if (!x->chosen[i]) continue;
        perf_train_constants k = x->base[i];
        rg_train_step step;
        set_free(x->free, x->n, value, &x->set->item[i], &k);
        perf_train_case_step(&x->set->item[i], &k, &step);
        sum += fabs(log(step.estimate_s / x->set->item[i].measured_s));
        n++;
    }
    return (n > 0 ? sum / n : 0) + prior;
}

/* From 1, as the operator alone, or, where the range does not have it, from its middle on the log scale. */
static double start_of(const perf_train_free *f) {
    return f->lo <= 1 && f->hi >= 1 ? 0 : 0.5 * (log(f->lo) + log(f->hi));
}

static void descend(search *x, double *value) {
    double at[PERF_TRAIN_MAX_FREE];
    const int steps = 40 * (int)(x->n + 1);
    for (size_t i = 0; i < x->n; i++) at[i] = x->start[i] = start_of(&x->free[i]);
    for (int again = 0; again < 4; again++) perf_minimise(loss, x, at, x->n, again ? 0.1 : 0.3, steps);
    for (size_t i = 0; i < x->n; i++) value[i] = value_at(&x->free[i], at[i]);
}

/* ---- intervals --------------------------------------------------------------------------------------- */

enum { FOLDS = 4 };

/* Residuals of families that a fit to the others of `chosen` has not seen. */
static rg_status find_interval(search *x, perf_train_fit *out) {
    const size_t n = x->set->n;
    bool *seen = calloc(n + 1, sizeof *seen);
    double *residual = calloc(n + 1, sizeof *residual), value[PERF_TRAIN_MAX_FREE];
    const bool *chosen = x->chosen;
    size_t count = 0;
    for (uint32_t fold = 0; seen && residual && fold < FOLDS; fold++) {
        for (size_t i = 0; i < n; i++)
            seen[i] = chosen[i] && key_of(x->set->item[i].family, 99) % FOLDS != fold;
        x->chosen = seen;
        descend(x, value);
        for (size_t i = 0; i < n; i++) {
            if (!chosen[i] || seen[i]) continue;
            perf_train_constants k = x->base[i];
            rg_train_step step;
            set_free(x->free, x->n, value, &x->set->item[i], &k);
            perf_train_case_step(&x->set->item[i], &k, &step);
            residual[count++] = log(x->set->item[i].measured_s / step.estimate_s);
        }
    }
    x->chosen = chosen;
    if (count) {
        const perf_residual q = perf_quantiles(residual, count);
        out->low = fmin(q.lo, 0);
        out->high = fmax(q.hi, 0);
    }
    const bool failed = !seen || !residual;
    free(seen);
    free(residual);
    return failed ? rg_fail(x->s->err, RG_ERR_MEMORY, NULL, NULL, "out of memory") : RG_OK;
}

rg_status perf_train_fit_set(const perf_scoring *s, const perf_train_set *set, const bool *chosen,
                             const perf_train_free *free_constants, size_t n, bool intervals,
                             perf_train_fit *out) {
    perf_train_constants *base = calloc(set->n + 1, sizeof *base);
    rg_status status = RG_OK;
    if (!base) return rg_fail(s->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    search x = {.s = s, .set = set, .chosen = chosen, .free = free_constants, .n = n, .base = base};
    *out = (perf_train_fit){.free = free_constants, .n = n};
    for (size_t i = 0; i < set->n; i++) {
        perf_train_case_constants(s, &set->item[i], &base[i]);
        out->rows += chosen[i];
    }
    descend(&x, out->value);
    if (intervals) status = find_interval(&x, out);
    free(base);
    return status;
}

void perf_train_fitted(const perf_scoring *s, const perf_train_fit *fit, const perf_train_case *c,
                       perf_train_constants *k) {
    perf_train_case_constants(s, c, k);
    if (!fit) return;
    set_free(fit->free, fit->n, fit->value, c, k);
    k->lo = fit->low;
    k->hi = fit->high;
}
