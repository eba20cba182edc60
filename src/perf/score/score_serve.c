/* Score card: time between tokens of measured servings (Q14, Q15), their intervals (Q18), and what it costs
   to choose by the estimate (Q19). Constants are fitted to the other models, or chips, alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/score/score.h"
#include "perf/serve/serve_rows.h"

static const char table[] = "serving_e2e_ttft_tpot.csv.gz";

typedef struct work {
    perf_scoring *s;
    perf_serve_rows rows;
    bool *part;     /* rows that count */
    bool *inside;   /* their intervals */
    double *time_s; /* estimate of each row, by constants that have not seen it */
} work;

/* Of the goal's 1,039 rows: dense models under the names of their makers, in the formats of the run. */
static bool is_dense(const perf_serve_row *r) {
    return r->dense && strncmp(r->path, "nvidia/", 7) != 0;
}

static rg_status hold_out(work *w, perf_serve_key key) {
    return perf_serve_hold_out(&w->rows, w->part, key, w->time_s, NULL, NULL, w->s->err);
}

/* ---- errors ------------------------------------------------------------------------------------------ */

static rg_status add_errors(work *w, const char *id, const char *partition, double floor, double stretch) {
    perf_errors e = {0}, bound = {0};
    for (size_t i = 0; i < w->rows.n; i++) {
        const perf_serve_row *r = &w->rows.row[i];
        if (!w->part[i]) continue;
        perf_errors_add(&e, r->tpot_s, w->time_s[i], 0, 0);
        perf_errors_add(&bound, r->tpot_s, r->step.bound_s, 0, 0);
    }
    const rg_fit_score s = perf_errors_score(&e);
    const double baseline = perf_errors_score(&bound).mape;
    perf_errors_free(&e);
    perf_errors_free(&bound);
    return perf_score_add_error(w->s, id, partition, s.n, s.mape, floor, stretch, baseline);
}

/* Intervals: quantiles of the held-out errors of all other keys. */
static rg_status add_coverage(work *w, const char *partition, perf_serve_key key) {
    double inside = 0, all = 0;
    RG_TRY(perf_serve_inside(&w->rows, w->part, key, w->time_s, w->inside, w->s->err));
    for (size_t i = 0; i < w->rows.n; i++) {
        if (!w->part[i]) continue;
        inside += w->inside[i];
        all++;
    }
    return perf_score_add_coverage(w->s, partition, (size_t)all, 1, inside / all);
}

/* ---- choices ----------------------------------------------------------------------------------------- */

static bool same_question(const perf_serve_row *a, const perf_serve_row *b, bool any_load) {
    return strcmp(a->model, b->model) == 0 && strcmp(a->chip, b->chip) == 0 && a->isl == b->isl &&
           a->osl == b->osl &&
           (any_load || (a->concurrency == b->concurrency && a->engine_index == b->engine_index &&
                         strcmp(a->precision, b->precision) == 0));
}

/* What is wanted: the shortest time between tokens; or the most tokens per second and chip. */
static double merit_of(const perf_serve_row *r, double tpot_s, bool throughput) {
    return throughput ? fmin(r->concurrency, r->batch * r->replicas) / (r->chips * tpot_s) : 1 / tpot_s;
}

/* Loss of the row with the best estimate against the best row; NAN: the question has one layout alone. */
static double regret_of(const work *w, size_t first, bool throughput) {
    const perf_serve_row *q = &w->rows.row[first];
    double best = 0, promised = 0, got = 0;
    bool choice = false;
    for (size_t i = first; i < w->rows.n; i++) {
        const perf_serve_row *r = &w->rows.row[i];
        if (!w->part[i] || !same_question(q, r, throughput)) continue;
        choice |= strcmp(r->layout, q->layout) != 0;
        const double measured = merit_of(r, r->tpot_s, throughput),
                     estimate = merit_of(r, w->time_s[i], throughput);
        best = fmax(best, measured);
        if (estimate > promised) promised = estimate, got = measured;
    }
    return choice ? best / got - 1 : NAN;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static rg_status add_regret(work *w, const char *partition, bool throughput) {
    const size_t n = w->rows.n;
    size_t groups = 0;
    double *regret = malloc((n + 1) * sizeof *regret);
    if (!regret) return perf_score_no_memory(w->s);
    for (size_t i = 0; i < n; i++) {
        bool first = w->part[i];
        for (size_t k = 0; k < i && first; k++)
            first = !w->part[k] || !same_question(&w->rows.row[k], &w->rows.row[i], throughput);
        const double x = first ? regret_of(w, i, throughput) : NAN;
        if (x == x) regret[groups++] = x;
    }
    qsort(regret, groups, sizeof *regret, ascending);
    const double median = groups ? regret[groups / 2] : NAN;
    free(regret);
    return perf_score_add_error(w->s, "Q19", partition, groups, median, 0.08, 0.03, NAN);
}

/* ---- rows of the card -------------------------------------------------------------------------------- */

static void take(work *w, bool dense_alone) {
    for (size_t i = 0; i < w->rows.n; i++) w->part[i] = !dense_alone || is_dense(&w->rows.row[i]);
}

static rg_status dense_rows(work *w) {
    double fitted[PERF_SERVE_N_FITTED];
    take(w, true);
    perf_serve_presets(fitted);
    perf_serve_predict(&w->rows, w->part, fitted, w->time_s, NULL);
    RG_TRY(add_errors(w, "Q14", "dense models, preset constants", 0.35, 0.22));
    RG_TRY(hold_out(w, PERF_SERVE_BY_CHIP));
    RG_TRY(add_errors(w, "Q14", "dense models, each chip held out", 0.15, 0.10));
    RG_TRY(add_coverage(w, "serving, dense models, each chip held out", PERF_SERVE_BY_CHIP));
    RG_TRY(hold_out(w, PERF_SERVE_BY_MODEL));
    RG_TRY(add_errors(w, "Q14", "dense models, each model held out", 0.15, 0.10));
    return add_coverage(w, "serving, dense models, each model held out", PERF_SERVE_BY_MODEL);
}

static rg_status all_rows(work *w) {
    take(w, false);
    RG_TRY(hold_out(w, PERF_SERVE_BY_MODEL));
    RG_TRY(add_errors(w, "Q15", "all models, each model held out", 0.22, 0.15));
    RG_TRY(add_coverage(w, "serving, all models, each model held out", PERF_SERVE_BY_MODEL));
    RG_TRY(add_regret(w, "layout of the shortest time between tokens", false));
    return add_regret(w, "layout and load of the most tokens per second and chip", true);
}

rg_status perf_score_serving(perf_scoring *s) {
    char path[4096];
    if (!perf_score_open(s, table, path, sizeof path)) return RG_OK;
    work w = {.s = s};
    RG_TRY(perf_serve_rows_read(&w.rows, path, s->data_dir, s->err));
    w.part = calloc(2 * w.rows.n + 1, 1);
    w.inside = w.part + w.rows.n;
    w.time_s = calloc(w.rows.n + 1, sizeof *w.time_s);
    rg_status status = w.part && w.time_s ? dense_rows(&w) : perf_score_no_memory(s);
    if (status == RG_OK) status = all_rows(&w);
    free(w.part);
    free(w.time_s);
    perf_serve_rows_close(&w.rows);
    return status;
}
