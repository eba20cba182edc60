/* The stages of an operand between exact and stored. */
#ifndef RIDGE_KERNELS_EXPLAIN_H
#define RIDGE_KERNELS_EXPLAIN_H

#include "ridge/explain.h"

/* Values [rows][cols] of one operand: with each stage one more kind of error is there. */
typedef struct explain_operand {
    size_t rows, cols;
    const float *exact;
    double *rounded;   /* ideal scale, range without end */
    double *unclipped; /* the stored scale, range without end */
    float *stored;     /* rg_qdq */
    uint64_t n_clipped;
} explain_operand;

/* Free with explain_operand_free, also after a failure. */
rg_status explain_operand_make(explain_operand *out, const rg_quant *q, const char *name, const float *x,
                               size_t rows, size_t cols, bool per_row, rg_error *err);
void explain_operand_free(explain_operand *operand);

#endif
