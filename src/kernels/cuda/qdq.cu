/* Quantization: ranges of what a scale spans, then scales, then elements, then packed codes. */
#include "kernels/cuda/device.h"
#include "kernels/job.h"

enum { RANGE_ELEMENTS = 16 * CUDA_THREADS };

/* Block b takes RANGE_ELEMENTS elements of one span. */
static __global__ void range_kernel(const __grid_constant__ quant_job job, uint64_t chunks, uint64_t n) {
    __shared__ job_range all;
    for (uint64_t b = blockIdx.x; b < n; b += gridDim.x) {
        const uint64_t span = b / chunks, from = b % chunks * RANGE_ELEMENTS;
        const uint64_t end = job_least(job.span, from + RANGE_ELEMENTS);
        job_range own = {0, 0, 0};
        if (threadIdx.x == 0) all = own;
        __syncthreads();
        for (uint64_t i = from + threadIdx.x; i < end; i += CUDA_THREADS)
            job_range_add(&own, job.x[span * job.span + i]);
        atomicMax(&all.amax, own.amax);
        atomicMax(&all.low, own.low);
        atomicMax(&all.high, own.high);
        __syncthreads();
        if (threadIdx.x == 0) {
            atomicMax(&job.range[span].amax, all.amax);
            atomicMax(&job.range[span].low, all.low);
            atomicMax(&job.range[span].high, all.high);
        }
        __syncthreads();
    }
}

static __global__ void element_kernel(const __grid_constant__ quant_job job) {
    unsigned long long nan = 0, inf = 0, overflow = 0;
    CUDA_EACH(i, job.rows * job.cols) {
        const int found = job_element(&job, i);
        nan += found & 1;
        inf += found >> 1 & 1;
        overflow += found >> 2;
    }
    if (!job.counts) return;
    if (nan) atomicAdd(&job.counts[0], nan);
    if (inf) atomicAdd(&job.counts[1], inf);
    if (overflow) atomicAdd(&job.counts[2], overflow);
}

static __global__ void pack_kernel(const __grid_constant__ quant_job job) {
    CUDA_EACH(b, job.rows * job.packed_row) job_pack(&job, b);
}

/* The same in the order of one thread. */
static void run_on_host(const quant_job *j) {
    const uint64_t n = j->rows * j->cols;
    for (uint64_t i = 0; j->span && i < n; i++) job_range_add(&j->range[i / j->span], j->x[i]);
    cuda_run_groups(j, true);
    for (uint64_t i = 0; i < n; i++) {
        const int found = job_element(j, i);
        for (int b = 0; j->counts && b < 3; b++) j->counts[b] += (unsigned)(found >> b & 1);
    }
    for (uint64_t b = 0; j->packed && b < j->rows * j->packed_row; b++) job_pack(j, b);
}

static rg_status run(rg_cuda *cuda, const quant_job *j, rg_error *err) {
    const uint64_t n = j->rows * j->cols;
    RG_TRY(cuda_begin(cuda, err));
    if (cuda_is_host(cuda)) {
        run_on_host(j);
        return cuda_end(cuda, err);
    }
    if (j->span) {
        const uint64_t chunks = job_parts(j->span, RANGE_ELEMENTS), blocks = n / j->span * chunks;
        range_kernel<<<(unsigned)job_least(blocks, CUDA_MAX_GRID), CUDA_THREADS>>>(*j, chunks, blocks);
    }
    if (j->n_groups) cuda_run_groups(j, false);
    element_kernel<<<cuda_grid(n), CUDA_THREADS>>>(*j);
    if (j->packed) pack_kernel<<<cuda_grid(j->rows * j->packed_row), CUDA_THREADS>>>(*j);
    return cuda_end(cuda, err);
}

/* Where a caller wants results. */
typedef struct wanted {
    float *y;
    void *codes, *scales;
    uint8_t *packed;
    rg_qdq_counts *counts;
} wanted;

static rg_status take_all(rg_cuda *cuda, quant_job *j, const float *x, const wanted *w, void **stored,
                          rg_error *err) {
    const rg_format *f = &j->quant.format;
    const uint64_t n = j->rows * j->cols;
    const rg_stored_size size = rg_format_stored_size(f, j->rows, j->cols, j->piece == 1);
    RG_TRY(cuda_give(cuda, x, n * sizeof *x, (void **)&j->x, err));
    RG_TRY(cuda_zeros(cuda, j->span ? n / j->span * sizeof *j->range : 0, (void **)&j->range, err));
    RG_TRY(cuda_take(cuda, j->n_groups * sizeof *j->scale, (void **)&j->scale, err));
    if (w->y) RG_TRY(cuda_take(cuda, n * sizeof *j->y, (void **)&j->y, err));
    if (w->codes || w->packed) RG_TRY(cuda_take(cuda, size.code_bytes, (void **)&j->codes, err));
    if (w->packed) RG_TRY(cuda_take(cuda, j->rows * j->packed_row, (void **)&j->packed, err));
    if (w->counts) RG_TRY(cuda_zeros(cuda, 3 * sizeof *j->counts, (void **)&j->counts, err));
    RG_TRY(cuda_take(cuda, w->scales ? size.scale_bytes : 0, stored, err));
    if (*stored) {
        const uint64_t tensors = f->tensor_scale ? j->rows / j->piece : 0;
        uint8_t *const scales = (uint8_t *)*stored + tensors * sizeof(float);
        uint8_t *const after = scales + j->n_groups * (uint64_t)num_code_width(f->scale.bits);
        if (tensors) j->tensor_at = (float *)*stored;
        j->scale_at = scales;
        if (f->zero_point) j->zero_at = after;
        if (f->sub_block) j->shift = after;
    }
    if (f->sub_block && !j->shift) RG_TRY(cuda_take(cuda, j->rows * j->row_shifts, (void **)&j->shift, err));
    return RG_OK;
}

static rg_status quantize(rg_cuda *cuda, quant_job *j, const float *x, const wanted *w, rg_error *err) {
    const rg_stored_size size = rg_format_stored_size(&j->quant.format, j->rows, j->cols, j->piece == 1);
    void *stored = NULL;
    unsigned long long counts[3] = {0, 0, 0};
    RG_TRY(take_all(cuda, j, x, w, &stored, err));
    RG_TRY(run(cuda, j, err));
    RG_TRY(cuda_bring(cuda, w->y, j->y, j->rows * j->cols * sizeof(float), err));
    RG_TRY(cuda_bring(cuda, w->codes, j->codes, size.code_bytes, err));
    RG_TRY(cuda_bring(cuda, w->packed, j->packed, j->rows * j->packed_row, err));
    RG_TRY(cuda_bring(cuda, w->scales, stored, size.scale_bytes, err));
    RG_TRY(cuda_bring(cuda, counts, j->counts, sizeof counts, err));
    if (w->counts) {
        w->counts->n_nan += counts[0];
        w->counts->n_inf += counts[1];
        w->counts->n_overflow += counts[2];
    }
    return RG_OK;
}

static rg_status checked(rg_cuda *cuda, const rg_quant *q, const float *x, const wanted *w, size_t rows,
                         size_t cols, bool per_row, uint64_t first, rg_error *err) {
    if (q->format.elem.kind == RG_ELEM_ORDERED)
        return rg_fail(err, RG_ERR_UNSUPPORTED, "format", "a float or an integer element",
                       "%s is known by its sorted values, which no kernel holds", q->format.elem.name);
    if (rows == 0 || cols == 0) return RG_OK;
    quant_job job = job_make(q, rows, cols, per_row, first);
    job.quant.format.elem.family = NULL;
    const rg_status status = quantize(cuda, &job, x, w, err);
    cuda_release(cuda);
    return status;
}

rg_status rg_cuda_qdq(rg_cuda *cuda, const rg_quant *q, const float *x, float *y, size_t rows, size_t cols,
                      bool per_row, uint64_t first, rg_qdq_counts *counts, rg_error *err) {
    const wanted w = {y, NULL, NULL, NULL, counts};
    return checked(cuda, q, x, &w, rows, cols, per_row, first, err);
}

rg_status rg_cuda_encode(rg_cuda *cuda, const rg_quant *q, const float *x, void *codes, void *scales,
                         uint8_t *packed, size_t rows, size_t cols, bool per_row, rg_qdq_counts *counts,
                         rg_error *err) {
    const wanted w = {NULL, codes, scales, packed, counts};
    return checked(cuda, q, x, &w, rows, cols, per_row, 0, err);
}
