/* Constants of serving from measured rows: Gauss-Newton steps on the logarithms, errors beyond 10 % weighted
   by their size, constants held near their presets. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/calibrate/search.h"
#include "perf/serve/serve_rows.h"

enum { N = PERF_SERVE_N_FITTED, FIRST = PERF_SERVE_FIRST_OF_ENGINE, OWN = PERF_SERVE_N - FIRST };
static const double ROUGH = 0.1; /* log error from which on rows count by their size */
static const double FULL = 20;   /* rows from which on a group counts whole */

/* ---- time of a row ----------------------------------------------------------------------------------- */

/* Two that overlap, and what the sum loses when the one or the other grows by its share. */
static double overlap(double memory_s, double memory, double compute_s, double compute, double *by_memory,
                      double *by_compute) {
    const double a = memory_s / memory, b = compute_s / compute;
    if (!(a > 0) || !(b > 0)) {
        *by_memory += a, *by_compute += b;
        return a + b;
    }
    const double s = perf_overlap(a, b, 0), of_a = s * pow(a / s, 2.3);
    *by_memory += of_a;
    *by_compute += s - of_a;
    return s;
}

double perf_serve_row_time(const perf_serve_row *r, const double c[PERF_SERVE_N],
                           double slope[PERF_SERVE_N]) {
    double by[PERF_SERVE_N] = {0}; /* time that is in inverse proportion to, or with, each constant */
    const perf_serve_pass *p = &r->step;
    double s = 0;
    for (int w = 0; w < PERF_N_WIDTHS; w++) {
        const int compute = PERF_SERVE_COMPUTE_16 + w;
        s += overlap(p->linear_memory_s[w], c[PERF_SERVE_MEMORY], p->linear_compute_s[w], c[compute],
                     &by[PERF_SERVE_MEMORY], &by[compute]);
        s += overlap(p->expert_memory_s[w], c[PERF_SERVE_EXPERT_MEMORY], p->expert_compute_s[w], c[compute],
                     &by[PERF_SERVE_EXPERT_MEMORY], &by[compute]);
    }
    s += overlap(p->attention_memory_s, c[PERF_SERVE_KV_MEMORY], p->attention_compute_s,
                 c[PERF_SERVE_COMPUTE_16], &by[PERF_SERVE_KV_MEMORY], &by[PERF_SERVE_COMPUTE_16]);
    by[PERF_SERVE_NETWORK] = p->network_s / c[PERF_SERVE_NETWORK];
    by[PERF_SERVE_KERNEL] = p->kernels * c[PERF_SERVE_KERNEL];
    by[PERF_SERVE_CONVERSION] = p->conversions * c[PERF_SERVE_CONVERSION];
    by[PERF_SERVE_COLLECTIVE] = p->collectives * c[PERF_SERVE_COLLECTIVE];
    by[PERF_SERVE_HOST] = c[PERF_SERVE_HOST];
    by[PERF_SERVE_SEQUENCE] = r->batch * c[PERF_SERVE_SEQUENCE];
    s += by[PERF_SERVE_NETWORK] + by[PERF_SERVE_KERNEL] + by[PERF_SERVE_CONVERSION] +
         by[PERF_SERVE_COLLECTIVE] + by[PERF_SERVE_HOST] + by[PERF_SERVE_SEQUENCE];
    const double others = (r->replicas - 1) * c[PERF_SERVE_STALL];
    const double scale = c[PERF_SERVE_PREFILL] * r->batch / r->osl * (1 + others);
    by[PERF_SERVE_PREFILL] = scale * perf_serve_prompt_work(&r->prompt, c);
    s += by[PERF_SERVE_PREFILL];
    if (!slope) return s;
    for (int w = 0; w < PERF_N_WIDTHS; w++)
        by[PERF_SERVE_COMPUTE_16 + w] += scale *
                                         (r->prompt.linear_compute_s[w] + r->prompt.expert_compute_s[w]) /
                                         c[PERF_SERVE_COMPUTE_16 + w];
    by[PERF_SERVE_COMPUTE_16] += scale * r->prompt.attention_compute_s / c[PERF_SERVE_COMPUTE_16];
    by[PERF_SERVE_NETWORK] += scale * r->prompt.network_s / c[PERF_SERVE_NETWORK];
    by[PERF_SERVE_STALL] = by[PERF_SERVE_PREFILL] * others / (1 + others);
    for (int i = 0; i < PERF_SERVE_N; i++) slope[i] = i <= PERF_SERVE_NETWORK ? -by[i] : by[i];
    return s;
}

double perf_serve_row_first(const perf_serve_row *r, const double c[PERF_SERVE_N], double tpot_s) {
    double part[RG_SERVE_N_PARTS];
    perf_serve_parts(&r->prompt, c, part);
    const double work_s =
        perf_serve_prompt_work(&r->prompt, c) * (1 + (r->replicas - 1) * c[PERF_SERVE_STALL]);
    const double prompts_s = c[PERF_SERVE_PREFILL] * r->batch * work_s / r->osl;
    const perf_serve_first_token f = {.prompt_s = perf_serve_sum(part) + c[PERF_SERVE_HOST],
                                      .work_s = work_s,
                                      .step_s = fmax(0, tpot_s - prompts_s),
                                      .batch = r->batch,
                                      .chunks = 1};
    const double others = fmax(0, r->concurrency - r->batch * r->replicas); /* wait for a place */
    return perf_serve_first(&f, c) + others * r->osl * tpot_s / (r->batch * r->replicas);
}

/* ---- constants of all engines ------------------------------------------------------------------------ */

static int fitted_index(int constant, int engine) {
    return constant < FIRST ? constant : FIRST + engine * OWN + constant - FIRST;
}

static int constant_of(int fitted) {
    return fitted < FIRST ? fitted : FIRST + (fitted - FIRST) % OWN;
}

static double preset_of(int fitted) {
    return perf_serve_preset(constant_of(fitted), fitted < FIRST ? -1 : (fitted - FIRST) / OWN);
}

void perf_serve_fitted(const double fitted[N], int engine, double out[PERF_SERVE_N]) {
    for (int i = 0; i < PERF_SERVE_N; i++) out[i] = fitted[fitted_index(i, engine)];
}

void perf_serve_presets(double fitted[N]) {
    for (int i = 0; i < N; i++) fitted[i] = preset_of(i);
}

/* ---- fit --------------------------------------------------------------------------------------------- */

typedef struct work {
    const perf_serve_rows *rows;
    const bool *use;
    double *weight;
    double matrix[N][N], gradient[N]; /* of the quadratic that stands in for the cost */
} work;

/* A group weighs as one row of 10 % error, spread over its rows, less when it has few. */
static rg_status weigh(work *w, rg_error *err) {
    double *same = calloc(w->rows->n_groups + 1, sizeof *same);
    if (!same) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < w->rows->n; i++) same[w->rows->row[i].group] += w->use[i];
    for (size_t i = 0; i < w->rows->n; i++) {
        const double n = same[w->rows->row[i].group];
        w->weight[i] = w->use[i] ? fmin(1, n / FULL) / (n * ROUGH * ROUGH) : 0;
    }
    free(same);
    return RG_OK;
}

/* Cost of the constants exp(x); with `build`, the quadratic around them. */
static double cost(work *w, const double x[N], bool build) {
    double all[N], c[PERF_SERVE_N_ENGINES][PERF_SERVE_N], sum = 0;
    if (build) memset(w->matrix, 0, sizeof w->matrix), memset(w->gradient, 0, sizeof w->gradient);
    for (int i = 0; i < N; i++) {
        const double spread = perf_serve_specs[constant_of(i)].spread;
        const double off = (x[i] - log(preset_of(i))) / spread;
        all[i] = exp(x[i]);
        sum += off * off;
        if (!build) continue;
        w->matrix[i][i] = 1 / (spread * spread);
        w->gradient[i] = off / spread;
    }
    for (int e = 0; e < PERF_SERVE_N_ENGINES; e++) perf_serve_fitted(all, e, c[e]);
    for (size_t r = 0; r < w->rows->n; r++) {
        if (!(w->weight[r] > 0)) continue;
        const perf_serve_row *row = &w->rows->row[r];
        const int e = row->engine_index;
        double slope[PERF_SERVE_N];
        const double t = perf_serve_row_time(row, c[e], build ? slope : NULL), error = log(t / row->tpot_s);
        const double root = sqrt(1 + error * error / (ROUGH * ROUGH));
        sum += w->weight[r] * 2 * ROUGH * ROUGH * (root - 1);
        if (!build) continue;
        const double weight = w->weight[r] / root;
        for (int i = 0; i < PERF_SERVE_N; i++) {
            const int a = fitted_index(i, e);
            w->gradient[a] += weight * error * slope[i] / t;
            for (int k = 0; k < PERF_SERVE_N; k++)
                w->matrix[a][fitted_index(k, e)] += weight * slope[i] / t * slope[k] / t;
        }
    }
    return sum;
}

/* (matrix + damping diag) step = -gradient, by Cholesky; the matrix is positive, for the spreads are. */
static void solve(const work *w, double damping, double step[N]) {
    double l[N][N];
    for (int i = 0; i < N; i++) {
        double y = -w->gradient[i];
        for (int k = 0; k <= i; k++) {
            double sum = w->matrix[i][k] * (i == k ? 1 + damping : 1);
            for (int m = 0; m < k; m++) sum -= l[i][m] * l[k][m];
            l[i][k] = i == k ? sqrt(sum) : sum / l[k][k];
            if (k < i) y -= l[i][k] * step[k];
        }
        step[i] = y / l[i][i];
    }
    for (int i = N - 1; i >= 0; i--) {
        for (int k = i + 1; k < N; k++) step[i] -= l[k][i] * step[k];
        step[i] /= l[i][i];
    }
}

static void descend(work *w, double x[N]) {
    double damping = 1e-3, best = cost(w, x, true);
    for (int round = 0; round < 60 && damping < 1e6; round++) {
        double step[N], next[N];
        solve(w, damping, step);
        for (int i = 0; i < N; i++) next[i] = x[i] + step[i];
        const double at = cost(w, next, false);
        if (!(at < best)) {
            damping *= 8;
            continue;
        }
        memcpy(x, next, sizeof next);
        if (best - at < 1e-7 * best) return;
        damping /= 4;
        best = cost(w, x, true);
    }
}

/* ---- first tokens ------------------------------------------------------------------------------------ */

typedef struct first {
    const work *w;
    double constant[PERF_SERVE_N];
    int engine;
} first;

static double first_loss(const void *context, const double *at) {
    first f = *(const first *)context;
    double sum = 0, weight = 0;
    f.constant[PERF_SERVE_REQUEST] = exp(at[0]);
    f.constant[PERF_SERVE_BURST] = exp(at[1]);
    for (size_t i = 0; i < f.w->rows->n; i++) {
        const perf_serve_row *r = &f.w->rows->row[i];
        if (r->engine_index != f.engine || !(f.w->weight[i] > 0)) continue;
        const double tpot_s = perf_serve_row_time(r, f.constant, NULL);
        sum += f.w->weight[i] * fabs(log(perf_serve_row_first(r, f.constant, tpot_s) / r->ttft_s));
        weight += f.w->weight[i];
    }
    return weight > 0 ? sum / weight : 0;
}

static void find_first(const work *w, double fitted[N]) {
    for (int e = 0; e < PERF_SERVE_N_ENGINES; e++) {
        first f = {.w = w, .engine = e};
        perf_serve_fitted(fitted, e, f.constant);
        double at[2] = {log(f.constant[PERF_SERVE_REQUEST]), log(f.constant[PERF_SERVE_BURST])};
        if (!(first_loss(&f, at) > 0)) continue;
        perf_minimise(first_loss, &f, at, 2, 0.5, 60);
        fitted[fitted_index(PERF_SERVE_REQUEST, e)] = exp(at[0]);
        fitted[fitted_index(PERF_SERVE_BURST, e)] = exp(at[1]);
    }
}

rg_status perf_serve_fit(const perf_serve_rows *rows, const bool *use, bool first_tokens, double fitted[N],
                         rg_error *err) {
    work w = {.rows = rows, .use = use, .weight = malloc((rows->n + 1) * sizeof *w.weight)};
    double x[N];
    if (!w.weight) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    const rg_status status = weigh(&w, err);
    perf_serve_presets(fitted);
    for (int i = 0; i < N; i++) x[i] = log(fitted[i]);
    if (status == RG_OK) descend(&w, x);
    for (int i = 0; i < N; i++) fitted[i] = exp(x[i]);
    if (status == RG_OK && first_tokens) find_first(&w, fitted);
    free(w.weight);
    return status;
}
