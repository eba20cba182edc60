/* Matrix products under a datapath: an output a thread, the steps of the fast path in the CPU's text. */
#include "kernels/cuda/device.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

extern "C" {
#include "kernels/dot.h"
}
#include "num/elem.h"

typedef int32_t ivec;
enum { LANES = 1 };
#define LANE_INLINE static inline __host__ __device__
LANE_INLINE ivec ivec_all(int32_t x) {
    return x;
}
LANE_INLINE ivec bits_of(float x) {
    return (ivec)elem_bits_of(x);
}
LANE_INLINE ivec i_load(const void *p) {
    ivec v;
    memcpy(&v, p, sizeof v);
    return v;
}
#include "kernels/dot_one.h"
#include "kernels/dot_lane.h"

typedef struct gemm_job {
    dot_steps steps;
    const int32_t *x, *w;           /* as dot_matrix lays them out, three planes and panels of one row */
    const float *outer_x, *outer_w; /* [rows][n_blocks] or NULL */
    float *y;                       /* [m][n] */
    uint8_t *again;                 /* [m][n] not 0: overflow, y is void */
    uint64_t m, n, k, block, n_blocks, padded, run;
    bool promoted; /* even a single run is added to zero */
} gemm_job;

/* The sum of block b from zero: runs between promotions, added in fp32. */
LANE_INLINE float block_sum(const gemm_job *j, uint64_t row, uint64_t column, uint64_t b, ivec *largest) {
    const uint64_t width = j->n_blocks * j->padded, plane = j->m * width, group = (uint64_t)j->steps.n;
    const uint64_t left = j->k - b * j->block, real = left < j->block ? left : j->block;
    const uint64_t steps = (real + group - 1) / group;
    const int32_t *x = j->x + row * width + b * j->padded, *w = j->w + column * width + b * j->padded;
    const bool promoted = j->promoted || j->run < steps;
    float part = 0;
    dot_columns columns;
    for (uint64_t s = 0; s < steps; s += j->run) {
        ivec state = 0;
        for (uint64_t t = s; t < s + j->run && t < steps; t++) {
            const dot_row mine = {x + t * group, x + t * group + plane, x + t * group + 2 * plane};
            take_apart(w + t * group, (int)group, &columns);
            state = dot_step(&j->steps, &mine, &columns, state, largest);
        }
        const float sum = elem_float_of((uint32_t)state);
        part = promoted ? part + sum : sum;
    }
    return part;
}

LANE_INLINE void output(const gemm_job *j, uint64_t i) {
    const uint64_t row = i / j->n, column = i % j->n;
    float y = 0;
    ivec largest = 0;
    for (uint64_t b = 0; b < j->n_blocks; b++) {
        const float part = block_sum(j, row, column, b, &largest);
        const float sx = j->outer_x ? j->outer_x[row * j->n_blocks + b] : 1.0f;
        const float sw = j->outer_w ? j->outer_w[column * j->n_blocks + b] : 1.0f;
        const float scaled = part * (sx * sw);
        if (!j->outer_x && !j->outer_w)
            y = part;
        else
            y = b ? y + scaled : scaled;
    }
    j->y[i] = y;
    j->again[i] = largest >= RG_DOT_OVERFLOW;
}

static __global__ void output_kernel(const __grid_constant__ gemm_job job) {
    CUDA_EACH(i, job.m * job.n) output(&job, i);
}

static rg_status run(rg_cuda *cuda, const gemm_job *j, rg_error *err) {
    RG_TRY(cuda_begin(cuda, err));
    if (cuda_is_host(cuda))
        for (uint64_t i = 0; i < j->m * j->n; i++) output(j, i);
    else
        output_kernel<<<cuda_grid(j->m * j->n), CUDA_THREADS>>>(*j);
    return cuda_end(cuda, err);
}

static rg_status multiply(rg_cuda *cuda, const dot_plan *plan, const dot_matrix *x, const dot_matrix *w,
                          float *y, uint8_t *again, rg_error *err) {
    const uint64_t width = plan->n_blocks * plan->padded;
    gemm_job j = {};
    j.steps = plan->steps;
    j.m = x->rows;
    j.n = w->rows;
    j.k = plan->k;
    j.block = plan->block;
    j.n_blocks = plan->n_blocks;
    j.padded = plan->padded;
    j.run = plan->run;
    j.promoted = plan->datapath->promote || plan->datapath->shape.c_after;
    RG_TRY(cuda_give(cuda, x->packed, 3 * j.m * width * sizeof(int32_t), (void **)&j.x, err));
    RG_TRY(cuda_give(cuda, w->packed, j.n * width * sizeof(int32_t), (void **)&j.w, err));
    if (x->outer)
        RG_TRY(cuda_give(cuda, x->outer, j.m * j.n_blocks * sizeof(float), (void **)&j.outer_x, err));
    if (w->outer)
        RG_TRY(cuda_give(cuda, w->outer, j.n * j.n_blocks * sizeof(float), (void **)&j.outer_w, err));
    RG_TRY(cuda_take(cuda, j.m * j.n * sizeof(float), (void **)&j.y, err));
    RG_TRY(cuda_take(cuda, j.m * j.n, (void **)&j.again, err));
    RG_TRY(run(cuda, &j, err));
    RG_TRY(cuda_bring(cuda, y, j.y, j.m * j.n * sizeof(float), err));
    return cuda_bring(cuda, again, j.again, j.m * j.n, err);
}

static rg_status gemm(rg_cuda *cuda, const dot_plan *plan, dot_matrix side[2], const float *const values[2],
                      const size_t rows[2], float *y, rg_error *err) {
    for (int s = 0; s < 2; s++) RG_TRY(dot_matrix_make(&side[s], plan, 1, s, values[s], rows[s], err));
    uint8_t *again = (uint8_t *)malloc(rows[0] * rows[1] + 1);
    if (!again)
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "no memory for %zu results", rows[0] * rows[1]);
    const rg_status status = multiply(cuda, plan, &side[0], &side[1], y, again, err);
    for (size_t i = 0; status == RG_OK && i < rows[0] * rows[1]; i++)
        if (again[i] || side[0].special[i / rows[1]] || side[1].special[i % rows[1]])
            y[i] = dot_walk_one(plan, &side[0], &side[1], i / rows[1], i % rows[1]);
    free(again);
    return status;
}

rg_status rg_cuda_gemm(rg_cuda *cuda, const rg_datapath *datapath, const rg_quant *x_quant,
                       const rg_quant *w_quant, const float *x, const float *w, float *y, size_t m, size_t n,
                       size_t k, rg_error *err) {
    const rg_kernels *kernels = rg_kernels_named("scalar"); /* panels of one row */
    dot_plan plan;
    dot_matrix side[2] = {};
    if (!kernels)
        return rg_fail(err, RG_ERR_UNSUPPORTED, NULL, "fused multiply-add", "this processor has none");
    RG_TRY(dot_plan_make(&plan, kernels, datapath, x_quant, w_quant, k, err));
    if (!plan.fast)
        return rg_fail(err, RG_ERR_UNSUPPORTED, "datapath",
                       "dot(...) that cuts toward zero to at most 30 bits", "there is no kernel for %s",
                       rg_datapath_text(datapath));
    if (m == 0 || n == 0) return RG_OK;
    const float *const values[2] = {x, w};
    const size_t rows[2] = {m, n};
    const rg_status status = gemm(cuda, &plan, side, values, rows, y, err);
    cuda_release(cuda);
    for (int s = 0; s < 2; s++) dot_matrix_free(&side[s]);
    return status;
}
