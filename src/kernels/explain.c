/* The error of a product, part by part: one thing changes at a time from the exact operands to the result. */
#include "kernels/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/dot.h"

static const char *const names[RG_N_ERROR_PARTS] = {"a.rounding", "b.rounding", "a.scale",     "b.scale",
                                                    "a.clipping", "b.clipping", "accumulation"};
static const char *const advice[RG_N_ERROR_PARTS] = {
    "more mantissa bits for a, or smaller blocks where its magnitudes vary within one",
    "more mantissa bits for b, or smaller blocks where its magnitudes vary within one",
    "another scale rule for a (scale=), or scales with a mantissa in place of powers of two",
    "another scale rule for b (scale=), or scales with a mantissa in place of powers of two",
    "scales of a that leave room for the largest (scale=even, ceil, rceil), or an element of more range",
    "scales of b that leave room for the largest (scale=even, ceil, rceil), or an element of more range",
    "more fraction bits in the sum (align=, acc=), or a shorter chain (promote=)"};

const char *rg_error_part_name(rg_error_part part) {
    return names[part];
}

const char *rg_error_part_advice(rg_error_part part) {
    return advice[part];
}

/* ---- products in double -------------------------------------------------------------------------------- */

/* Where an operand stands on its way, in double. */
typedef enum stage { EXACT, ROUNDED, UNCLIPPED, STORED, N_STAGES } stage;

static double at(const explain_operand *o, stage s, size_t i) {
    switch (s) {
    case ROUNDED:
        return o->rounded[i];
    case UNCLIPPED:
        return o->unclipped[i];
    case STORED:
        return (double)o->stored[i];
    default:
        return (double)o->exact[i];
    }
}

/* to[i] = the operand at stage `s`, less what it was at `from` (N_STAGES: nothing). False: all zeros. */
static bool load(const explain_operand *o, stage s, stage from, double *to) {
    bool any = false;
    for (size_t i = 0; i < o->rows * o->cols; i++) {
        to[i] = at(o, s, i) - (from == N_STAGES ? 0 : at(o, from, i));
        any = any || to[i] != 0;
    }
    return any;
}

/* y[m][n] = x w^T in eight chains an output. */
static void multiply(const double *x, const double *w, size_t m, size_t n, size_t k, double *y) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum[8] = {0};
            const double *a = x + i * k, *b = w + j * k;
            size_t c = 0;
            for (; c + 8 <= k; c += 8)
                for (int l = 0; l < 8; l++) sum[l] += a[c + (size_t)l] * b[c + (size_t)l];
            for (; c < k; c++) sum[0] += a[c] * b[c];
            y[i * n + j] = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
        }
}

/* ---- parts --------------------------------------------------------------------------------------------- */

typedef struct work {
    explain_operand side[2];
    size_t m, n, k;
    double *left, *right;           /* [m][k], [n][k] */
    double *exact;                  /* [m][n] */
    double *part[RG_N_ERROR_PARTS]; /* [m][n] each */
    float *result;                  /* [m][n] */
} work;

static void exact_parts(work *w) {
    static const struct {
        int side;
        stage from, to, other;
    } steps[RG_PART_ACCUMULATION] = {{0, EXACT, ROUNDED, EXACT},        {1, EXACT, ROUNDED, ROUNDED},
                                     {0, ROUNDED, UNCLIPPED, ROUNDED},  {1, ROUNDED, UNCLIPPED, UNCLIPPED},
                                     {0, UNCLIPPED, STORED, UNCLIPPED}, {1, UNCLIPPED, STORED, STORED}};
    double *const to[2] = {w->left, w->right};
    for (int p = 0; p < RG_PART_ACCUMULATION; p++) {
        const int side = steps[p].side;
        if (load(&w->side[side], steps[p].to, steps[p].from, to[side])) {
            load(&w->side[!side], steps[p].other, N_STAGES, to[!side]);
            multiply(w->left, w->right, w->m, w->n, w->k, w->part[p]);
        }
    }
    load(&w->side[0], EXACT, N_STAGES, w->left);
    load(&w->side[1], EXACT, N_STAGES, w->right);
    multiply(w->left, w->right, w->m, w->n, w->k, w->exact);
    load(&w->side[0], STORED, N_STAGES, w->left);
    load(&w->side[1], STORED, N_STAGES, w->right);
    multiply(w->left, w->right, w->m, w->n, w->k, w->part[RG_PART_ACCUMULATION]);
    for (size_t i = 0; i < w->m * w->n; i++)
        w->part[RG_PART_ACCUMULATION][i] = (double)w->result[i] - w->part[RG_PART_ACCUMULATION][i];
}

/* The result by the datapath, from numbers that it encodes itself. */
static rg_status run_datapath(work *w, const rg_kernels *kernels, const rg_datapath *dp, const rg_quant q[2],
                              rg_error *err) {
    dot_plan plan;
    dot_matrix x = {0}, y = {0};
    RG_TRY(dot_plan_make(&plan, kernels, dp, &q[0], &q[1], w->k, err));
    rg_status status = dot_matrix_make(&x, &plan, 1, 0, w->side[0].exact, w->m, err);
    if (status == RG_OK) status = dot_matrix_make(&y, &plan, 1, 1, w->side[1].exact, w->n, err);
    if (status == RG_OK) dot_gemm(&plan, 1, &x, &y, w->result);
    dot_matrix_free(&x);
    dot_matrix_free(&y);
    return status;
}

static rg_status run_chain(work *w, const rg_kernels *kernels, rg_error *err) {
    float *packed = malloc(rg_gemm_packed_size(kernels, w->n, w->k) * sizeof *packed);
    if (!packed)
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "no memory for %zu x %zu numbers", w->n, w->k);
    rg_gemm_pack(kernels, 1, w->side[1].stored, w->n, w->k, packed);
    rg_gemm(kernels, 1, w->m, w->n, w->k, w->side[0].stored, packed, w->result);
    free(packed);
    return RG_OK;
}

static double product_sum(const double *a, const double *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static rg_status summarize(work *w, rg_explained *out, rg_error *err) {
    const size_t n = w->m * w->n;
    rg_explained e = {0};
    for (size_t i = 0; i < n; i++)
        if (!isfinite(w->result[i]))
            return rg_fail(err, RG_ERR_UNSUPPORTED, "result", "finite results", "the sum overflows");
    const double power = product_sum(w->exact, w->exact, n);
    if (power == 0)
        return rg_fail(err, RG_ERR_USAGE, "result", "a product that is not zero everywhere",
                       "errors are relative to an exact product that is all zeros");
    double *total = calloc(n, sizeof *total);
    if (!total) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "no memory for %zu results", n);
    for (int p = 0; p < RG_N_ERROR_PARTS; p++) {
        const double own = product_sum(w->part[p], w->part[p], n);
        e.part[p] = (rg_error_share){sqrt(own / power), own, 2 * product_sum(w->part[p], total, n), 0};
        for (size_t i = 0; i < n; i++) total[i] += w->part[p][i];
    }
    const double error = product_sum(total, total, n);
    e.output_rms = sqrt(power / (double)n);
    e.rms = sqrt(error / power);
    e.sqnr_db = rg_sqnr_db(power, error);
    for (int p = 0; p < RG_N_ERROR_PARTS; p++) {
        rg_error_share *part = &e.part[p];
        part->own /= error;
        part->cross /= error;
        part->share = part->own + part->cross;
        if (part->share > e.part[e.largest].share) e.largest = (rg_error_part)p;
    }
    free(total);
    for (int s = 0; s < 2; s++) {
        const explain_operand *o = &w->side[s];
        double square = 0, wrong = 0;
        for (size_t i = 0; i < o->rows * o->cols; i++) {
            const double x = (double)o->exact[i], d = (double)o->stored[i] - x;
            square += x * x;
            wrong += d * d;
        }
        e.operand_sqnr_db[s] = rg_sqnr_db(square, wrong);
        e.n_clipped[s] = o->n_clipped;
    }
    *out = e;
    return RG_OK;
}

static rg_status explain(work *w, const rg_quant q[2], const rg_datapath *dp, const float *const x[2],
                         rg_explained *out, rg_error *err) {
    const rg_kernels *kernels;
    RG_TRY(rg_kernels_get(&kernels, err));
    RG_TRY(explain_operand_make(&w->side[0], &q[0], "a", x[0], w->m, w->k, true, err));
    RG_TRY(explain_operand_make(&w->side[1], &q[1], "b", x[1], w->n, w->k, false, err));
    bool memory = true;
    const size_t results = w->m * w->n;
    for (int p = 0; p < RG_N_ERROR_PARTS; p++)
        memory = (w->part[p] = calloc(results, sizeof *w->part[p])) && memory;
    w->left = malloc(w->m * w->k * sizeof *w->left);
    w->right = malloc(w->n * w->k * sizeof *w->right);
    w->exact = malloc(results * sizeof *w->exact);
    w->result = malloc(results * sizeof *w->result);
    if (!memory || !w->left || !w->right || !w->exact || !w->result)
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "no memory for %zu results", results);
    RG_TRY(dp ? run_datapath(w, kernels, dp, q, err) : run_chain(w, kernels, err));
    exact_parts(w);
    return summarize(w, out, err);
}

rg_status rg_num_explain(const rg_quant *a, const rg_quant *b, const rg_datapath *dp, const float *x,
                         const float *y, size_t m, size_t n, size_t k, rg_explained *out, rg_error *err) {
    if (m == 0 || n == 0 || k == 0)
        return rg_fail(err, RG_ERR_USAGE, "shape", "at least one row, column and product",
                       "%zu x %zu results of %zu products", m, n, k);
    const size_t most = SIZE_MAX / 64; /* the sizes of all buffers are less than 64 bytes a number */
    if (m > most / n || m > most / k || n > most / k)
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "no memory for %zu x %zu results", m, n);
    work w = {.m = m, .n = n, .k = k};
    const rg_quant q[2] = {*a, *b};
    const float *const operands[2] = {x, y};
    const rg_status status = explain(&w, q, dp, operands, out, err);
    for (int s = 0; s < 2; s++) explain_operand_free(&w.side[s]);
    for (int p = 0; p < RG_N_ERROR_PARTS; p++) free(w.part[p]);
    free(w.left);
    free(w.right);
    free(w.exact);
    free(w.result);
    return status;
}

/* ---- numbers to try ------------------------------------------------------------------------------------ */

static const char *const distributions[RG_N_DISTS] = {"gaussian", "laplace", "outliers"};

const char *rg_distribution_name(rg_distribution dist) {
    return distributions[dist];
}

void rg_distribution_fill(rg_distribution dist, uint64_t seed, uint64_t stream, float *x, size_t rows,
                          size_t cols) {
    for (size_t i = 0; i < rows * cols; i++) {
        if (dist == RG_DIST_LAPLACE) {
            const double u = ((double)rg_random_u32(seed, stream, i) + 0.5) * 0x1p-32;
            x[i] = (float)((u < 0.5 ? rg_log(2 * u) : -rg_log(2 * (1 - u))) * sqrt(0.5));
            continue;
        }
        const double normal = rg_random_normal(seed, stream, i);
        x[i] = (float)(dist == RG_DIST_OUTLIERS && i % cols % 64 == 63 ? 20 * normal : normal);
    }
}
