/* Where the error of a matrix product under number formats comes from: which knob to turn. docs/explain.md
   defines the parts. */
#ifndef RIDGE_EXPLAIN_H
#define RIDGE_EXPLAIN_H

#include "ridge/base.h"
#include "ridge/datapath.h"
#include "ridge/num.h"

#ifdef __cplusplus
extern "C" {
#endif

/* In the order in which the exact operands turn into the result; y = x W^T, a is x, b is W. */
typedef enum rg_error_part {
    RG_PART_A_ROUNDING, /* elements rounded, range without end, scale the real number amax / largest */
    RG_PART_B_ROUNDING,
    RG_PART_A_SCALE, /* the scale that the format stores in place of that number */
    RG_PART_B_SCALE,
    RG_PART_A_CLIPPING, /* elements beyond the largest */
    RG_PART_B_CLIPPING,
    RG_PART_ACCUMULATION, /* the sum as the datapath forms it in place of the exact one */
    RG_N_ERROR_PARTS
} rg_error_part;

/* "a.rounding"; and what makes the part smaller, in one line. */
const char *rg_error_part_name(rg_error_part part);
const char *rg_error_part_advice(rg_error_part part);

/* The parts e_i add up to the total error e, output by output. With E_i = e_1 + ... + e_i the error when
   what follows is still ideal, part i adds sum E_i^2 - sum E_(i-1)^2 to the squared error. */
typedef struct rg_error_share {
    double rms;   /* sqrt(mean e_i^2) over the rms of the exact output */
    double own;   /* sum e_i^2 / sum e^2 */
    double cross; /* 2 sum e_i E_(i-1) / sum e^2: negative where the part undoes what came before */
    double share; /* own + cross: what it adds; the shares add up to 1 */
} rg_error_share;

typedef struct rg_explained {
    double output_rms;
    double rms;                /* of the total, over output_rms */
    double sqnr_db;            /* of the output, -20 log10 rms */
    double operand_sqnr_db[2]; /* of a and b: sum x^2 over sum of squared errors of the stored values */
    uint64_t n_clipped[2];     /* elements of a and b beyond the largest */
    rg_error_share part[RG_N_ERROR_PARTS]; /* own, cross, share are NaN where the total is zero */
    rg_error_part largest;                 /* of the shares */
} rg_explained;

/* x [m][k], w [n][k]. Scales that span a tensor span a row of x and all of w. `datapath` NULL: a chain of
   fp32 fused multiply-adds on the stored values. Sums of exact parts are in double. RG_ERR_USAGE for numbers
   that are not finite, for casts that turn overflow into infinity or NaN where it happens, for formats that
   the datapath does not take, and for an exact product that is zero everywhere. */
rg_status rg_num_explain(const rg_quant *a, const rg_quant *b, const rg_datapath *datapath, const float *x,
                         const float *w, size_t m, size_t n, size_t k, rg_explained *out, rg_error *err);

/* Numbers to try: variance 1, independent; OUTLIERS: normal, every 64th column times 20. */
typedef enum rg_distribution {
    RG_DIST_GAUSSIAN,
    RG_DIST_LAPLACE,
    RG_DIST_OUTLIERS,
    RG_N_DISTS
} rg_distribution;
const char *rg_distribution_name(rg_distribution dist);
void rg_distribution_fill(rg_distribution dist, uint64_t seed, uint64_t stream, float *x, size_t rows,
                          size_t cols);

#ifdef __cplusplus
}
#endif
#endif
