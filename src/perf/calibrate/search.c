/* Nelder-Mead (Computer Journal 7, 1965). */
#include "perf/calibrate/search.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

typedef struct simplex {
    double x[PERF_MAX_FREE + 1][PERF_MAX_FREE], f[PERF_MAX_FREE + 1];
    size_t n;
    double (*loss)(const void *context, const double *at);
    const void *context;
} simplex;

static void sort(simplex *p) {
    for (size_t i = 1; i <= p->n; i++)
        for (size_t j = i; j > 0 && p->f[j] < p->f[j - 1]; j--) {
            double x[PERF_MAX_FREE];
            const double f = p->f[j];
            memcpy(x, p->x[j], sizeof x);
            memcpy(p->x[j], p->x[j - 1], sizeof x);
            memcpy(p->x[j - 1], x, sizeof x);
            p->f[j] = p->f[j - 1];
            p->f[j - 1] = f;
        }
}

/* Center + t x (center - worst), and its loss. */
static double point(const simplex *p, const double *center, double t, double *out) {
    for (size_t k = 0; k < p->n; k++) out[k] = center[k] + t * (center[k] - p->x[p->n][k]);
    return p->loss(p->context, out);
}

static void step(simplex *p) {
    const size_t n = p->n;
    double center[PERF_MAX_FREE] = {0}, y[PERF_MAX_FREE] = {0}, z[PERF_MAX_FREE] = {0};
    sort(p);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) center[k] += p->x[i][k] / (double)n;
    double fy = point(p, center, 1, y), fz = INFINITY;
    if (fy < p->f[0])
        fz = point(p, center, 2, z);
    else if (fy >= p->f[n - 1])
        fz = point(p, center, -0.5, z);
    const bool take_z = fz < fy;
    if (fy < p->f[n - 1] || fz < p->f[n]) {
        memcpy(p->x[n], take_z ? z : y, sizeof y);
        p->f[n] = take_z ? fz : fy;
        return;
    }
    for (size_t i = 1; i <= n; i++) {
        for (size_t k = 0; k < n; k++) p->x[i][k] = 0.5 * (p->x[i][k] + p->x[0][k]);
        p->f[i] = p->loss(p->context, p->x[i]);
    }
}

double perf_minimise(double (*loss)(const void *context, const double *at), const void *context, double *at,
                     size_t n, double size, int steps) {
    simplex p = {.n = n, .loss = loss, .context = context};
    for (size_t i = 0; i <= n; i++) {
        memcpy(p.x[i], at, n * sizeof *at);
        if (i > 0) p.x[i][i - 1] += i % 2 ? size : -size;
        p.f[i] = loss(context, p.x[i]);
    }
    for (int i = 0; i < steps; i++) step(&p);
    sort(&p);
    memcpy(at, p.x[0], n * sizeof *at);
    return p.f[0];
}
