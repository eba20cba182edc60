/* A device, or the CPU in its place: memory that lives for one call, copies, launches, time. CUDA C. */
#ifndef RIDGE_KERNELS_CUDA_DEVICE_H
#define RIDGE_KERNELS_CUDA_DEVICE_H

#include <cuda_runtime.h>

#include "ridge/cuda.h"

enum { CUDA_MAX_BUFFERS = 24, CUDA_THREADS = 256, CUDA_MAX_GRID = 1 << 20 };

struct rg_cuda {
    int device; /* RG_CUDA_HOST: none */
    double kernel_s;
    cudaEvent_t start, stop;
    int n_buffers;
    void *buffer[CUDA_MAX_BUFFERS];
};

rg_status cuda_check(cudaError_t code, const char *what, rg_error *err);

/* Memory until cuda_release; size 0 gives NULL. */
rg_status cuda_take(rg_cuda *cuda, size_t size, void **out, rg_error *err);
/* The same filled with a copy, and with zeros. */
rg_status cuda_give(rg_cuda *cuda, const void *from, size_t size, void **out, rg_error *err);
rg_status cuda_zeros(rg_cuda *cuda, size_t size, void **out, rg_error *err);
/* Copies back; either may be NULL. */
rg_status cuda_bring(rg_cuda *cuda, void *to, const void *from, size_t size, rg_error *err);
void cuda_release(rg_cuda *cuda);

/* Around the kernels of a call. */
rg_status cuda_begin(rg_cuda *cuda, rg_error *err);
rg_status cuda_end(rg_cuda *cuda, rg_error *err);

static inline bool cuda_is_host(const rg_cuda *cuda) {
    return cuda->device == RG_CUDA_HOST;
}

/* Blocks of CUDA_THREADS for n threads; kernels stride over what is left. */
static inline unsigned cuda_grid(uint64_t n) {
    const uint64_t blocks = (n + CUDA_THREADS - 1) / CUDA_THREADS, most = CUDA_MAX_GRID;
    return (unsigned)(blocks < most ? blocks : most);
}

/* The scales of all groups, on the device or in the order of one thread (groups.cu). */
void cuda_run_groups(const struct quant_job *j, bool on_host);

#define CUDA_EACH(i, n)                                                                                      \
    for (uint64_t i = blockIdx.x * (uint64_t)blockDim.x + threadIdx.x; i < (n);                              \
         i += (uint64_t)gridDim.x * blockDim.x)

#endif
