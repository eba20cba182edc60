/* Quantize-dequantize of matrices, fast: the bits of rg_qdq, which runs where no kernel knows the format. */
#include "kernels/qdq.h"

#include <math.h>

#include "num/scale.h"

/* Elements of a task, and bytes of output from which on it is written past the caches. */
enum { TASK = 1 << 16, ROWS = 16, STREAM_BYTES = 8 << 20 };

typedef struct job {
    const rg_cast_kernels *kernels;
    int threads;
    const rg_quant *quant;
    const float *x;
    float *y;
    size_t rows, cols;
    bool per_row;
    uint64_t first;
    bool stream;
    rg_cast_plan elem;
    rg_block_plan block;
} job;

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static float matrix_amax(const job *j) {
    const size_t n = j->rows * j->cols, tasks = (n + TASK - 1) / TASK;
    float largest = 0;
#pragma omp parallel for num_threads(j->threads) reduction(max : largest) if (tasks > 1)
    for (size_t t = 0; t < tasks; t++) {
        const float here = j->kernels->amax(smaller(TASK, n - t * TASK), j->x + t * TASK);
        if (here > largest) largest = here;
    }
    return largest;
}

/* The whole matrix under one scale. */
static void run_flat(const job *j, float scale) {
    const size_t n = j->rows * j->cols, tasks = (n + TASK - 1) / TASK;
#pragma omp parallel for num_threads(j->threads) schedule(static) if (tasks > 1)
    for (size_t t = 0; t < tasks; t++) {
        const size_t at = t * TASK;
        j->kernels->qdq(&j->elem, smaller(TASK, n - at), j->x + at, scale, j->first + at, j->stream,
                        j->y + at);
    }
}

/* The scale of a group with this largest magnitude, by the definition. */
static float scale_of(const job *j, float amax) {
    const num_group group = {.x = &amax, .rows = 1, .cols = 1, .stride = 1};
    return num_scale_choose(j->quant, &group, 1).value;
}

static void run_rows(const job *j) {
#pragma omp parallel for num_threads(j->threads) schedule(static) if (j->rows * j->cols > TASK)
    for (size_t r = 0; r < j->rows; r++) {
        const size_t at = r * j->cols;
        const float scale = scale_of(j, j->kernels->amax(j->cols, j->x + at));
        j->kernels->qdq(&j->elem, j->cols, j->x + at, scale, j->first + at, false, j->y + at);
    }
}

/* Rows in pieces of whole blocks. */
static void run_blocks(const job *j) {
    const rg_format *f = &j->quant->format;
    const size_t block = j->block.block, piece = block < TASK ? TASK / block * block : block;
    const size_t pieces = (j->cols + piece - 1) / piece, tasks = j->rows * pieces;
    const bool each = f->tensor_scale && j->per_row;
    const float whole = f->tensor_scale && !each ? num_tensor_scale(j->quant, matrix_amax(j)) : 1;
#pragma omp parallel for num_threads(j->threads) schedule(static) if (j->rows * j->cols > TASK)
    for (size_t r = 0; r < (each ? j->rows : tasks); r++) {
        const size_t row = each ? r : r / pieces, c = each ? 0 : r % pieces * piece;
        const size_t at = row * j->cols + c, n = each ? j->cols : smaller(piece, j->cols - c);
        const float tensor = each ? num_tensor_scale(j->quant, j->kernels->amax(n, j->x + at)) : whole;
        j->kernels->blocks(&j->block, n, j->x + at, tensor, j->first + at, j->stream, j->y + at);
    }
}

static void slow_rows(const job *j) {
#pragma omp parallel for num_threads(j->threads) schedule(dynamic)
    for (size_t r = 0; r < j->rows; r += ROWS)
        rg_qdq_from(j->quant, j->x + r * j->cols, j->y + r * j->cols, smaller(ROWS, j->rows - r), j->cols,
                    j->per_row, j->first + r * j->cols, NULL);
}

/* By the definition: rows apart where no scale spans them. */
static void run_slow(const job *j) {
    const rg_format *f = &j->quant->format;
    const bool spans_rows = !j->per_row && (f->span == RG_SPAN_TENSOR || f->tensor_scale ||
                                            (f->span == RG_SPAN_BLOCK && f->block_rows > 1));
    if (spans_rows)
        rg_qdq_from(j->quant, j->x, j->y, j->rows, j->cols, j->per_row, j->first, NULL);
    else
        slow_rows(j);
}

void rg_qdq_fast(const rg_kernels *kernels, int threads, const rg_quant *q, const float *x, float *y,
                 size_t rows, size_t cols, bool per_row, uint64_t first) {
    job j = {kernels->cast, threads, q, x, y, rows, cols, per_row, first};
    const rg_format *f = &q->format;
    if (rows == 0 || cols == 0) return;
    j.stream = x != y && rows * cols * sizeof *y >= STREAM_BYTES;
    if (f->span == RG_SPAN_BLOCK) {
        if (rg_block_plan_make(&j.block, q))
            run_blocks(&j);
        else
            run_slow(&j);
        return;
    }
    if (f->zero_point || !rg_scale_is_plain(q) || !rg_cast_plan_make(&j.elem, &f->elem, &q->cast) ||
        !j.elem.has_values) {
        run_slow(&j);
        return;
    }
    if (f->span == RG_SPAN_NONE)
        run_flat(&j, 1);
    else if (f->span == RG_SPAN_TENSOR && !per_row)
        run_flat(&j, scale_of(&j, matrix_amax(&j)));
    else
        run_rows(&j);
}
