/* Scales. Rules and searches are long: calls, not inline text, keep the compiler quick. */
#define NUM_INLINE static __noinline__ __host__ __device__ __attribute__((unused))
#include "kernels/cuda/device.h"
#include "kernels/job.h"

static __global__ void group_kernel(const __grid_constant__ quant_job job) {
    CUDA_EACH(g, job.n_groups) job_group(&job, g);
}

void cuda_run_groups(const quant_job *j, bool on_host) {
    if (on_host)
        for (uint64_t g = 0; g < j->n_groups; g++) job_group(j, g);
    else
        group_kernel<<<cuda_grid(j->n_groups), CUDA_THREADS>>>(*j);
}
