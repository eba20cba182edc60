/* Quantization and emulated matrix products on an NVIDIA GPU: the text of the scalar definitions, compiled
   for the device, so the bits are those of rg_qdq, rg_encode and rg_dot_walk. In builds with -DRIDGE_CUDA=ON
   alone (libridge_cuda.a): docs/gpu.md.

   Arrays lie in host memory and are copied. Elements known by their sorted values (posits, code books) are
   refused with RG_ERR_UNSUPPORTED. A failed CUDA call is RG_ERR_TOOL, or RG_ERR_MEMORY. */
#ifndef RIDGE_CUDA_H
#define RIDGE_CUDA_H

#include "ridge/base.h"
#include "ridge/datapath.h"
#include "ridge/num.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rg_cuda rg_cuda;

/* Devices that can be opened; 0 without a GPU or driver. */
int rg_cuda_count(void);
/* No device but the same text compiled by nvcc for the CPU, on one thread: for tests. */
enum { RG_CUDA_HOST = -1 };
/* Device 0, 1, ... or RG_CUDA_HOST. RG_ERR_UNSUPPORTED when there is no such device. Caller closes. */
rg_status rg_cuda_open(rg_cuda **out, int device, rg_error *err);
void rg_cuda_close(rg_cuda *cuda);

typedef struct rg_cuda_info {
    char name[256];
    int major, minor; /* compute capability */
    int multiprocessors;
    uint64_t memory_bytes;
    int driver, runtime; /* CUDA versions, 1000 major + 10 minor */
} rg_cuda_info;
rg_status rg_cuda_query(const rg_cuda *cuda, rg_cuda_info *out, rg_error *err);
/* Time of the kernels of the last call, without copies, by the device's events; 0 for RG_CUDA_HOST. */
double rg_cuda_kernel_s(const rg_cuda *cuda);
/* Time to copy `bytes` once within the device's memory: the best of `repeats`. */
rg_status rg_cuda_copy_s(rg_cuda *cuda, size_t bytes, int repeats, double *seconds, rg_error *err);

/* rg_qdq_from. */
rg_status rg_cuda_qdq(rg_cuda *cuda, const rg_quant *q, const float *x, float *y, size_t rows, size_t cols,
                      bool per_row, uint64_t first, rg_qdq_counts *counts, rg_error *err);
/* rg_encode, and rg_pack of the codes. `codes`, `scales`, `packed`, `counts` may be NULL. */
rg_status rg_cuda_encode(rg_cuda *cuda, const rg_quant *q, const float *x, void *codes, void *scales,
                         uint8_t *packed, size_t rows, size_t cols, bool per_row, rg_qdq_counts *counts,
                         rg_error *err);

/* y[m][n] = x W^T under a datapath, x [m][k] and w [n][k]: the bits of rg_dot_walk on their codes from c = 0,
   and with scales that the unit does not apply, block by block, part (s_x s_w) added in fp32. Operands are
   encoded on the CPU; so are outputs computed that meet NaN, infinity or overflow. RG_ERR_USAGE for formats
   that the datapath does not take, RG_ERR_UNSUPPORTED for one that is not a dot(...) which cuts toward zero.
 */
rg_status rg_cuda_gemm(rg_cuda *cuda, const rg_datapath *datapath, const rg_quant *x_quant,
                       const rg_quant *w_quant, const float *x, const float *w, float *y, size_t m, size_t n,
                       size_t k, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
