/* Timing of matrix products under a datapath: shared by the benches. */
#ifndef RIDGE_BENCH_DOT_JOB_H
#define RIDGE_BENCH_DOT_JOB_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels/dot.h"

static inline double bench_now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct dot_job {
    dot_plan plan;
    dot_matrix x, w;
    float *y;
} dot_job;

/* G MAC/s: best of a second's runs. */
static inline double dot_job_speed(dot_job *j, void run(const dot_plan *, int, const dot_matrix *,
                                                        const dot_matrix *, float *)) {
    const double mac = 1e-9 * (double)(j->x.rows * j->w.rows * j->plan.k), end = bench_now_s() + 1;
    double best = 0;
    do {
        const double start = bench_now_s();
        run(&j->plan, 1, &j->x, &j->w, j->y);
        const double rate = mac / (bench_now_s() - start);
        if (rate > best) best = rate;
    } while (bench_now_s() < end);
    return best;
}

static inline void dot_job_open(dot_job *j, const rg_kernels *kernels, const rg_datapath *dp, size_t m,
                                size_t n, size_t k) {
    rg_quant q[2];
    rg_error err = {0};
    rg_status status = RG_OK;
    for (int i = 0; i < 2 && status == RG_OK; i++)
        status = rg_quant_parse(rg_datapath_input(dp, i), &q[i], &err);
    float *values = malloc((m > n ? m : n) * k * sizeof *values);
    for (size_t i = 0; values && i < (m > n ? m : n) * k; i++) values[i] = (float)rg_random_normal(1, 0, i);
    if (status == RG_OK) status = dot_plan_make(&j->plan, kernels, dp, &q[0], &q[1], k, &err);
    if (status == RG_OK) status = dot_matrix_make(&j->x, &j->plan, 1, 0, values, m, &err);
    if (status == RG_OK) status = dot_matrix_make(&j->w, &j->plan, 1, 1, values, n, &err);
    j->y = malloc(m * n * sizeof *j->y);
    free(values);
    if (status == RG_OK && values && j->y) return;
    fprintf(stderr, "%s: %s\n", err.where, err.message);
    exit(1);
}

static inline void dot_job_close(dot_job *j) {
    dot_matrix_free(&j->x);
    dot_matrix_free(&j->w);
    free(j->y);
}

static inline rg_datapath *dot_job_datapath(const char *text) {
    rg_datapath *dp;
    rg_error err = {0};
    const char *data = getenv("RIDGE_DATA");
    if (rg_datapath_open(&dp, text, data ? data : RIDGE_SOURCE_DATA, &err) == RG_OK) return dp;
    fprintf(stderr, "%s: %s\n", err.where, err.message);
    exit(1);
}

#endif
