/* A search without derivatives. */
#ifndef PERF_SEARCH_H
#define PERF_SEARCH_H

#include <stddef.h>

enum { PERF_MAX_FREE = 12 };
/* Nelder-Mead from at[n], n <= PERF_MAX_FREE, with a first simplex of `size`; `at` becomes the best point
   found, its loss is returned. The same bits for the same loss. */
double perf_minimise(double (*loss)(const void *context, const double *at), const void *context, double *at,
                     size_t n, double size, int steps);

#endif
