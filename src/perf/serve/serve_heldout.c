/* Times of measured servings by constants that have not seen them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/serve/serve_rows.h"

bool perf_serve_same(const perf_serve_row *a, const perf_serve_row *b, perf_serve_key key) {
    return key == PERF_SERVE_BY_CHIP ? strcmp(a->chip, b->chip) == 0 : strcmp(a->model, b->model) == 0;
}

void perf_serve_predict(const perf_serve_rows *rows, const bool *part,
                        const double fitted[PERF_SERVE_N_FITTED], double *time_s, double *first_s) {
    double c[PERF_SERVE_N_ENGINES][PERF_SERVE_N];
    for (int e = 0; e < PERF_SERVE_N_ENGINES; e++) perf_serve_fitted(fitted, e, c[e]);
    for (size_t i = 0; i < rows->n; i++) {
        const perf_serve_row *r = &rows->row[i];
        if (!part[i]) continue;
        time_s[i] = perf_serve_row_time(r, c[r->engine_index], NULL);
        if (first_s) first_s[i] = perf_serve_row_first(r, c[r->engine_index], time_s[i]);
    }
}

static void widen(double range[PERF_SERVE_N_FITTED][2], const double *fitted, bool first) {
    for (int i = 0; i < PERF_SERVE_N_FITTED; i++) {
        range[i][0] = first ? fitted[i] : fmin(range[i][0], fitted[i]);
        range[i][1] = first ? fitted[i] : fmax(range[i][1], fitted[i]);
    }
}

/* The key of row i is left out of the fit, and its rows are timed. */
static rg_status leave_out(const perf_serve_rows *rows, const bool *part, perf_serve_key key, size_t i,
                           bool *use, bool *left, double *time_s, double *first_s, double *fitted,
                           rg_error *err) {
    for (size_t k = 0; k < rows->n; k++) {
        left[k] = part[k] && perf_serve_same(&rows->row[k], &rows->row[i], key);
        use[k] = part[k] && !left[k];
    }
    RG_TRY(perf_serve_fit(rows, use, first_s != NULL, fitted, err));
    perf_serve_predict(rows, left, fitted, time_s, first_s);
    return RG_OK;
}

static bool is_new(const perf_serve_rows *rows, const bool *part, perf_serve_key key, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (part[k] && perf_serve_same(&rows->row[k], &rows->row[i], key)) return false;
    return part[i];
}

rg_status perf_serve_hold_out(const perf_serve_rows *rows, const bool *part, perf_serve_key key,
                              double *time_s, double *first_s, double range[PERF_SERVE_N_FITTED][2],
                              rg_error *err) {
    bool *use = calloc(2 * rows->n + 1, sizeof *use), first = true;
    double fitted[PERF_SERVE_N_FITTED];
    rg_status status = use ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; status == RG_OK && i < rows->n; i++) {
        if (!is_new(rows, part, key, i)) continue;
        status = leave_out(rows, part, key, i, use, use + rows->n, time_s, first_s, fitted, err);
        if (range) widen(range, fitted, first);
        first = false;
    }
    free(use);
    return status;
}

rg_status perf_serve_residual(const perf_serve_rows *rows, const bool *part, bool dense,
                              const perf_serve_row *except, perf_serve_key key, const double *time_s,
                              bool first_token, perf_residual *out, rg_error *err) {
    double *error = malloc((rows->n + 1) * sizeof *error);
    size_t n = 0;
    if (!error) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < rows->n; i++) {
        const perf_serve_row *r = &rows->row[i];
        if (!part[i] || r->dense != dense || (except && perf_serve_same(r, except, key))) continue;
        error[n++] = log((first_token ? r->ttft_s : r->tpot_s) / time_s[i]);
    }
    *out = perf_quantiles(error, n);
    free(error);
    return RG_OK;
}

rg_status perf_serve_inside(const perf_serve_rows *rows, const bool *part, perf_serve_key key,
                            const double *time_s, bool *inside, rg_error *err) {
    for (size_t i = 0; i < rows->n; i++) {
        if (!is_new(rows, part, key, i)) continue;
        perf_residual q[2];
        for (int dense = 0; dense < 2; dense++)
            RG_TRY(perf_serve_residual(rows, part, dense, &rows->row[i], key, time_s, false, &q[dense], err));
        for (size_t k = i; k < rows->n; k++) {
            const perf_serve_row *r = &rows->row[k];
            if (!part[k] || !perf_serve_same(r, &rows->row[i], key)) continue;
            const double error = log(r->tpot_s / time_s[k]);
            inside[k] = error >= q[r->dense].lo && error <= q[r->dense].hi;
        }
    }
    return RG_OK;
}
