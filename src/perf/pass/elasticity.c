/* What +1 % of each number of a chip buys, by evaluating the pass again: once for each kind of node, since
   most layers of a model are equal. */
#include "ridge/elasticity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/calibrate/calibrate.h"
#include "perf/pass/perf.h"

static const double step = 0.01;

typedef struct kind { /* nodes that cost the same */
    int node;
    double count;
} kind;

typedef struct pass {
    perf_case c;
    const char *policy;
    const rg_calibrations *all;
    size_t n;
    kind *kind;
    rg_error *err;
} pass;

typedef struct times {
    double bound_s, estimate_s; /* NAN: no estimate */
} times;

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

/* ---- kinds of nodes ---------------------------------------------------------------------------------- */

static rg_status group(pass *p, rg_arena *arena) {
    const int n_nodes = (int)p->c.graph->n_nodes;
    p->kind = rg_arena_alloc(arena, (size_t)n_nodes + 1, sizeof *p->kind);
    if (!p->kind) return no_memory(p->err);
    for (int node = 0; node < n_nodes; node++) {
        size_t i = 0;
        while (i < p->n && !perf_same_node(p->c.graph, p->c.policy, p->kind[i].node, node)) i++;
        if (i == p->n) p->kind[p->n++] = (kind){.node = node};
        p->kind[i].count++;
    }
    return RG_OK;
}

/* ---- evaluation -------------------------------------------------------------------------------------- */

static rg_status evaluate(const pass *p, const rg_chip *chip, const rg_calibrations *all, times *out) {
    perf_case c;
    RG_TRY(perf_case_init(&c, p->c.graph, chip, p->c.phase, p->c.batch, p->c.context, p->policy, p->err));
    times t = {0};
    for (size_t i = 0; i < p->n; i++) {
        const kind *k = &p->kind[i];
        perf_cost cost;
        rg_estimate e;
        RG_TRY(perf_cost_of(&c, (size_t)k->node, &cost, p->err));
        const double bound = fmax(cost.memory_s, fmax(cost.matrix_s, cost.vector_s));
        t.bound_s += k->count * bound;
        t.estimate_s += all && perf_estimate_node(&c, all, (size_t)k->node, &cost, bound, &e)
                            ? k->count * e.estimate_s
                            : (double)NAN;
    }
    *out = t;
    return RG_OK;
}

static double saved(double before_s, double after_s) {
    return before_s == 0 ? 0 : (1 - after_s / before_s) / step;
}

/* A chip of its own, but for what rg_chip_set does not touch. */
static rg_status with_more(const rg_chip *chip, const char *path, rg_chip *out, rg_error *err) {
    char assignment[128];
    *out = *chip;
    memset(&out->arena, 0, sizeof out->arena);
    out->rate = rg_arena_alloc(&out->arena, chip->n_rates + 1, sizeof *out->rate);
    out->number = rg_arena_alloc(&out->arena, chip->n_numbers + 1, sizeof *out->number);
    snprintf(assignment, sizeof assignment, "%s=x%.17g", path, 1 + step);
    rg_status status = out->rate && out->number ? RG_OK : no_memory(err);
    if (status == RG_OK) {
        if (chip->n_rates) memcpy(out->rate, chip->rate, chip->n_rates * sizeof *out->rate);
        if (chip->n_numbers) memcpy(out->number, chip->number, chip->n_numbers * sizeof *out->number);
        status = rg_chip_set(out, assignment, err);
    }
    if (status != RG_OK) rg_arena_free(&out->arena);
    return status;
}

static rg_status of_number(const pass *p, const char *path, const times *now, rg_elasticity *out) {
    rg_chip more;
    times t;
    RG_TRY(with_more(p->c.chip, path, &more, p->err));
    const rg_status status = evaluate(p, &more, p->all, &t);
    rg_arena_free(&more.arena);
    if (status == RG_OK)
        *out = (rg_elasticity){path, saved(now->bound_s, t.bound_s), saved(now->estimate_s, t.estimate_s)};
    return status;
}

/* Of the constants that are times: those of a launch, or all others. */
static rg_status of_constants(const pass *p, bool launch, const times *now, rg_elasticity *out) {
    rg_calibrations less = *p->all;
    times t;
    less.entry = malloc((less.n + 1) * sizeof *less.entry);
    if (!less.entry) return no_memory(p->err);
    for (size_t i = 0; i < less.n; i++) {
        perf_calibration *e = &less.entry[i];
        *e = p->all->entry[i];
        for (size_t k = 0; k < e->model->n_constants; k++) {
            const perf_constant *c = &e->model->constant[k];
            const bool time = strcmp(c->unit, "s") == 0 || strcmp(c->unit, "cycle") == 0;
            if (time && (strcmp(c->name, "launch") == 0) == launch) e->constant[k] *= 1 - step;
        }
    }
    const rg_status status = evaluate(p, p->c.chip, &less, &t);
    free(less.entry);
    if (status == RG_OK)
        *out = (rg_elasticity){launch ? "launch" : "latency", 0, saved(now->estimate_s, t.estimate_s)};
    return status;
}

static int by_size(const void *a, const void *b) {
    const rg_elasticity *x = a, *y = b;
    const double u = isnan(x->estimate) ? x->bound : x->estimate,
                 v = isnan(y->estimate) ? y->bound : y->estimate;
    return u != v ? (u < v) - (u > v) : strcmp(x->parameter, y->parameter);
}

static rg_status each(pass *p, rg_elasticities *out) {
    static const char *const other[] = {"memory.bandwidth", "onchip.capacity", "silicon.cores",
                                        "silicon.clock"};
    const rg_chip *chip = p->c.chip;
    times now;
    RG_TRY(group(p, &out->arena));
    RG_TRY(evaluate(p, chip, p->all, &now));
    out->entry = rg_arena_alloc(&out->arena, chip->n_rates + 6, sizeof *out->entry);
    if (!out->entry) return no_memory(p->err);
    for (size_t i = 0; i < chip->n_rates; i++) {
        const char *path = rg_arena_printf(&out->arena, "rates.%s", chip->rate[i].type);
        if (!path) return no_memory(p->err);
        if (rg_chip_find(chip, path)) RG_TRY(of_number(p, path, &now, &out->entry[out->n++]));
    }
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (rg_chip_find(chip, other[i])) RG_TRY(of_number(p, other[i], &now, &out->entry[out->n++]));
    if (p->all && !isnan(now.estimate_s))
        for (int launch = 0; launch < 2; launch++)
            RG_TRY(of_constants(p, launch, &now, &out->entry[out->n++]));
    qsort(out->entry, out->n, sizeof *out->entry, by_size);
    return RG_OK;
}

rg_status rg_roof_elasticities(rg_elasticities *out, const rg_graph *graph, const rg_chip *chip,
                               rg_phase phase, double batch, double context, const char *policy,
                               const rg_calibrations *all, rg_error *err) {
    pass p = {.policy = policy, .all = all, .err = err};
    rg_elasticities e = {0};
    RG_TRY(perf_case_init(&p.c, graph, chip, phase, batch, context, policy, err));
    const rg_status status = each(&p, &e);
    if (status == RG_OK)
        *out = e;
    else
        rg_elasticities_close(&e);
    return status;
}

void rg_elasticities_close(rg_elasticities *e) {
    if (!e) return;
    rg_arena_free(&e->arena);
    memset(e, 0, sizeof *e);
}
