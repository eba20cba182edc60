/* Constants of a board's power from a table of GEMMs. A sampler that lags reads low, never high, and most
   long kernels sit at the power limit: idle power comes from the shortest kernels, pJ/byte from the upper
   quartile of those that stream, and only pJ/FLOP from a search. */
#include "perf/energy/power.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_SEEDS = 3, MIN_ROWS = 20, MAX_TYPES = 8 };

/* Which kernels tell what: docs/energy.md, "How the constants were fitted". */
static const double idle_below_s = 2e-5, idle_quantile = 0.05; /* too short for the sampler to see */
static const double stream_above_s = 5e-5, stream_share = 0.7, stream_flop_per_byte = 20,
                    byte_quantile = 0.75;
static const double throttled_share = 0.9;                  /* of the TDP */
static const double most_flop_j = 5e-12, search_ratio = 50; /* grids from the most down by the ratio */
static const double least_convert_j = 1e-11, near_best = 1.02;

typedef struct board { /* of one split */
    double idle_w, byte_j, limit_w;
} board;

typedef struct work {
    const rg_fit_request *q;
    perf_power_table t;
    rg_fit fit;
    double *x; /* room for a number of each row */
    const perf_power_row **drawn;
    size_t n_drawn;
    const perf_dtype *type[MAX_TYPES];
    size_t n_types;
    rg_error *err;
} work;

static rg_status no_memory(work *w) {
    return rg_fail(w->err, RG_ERR_MEMORY, w->q->path, NULL, "out of memory");
}

static bool in_part(const perf_power_row *r, perf_part part, uint64_t seed) {
    return perf_part_of(&perf_gemm, r->row, false, seed) == part;
}

/* ---- one board --------------------------------------------------------------------------------------- */

/* `flop_j`: what the multiplies beside take. */
static rg_status find_board(work *w, uint64_t seed, double flop_j, board *out) {
    const double limit_w = w->q->chip->tdp_w.value, peak = w->q->chip->memory_bytes_per_s.value;
    size_t n = 0;
    for (size_t i = 0; i < w->t.n; i++) {
        const perf_power_row *r = &w->t.row[i];
        if (in_part(r, PERF_FIT, seed) && r->row->measured_s < idle_below_s) w->x[n++] = r->power_w;
    }
    if (n < MIN_ROWS) return rg_fail(w->err, RG_ERR_PARSE, w->q->path, "20 or more", "too few short kernels");
    out->idle_w = perf_quantile(w->x, n, idle_quantile);
    n = 0;
    for (size_t i = 0; i < w->t.n; i++) {
        const perf_power_row *r = &w->t.row[i];
        const double rate = r->work.bytes / r->row->measured_s;
        if (in_part(r, PERF_FIT, seed) && !r->row->dtype->converts && r->row->measured_s >= stream_above_s &&
            rate > stream_share * peak && r->work.matrix_flop < stream_flop_per_byte * r->work.bytes)
            w->x[n++] = (r->power_w - out->idle_w - flop_j * r->work.matrix_flop / r->row->measured_s) / rate;
    }
    if (n < MIN_ROWS)
        return rg_fail(w->err, RG_ERR_PARSE, w->q->path, "20 or more", "too few kernels that stream");
    out->byte_j = perf_quantile(w->x, n, byte_quantile);
    n = 0;
    for (size_t i = 0; i < w->t.sound; i++)
        if (in_part(&w->t.row[i], PERF_FIT, seed) && w->t.row[i].power_w > throttled_share * limit_w)
            w->x[n++] = w->t.row[i].power_w;
    out->limit_w = n ? perf_quantile(w->x, n, 0.5) : limit_w;
    return RG_OK;
}

typedef struct rates { /* what a kernel of one type draws for */
    double flop_j, convert_j;
} rates;

static double power_of(const perf_power_row *r, const board *b, rates e) {
    const double joules =
        e.flop_j * r->work.matrix_flop + e.convert_j * r->work.converted + b->byte_j * r->work.bytes;
    return fmin(b->limit_w, b->idle_w + joules / r->row->measured_s);
}

static double loss(const work *w, const board *b, rates e) {
    double sum = 0;
    for (size_t i = 0; i < w->n_drawn; i++)
        sum += fabs(log(power_of(w->drawn[i], b, e) / w->drawn[i]->power_w));
    return sum / (double)w->n_drawn;
}

/* Best of 0 and a grid of J per converted element. */
static double find_convert_j(const work *w, const perf_dtype *type, const board *b, rates *e) {
    double best = INFINITY;
    rates at = *e;
    for (int k = 0; k <= (type->converts ? 20 : 0); k++) {
        at.convert_j = k ? least_convert_j * pow(search_ratio, (k - 1) / 19.0) : 0;
        const double l = loss(w, b, at);
        if (l < best) best = l, e->convert_j = at.convert_j;
    }
    return best;
}

/* At the limit more J/FLOP changes nothing: the least that is within 2 % of the best. Narrow multiplies take
   no more than `most`, wide ones. */
static rates find_rates(work *w, const perf_dtype *type, uint64_t seed, const board *b, double most) {
    double best = INFINITY;
    rates e = {most, 0};
    w->n_drawn = 0;
    for (size_t i = 0; i < w->t.sound; i++)
        if (w->t.row[i].row->dtype == type && in_part(&w->t.row[i], PERF_FIT, seed))
            w->drawn[w->n_drawn++] = &w->t.row[i];
    for (int pass = 0; pass < 2; pass++)
        for (int i = 60; i >= 0; i--) {
            e.flop_j = most * pow(search_ratio, -i / 60.0);
            const double l = find_convert_j(w, type, b, &e);
            if (pass && l <= near_best * best) return e;
            best = fmin(best, l);
        }
    return e;
}

/* ---- scores ------------------------------------------------------------------------------------------ */

typedef struct fitted { /* of one type, by one split */
    board b;
    rates e;
    double log_lo, log_hi, typical_w, rows;
} fitted;

static double median_power(work *w, const perf_dtype *type, uint64_t seed) {
    size_t n = 0;
    for (size_t i = 0; i < w->t.sound; i++)
        if (w->t.row[i].row->dtype == type && in_part(&w->t.row[i], PERF_FIT, seed))
            w->x[n++] = w->t.row[i].power_w;
    return n ? perf_quantile(w->x, n, 0.5) : 0;
}

static rg_status score(work *w, const perf_dtype *type, uint64_t seed, const fitted *f) {
    perf_errors e = {0}, constant = {0};
    for (size_t i = 0; i < w->t.sound; i++) {
        const perf_power_row *r = &w->t.row[i];
        if (r->row->dtype != type || !in_part(r, PERF_HELD_OUT, seed)) continue;
        const double p = power_of(r, &f->b, f->e);
        perf_errors_add(&e, r->power_w, p, p * exp(f->log_lo), p * exp(f->log_hi));
        perf_errors_add(&constant, r->power_w, f->typical_w, 0, 0);
    }
    const rg_status status = e.failed || constant.failed ? no_memory(w) : RG_OK;
    if (status == RG_OK)
        w->fit.row[w->fit.n_rows++] =
            (rg_fit_row){type->name, (int)seed, perf_errors_score(&e), perf_errors_score(&constant).mape};
    perf_errors_free(&e);
    perf_errors_free(&constant);
    return status;
}

static rg_status fit_type(work *w, const perf_dtype *type, uint64_t seed, const board *b, double most,
                          fitted *out) {
    size_t n = 0;
    *out =
        (fitted){.b = *b, .e = find_rates(w, type, seed, b, most), .typical_w = median_power(w, type, seed)};
    for (size_t i = 0; i < w->t.sound; i++) {
        const perf_power_row *r = &w->t.row[i];
        if (r->row->dtype != type) continue;
        out->rows++;
        if (in_part(r, PERF_INTERVAL, seed)) w->x[n++] = log(r->power_w / power_of(r, b, out->e));
    }
    const perf_residual q = perf_quantiles(w->x, n);
    out->log_lo = q.lo;
    out->log_hi = q.hi;
    return score(w, type, seed, out);
}

/* ---- constants --------------------------------------------------------------------------------------- */

/* The first value, and the range so far. */
static void stretch(rg_range *r, double x) {
    *r = r->hi > 0 ? (rg_range){r->value, fmin(r->lo, x), fmax(r->hi, x)} : (rg_range){x, x, x};
}

static rg_status keep(work *w, const char *name, const char *unit, const char *group, rg_range v, double rows,
                      const char *sha256) {
    const char *slash = strrchr(w->q->path, '/');
    const perf_step_constant c = {.phase = PERF_POWER,
                                  .name = name,
                                  .unit = unit,
                                  .chip = w->q->chip->id,
                                  .group = group,
                                  .date = w->q->date,
                                  .data = w->q->source ? w->q->source
                                          : slash      ? slash + 1
                                                       : w->q->path,
                                  .sha256 = sha256,
                                  .note = "",
                                  .value = v.value,
                                  .lo = v.lo,
                                  .hi = v.hi,
                                  .rows = rows};
    return perf_step_constants_add(w->fit.constants, &c, w->err);
}

/* Values of the first split, ranges over all. */
static rg_status keep_all(work *w, const rg_range *idle, const rg_range *byte, const rg_range *flop,
                          const rg_range *convert, const fitted *first) {
    rg_digest d;
    RG_TRY(rg_sha256_file(w->q->path, &d, w->err));
    const char *architecture = w->q->chip->architecture;
    RG_TRY(keep(w, "idle", "W", architecture, *idle, (double)w->t.n, d.hex));
    RG_TRY(keep(w, "byte", "J/byte", architecture, *byte, (double)w->t.n, d.hex));
    for (size_t k = 0; k < w->n_types; k++) {
        RG_TRY(keep(w, "flop", "J/FLOP", w->type[k]->rate, flop[k], first[k].rows, d.hex));
        if (convert[k].hi > 0)
            RG_TRY(keep(w, "convert", "J", w->type[k]->rate, convert[k], first[k].rows, d.hex));
        const rg_range residual = {fmin(fmax(0, first[k].log_lo), first[k].log_hi), first[k].log_lo,
                                   first[k].log_hi};
        RG_TRY(keep(w, "residual", "ln", w->type[k]->rate, residual, first[k].rows, d.hex));
    }
    return RG_OK;
}

/* The widest first. */
static void find_types(work *w) {
    for (size_t i = 0; i < w->t.sound; i++) {
        const perf_dtype *d = w->t.row[i].row->dtype;
        size_t k = 0;
        while (k < w->n_types && w->type[k] != d) k++;
        if (k < w->n_types || k == MAX_TYPES) continue;
        for (w->n_types++; k > 0 && w->type[k - 1]->weight_bytes < d->weight_bytes; k--)
            w->type[k] = w->type[k - 1];
        w->type[k] = d;
    }
}

static rg_status open_work(work *w) {
    if (!(w->q->chip->tdp_w.value > 0) || !(w->q->chip->memory_bytes_per_s.value > 0))
        return rg_fail(w->err, RG_ERR_UNSUPPORTED, w->q->chip->file,
                       "the number in the chip's file, or --set",
                       "%s: power.tdp or memory.bandwidth is not published", w->q->chip->id);
    RG_TRY(perf_power_read(&w->t, w->q->path, w->q->chip, w->err));
    w->fit.rows = w->t.table.n;
    w->fit.used = w->t.sound;
    w->fit.not_positive = w->t.table.n - w->t.n;
    w->x = rg_arena_alloc(&w->t.table.arena, w->t.n + 1, sizeof *w->x);
    w->drawn = rg_arena_alloc(&w->t.table.arena, w->t.n + 1, sizeof *w->drawn);
    w->fit.row = rg_arena_alloc(&w->fit.arena, MAX_TYPES * N_SEEDS, sizeof *w->fit.row);
    w->fit.constants = calloc(1, sizeof *w->fit.constants);
    if (!w->x || !w->drawn || !w->fit.row || !w->fit.constants) return no_memory(w);
    find_types(w);
    if (w->n_types && !w->type[0]->converts) return RG_OK;
    return rg_fail(w->err, RG_ERR_PARSE, w->q->path, "bfloat16 among them",
                   "no kernels that convert nothing");
}

static rg_status fit_all(work *w) {
    rg_range idle = {0}, byte = {0}, flop[MAX_TYPES] = {{0}}, convert[MAX_TYPES] = {{0}};
    fitted first[MAX_TYPES] = {{.rows = 0}};
    for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
        board b = {0};
        double most = most_flop_j;
        RG_TRY(find_board(w, seed, 0, &b));
        RG_TRY(find_board(w, seed, find_rates(w, w->type[0], seed, &b, most).flop_j, &b));
        stretch(&idle, b.idle_w);
        stretch(&byte, b.byte_j);
        for (size_t k = 0; k < w->n_types; k++) {
            fitted f;
            RG_TRY(fit_type(w, w->type[k], seed, &b, most, &f));
            most = f.e.flop_j;
            stretch(&flop[k], f.e.flop_j);
            stretch(&convert[k], f.e.convert_j);
            if (seed == 1) first[k] = f;
        }
    }
    return keep_all(w, &idle, &byte, flop, convert, first);
}

rg_status perf_power_fit(const rg_fit_request *request, rg_fit *out, rg_error *err) {
    work w = {.q = request, .err = err};
    if (request->holdout && strcmp(request->holdout, "site") != 0)
        return rg_fail(err, RG_ERR_USAGE, "--holdout", "site", "\"%.40s\" with power", request->holdout);
    rg_status status = open_work(&w);
    if (status == RG_OK) status = fit_all(&w);
    perf_power_close(&w.t);
    if (status == RG_OK)
        *out = w.fit;
    else
        rg_fit_close(&w.fit);
    return status;
}
