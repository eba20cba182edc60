/* GEMM on several threads: blocks of fixed size, each computed by one thread. */
#include "kernels/kernels.h"

/* 96 rows (a multiple of every tile height) of a k-block stay in the second-level cache; 16 panels are a
 * task. */
enum { TASK_M = 96, TASK_PANELS = 16 };

size_t rg_gemm_packed_size(const rg_kernels *kernels, size_t n, size_t k) {
    return (n + kernels->tile_n - 1) / kernels->tile_n * kernels->tile_n * k;
}

void rg_gemm_pack(const rg_kernels *kernels, int threads, const float *w, size_t n, size_t k, float *packed) {
    const size_t task_n = TASK_PANELS * kernels->tile_n, tasks = (n + task_n - 1) / task_n;
#pragma omp parallel for num_threads(threads) schedule(dynamic) if (tasks > 1)
    for (size_t t = 0; t < tasks; t++) {
        size_t n0 = t * task_n, width = n - n0 < task_n ? n - n0 : task_n;
        kernels->pack(w + n0 * k, k, width, k, packed + n0 * k);
    }
}

void rg_gemm(const rg_kernels *kernels, int threads, size_t m, size_t n, size_t k, const float *x,
             const float *packed, float *y) {
    const size_t task_n = TASK_PANELS * kernels->tile_n;
    const size_t tasks_n = (n + task_n - 1) / task_n, tasks_m = (m + TASK_M - 1) / TASK_M;
#pragma omp parallel for num_threads(threads) schedule(dynamic) if (tasks_n * tasks_m > 1)
    for (size_t t = 0; t < tasks_n * tasks_m; t++) {
        size_t n0 = t / tasks_m * task_n, m0 = t % tasks_m * TASK_M;
        size_t width = n - n0 < task_n ? n - n0 : task_n, height = m - m0 < TASK_M ? m - m0 : TASK_M;
        kernels->multiply(height, width, k, x + m0 * k, k, packed + n0 * k, k, y + m0 * n + n0, n);
    }
}
