/* Fast quantize-dequantize. */
#ifndef RIDGE_KERNELS_QDQ_H
#define RIDGE_KERNELS_QDQ_H

#include "kernels/kernels.h"
#include "ridge/num.h"

/* The bits of rg_qdq_from(q, x, y, rows, cols, per_row, first, NULL), on `threads` threads. y may be x,
   unless one scale spans several rows (per_row false and a scale over the tensor): then they must be apart.
 */
void rg_qdq_fast(const rg_kernels *kernels, int threads, const rg_quant *q, const float *x, float *y,
                 size_t rows, size_t cols, bool per_row, uint64_t first);

#endif
