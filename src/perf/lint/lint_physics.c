/* Rows of an operator against the chip: faster than light, or only than the memory because a cache holds the
   operands. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/lint/lint.h"

typedef struct speed { /* rows faster than something */
    lint_hits hits;
    double most;             /* bound / measured */
    const perf_row *example; /* of the most */
    double least_bytes, most_bytes;
    size_t idle; /* as fast as the smallest shapes of the table */
} speed;

static void add(speed *s, const perf_row *r, size_t number, double bound_s, const perf_machine *m) {
    const double bytes = bound_s * m->bytes_per_s;
    lint_hit(&s->hits, number);
    s->least_bytes = s->hits.n == 1 ? bytes : fmin(s->least_bytes, bytes);
    s->most_bytes = fmax(s->most_bytes, bytes);
    if (bound_s / r->measured_s <= s->most) return;
    s->most = bound_s / r->measured_s;
    s->example = r;
}

/* "m 32768, n 32, k 512" */
static void shape_text(const perf_model *model, const perf_row *r, char *buf, size_t size) {
    size_t n = 0;
    for (size_t i = 0; i < model->n_numbers && n < size; i++)
        n += (size_t)snprintf(buf + n, size - n, "%s%s %.10g", i ? ", " : "", model->number[i].name, r->x[i]);
}

static rg_status report_cached(lint *l, const lint_rows *r, speed *s, double cache_bytes) {
    char shape[200], size[32] = "size not published";
    rg_arena *a = &l->out.arena;
    if (!s->hits.n) return RG_OK;
    shape_text(r->table.model, s->example, shape, sizeof shape);
    if (cache_bytes > 0) snprintf(size, sizeof size, "%.4g MB", cache_bytes / 1e6);
    return lint_find(l, "in_cache", r->of->name, &s->hits, RG_LINT_KEPT,
                     rg_arena_printf(a, "faster than the memory of %s, up to %.2f times (%s)", r->chip->id,
                                     s->most, shape),
                     rg_arena_printf(a, "operands %sfit in L2: %.1f-%.1f MB, L2 %s",
                                     cache_bytes > 0 && s->most_bytes > cache_bytes ? "all but " : "",
                                     s->least_bytes / 1e6, s->most_bytes / 1e6, size));
}

/* The widest window with which the row's time would be no miracle; 0: none makes a difference. */
static double window_of(const perf_model *model, const perf_row *row, const rg_chip *chip) {
    size_t column = 0;
    double bound_s;
    while (column < model->n_numbers && strcmp(model->number[column].name, "window_size") != 0) column++;
    if (column == model->n_numbers || row->x[column] != 0) return 0;
    perf_row r = *row;
    double widest = 0;
    for (double w = 1; w <= 1 << 20; w *= 2) {
        r.x[column] = w;
        const perf_verdict v = perf_judge(model, &r, chip, &bound_s);
        if (v != PERF_SOUND && v != PERF_IN_CACHE) break;
        widest = w;
    }
    return widest;
}

/* The cause that most rows agree with. */
static const char *cause_of(lint *l, const lint_rows *r, const speed *s) {
    rg_arena *a = &l->out.arena;
    const double window = window_of(r->table.model, s->example, r->chip);
    if (2 * s->hits.n > r->table.n)
        return rg_arena_printf(a,
                               "most rows are: another chip than %s, or the times are in another unit than "
                               "their column's name says",
                               r->chip->id);
    if (window > 0)
        return rg_arena_printf(a,
                               "a sentinel: window_size 0 stands for full attention here, but the kernel ran "
                               "with a window (of %.0f tokens at most), as where its own \"full\" is -1",
                               window);
    if (2 * s->idle > s->hits.n)
        return "as fast as the smallest shapes: the kernel did not run, or not on this shape";
    return "extra rows whose shape is not the one that was timed";
}

static rg_status report_impossible(lint *l, const lint_rows *r, speed *s, const char *check, const char *than,
                                   double mape, double median) {
    char shape[200], off[120] = "";
    rg_arena *a = &l->out.arena;
    if (!s->hits.n) return RG_OK;
    shape_text(r->table.model, s->example, shape, sizeof shape);
    if (mape > 2 * median)
        snprintf(off, sizeof off,
                 "; they make the mean error of the bound %.0f %%, while its median is %.0f %%", 100 * mape,
                 100 * median);
    const char *cause = cause_of(l, r, s);
    return lint_find(l, check, r->of->name, &s->hits, RG_LINT_LEFT_OUT,
                     rg_arena_printf(a, "faster than %s of %s allows, up to %.1f times (%s)%s", than,
                                     r->chip->id, s->most, shape, off),
                     cause);
}

typedef struct count { /* of one table */
    speed cached, compute, memory;
    lint_hits no_time, no_format;
    double *error, sum; /* |bound / measured - 1| */
    size_t n;
    double cache_bytes;
} count;

static void judge_rows(count *c, const lint_rows *r, double least_s) {
    const perf_model *model = r->table.model;
    for (size_t i = 0; i < r->table.n; i++) {
        double bound_s;
        perf_machine m;
        const char *missing;
        const perf_row *row = &r->table.row[i];
        const size_t number = r->table.number[i];
        const perf_verdict v = perf_judge(model, row, r->chip, &bound_s);
        if (v == PERF_UNKNOWN_FORMAT) lint_hit(&c->no_format, number);
        if (v == PERF_NOT_POSITIVE) lint_hit(&c->no_time, number);
        if (v == PERF_UNKNOWN_FORMAT || v == PERF_NOT_POSITIVE) continue;
        perf_machine_of(r->chip, model, row, &m, &missing);
        c->cache_bytes = m.onchip_bytes;
        c->error[c->n++] = fabs(bound_s / row->measured_s - 1);
        c->sum += c->error[c->n - 1];
        if (v == PERF_SOUND) continue;
        speed *s = v == PERF_IN_CACHE ? &c->cached : v == PERF_BEATS_COMPUTE ? &c->compute : &c->memory;
        add(s, row, number, bound_s, &m);
        s->idle += row->measured_s <= 2 * least_s;
    }
}

static rg_status report(lint *l, const lint_rows *r, count *c) {
    rg_arena *a = &l->out.arena;
    const char *file = r->of->name;
    const double mape = c->n ? c->sum / (double)c->n : 0,
                 median = c->n ? rg_quantile(c->error, c->n, 0.5) : 0;
    RG_TRY(report_cached(l, r, &c->cached, c->cache_bytes));
    RG_TRY(report_impossible(l, r, &c->compute, "faster_than_compute", "the compute rate", mape, median));
    RG_TRY(report_impossible(l, r, &c->memory, "faster_than_memory",
                             r->table.model->network ? "the links" : "the memory, its cache counted,", mape,
                             median));
    RG_TRY(lint_find(l, "no_time", file, &c->no_time, RG_LINT_LEFT_OUT, "a time that is not positive",
                     "a sentinel for a run that failed"));
    return lint_find(l, "unknown_format", file, &c->no_format, RG_LINT_LEFT_OUT,
                     rg_arena_printf(a, "formats that the models or %s do not have", r->chip->id),
                     "a word of the table without a format, or a rate that the chip's file does not give");
}

rg_status lint_physics(lint *l, const lint_rows *r) {
    count c = {.error = malloc((r->table.n + 1) * sizeof *c.error)};
    if (!c.error) return lint_no_memory(l);
    double least_s = INFINITY;
    for (size_t i = 0; i < r->table.n; i++)
        if (r->table.row[i].measured_s > 0) least_s = fmin(least_s, r->table.row[i].measured_s);
    judge_rows(&c, r, least_s);
    const rg_status status = report(l, r, &c);
    free(c.error);
    lint_hits_free(&c.cached.hits);
    lint_hits_free(&c.compute.hits);
    lint_hits_free(&c.memory.hits);
    lint_hits_free(&c.no_time);
    lint_hits_free(&c.no_format);
    return status;
}
