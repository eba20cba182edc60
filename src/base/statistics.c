/* Mean, standard error, quantiles; and the progress callback. */
#include "ridge/base.h"

#include <math.h>
#include <stdlib.h>

double rg_mean(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return n ? sum / (double)n : 0;
}

double rg_standard_error(const double *x, size_t n) {
    if (n < 2) return NAN;
    double mean = rg_mean(x, n), sum = 0;
    for (size_t i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (double)(n - 1) / (double)n);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double rg_quantile(double *x, size_t n, double q) {
    if (n == 0) return 0;
    qsort(x, n, sizeof *x, compare);
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    if (i + 1 >= n) return x[n - 1];
    return x[i] + (at - (double)i) * (x[i + 1] - x[i]);
}

bool rg_progress_step(const rg_progress *progress, const char *what, double done, double total) {
    return !progress || !progress->fn || progress->fn(progress->context, what, done, total);
}
