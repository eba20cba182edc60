/* activation: functions of one feature, the same bits on every machine. */
#include "model/exec.h"

#include <math.h>

enum { CHUNK = 256 };

/* 1 / (1 + exp(-argument)), which silu, sigmoid and the tanh form of gelu share: (1 + tanh(u)) / 2 is the
   logistic function of 2 u. */
static void logistic(const exec *e, int64_t kind, size_t n, const float *x, float *y) {
    float t[CHUNK];
    if (!n) return;
    for (size_t i = 0; i < n; i++)
        t[i] =
            kind == RG_ACT_GELU_TANH ? -1.5957691216057308f * (x[i] + 0.044715f * x[i] * x[i] * x[i]) : -x[i];
    e->kernels->exp(n, t, t);
    for (size_t i = 0; i < n; i++) y[i] = (kind == RG_ACT_SIGMOID ? 1 : x[i]) / (1 + t[i]);
}

double exec_softplus(double x) {
    if (x > 40) return x;
    const double t = rg_exp(x);
    return t < 1e-5 ? t * (1 - t * (0.5 - t / 3)) : rg_log(1 + t);
}

static float one(int64_t kind, float x) {
    switch (kind) {
    case RG_ACT_SOFTPLUS:
        return (float)exec_softplus((double)x);
    case RG_ACT_GELU:
        return (float)(0.5 * (double)x * (1 + rg_erf((double)x * 0.70710678118654752)));
    default: {
        const float positive = x > 0 || isnan(x) ? x : 0;
        return kind == RG_ACT_RELU2 ? positive * positive : positive;
    }
    }
}

static void row(const exec *e, int node, size_t token, const float *const *x, float *y) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t width = (size_t)n->width;
    (void)token;
    for (size_t i = 0; i < width; i += CHUNK) {
        const size_t left = width - i < CHUNK ? width - i : CHUNK;
        if (n->kind == RG_ACT_SILU || n->kind == RG_ACT_SIGMOID || n->kind == RG_ACT_GELU_TANH)
            logistic(e, n->kind, left, x[0] + i, y + i);
        else
            for (size_t j = i; j < i + left; j++) y[j] = one(n->kind, x[0][j]);
    }
}

const exec_op exec_op_activation = {.run = exec_rows, .row = row};
