/* From a table of measurements to constants with scores: lint, groups, splits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/calibrate/calibrate.h"
#include "perf/energy/power.h"
#include "perf/serve/serve_rows.h"

enum { N_SEEDS = 3, MAX_GROUPS = 64, MIN_ROWS = 20, MIN_FIT = 5, MIN_RESIDUALS = 200 };

typedef struct work {
    const rg_fit_request *q;
    perf_table table;
    const perf_row **row; /* the rows that pass the lint, by group */
    size_t n;
    const char *group[MAX_GROUPS];
    size_t n_groups, *group_of; /* of each row of the table; SIZE_MAX: left out */
    const char *sha256, *source;
    rg_fit fit;
    rg_error *err;
} work;

static rg_status no_memory(work *w) {
    return rg_fail(w->err, RG_ERR_MEMORY, w->q->path, NULL, "out of memory");
}

/* What cannot be is left out and counted; what a cache explains stays. */
static bool sound(work *w, const perf_row *row) {
    double bound_s;
    const perf_verdict v = perf_judge(w->table.model, row, w->q->chip, &bound_s);
    w->fit.unknown_format += v == PERF_UNKNOWN_FORMAT;
    w->fit.not_positive += v == PERF_NOT_POSITIVE;
    w->fit.faster_than_compute += v == PERF_BEATS_COMPUTE;
    w->fit.faster_than_cache += v == PERF_BEATS_MEMORY;
    w->fit.faster_than_memory += v == PERF_IN_CACHE;
    return v == PERF_SOUND || v == PERF_IN_CACHE;
}

static rg_status find_group(work *w, const perf_row *row, size_t *out) {
    char text[160];
    perf_group_text(w->table.model, row, text, sizeof text);
    for (*out = 0; *out < w->n_groups; (*out)++)
        if (strcmp(w->group[*out], text) == 0) return RG_OK;
    if (w->n_groups == MAX_GROUPS)
        return rg_fail(w->err, RG_ERR_UNSUPPORTED, w->q->path, "at most 64",
                       "more kernels and formats than that");
    w->group[w->n_groups] = rg_arena_strndup(&w->fit.arena, text, strlen(text));
    return w->group[w->n_groups++] ? RG_OK : no_memory(w);
}

static rg_status lint(work *w) {
    w->group_of = rg_arena_alloc(&w->table.arena, w->table.n + 1, sizeof *w->group_of);
    w->row = rg_arena_alloc(&w->table.arena, w->table.n + 1, sizeof *w->row);
    if (!w->group_of || !w->row) return no_memory(w);
    w->fit.rows = w->table.n;
    for (size_t i = 0; i < w->table.n; i++) {
        w->group_of[i] = SIZE_MAX;
        if (!sound(w, &w->table.row[i])) continue;
        RG_TRY(find_group(w, &w->table.row[i], &w->group_of[i]));
        w->fit.used++;
    }
    if (w->fit.used >= MIN_ROWS) return RG_OK;
    return rg_fail(w->err, RG_ERR_PARSE, w->q->path, "20 rows or more that the chip's file and physics allow",
                   "%zu of %zu rows can be used", w->fit.used, w->table.n);
}

static void select_group(work *w, size_t group) {
    w->n = 0;
    for (size_t i = 0; i < w->table.n; i++)
        if (w->group_of[i] == group) w->row[w->n++] = &w->table.row[i];
}

/* Adds a row: the constants on sites that the split holds out, or (everything) on all. */
static rg_status score(work *w, const char *group, const rg_calibrations *all, bool by_model, int seed,
                       bool everything, const char *without) {
    perf_errors e = {0}, bound = {0};
    for (size_t i = 0; i < w->n; i++) {
        rg_estimate g;
        const perf_row *r = w->row[i];
        if (!everything && perf_fold_of(w->table.model, r, by_model, (uint64_t)seed) != PERF_FOLDS) continue;
        if (!perf_answer(all, w->q->chip, w->table.model, r, without, &g)) continue;
        perf_errors_add(&e, r->measured_s, g.estimate_s, g.lo80_s, g.hi80_s);
        perf_errors_add(&bound, r->measured_s, g.bound_s, 0, 0);
    }
    const rg_status status = e.failed || bound.failed ? no_memory(w) : RG_OK;
    if (status == RG_OK)
        w->fit.row[w->fit.n_rows++] =
            (rg_fit_row){group, everything ? 0 : seed, perf_errors_score(&e), perf_errors_score(&bound).mape};
    perf_errors_free(&e);
    perf_errors_free(&bound);
    return status;
}

typedef struct fitted { /* a split, group by group; what they leave lies one after the other */
    perf_calibration *c;
    size_t *n_left;
    perf_left *left;
    double *work;
} fitted;

/* Groups with few rows take the residuals of all groups together: the same kernels at other counts. */
static void find_residuals(const work *w, fitted *f) {
    perf_residual all[PERF_N_REGIMES + 1] = {0};
    size_t n = 0;
    for (size_t g = 0; g < w->n_groups; g++) {
        perf_residuals_of(f->left + n, f->n_left[g], f->work, f->c[g].residual);
        n += f->n_left[g];
    }
    perf_residuals_of(f->left, n, f->work, all);
    for (size_t g = 0; g < w->n_groups; g++)
        if (f->n_left[g] < MIN_RESIDUALS) {
            memset(f->c[g].residual, 0, sizeof f->c[g].residual);
            f->c[g].residual[PERF_N_REGIMES] = all[PERF_N_REGIMES];
        }
}

static rg_status score_group(work *w, size_t group, perf_calibration *c, bool by_model, int seed) {
    rg_calibrations alone = {0};
    select_group(w, group);
    c->chip = w->q->chip->id;
    c->group = w->group[group];
    c->date = w->q->date;
    c->data = w->source;
    c->sha256 = w->sha256;
    rg_status status = perf_calibrations_add(&alone, c, w->err);
    if (status == RG_OK) status = score(w, w->group[group], &alone, by_model, seed, false, NULL);
    rg_arena_free(&alone.arena);
    RG_TRY(status);
    c->held_out = w->fit.row[w->fit.n_rows - 1].held_out;
    return perf_calibrations_add(seed == 1 ? w->fit.constants : w->fit.other[seed - 2], c, w->err);
}

/* Constants without rows to fit, an interval without residuals, a score without rows would be made up. */
static bool splits(const perf_rows *r) {
    size_t n[PERF_FOLDS + 1] = {0}, folds = 0, fit = 0;
    for (size_t i = 0; i < r->n; i++) n[perf_fold_of(r->model, r->row[i], r->by_model, r->seed)]++;
    for (int i = 0; i < PERF_FOLDS; i++) folds += n[i] > 0, fit += n[i];
    return folds >= 2 && fit >= MIN_FIT && n[PERF_FOLDS] > 0;
}

static rg_status fit_groups(work *w, fitted *f, bool by_model, int seed) {
    size_t n = 0;
    for (size_t g = 0; g < w->n_groups; g++) {
        select_group(w, g);
        const perf_rows r = {w->table.model, w->row, w->n, w->q->chip, by_model, (uint64_t)seed};
        if (w->n >= MIN_ROWS && splits(&r) && !perf_fit_group(&r, &f->c[g], f->left + n, &f->n_left[g]))
            return no_memory(w);
        n += f->n_left[g];
    }
    find_residuals(w, f);
    for (size_t g = 0; g < w->n_groups; g++)
        if (f->c[g].model) RG_TRY(score_group(w, g, &f->c[g], by_model, seed));
    return RG_OK;
}

static rg_status fit_split(work *w, bool by_model, int seed) {
    fitted f = {.c = calloc(w->n_groups + 1, sizeof *f.c),
                .n_left = calloc(w->n_groups + 1, sizeof *f.n_left),
                .left = calloc(w->fit.used + 1, sizeof *f.left),
                .work = calloc(w->fit.used + 1, sizeof *f.work)};
    const bool all = f.c && f.n_left && f.left && f.work;
    const rg_status status = all ? fit_groups(w, &f, by_model, seed) : no_memory(w);
    free(f.c);
    free(f.n_left);
    free(f.left);
    free(f.work);
    return status;
}

static rg_status fit_all(work *w) {
    const char *holdout = w->q->holdout ? w->q->holdout : "site";
    const bool by_chip = strcmp(holdout, "chip") == 0, by_model = strcmp(holdout, "model") == 0;
    if (!by_chip && !by_model && strcmp(holdout, "site") != 0)
        return rg_fail(w->err, RG_ERR_USAGE, "--holdout", "site, model or chip", "\"%.40s\"", holdout);
    w->fit.row = rg_arena_alloc(&w->fit.arena, w->n_groups * N_SEEDS + 1, sizeof *w->fit.row);
    if (!w->fit.row) return no_memory(w);
    if (!by_chip && !(w->fit.constants = calloc(1, sizeof *w->fit.constants))) return no_memory(w);
    for (int i = 0; !by_chip && i < N_SEEDS - 1; i++)
        if (!(w->fit.other[i] = calloc(1, sizeof *w->fit.other[i]))) return no_memory(w);
    for (int seed = 1; !by_chip && seed <= N_SEEDS; seed++) RG_TRY(fit_split(w, by_model, seed));
    for (size_t g = 0; by_chip && g < w->n_groups; g++) {
        select_group(w, g);
        RG_TRY(score(w, w->group[g], w->q->all, false, 0, true, w->q->chip->id));
    }
    return RG_OK;
}

static rg_status read_table(work *w) {
    char *text;
    size_t size;
    const rg_fit_request *q = w->q;
    const perf_model *model = perf_model_find(q->op);
    if (!model)
        return rg_fail(w->err, RG_ERR_USAGE, "--op",
                       "gemm, attention_prefill, attention_decode, moe or collective", "\"%.40s\"", q->op);
    rg_digest digest;
    RG_TRY(rg_sha256_file(q->path, &digest, w->err));
    RG_TRY(rg_file_read(q->path, (size_t)1 << 30, &text, &size, w->err));
    const rg_status status =
        perf_table_read(&w->table, model, text, size, q->path, q->measured ? q->measured : "latency_ms",
                        q->kernel, q->chip, w->err);
    free(text);
    RG_TRY(status);
    const char *slash = strrchr(q->path, '/');
    w->source = q->source ? q->source : slash ? slash + 1 : q->path;
    w->sha256 = rg_arena_strndup(&w->fit.arena, digest.hex, strlen(digest.hex));
    return w->sha256 ? RG_OK : no_memory(w);
}

/* The constants of this chip for one group, alone, so that no other kernel blurs the answer. */
static rg_status score_alone(work *w, size_t group, const rg_calibrations *all, int seed) {
    rg_calibrations alone = {0};
    rg_status status = RG_OK;
    for (size_t i = 0; status == RG_OK && i < all->n; i++) {
        const perf_calibration *e = &all->entry[i];
        if (e->model == w->table.model && strcmp(e->chip, w->q->chip->id) == 0 &&
            strcmp(e->group, w->group[group]) == 0)
            status = perf_calibrations_add(&alone, e, w->err);
    }
    if (status == RG_OK && alone.n) status = score(w, w->group[group], &alone, false, seed, false, NULL);
    rg_arena_free(&alone.arena);
    return status;
}

static rg_status score_constants(work *w, const rg_calibrations *const *split, int n) {
    w->fit.row = rg_arena_alloc(&w->fit.arena, w->n_groups * (size_t)n + 1, sizeof *w->fit.row);
    if (!w->fit.row) return no_memory(w);
    for (size_t g = 0; g < w->n_groups; g++) {
        select_group(w, g);
        for (int i = 0; i < n; i++) RG_TRY(score_alone(w, g, split[i], i + 1));
    }
    return RG_OK;
}

rg_status perf_score_table(const rg_fit_request *request, const rg_calibrations *const *split, int n,
                           rg_fit *out, rg_error *err) {
    work w = {.q = request, .err = err};
    rg_status status = read_table(&w);
    if (status == RG_OK) status = lint(&w);
    if (status == RG_OK) status = score_constants(&w, split, n);
    perf_table_close(&w.table);
    if (status == RG_OK)
        *out = w.fit;
    else
        rg_fit_close(&w.fit);
    return status;
}

rg_status rg_perf_fit(const rg_fit_request *request, rg_fit *out, rg_error *err) {
    if (strcmp(request->op, PERF_POWER) == 0) return perf_power_fit(request, out, err);
    if (strcmp(request->op, PERF_SERVING) == 0) return perf_serve_fit_table(request, out, err);
    work w = {.q = request, .err = err};
    rg_status status = read_table(&w);
    if (status == RG_OK) status = lint(&w);
    if (status == RG_OK) status = fit_all(&w);
    perf_table_close(&w.table);
    if (status == RG_OK)
        *out = w.fit;
    else
        rg_fit_close(&w.fit);
    return status;
}

static bool exists(const char *path) {
    FILE *f = fopen(path, "rb");
    if (f) fclose(f);
    return f;
}

static rg_status store(const rg_calibrations *constants, const char *chip, const char *path, rg_error *err) {
    rg_calibrations all = {0};
    rg_status status = exists(path) ? perf_calibrations_read(&all, path, err) : RG_OK;
    if (status == RG_OK && all.n && strcmp(all.entry[0].chip, chip) != 0)
        status = rg_fail(err, RG_ERR_USAGE, path, "a file for each chip",
                         "constants of %s would be overwritten by those of %s", all.entry[0].chip, chip);
    for (size_t i = 0; status == RG_OK && i < constants->n; i++)
        status = perf_calibrations_add(&all, &constants->entry[i], err);
    for (size_t i = 0; status == RG_OK && i < constants->n_steps; i++)
        status = perf_step_constants_add(&all, &constants->step[i], err);
    if (status == RG_OK)
        status = constants->n_steps ? perf_step_constants_write(&all, constants->step[0].phase, path, err)
                                    : perf_calibrations_write(&all, chip, path, err);
    rg_arena_free(&all.arena);
    return status;
}

rg_status rg_fit_store(const rg_fit *fit, const char *chip, const char *path, rg_error *err) {
    if (fit->constants) return store(fit->constants, chip, path, err);
    return rg_fail(err, RG_ERR_USAGE, "--holdout", "site or model",
                   "holding out the chip leaves no constants");
}

rg_status rg_fit_store_splits(const rg_fit *fit, const char *chip, const char *path, rg_error *err) {
    char other[4096];
    for (int i = 0; i < N_SEEDS - 1 && fit->other[i]; i++) {
        perf_split_path(path, i + 2, other, sizeof other);
        RG_TRY(store(fit->other[i], chip, other, err));
    }
    return RG_OK;
}

void rg_fit_close(rg_fit *fit) {
    if (!fit) return;
    rg_calibrations_close(fit->constants);
    for (int i = 0; i < N_SEEDS - 1; i++) rg_calibrations_close(fit->other[i]);
    rg_arena_free(&fit->arena);
    memset(fit, 0, sizeof *fit);
}
