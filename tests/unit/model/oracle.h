/* The parts of models in double, from their definitions: what families are held against. Rows are tokens. */
#ifndef RIDGE_TEST_ORACLE_H
#define RIDGE_TEST_ORACLE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* y[rows][n] = x[rows][k] w[n][k]^T + b; b may be NULL, y not x. */
static inline void oracle_linear(const double *x, const float *w, const float *b, size_t rows, size_t n,
                                 size_t k, double *y) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) {
            double sum = 0;
            for (size_t j = 0; j < k; j++) sum += x[r * k + j] * (double)w[i * k + j];
            y[r * n + i] = sum + (b ? (double)b[i] : 0);
        }
}

static inline void oracle_rmsnorm(const double *x, const float *gain, double eps, size_t rows, size_t n,
                                  double *y) {
    for (size_t r = 0; r < rows; r++) {
        double squares = 0;
        for (size_t i = 0; i < n; i++) squares += x[r * n + i] * x[r * n + i];
        const double root = sqrt(squares / (double)n + eps);
        for (size_t i = 0; i < n; i++) y[r * n + i] = x[r * n + i] / root * (double)gain[i];
    }
}

static inline void oracle_layernorm(const double *x, const float *gain, const float *bias, double eps,
                                    size_t rows, size_t n, double *y) {
    for (size_t r = 0; r < rows; r++) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < n; i++) mean += x[r * n + i] / (double)n;
        for (size_t i = 0; i < n; i++) variance += pow(x[r * n + i] - mean, 2) / (double)n;
        for (size_t i = 0; i < n; i++)
            y[r * n + i] = (x[r * n + i] - mean) / sqrt(variance + eps) * (double)gain[i] + (double)bias[i];
    }
}

static inline void oracle_add(double *x, const double *y, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] += y[i];
}

static inline double oracle_silu(double x) {
    return x / (1 + exp(-x));
}
static inline double oracle_gelu(double x) {
    return x / 2 * erfc(-x / sqrt(2));
}
static inline double oracle_gelu_tanh(double x) {
    return x / 2 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}
/* y[d] += scale down(silu(gate x) up x): a gated MLP of x[d] whose inner width is f. */
static inline void oracle_swiglu(const double *x, const float *gate, const float *up, const float *down,
                                 size_t d, size_t f, double scale, double *y) {
    double *g = malloc((2 * f + d) * sizeof *g), *u = g + f, *z = u + f;
    oracle_linear(x, gate, NULL, 1, f, d, g);
    oracle_linear(x, up, NULL, 1, f, d, u);
    for (size_t i = 0; i < f; i++) g[i] = oracle_silu(g[i]) * u[i];
    oracle_linear(g, down, NULL, 1, d, f, z);
    for (size_t i = 0; i < d; i++) y[i] += scale * z[i];
    free(g);
}
static inline void oracle_map(double (*f)(double), double *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = f(x[i]);
}

/* Turns features first, ..., first + r - 1 of each head by angles p w(i), in place; cosine and sine times
   `length`. */
static inline void oracle_rope(double *x, size_t rows, size_t heads, size_t head_dim, size_t first, size_t r,
                               bool interleaved, double (*w)(size_t i, size_t r), double length) {
    for (size_t p = 0; p < rows; p++)
        for (size_t h = 0; h < heads; h++)
            for (size_t i = 0; i < r / 2; i++) {
                double *head = x + (p * heads + h) * head_dim + first;
                double *a = head + (interleaved ? 2 * i : i),
                       *b = head + (interleaved ? 2 * i + 1 : i + r / 2);
                const double angle = (double)p * w(i, r), u = *a, v = *b;
                *a = length * (u * cos(angle) - v * sin(angle));
                *b = length * (v * cos(angle) + u * sin(angle));
            }
}

typedef struct oracle_attention {
    size_t heads, kv_heads, head_dim, v_head_dim;
    double scale;
    size_t window;      /* 0: none */
    bool bidirectional; /* every query sees every key */
    const float *sinks; /* [heads], or NULL */
} oracle_attention;

/* y[rows][heads x v_head_dim] */
static inline void oracle_attend(const oracle_attention *a, size_t rows, const double *q, const double *k,
                                 const double *v, double *y) {
    const size_t d = a->head_dim, dv = a->v_head_dim;
    double *e = malloc(rows * sizeof *e);
    for (size_t p = 0; p < rows; p++)
        for (size_t h = 0; h < a->heads; h++) {
            const size_t g = h * a->kv_heads / a->heads;
            double sum = a->sinks ? exp((double)a->sinks[h]) : 0;
            double *out = y + (p * a->heads + h) * dv;
            for (size_t s = 0; s < rows; s++) {
                double dot = 0;
                for (size_t i = 0; i < d; i++)
                    dot += q[(p * a->heads + h) * d + i] * k[(s * a->kv_heads + g) * d + i];
                const bool seen = a->bidirectional || (s <= p && (!a->window || s + a->window > p));
                sum += e[s] = seen ? exp(a->scale * dot) : 0;
            }
            for (size_t i = 0; i < dv; i++) {
                out[i] = 0;
                for (size_t s = 0; s < rows; s++) out[i] += e[s] / sum * v[(s * a->kv_heads + g) * dv + i];
            }
        }
    free(e);
}

/* Which experts a token takes. */
typedef struct oracle_router {
    size_t experts, top_k;
    enum { ORACLE_SOFTMAX, ORACLE_SIGMOID, ORACLE_SOFTMAX_TOPK } scoring;
    size_t n_group, topk_group; /* n_group 0: none */
    bool top2;                  /* a group counts by the sum of its two best, else by its best */
    bool normalize;
    double scale;
    const float *correction; /* [experts], or NULL */
} oracle_router;

static inline size_t oracle_best(const double *key, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (key[i] > key[best]) best = i;
    return best;
}

/* Of logits x[experts]: numbers and weights of the chosen. Returns the least distance of a choice from
   another one. */
static inline double oracle_route(const oracle_router *r, const double *x, size_t *number, double *weight) {
    double score[64], key[64], group[64], sum = 0, gap = INFINITY;
    for (size_t i = 0; i < r->experts; i++) sum += exp(x[i]);
    for (size_t i = 0; i < r->experts; i++) {
        score[i] = r->scoring == ORACLE_SIGMOID ? 1 / (1 + exp(-x[i])) : exp(x[i]) / sum;
        key[i] = (r->scoring == ORACLE_SOFTMAX_TOPK ? x[i] : score[i]) +
                 (r->correction ? (double)r->correction[i] : 0);
    }
    const size_t each = r->n_group ? r->experts / r->n_group : 0;
    for (size_t g = 0; g < r->n_group; g++) {
        double copy[64];
        memcpy(copy, key + g * each, each * sizeof *copy);
        const size_t first = oracle_best(copy, each);
        group[g] = copy[first];
        copy[first] = -INFINITY;
        if (r->top2) group[g] += copy[oracle_best(copy, each)];
    }
    for (size_t i = 0; r->n_group && i < r->n_group - r->topk_group; i++) { /* throw the worst out */
        size_t worst = 0;
        for (size_t g = 1; g < r->n_group; g++)
            if (group[g] < group[worst]) worst = g;
        for (size_t j = 0; j < each; j++) key[worst * each + j] = -INFINITY;
        const double had = group[worst];
        group[worst] = INFINITY;
        for (size_t g = 0; g < r->n_group; g++)
            if (group[g] < INFINITY) gap = fmin(gap, group[g] - had);
    }
    sum = 0;
    for (size_t s = 0; s < r->top_k; s++) {
        number[s] = oracle_best(key, r->experts);
        const double had = key[number[s]];
        key[number[s]] = -INFINITY;
        if (s + 1 == r->top_k) gap = fmin(gap, had - key[oracle_best(key, r->experts)]);
        sum += weight[s] = score[number[s]];
    }
    for (size_t s = 0; s < r->top_k; s++)
        weight[s] *= (r->normalize || r->scoring == ORACLE_SOFTMAX_TOPK ? 1 / sum : 1) * r->scale;
    return gap;
}

/* Rows of a table. */
static inline void oracle_embed(const float *table, const int32_t *token, size_t rows, size_t n, double *y) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) y[r * n + i] = (double)table[(size_t)token[r] * n + i];
}

#endif
