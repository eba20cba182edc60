/* Speed of CPFloat, for bench/num --peer ./cpfloat. Built outside of Ridge, with the headers of CPFloat:
   cc -O3 -march=native -I CPFLOAT/src cpfloat.c -lm -o cpfloat */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cpfloat_binary32.h"

enum { N = 1 << 22 };

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run(const char *kernel, int round, float *x, float *y) {
    optstruct *options = init_optstruct();
    options->precision = 4;
    options->emin = -6;
    options->emax = 8;
    options->subnormal = CPFLOAT_SUBN_USE;
    options->round = (cpfloat_rounding_t)round;
    options->saturation = CPFLOAT_SAT_USE;
    double best = INFINITY;
    for (int i = 0; i < 5; i++) {
        const double start = now_s();
        cpfloatf(y, x, N, options);
        best = fmin(best, now_s() - start);
    }
    printf("%s CPFloat %.4f\n", kernel, N / best * 1e-9);
    free_optstruct(options);
}

int main(void) {
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    if (!x || !y) return 1;
    for (size_t i = 0; i < N; i++) x[i] = (float)rand() / (float)RAND_MAX * 8 - 4;
    run("qdq_e4m3fn", CPFLOAT_RND_NE, x, y);
    run("qdq_e4m3fn@rz", CPFLOAT_RND_TZ, x, y);
    run("qdq_e4m3fn@sra(8)", CPFLOAT_RND_SP, x, y);
    return 0;
}
