/* The mixer of Mamba-2 in double, from its definition. */
#ifndef RIDGE_TEST_ORACLE_MAMBA2_H
#define RIDGE_TEST_ORACLE_MAMBA2_H

#include "unit/model/instance.h"
#include "unit/model/oracle.h"

typedef struct oracle_mamba2 {
    size_t d, heads, head_dim, state, groups, kernel;
    size_t normed; /* groups that the gated norm keeps apart */
    double eps, dt_min, dt_max;
    bool bias; /* of the projections */
} oracle_mamba2;

/* Norm over runs of features, each with a gain of its own. */
static inline void oracle_group_norm(double *x, size_t n, size_t run, const float *gain, double eps) {
    for (size_t g = 0; g < n; g += run) {
        double squares = 0;
        for (size_t i = g; i < g + run; i++) squares += x[i] * x[i];
        for (size_t i = g; i < g + run; i++) x[i] *= (double)gain[i] / sqrt(squares / (double)run + eps);
    }
}

/* out[n][d] of h[n][d]; the weights of `m` below `prefix`. */
static inline void oracle_mamba2_mixer(const oracle_mamba2 *o, const rg_model *m, const char *prefix,
                                       const double *h, size_t n, double *out) {
    const size_t inner = o->heads * o->head_dim, gn = o->groups * o->state, width = inner + 2 * gn,
                 all = inner + width + o->heads;
#define OF(name) instance_weight(m, "%s." name, prefix)
    const float *A_log = OF("A_log"), *D = OF("D"), *dt_bias = OF("dt_bias"), *tap = OF("conv1d.weight"),
                *tap_bias = OF("conv1d.bias");
    double *p = calloc(n * all, sizeof *p), *mixed = calloc(width, sizeof *mixed),
           *S = calloc(inner * o->state, sizeof *S), *y = calloc(n * inner, sizeof *y);
    oracle_linear(h, OF("in_proj.weight"), o->bias ? OF("in_proj.bias") : NULL, n, all, o->d, p);
    for (size_t t = 0; t < n; t++) {
        for (size_t c = 0; c < width; c++) {
            double sum = (double)tap_bias[c];
            for (size_t k = 0; k < o->kernel; k++)
                if (t + k + 1 >= o->kernel)
                    sum += (double)tap[c * o->kernel + k] * p[(t + k + 1 - o->kernel) * all + inner + c];
            mixed[c] = oracle_silu(sum);
        }
        for (size_t i = 0; i < inner; i++) {
            const size_t head = i / o->head_dim;
            const double *B = mixed + inner + head / (o->heads / o->groups) * o->state, *C = B + gn;
            const double raw = log1p(exp(p[t * all + inner + width + head] + (double)dt_bias[head])),
                         dt = fmin(fmax(raw, o->dt_min), o->dt_max),
                         keep = exp(-dt * exp((double)A_log[head]));
            double sum = (double)D[head] * mixed[i];
            for (size_t s = 0; s < o->state; s++) {
                S[i * o->state + s] = keep * S[i * o->state + s] + dt * mixed[i] * B[s];
                sum += S[i * o->state + s] * C[s];
            }
            y[t * inner + i] = sum * oracle_silu(p[t * all + i]);
        }
        oracle_group_norm(y + t * inner, inner, inner / o->normed, OF("norm.weight"), o->eps);
    }
    oracle_linear(y, OF("out_proj.weight"), o->bias ? OF("out_proj.bias") : NULL, n, o->d, inner, out);
#undef OF
    free(p), free(mixed), free(S), free(y);
}

#endif
