/* The table of fast kernels: one text compiled per instruction set, equal bits from each. Kernels allocate
   nothing, cannot fail and do not check their arguments. */
#ifndef RIDGE_KERNELS_KERNELS_H
#define RIDGE_KERNELS_KERNELS_H

#include "kernels/cast.h"
#include "kernels/pack.h"
#include "ridge/base.h"

/* Every reduction over a row runs in this many lanes (lane i % 16), folded as a tree of halves at the end. */
enum { RG_ROW_LANES = 16 };

/* Two rows of logits side by side: what perplexity and divergence need. */
typedef struct rg_row_compare {
    float max_a, max_b;
    double sum_a, sum_b; /* sum of exp(a[i] - max_a), of exp(b[i] - max_b) */
    double weighted;     /* sum of exp(a[i] - max_a) * (a[i] - b[i]) */
    double weighted_b;   /* sum of exp(b[i] - max_b) * (a[i] - b[i]) */
    size_t top_a, top_b; /* index of the maximum, the first of equals */
    bool finite;         /* false: some element is infinite or NaN, all else is void */
} rg_row_compare;

/* Steps of a datapath of the common shape: products and accumulator cut toward zero to `align` bits below the
   largest exponent, summed, rounded to fp32 toward zero or to nearest even (src/kernels/dot.c makes them from
   a datapath). */
enum {
    RG_DOT_FAST_GROUP = 64,
    RG_DOT_ABSENT = -16384,      /* exponent of a zero */
    RG_DOT_OVERFLOW = 0x7f7fffff /* magnitude bits of a result from which on it is void */
};
typedef struct dot_steps {
    int n;               /* products of a step, at most RG_DOT_FAST_GROUP */
    int safe;            /* so many cut products at most have a sum in 32 bits */
    int align;           /* fraction bits kept below the largest exponent */
    int floor;           /* least exponent to align to */
    int extra;           /* a product's right shift where it stands at the largest exponent */
    int c_lift, c_extra; /* the accumulator's left and right shift there */
    bool nearest;
    int32_t keep; /* mask of the result's bits */
} dot_steps;
typedef struct dot_row {                          /* one row of x, [n] each */
    const int32_t *exponent, *significand, *sign; /* sign: 0 or -1 */
} dot_row;

typedef struct rg_kernels {
    const char *name;      /* "scalar", "avx2", "avx512" */
    size_t tile_m, tile_n; /* micro-kernel: rows of x, rows of W */

    /* W[n][k] (row stride ld) into panels [ceil(n / tile_n)][k][tile_n], short panels filled with zeros. */
    void (*pack)(const float *w, size_t ld, size_t n, size_t k, float *panels);
    /* The same panels from the transpose V[k][n] (row stride ld). */
    void (*pack_transposed)(const float *v, size_t ld, size_t k, size_t n, float *panels);
    /* y[m][n] = x[m][k] W^T on one thread: each output is the chain fmaf(x, w, sum) for k = 0, 1, ... from
       sum = 0. `panel_k`: the k with which W was packed (>= k). */
    void (*multiply)(size_t m, size_t n, size_t k, const float *x, size_t ldx, const float *panels,
                     size_t panel_k, float *y, size_t ldy);

    /* y = x / sqrt(mean(x^2) + eps) * gain; y may be x. */
    void (*rmsnorm)(size_t n, const float *x, const float *gain, double eps, float *y);
    /* y = gate / (1 + exp(-gate)) * up; y may be either input. */
    void (*swiglu)(size_t n, const float *gate, const float *up, float *y);
    /* x = exp(scale * x - max(scale * x)) in place; returns the sum. n > 0. */
    float (*softmax)(size_t n, float scale, float *x);
    /* y = exp(x), y = log(x); y may be x. At most 1 ULP off (log: SLEEF's deterministic function). */
    void (*exp)(size_t n, const float *x, float *y);
    void (*log)(size_t n, const float *x, float *y);
    /* A step of a recurrence over a matrix state[rows][cols]: S = decay S + u v^T, then y = w^T S. Sums over
       ascending rows; y is none of the inputs. */
    void (*state_step)(size_t rows, size_t cols, float decay, const float *u, const float *v, const float *w,
                       float *state, float *y);
    /* A step of the delta rule: row i of S times decay[i], r = beta (v - u^T S), S = S + u r^T, then y = w^T
       S. */
    void (*delta_step)(size_t rows, size_t cols, const float *decay, float beta, const float *u,
                       const float *v, const float *w, float *state, float *y);
    rg_row_compare (*compare)(size_t n, const float *a, const float *b);

    const rg_cast_kernels *cast;       /* of number formats: kernels/cast.h */
    const rg_pack_kernels *pack_codes; /* kernels/pack.h */

    /* `steps` steps on `rows` rows of x and one panel of tile_dot columns. x: three planes (exponent,
       significand shifted up by what `extra` allows, sign), `plane` apart, rows ldx apart. panel [steps
       n][tile_dot]: exponent << 16 | sign << 15 | significand. state [rows][tile_dot]: the accumulators, in
       and out. largest [rows][tile_dot]: magnitude bits of every result before its bits are masked, the
       largest so far: from RG_DOT_OVERFLOW on the results are void. */
    void (*dot)(const dot_steps *p, size_t rows, size_t steps, const int32_t *x, size_t plane, size_t ldx,
                const int32_t *panel, float *state, int32_t *largest);
    size_t tile_dot;

    /* For benches: n rounds of fused multiply-adds that touch registers only; returns their sum, *flop what
     * they were.
     */
    float (*fma_peak)(size_t n, double *flop);
} rg_kernels;

/* Table of a level, NULL when it is unknown or this processor lacks it. */
const rg_kernels *rg_kernels_named(const char *name);
/* i-th level, slowest first, with its name; NULL past the end. */
const char *rg_kernels_level(size_t i);
/* The best table this processor runs, or the one that the environment variable RIDGE_CPU names (scalar, avx2,
   avx512); RG_ERR_USAGE when it names none or one that this processor lacks,
   RG_ERR_UNSUPPORTED when the processor has no fused multiply-add. */
rg_status rg_kernels_get(const rg_kernels **out, rg_error *err);

/* Floats that W[n][k] takes when packed. */
size_t rg_gemm_packed_size(const rg_kernels *kernels, size_t n, size_t k);
/* Packs W[n][k], rows contiguous, on `threads` threads. */
void rg_gemm_pack(const rg_kernels *kernels, int threads, const float *w, size_t n, size_t k, float *packed);
/* y[m][n] = x[m][k] W[n][k]^T, rows contiguous, on `threads` threads. Bits as of rg_kernels.multiply: they
   depend on neither threads nor m nor the instruction set. */
void rg_gemm(const rg_kernels *kernels, int threads, size_t m, size_t n, size_t k, const float *x,
             const float *packed, float *y);

/* Functions of one double, equal bits everywhere (SLEEF, FMA in software where the processor has
 * none). */
double rg_exp(double x);
double rg_log(double x);
double rg_erf(double x);
double rg_pow(double x, double y);
void rg_sincos(double x, double *sine, double *cosine);
/* 10 log10(signal / noise) of two powers; infinite where only one is 0. */
double rg_sqnr_db(double signal, double noise);

#endif
