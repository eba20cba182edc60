/* Speed of the GEMM: GFLOP/s, share of this processor's measured fp32 peak, ratio to OpenBLAS where it is
   installed. usage: gemm [--json] [--threads N] [M N K]...    default shape 512 1536 576 (rows, outputs,
   inputs) */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/kernels.h"

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static volatile float sink;

/* Best of several runs: others on the machine can only take speed away. One thread: per core. */
static double peak_flop_per_s(const rg_kernels *kernels) {
    double best = 0;
    for (int i = 0; i < 10; i++) {
        double flop, start = now_s();
        sink = kernels->fma_peak(2000000, &flop);
        best = fmax(best, flop / (now_s() - start));
    }
    return best;
}

typedef void sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda,
                   const float *b, int ldb, float beta, float *c, int ldc);

/* cblas_sgemm of OpenBLAS (never of the reference BLAS), or NULL. */
static sgemm *find_openblas(int threads) {
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) return NULL;
    void (*set_threads)(int);
    sgemm *found;
    *(void **)&set_threads = dlsym(library, "openblas_set_num_threads");
    *(void **)&found = dlsym(library, "cblas_sgemm");
    if (set_threads) set_threads(threads);
    return found;
}

static float *random_matrix(size_t n, uint64_t stream) {
    float *x = aligned_alloc(64, (n * sizeof *x + 63) / 64 * 64);
    if (!x) abort();
    for (size_t i = 0; i < n; i++) x[i] = (float)rg_random_normal(1, stream, i);
    return x;
}

typedef struct timing {
    double gflop_per_s, peer_gflop_per_s;
} timing;

static timing run(const rg_kernels *kernels, sgemm *peer, int threads, size_t m, size_t n, size_t k) {
    float *x = random_matrix(m * k, 0), *w = random_matrix(n * k, 1), *y = random_matrix(m * n, 2);
    float *packed = random_matrix(rg_gemm_packed_size(kernels, n, k), 3);
    const double gflop = 2e-9 * (double)m * (double)n * (double)k;
    double best = INFINITY, best_peer = INFINITY, end = now_s() + 2;
    rg_gemm_pack(kernels, threads, w, n, k, packed);
    do {
        double start = now_s();
        rg_gemm(kernels, threads, m, n, k, x, packed, y);
        best = fmin(best, now_s() - start);
        start = now_s();
        if (peer) peer(101, 111, 112, (int)m, (int)n, (int)k, 1, x, (int)k, w, (int)k, 0, y, (int)n);
        if (peer) best_peer = fmin(best_peer, now_s() - start);
    } while (now_s() < end);
    free(x);
    free(w);
    free(y);
    free(packed);
    return (timing){gflop / best, peer ? gflop / best_peer : 0};
}

static void report(bool json, const rg_kernels *kernels, int threads, const size_t shape[3], double peak,
                   timing t) {
    double share = t.gflop_per_s / (peak * 1e-9 * threads);
    char peer[64] = "null";
    if (t.peer_gflop_per_s > 0) snprintf(peer, sizeof peer, "%.3f", t.gflop_per_s / t.peer_gflop_per_s);
    if (json)
        printf("{\"kernel\": \"gemm\", \"isa\": \"%s\", \"threads\": %d, \"m\": %zu, \"n\": %zu, \"k\": %zu, "
               "\"gflop_per_s\": %.2f, \"peak_gflop_per_s\": %.2f, \"share_of_peak\": %.3f, "
               "\"ratio_to_openblas\": %s}\n",
               kernels->name, threads, shape[0], shape[1], shape[2], t.gflop_per_s, peak * 1e-9 * threads,
               share, peer);
    else
        printf("%-7s %2d thread(s)  %5zu x %5zu x %5zu  %8.1f GFLOP/s  %5.1f %% of peak %.1f  OpenBLAS ratio "
               "%s\n",
               kernels->name, threads, shape[0], shape[1], shape[2], t.gflop_per_s, 100 * share,
               peak * 1e-9 * threads, t.peer_gflop_per_s > 0 ? peer : "(not installed)");
}

int main(int argc, char **argv) {
    bool json = false;
    int threads = 1, i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc && atoi(argv[i + 1]) > 0) {
            threads = atoi(argv[++i]);
        } else {
            fprintf(stderr, "usage: gemm [--json] [--threads N] [M N K]...\n");
            return 2;
        }
    }
    const rg_kernels *kernels;
    rg_error err;
    if (rg_kernels_get(&kernels, &err) != RG_OK) {
        fprintf(stderr, "%s: %s\n", err.where, err.message);
        return 1;
    }
    sgemm *peer = find_openblas(threads);
    do {
        size_t shape[3] = {512, 1536, 576};
        for (int d = 0; d < 3 && i + 2 < argc; d++) shape[d] = strtoul(argv[i + d], NULL, 10);
        if (!shape[0] || !shape[1] || !shape[2]) {
            fprintf(stderr, "usage: gemm [--json] [--threads N] [M N K]...\n");
            return 2;
        }
        double peak = peak_flop_per_s(kernels);
        report(json, kernels, threads, shape, peak,
               run(kernels, peer, threads, shape[0], shape[1], shape[2]));
        i += 3;
    } while (i + 2 < argc);
    return 0;
}
