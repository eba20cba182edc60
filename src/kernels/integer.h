/* Matrix products of operands whose elements are small integers times scales: the bits of num_integer_dot. */
#ifndef RIDGE_KERNELS_INTEGER_H
#define RIDGE_KERNELS_INTEGER_H

#include "kernels/kernels.h"
#include "num/integer_dot.h"

/* How operands lie in memory, block after block of the product. A block is `groups` times four elements (the
   last one `last_groups`), filled up with zeros.
   x: rows of records: the integers, S in fp32, then, for kernels that want it, -128 times their sum.
   W: panels of tile_n columns: for each group the four integers of each column (128 more where `biased`),
   then S of each column. */
typedef struct integer_shape {
    size_t n_blocks, groups, last_groups;
    size_t row_bytes, panel_bytes;
} integer_shape;

typedef struct rg_integer_kernels {
    const char *name;
    size_t tile_m, tile_n;
    bool biased;
    /* y[m][n] = x W^T on one thread. */
    void (*multiply)(const integer_shape *shape, size_t m, size_t n, const uint8_t *x, const uint8_t *panels,
                     float *y, size_t ldy);
    /* A row's integers q[k] and scales, one per `span` elements, into records. */
    void (*lay_row)(size_t k, size_t block, const int8_t *q, const float *scale, size_t span, uint8_t *row);
} rg_integer_kernels;

typedef struct integer_side {
    rg_quant quant;
    num_integer_form form;
    enum { INTEGER_SLOW, INTEGER_FLAT, INTEGER_BLOCKS } by; /* the definition, or kernels */
    rg_cast_plan elem;                                      /* FLAT: one scale a row */
    rg_block_plan block;
} integer_side;

typedef struct integer_plan {
    const rg_cast_kernels *cast;
    const rg_integer_kernels *run;
    integer_side side[2]; /* x, W */
    size_t k, block;
    integer_shape shape;
} integer_plan;

/* False where the product of operands so quantized (NULL: fp32) is not one of integers; that depends on the
   quantizers and k alone. */
bool integer_plan_make(integer_plan *out, const rg_kernels *kernels, const rg_quant *x, const rg_quant *w,
                       size_t k);
/* Whether W packed for one is good for the other. */
bool integer_same_panels(const integer_plan *a, const integer_plan *b);
/* Whether x encoded for one is good for the other. */
bool integer_same_rows(const integer_plan *a, const integer_plan *b);

/* Bytes of x[m][k] encoded, of W[n][k] packed, and of the working memory of either (n: rows). */
size_t integer_rows_bytes(const integer_plan *plan, size_t m);
size_t integer_panels_bytes(const integer_plan *plan, size_t n);
size_t integer_work_bytes(const integer_plan *plan, int threads, size_t n);
/* x[m][k], rows contiguous, a scale spans at most a row; element [r][c] has number first + r k + c. */
void integer_encode(const integer_plan *plan, int threads, const float *x, size_t m, uint64_t first,
                    void *work, uint8_t *rows);
/* W[n][k]: a scale that spans a tensor spans the matrix. */
void integer_pack(const integer_plan *plan, int threads, const float *w, size_t n, void *work,
                  uint8_t *panels);
/* y[m][n] = x W^T, each output by num_integer_dot: the bits depend on neither threads, m nor the instruction
   set. */
void integer_gemm(const integer_plan *plan, int threads, size_t m, size_t n, const uint8_t *rows,
                  const uint8_t *panels, float *y);

/* The kernels that go with a level of rg_kernels. */
const rg_integer_kernels *rg_integer_kernels_of(const rg_kernels *kernels);
extern const rg_integer_kernels rg_integer_scalar;
#if defined(__x86_64__)
extern const rg_integer_kernels rg_integer_avx2, rg_integer_vnni;
#endif

#endif
