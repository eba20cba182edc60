/* Whole matrix products under a datapath. */
#ifndef RIDGE_KERNELS_DOT_H
#define RIDGE_KERNELS_DOT_H

#include "kernels/kernels.h"
#include "num/datapath.h"

/* What of an operand's format the unit applies inside, and what is multiplied outside. */
typedef struct dot_side {
    rg_quant quant; /* how values become codes */
    size_t outer;   /* elements per outer scale (a multiple of nothing); 0: one scale per row */
    bool is_scaled; /* there are outer scales */
    /* Stochastic rounding of x draws its bits by number (first_token + token[r]) k + c, token[r] = r when
       NULL; W by r k + c. */
    uint64_t first_token;
    const size_t *token;
} dot_side;

/* A datapath with the formats of both operands: x [m][k] is its operand a, W [n][k] its operand b. */
typedef struct dot_plan {
    const rg_kernels *kernels;
    const rg_datapath *datapath;
    dot_side side[2];
    size_t k;
    size_t block, n_blocks; /* elements whose partial sum is scaled and added apart; all of k without outer
                               block scales */
    size_t padded;          /* elements of a block with the zeros that fill its last step */
    size_t run;             /* steps between promotions */
    bool fast;              /* `steps` is valid */
    dot_steps steps;
} dot_plan;

/* Formats must fit: the element of each is the datapath's input; scales per row, per tensor or per block are
   applied to the fp32 result, unless the datapath takes them inside (then the whole format must be its
   input). RG_ERR_USAGE names what does not. */
rg_status dot_plan_make(dot_plan *out, const rg_kernels *kernels, const rg_datapath *datapath,
                        const rg_quant *x, const rg_quant *w, size_t k, rg_error *err);

/* An operand in codes, and laid out for the kernels. */
typedef struct dot_matrix {
    size_t rows;
    uint8_t *codes, *scales; /* as rg_encode writes them */
    uint32_t *inner;         /* [rows][blocks] scale codes the unit applies, or NULL */
    float *outer;            /* [rows][n_blocks] or NULL */
    int32_t *packed;         /* x: three planes; W: panels */
    bool *special;           /* [rows] has NaN or infinity */
} dot_matrix;
/* Encodes values[rows][k]: side 0 x (a scale spans at most a row), side 1 W. Free with dot_matrix_free, also
 * after a failure. */
rg_status dot_matrix_make(dot_matrix *out, const dot_plan *plan, int threads, int side, const float *values,
                          size_t rows, rg_error *err);
/* Lays codes and scales out anew, after they were changed. */
void dot_matrix_pack(dot_matrix *matrix, const dot_plan *plan, int threads, int side);
void dot_matrix_free(dot_matrix *matrix);

/* y[m][n] = x W^T. With b = 0, 1, ... over blocks: part = the datapath's fp32 result from c = 0; without
   outer scales y = part, else y = part (s_x s_w) for b = 0, then y + part (s_x s_w), each operation in fp32
   to nearest even. The bits depend on neither threads, m nor the instruction set. */
void dot_gemm(const dot_plan *plan, int threads, const dot_matrix *x, const dot_matrix *w, float *y);
/* The same by rg_dot_walk alone: the definition. */
float dot_walk_one(const dot_plan *plan, const dot_matrix *x, const dot_matrix *w, size_t row, size_t column);
void dot_gemm_walk(const dot_plan *plan, int threads, const dot_matrix *x, const dot_matrix *w, float *y);

#endif
