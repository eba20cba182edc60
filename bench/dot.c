/* Speed of matrix products under a datapath, one thread: G MAC/s of each instruction set, and the ratio to
   the walk. usage: dot [--json] [DATAPATH...] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/dot.h"

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct job {
    dot_plan plan;
    dot_matrix x, w;
    float *y;
} job;

/* Best of a second's runs. */
static double g_mac_per_s(job *j,
                          void run(const dot_plan *, int, const dot_matrix *, const dot_matrix *, float *)) {
    const double mac = 1e-9 * (double)(j->x.rows * j->w.rows * j->plan.k), end = now_s() + 1;
    double best = 0;
    do {
        const double start = now_s();
        run(&j->plan, 1, &j->x, &j->w, j->y);
        const double rate = mac / (now_s() - start);
        if (rate > best) best = rate;
    } while (now_s() < end);
    return best;
}

static void open_job(job *j, const rg_kernels *kernels, const rg_datapath *dp, size_t m, size_t n, size_t k) {
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

static void close_job(job *j) {
    dot_matrix_free(&j->x);
    dot_matrix_free(&j->w);
    free(j->y);
}

static void bench(const char *text, bool json) {
    rg_datapath *dp;
    rg_error err = {0};
    const char *data = getenv("RIDGE_DATA"), *name;
    if (rg_datapath_open(&dp, text, data ? data : "data", &err) != RG_OK) {
        fprintf(stderr, "%s: %s\n", err.where, err.message);
        exit(1);
    }
    job j;
    open_job(&j, rg_kernels_named("scalar"), dp, 8, 64, 1024);
    const double walk = g_mac_per_s(&j, dot_gemm_walk);
    close_job(&j);
    for (size_t i = 0; (name = rg_kernels_level(i)); i++) {
        if (!rg_kernels_named(name)) continue;
        open_job(&j, rg_kernels_named(name), dp, 64, 512, 1024);
        const bool fast = j.plan.fast;
        const double rate = fast ? g_mac_per_s(&j, dot_gemm) : walk;
        printf(json
                   ? "{\"kernel\": \"%s\", \"isa\": \"%s\", \"g_mac_per_s\": %.4f, \"ratio_to_walk\": %.1f}\n"
                   : "%-20s %-7s %8.4f G MAC/s  %7.1f times the walk\n",
               text, fast ? name : "walk", rate, rate / walk);
        close_job(&j);
        if (!fast) break;
    }
    rg_datapath_close(dp);
}

int main(int argc, char **argv) {
    static const char *const usual[] = {"h100-e4m3-wgmma", "h100-fp16",  "a100-fp16", "a100-tf32",
                                        "v100-fp16",       "b200-mxfp8", "mi300-fp16"};
    const bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    const int first = json ? 2 : 1;
    for (int i = first; i < argc; i++) bench(argv[i], json);
    for (size_t i = 0; argc == first && i < sizeof usual / sizeof *usual; i++) bench(usual[i], json);
    return 0;
}
