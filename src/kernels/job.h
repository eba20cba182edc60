/* Quantization of a matrix cut into what one thread does: the scale of a group, an element, a packed byte.
   In the common subset of C and CUDA C; every operation is one of src/num. */
#ifndef RIDGE_KERNELS_JOB_H
#define RIDGE_KERNELS_JOB_H

#include "num/pack.h"
#include "num/scale.h"
#ifdef __CUDACC__
#include "num/scale_text.h" /* in C the library has it */
#endif

/* Patterns of the largest magnitude, of the least value without its sign, of the largest: as unsigned
   integers they order as the values do. Zeros to start with; infinity and NaN are not seen. */
typedef struct job_range {
    uint32_t amax, low, high;
} job_range;

typedef struct quant_job {
    rg_quant quant;
    const float *x;          /* [rows][cols] */
    float *y;                /* results; each may be NULL */
    uint8_t *codes, *packed; /* packed needs codes */
    float *tensor_at;        /* stored scales, in the order of rg_encode; each may be NULL */
    uint8_t *scale_at, *zero_at;
    uint64_t rows, cols, first; /* first: number of element 0 */
    uint64_t piece;             /* rows that are quantized apart from others */
    uint64_t high, wide;        /* of a group */
    uint64_t down, across;      /* groups of a piece, one below the other and side by side */
    uint64_t n_groups, span;    /* span: elements that a range is taken over; 0: no ranges */
    uint64_t row_shifts;        /* shifts of sub-blocks in a row */
    uint64_t packed_row;        /* bytes */
    job_range *range;           /* [rows cols / span] */
    num_scale *scale;           /* [n_groups] */
    uint8_t *shift;             /* [rows row_shifts], in the order of rg_encode */
    unsigned long long *counts; /* NaN, infinite, overflowing; NULL: not counted */
} quant_job;

NUM_INLINE void job_range_add(job_range *r, float x) {
    const uint32_t bits = elem_bits_of(x), magnitude = bits & 0x7fffffffu;
    if (magnitude >= 0x7f800000u) return;
    if (magnitude > r->amax) r->amax = magnitude;
    if (bits >> 31) {
        if (magnitude > r->low) r->low = magnitude;
    } else if (magnitude > r->high) {
        r->high = magnitude;
    }
}

NUM_INLINE void job_put(uint8_t *at, uint64_t i, int bits, uint32_t code) {
    const int width = num_code_width(bits);
    for (int b = 0; b < width; b++) at[i * (uint64_t)width + (uint64_t)b] = (uint8_t)(code >> 8 * b);
}

NUM_INLINE uint64_t job_least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

NUM_INLINE uint64_t job_parts(uint64_t n, uint64_t size) {
    return (n + size - 1) / size;
}

/* A matrix cut as rg_qdq cuts it, without arrays; rows and cols are not 0. */
NUM_INLINE quant_job job_make(const rg_quant *q, uint64_t rows, uint64_t cols, bool per_row, uint64_t first) {
    const rg_format *f = &q->format;
    const bool in_blocks = f->span == RG_SPAN_BLOCK;
    quant_job j;
    memset(&j, 0, sizeof j);
    j.quant = *q;
    j.rows = rows;
    j.cols = cols;
    j.first = first;
    j.piece = per_row ? 1 : rows;
    j.packed_row = (cols * (uint64_t)f->elem.bits + 7) / 8;
    if (f->span == RG_SPAN_NONE) return j;
    j.high = f->span == RG_SPAN_TENSOR ? j.piece : 1;
    if (in_blocks) j.high = job_least((uint64_t)f->block_rows, j.piece);
    j.wide = in_blocks ? (uint64_t)f->block : cols;
    j.down = job_parts(j.piece, j.high);
    j.across = job_parts(cols, j.wide);
    j.n_groups = rows / j.piece * j.down * j.across;
    if (!in_blocks) j.span = j.high * cols;
    if (f->tensor_scale) j.span = j.piece * cols;
    if (f->sub_block) {
        const uint64_t sub = (uint64_t)f->sub_block;
        j.row_shifts = cols / j.wide * job_parts(j.wide, sub) + job_parts(cols % j.wide, sub);
    }
    return j;
}

/* Where group g lies: its first element, rows and columns; and the piece it belongs to. */
typedef struct job_place {
    uint64_t piece, row, col, rows, cols;
} job_place;

NUM_INLINE job_place job_place_of(const quant_job *j, uint64_t g) {
    job_place p;
    const uint64_t d = g / j->across % j->down;
    p.piece = g / (j->down * j->across);
    p.row = p.piece * j->piece + d * j->high;
    p.col = g % j->across * j->wide;
    p.rows = job_least(j->high, j->piece - d * j->high);
    p.cols = job_least(j->wide, j->cols - p.col);
    return p;
}

/* Index of the shift of a sub-block: group by group, within a group row by row. */
NUM_INLINE uint64_t job_shift_at(const quant_job *j, const job_place *p, uint64_t row, uint64_t col) {
    const uint64_t sub = (uint64_t)j->quant.format.sub_block;
    const uint64_t before = p->row * j->row_shifts + p->rows * (p->col / j->wide) * job_parts(j->wide, sub);
    return before + row * job_parts(p->cols, sub) + col / sub;
}

NUM_INLINE void job_shifts(const quant_job *j, const job_place *p, const num_scale *s) {
    const uint64_t sub = (uint64_t)j->quant.format.sub_block;
    for (uint64_t r = 0; r < p->rows; r++)
        for (uint64_t c = 0; c < p->cols; c += sub) {
            const uint64_t at = (p->row + r) * j->cols + p->col + c, n = job_least(sub, p->cols - c);
            const num_group group = {j->x + at, 1, (size_t)n, (size_t)n, j->first + at, 0};
            j->shift[job_shift_at(j, p, r, c)] = (uint8_t)num_shift_choose(&j->quant, s, &group);
        }
}

/* The scale of group g, chosen and stored. Ranges are known. */
NUM_INLINE void job_group(const quant_job *j, uint64_t g) {
    const rg_format *f = &j->quant.format;
    const job_place p = job_place_of(j, g);
    const uint64_t at = p.row * j->cols + p.col;
    num_group group = {j->x + at, (size_t)p.rows, (size_t)p.cols, (size_t)j->cols, j->first + at, 0};
    float tensor = 1;
    num_scale s;
    if (f->tensor_scale) {
        group.tensor_amax = elem_float_of(j->range[p.piece].amax);
        tensor = num_tensor_scale(&j->quant, group.tensor_amax);
        if (j->tensor_at && g % (j->down * j->across) == 0) j->tensor_at[p.piece] = tensor;
    }
    if (f->span == RG_SPAN_BLOCK) {
        s = num_scale_choose(&j->quant, &group, tensor);
    } else {
        const job_range r = j->range[at / j->span];
        s = f->zero_point
                ? num_scale_of_range(&j->quant, r.low ? -elem_float_of(r.low) : 0.0f, elem_float_of(r.high))
                : num_scale_of_amax(&j->quant, &group, elem_float_of(r.amax), tensor);
    }
    if (f->sub_block) job_shifts(j, &p, &s);
    j->scale[g] = s;
    if (j->scale_at) job_put(j->scale_at, g, f->scale.bits, s.code);
    if (j->zero_at) j->zero_at[g] = (uint8_t)s.zero;
}

/* The scale of element i, once that of its group is known. */
NUM_INLINE num_scale job_scale_of(const quant_job *j, uint64_t i) {
    if (j->quant.format.span == RG_SPAN_NONE) return num_scale_one();
    const uint64_t row = i / j->cols, col = i % j->cols, piece = row / j->piece;
    const uint64_t g = (piece * j->down + row % j->piece / j->high) * j->across + col / j->wide;
    if (!j->quant.format.sub_block) return j->scale[g];
    const job_place p = job_place_of(j, g);
    return num_scale_shift(&j->scale[g], j->shift[job_shift_at(j, &p, row - p.row, col - p.col)]);
}

/* Element i, under the scale of its group. Returns what there is to count: 1 NaN, 2 infinite, 4 overflow. */
NUM_INLINE int job_element(const quant_job *j, uint64_t i) {
    const rg_format *f = &j->quant.format;
    const num_scale s = job_scale_of(j, i);
    bool overflow;
    const float x = j->x[i];
    const uint32_t code = num_element_code(&j->quant, &s, x, j->first + i, &overflow);
    const uint32_t magnitude = elem_bits_of(x) & 0x7fffffffu;
    if (j->codes) job_put(j->codes, i, f->elem.bits, code);
    if (j->y) j->y[i] = num_element_value(f, &s, code);
    return (magnitude > 0x7f800000u) | (magnitude == 0x7f800000u) << 1 | overflow << 2;
}

/* Byte b of the packed codes. */
NUM_INLINE void job_pack(const quant_job *j, uint64_t b) {
    const int bits = j->quant.format.elem.bits;
    const uint64_t row = b / j->packed_row, width = (uint64_t)num_code_width(bits);
    j->packed[b] = num_packed_byte(j->codes + row * j->cols * width, bits, j->cols, b % j->packed_row);
}

#endif
